"""The latest windows are kept by the note itself: see `results.py` of the bundle."""
