"""A line of values in one row of a terminal."""

from collections.abc import Sequence

_BLOCKS = "▁▂▃▄▅▆▇█"
_LEVEL = "▄"
"""What a line without ups and downs looks like."""


def sparkline(values: Sequence[float | None], width: int) -> str:
    """The latest `width` values, from the lowest of them to the highest; a space where there is none."""
    drawn = list(values)[-width:] if width > 0 else []
    told = [value for value in drawn if value is not None]
    low, high = min(told, default=0.0), max(told, default=0.0)
    return "".join(_block(value, low, high) for value in drawn)


def _block(value: float | None, low: float, high: float) -> str:
    if value is None:
        return " "
    if high <= low:
        return _LEVEL
    return _BLOCKS[min(len(_BLOCKS) - 1, int((value - low) / (high - low) * len(_BLOCKS)))]
