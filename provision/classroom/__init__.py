"""Many notes at once, one for each row of a file."""
