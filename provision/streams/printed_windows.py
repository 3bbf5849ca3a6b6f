"""Windows read from what a stream prints: Spark's `DStream.print` and `DataFrame.show`, and the note's own heading."""

import re
from collections.abc import Iterator
from datetime import datetime

from provision.streams.windows import Window

_PRINTED = re.compile(r"^-{20,}\nTime: (\d+) ms\n-{20,}\n(.*?)^\n", re.MULTILINE | re.DOTALL)
_SHOWN = re.compile(r"^\+[-+]+\+\n\|(?:.*)\|\n\+[-+]+\+\n(?P<rows>(?:\|.*\|\n)*)\+[-+]+\+\n", re.MULTILINE)
_HEADED = re.compile(r"^window until (\S+)\n(.*?)(?=^window until |^counts: |\Z)", re.MULTILINE | re.DOTALL)


def printed_windows(text: str) -> list[Window]:
    """The windows that `DStream.print` wrote: its first events, a row each; one still being written is left out."""
    return [Window(int(match[1]), (), _lines(match[2])) for match in _PRINTED.finditer(text)]


def shown_windows(text: str, at: int) -> list[Window]:
    """The tables that `DataFrame.show` wrote; it tells no time, so every window gets `at` (ms) as its end."""
    return [Window(at, (), _cells(match["rows"])) for match in _SHOWN.finditer(text)]


def headed_windows(text: str) -> list[Window]:
    """The windows that the `streaming` note's `Results.show` wrote, tables or lines, oldest first."""
    return [Window(_millis(match[1]), (), _cells(match[2]) or _plain(match[2])) for match in _HEADED.finditer(text)]


def _millis(instant: str) -> int:
    return round(datetime.fromisoformat(instant).timestamp() * 1000)


def _plain(text: str) -> tuple[tuple[str, ...], ...]:
    """Lines of events; none where the text is an empty table."""
    return () if text.lstrip().startswith("+-") else _lines(text)


def _lines(text: str) -> tuple[tuple[str, ...], ...]:
    return tuple((line,) for line in text.splitlines() if line and line != "...")


def _cells(text: str) -> tuple[tuple[str, ...], ...]:
    return tuple(_table_rows(text))


def _table_rows(text: str) -> Iterator[tuple[str, ...]]:
    for table in _SHOWN.finditer(text + "\n"):
        text = table["rows"]
    for line in text.splitlines():
        if line.startswith("|") and line.endswith("|"):
            yield tuple(cell.strip() for cell in line[1:-1].split("|"))
