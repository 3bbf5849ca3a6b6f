"""Measures. `python -m bench NAME --json` prints one object; ratios are between two sides of the same run."""
