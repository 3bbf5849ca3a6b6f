"""Windows read from what a stream prints: Spark's `DStream.print` and `DataFrame.show`, and the note's own heading."""

import re
from collections.abc import Callable
from datetime import datetime
from itertools import pairwise

from provision.streams.windows import Window

_PRINTED = re.compile(r"^-{20,}\nTime: (\d+) ms\n-{20,}\n(.*?)^\n", re.MULTILINE | re.DOTALL)
_SHOWN = re.compile(
    r"^(?P<border>\+[-+]+\+)\n(?P<heading>\|.*\|\n)\+[-+]+\+\n(?P<rows>(?:\|.*\|\n)*)\+[-+]+\+$", re.MULTILINE
)
_HEADED = re.compile(r"^window until (\S+)\n(.*?)(?=^window until |^counts: |\Z)", re.MULTILINE | re.DOTALL)


def printed_windows(text: str) -> list[Window]:
    """The windows that `DStream.print` wrote: its first events, a row each; one still being written is left out."""
    return [Window(int(match[1]), (), _lines(match[2])) for match in _PRINTED.finditer(text)]


def shown_windows(text: str, at: int) -> list[Window]:
    """The tables that `DataFrame.show` wrote; it tells no time, so every window gets `at` (ms) as its end."""
    return [_table(match, at) for match in _SHOWN.finditer(text)]


def with_tables(text: str, drawn: Callable[[Window], str]) -> str:
    """The text with each table that `DataFrame.show` wrote as `drawn` has it."""
    return _SHOWN.sub(lambda match: drawn(_table(match, 0)), text)


def headed_windows(text: str) -> list[Window]:
    """The windows below headings `window until TIME`, tables or lines, oldest first."""
    return [_headed(_millis(match[1]), match[2]) for match in _HEADED.finditer(text)]


def _headed(end: int, text: str) -> Window:
    tables = list(_SHOWN.finditer(text))
    if tables:
        return _table(tables[-1], end)
    if text.lstrip().startswith("+-"):  # a cell has a line break: what is whole of the table's rows
        border, *_ = text.split()
        columns, *rows = _cells(text, border) or ((),)
        return Window(end, (), tuple(rows), columns)
    return Window(end, (), _lines(text))


def _table(shown: re.Match[str], end: int) -> Window:
    (columns,) = _cells(shown["heading"], shown["border"])
    return Window(end, (), _cells(shown["rows"], shown["border"]), columns)


def _cells(text: str, border: str) -> tuple[tuple[str, ...], ...]:
    lines = (line for line in text.split("\n") if line.startswith("|") and line.endswith("|"))
    return tuple(_row(line, border) for line in lines)


def _row(line: str, border: str) -> tuple[str, ...]:
    """The cells of a line; the table's border ("+---+---+") tells where one that has a bar in it ends."""
    cells = line[1:-1].split("|")
    if len(cells) != border.count("+") - 1 and len(line) == len(border):
        corners = [at for at, each in enumerate(border) if each == "+"]
        cells = [line[left + 1 : right] for left, right in pairwise(corners)]
    return tuple(cell.strip() for cell in cells)


def _lines(text: str) -> tuple[tuple[str, ...], ...]:
    return tuple((line,) for line in text.splitlines() if line and line != "...")


def _millis(instant: str) -> int:
    return round(datetime.fromisoformat(instant).timestamp() * 1000)
