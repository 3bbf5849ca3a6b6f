"""The kinds of values that parameters take, and their checks."""
