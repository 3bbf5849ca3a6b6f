"""A stream's windows, read from the CSV files that it writes."""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from rich.table import Table
from rich.text import Text

from provision.bundles.context import FOLDER_PREFIX
from provision.errors import ProvisionError

_END = re.compile(rf"{FOLDER_PREFIX}[0-9]+")
_FIELD = re.compile(r'(?:"(?P<quoted>(?:[^"\\]|\\.)*)"|(?P<plain>[^",\n]*))(?P<end>,|\n|\Z)', re.DOTALL)


@dataclass(frozen=True)
class Window:
    """One window: `end` in ms since the epoch as its folder's name has it, its files, its rows as text.

    `columns` are their names, as far as they came with the rows.
    """

    end: int
    files: tuple[Path, ...]
    rows: tuple[tuple[str, ...], ...]
    columns: tuple[str, ...] = ()

    def to_json(self) -> dict[str, Any]:
        """The `--json` keys of a window."""
        return {
            "end": self.end,
            "files": [str(file) for file in self.files],
            "columns": list(self.columns) or None,
            "rows": [list(row) for row in self.rows],
        }


def read_windows(out: Path, since: float = 0, *, header: bool = False) -> list[Window]:
    """The windows in `out` that end at `since` (ms since the epoch) or later, oldest first.

    One that Spark has not finished (no `_SUCCESS` file) is left out. `header`: files begin with the columns' names.
    """
    folders = [path.parent for path in out.glob(f"{FOLDER_PREFIX}*/_SUCCESS") if _END.fullmatch(path.parent.name)]
    found = (_read(folder, header) for folder in folders if _end(folder) >= since)
    return sorted(found, key=lambda window: window.end)


def _end(folder: Path) -> int:
    return int(folder.name[len(FOLDER_PREFIX) :])


def _read(folder: Path, header: bool) -> Window:
    files = tuple(sorted(folder.glob("part-*.csv")))
    tables = [list(read_csv(file.read_bytes().decode())) for file in files]
    columns = next((table[0] for table in tables if table), ()) if header else ()
    return Window(_end(folder), files, tuple(row for table in tables for row in table[header:]), columns)


def read_csv(text: str) -> Iterator[tuple[str, ...]]:
    """The rows of CSV as Spark writes it: a quoted field escapes quotes and backslashes with a backslash and may hold
    line breaks; an unquoted one is literal. (Python's `csv` can do one or the other.)
    """
    row: list[str] = []
    position = 0
    while position < len(text):
        field = _FIELD.match(text, position)
        if not field:
            raise ProvisionError(f"no CSV of Spark's at character {position}", next_step="was the file edited?")
        quoted = field["quoted"]
        row.append(field["plain"] if quoted is None else re.sub(r"\\(.)", r"\1", quoted, flags=re.DOTALL))
        position = field.end()
        if field["end"] != ",":
            yield tuple(row)
            row = []


def as_table(window: Window) -> Table:
    """The window's rows as a table for the terminal."""
    width = max((len(row) for row in window.rows), default=0)
    table = Table(box=None, pad_edge=False, show_header=width > 1)
    for name in window.columns or (f"{number + 1}" for number in range(width)):
        table.add_column(name)
    for row in window.rows:
        table.add_row(*map(Text, row))
    return table
