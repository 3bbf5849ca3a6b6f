"""The windows of a note as they came: their measures, their keys, and the values of each as a line. Pure."""

import math
import re
import time
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime

from provision.bundles.values.numbers import number_of
from provision.streams.measures import TIME, columns_of
from provision.streams.printed_windows import headed_windows
from provision.streams.windows import Window
from zeppelin_sdk import Paragraph, Table

KEPT_WINDOWS = 400
"""More than an hour of ten-second windows."""
_END = "window_end"
_ZONE_MS = 15 * 60 * 1000
"""Zones are whole quarters of an hour apart."""
_ZONE = re.compile(r"(?:Z|[+-]\d\d:?\d\d)$")


@dataclass(frozen=True)
class Line:
    """A key's values of one measure, one for each end of `Lines`; None where the window has no such row."""

    key: str
    values: tuple[float | None, ...]


@dataclass(frozen=True)
class Lines:
    """One measure: the ends of windows, in ms since the epoch, and a line for each key."""

    measure: str
    ends: tuple[int, ...]
    lines: tuple[Line, ...]


class History:
    """The windows of a note, the latest `kept`; only those with the newest one's columns are drawn.

    One thread adds, any may read: what is there is replaced, never changed.
    """

    def __init__(self, kept: int = KEPT_WINDOWS) -> None:
        self._kept = kept
        self._windows: tuple[Window, ...] = ()
        self.version = 0

    def add(self, windows: Iterable[Window]) -> list[Window]:
        """Keep windows; returns those that are new. One that is known already is replaced by one with more rows."""
        kept = {window.end: window for window in self._windows}
        new, changed = [], False
        for window in windows:
            known = kept.get(window.end)
            if not window.columns or (known and len(known.rows) >= len(window.rows)):
                continue
            kept[window.end], changed = window, True
            if known is None:
                new.append(window)
        if changed:
            self._windows = tuple(kept[end] for end in sorted(kept)[-self._kept :])
            self.version += 1
        return sorted(new, key=lambda window: window.end)

    @property
    def newest(self) -> Window | None:
        """The window that ended last."""
        return self._windows[-1] if self._windows else None

    def latest(self, count: int) -> list[Window]:
        """The latest windows, the newest first."""
        return list(self._windows[: -count - 1 : -1])

    def alike(self, span: float = math.inf) -> list[Window]:
        """The windows with the newest one's columns that ended within `span` seconds before it, oldest first."""
        windows = self._windows
        if not windows:
            return []
        newest = windows[-1]
        return [each for each in windows if each.end > newest.end - span * 1000 and each.columns == newest.columns]

    def measures(self) -> list[str]:
        """The names of the measures of the newest window."""
        newest = self.newest
        return [newest.columns[at] for at in columns_of(newest).measures] if newest else []

    def keys(self) -> list[str]:
        """The keys of all windows that are drawn, sorted as a person would (`host-2` before `host-10`)."""
        windows = self.alike()
        named_by = columns_of(windows[-1]).keys if windows else ()
        found = {key for window in windows for key in rows_by_key(window, named_by)}
        return sorted(found, key=_natural)

    def lines(self, measure: str, keys: Sequence[str], span: float = math.inf) -> Lines:
        """A measure's lines; between windows that do not follow each other there is an end without values."""
        windows = self.alike(span)
        slide = _slide(windows)
        named_by = columns_of(windows[-1]).keys if windows else ()
        ends: list[int] = []
        found: dict[str, list[float | None]] = {key: [] for key in keys}
        for window in windows:
            if ends and slide and window.end - ends[-1] > 1.5 * slide:
                ends.append(ends[-1] + slide)
                for values in found.values():
                    values.append(None)
            ends.append(window.end)
            rows, at = rows_by_key(window, named_by), window.columns.index(measure)
            for key, values in found.items():
                values.append(number_of(rows[key][at]) if key in rows else None)
        return Lines(measure, tuple(ends), tuple(Line(key, tuple(values)) for key, values in found.items()))


def rows_by_key(window: Window, keys: Sequence[int]) -> dict[str, tuple[str, ...]]:
    """The rows of a window by the columns that name them; where none does, its last row as `all`."""
    width = len(window.columns)
    return {" / ".join(row[at] for at in keys) or "all": row for row in window.rows if len(row) == width}


def _slide(windows: Sequence[Window]) -> int:
    """The ms between two windows that follow each other; 0 for fewer than two."""
    ends = [window.end for window in windows]
    return min((after - before for before, after in zip(ends, ends[1:], strict=False)), default=0)


def _natural(key: str) -> list[tuple[int, int, str]]:
    parts = re.split(r"(\d+)", key)
    return [(0, int(part), "") if part.isdecimal() and part.isascii() else (1, 0, part.lower()) for part in parts]


def time_of_day(cell: str) -> str:
    """A point in time with a zone as this machine's clock has it, such as `09:53:36`; empty for anything else."""
    if not TIME.fullmatch(cell) or not _ZONE.search(cell):
        return ""
    end = _millis(cell)
    return "" if end is None else time.strftime("%H:%M:%S", time.localtime(end / 1000))


# --- from what a note shows ---


def shown_windows_of(paragraph: Paragraph) -> list[Window]:
    """The windows that a paragraph shows: in a table with a column `window_end`, and below headings.

    A table's times may stand without a zone; the headings' are instants, and tell it.
    """
    headed = [window for window in headed_windows(paragraph.output) if window.columns]
    tables = [message.table() for message in paragraph.results if message.type == "TABLE"]
    told = [window for table in tables for window in _in_table(table, max((w.end for w in headed), default=0))]
    by_end = {window.end: window for window in headed} | {window.end: window for window in told}
    return [by_end[end] for end in sorted(by_end)]


def _in_table(table: Table, newest: int) -> list[Window]:
    if not table.columns or table.columns[0] != _END:
        return []
    rows: dict[str, list[tuple[str, ...]]] = {}
    for text, *cells in table.rows:
        rows.setdefault(text, []).append(tuple(cells))
    ends = {text: end for text in rows if (end := _millis(text)) is not None}
    has_zone = all(text.endswith("Z") for text in ends)
    shift = 0 if has_zone or not ends or not newest else round((newest - max(ends.values())) / _ZONE_MS) * _ZONE_MS
    columns = tuple(table.columns[1:])
    return [Window(end + shift, (), tuple(rows[text]), columns) for text, end in ends.items()]


def _millis(text: str) -> int | None:
    """A time in ms since the epoch; one without a zone is taken as this machine's."""
    try:
        return round(datetime.fromisoformat(text).timestamp() * 1000)
    except (ValueError, OverflowError, OSError):
        return None
