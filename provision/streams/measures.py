"""Which columns of a window are measures and which name a key, and numbers as a person reads them. Pure."""

import re
from collections.abc import Sequence
from dataclasses import dataclass, replace

from provision.bundles.values.numbers import number_of
from provision.streams.windows import Window

_DIGITS = 5
_KEY_NAME = re.compile(r"(?:.*_)?(?:id|key|name|host|device|sensor|topic|alias)", re.IGNORECASE)
_TIME_NAME = re.compile(r"ts|time|timestamp|date|window_(?:start|end)", re.IGNORECASE)
TIME = re.compile(r"\d{4}-\d\d-\d\d[T ]\d\d:\d\d.*")
"""How a point in time is written."""
_NONE = frozenset({"", "null", "None", "NULL", "NaN", "nan"})


@dataclass(frozen=True)
class Columns:
    """What the columns of a window are, as their indices."""

    keys: tuple[int, ...]
    measures: tuple[int, ...]


def shown_number(value: float) -> str:
    """A number as a person reads it: five digits at most, no exponent for usual sizes."""
    if value == 0 or 1e-4 <= abs(value) < 1e9:
        text = f"{value:,.{max(0, _DIGITS - len(str(int(abs(value)))))}f}"
        return text.rstrip("0").rstrip(".") if "." in text else text
    return f"{value:.{_DIGITS - 1}g}"


def columns_of(window: Window) -> Columns:
    """Which columns of a window are measures and which name a row; times are neither.

    A column of numbers is a measure, unless it is called as a key is (`id`, `device_id`) or no other names the rows.
    """
    names = window.columns or ("",) * max(map(len, window.rows), default=0)
    cells = {at: [row[at] for row in window.rows if at < len(row)] for at in range(len(names))}
    times = {at for at, values in cells.items() if _is_time(names[at], values)}
    others = [at for at in cells if at not in times]
    numeric = [at for at in others if _are_numbers(cells[at])]
    keys = [at for at in others if at not in numeric or _KEY_NAME.fullmatch(names[at])]
    if not keys and len(window.rows) > 1 and len(numeric) > 1:
        keys = [at for at in numeric[:1] if len(set(cells[at])) == len(window.rows)]
    return Columns(tuple(keys), tuple(at for at in numeric if at not in keys))


def _is_time(name: str, cells: Sequence[str]) -> bool:
    told = [cell for cell in cells if cell not in _NONE]
    return bool(told) and (all(map(TIME.fullmatch, told)) or _TIME_NAME.fullmatch(name.strip()) is not None)


def _are_numbers(cells: Sequence[str]) -> bool:
    told = [cell for cell in cells if cell not in _NONE]
    return bool(told) and all(number_of(cell) is not None for cell in told)


def rounded(window: Window) -> Window:
    """The window as a person reads it: its measures with five digits at most, all else as it stands."""
    measures = columns_of(window).measures
    return replace(
        window,
        rows=tuple(
            tuple(rounded_cell(cell) if at in measures else cell for at, cell in enumerate(row)) for row in window.rows
        ),
    )


def rounded_cell(cell: str) -> str:
    """A fraction with five digits at most; any other text, and a whole number, as it stands."""
    value = number_of(cell) if "." in cell else None
    return cell if value is None else shown_number(value).replace(",", "")
