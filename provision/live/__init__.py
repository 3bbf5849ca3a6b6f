"""A note as it is now: heard as in a browser, its windows, whether it is well, and two people's typing."""
