"""Durations as people write them: seconds, or a number with a unit."""

import re

_UNITS = {"": 1, "s": 1, "m": 60, "min": 60, "h": 3600, "d": 86_400}
_DURATION = re.compile(r"(\d{1,9}(?:\.\d{0,9})?|\.\d{1,9}) ?([a-z]*)")


def seconds_of(text: str) -> float | None:
    """The seconds that `300`, `10s`, `5m`, `1h` or `7d` are; None for anything else."""
    match = _DURATION.fullmatch(text.strip())
    return float(match[1]) * _UNITS[match[2]] if match and match[2] in _UNITS else None
