"""A stream's windows, read back from the CSV files that it wrote."""

import csv
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from rich.table import Table

PREFIX = "avg-"
COLUMNS = ("ts", "id", "loadavg", "cpu", "mem")


@dataclass(frozen=True)
class Window:
    """One window: `end` in ms since the epoch as its folder's name has it, its files, its rows as text."""

    end: int
    files: tuple[Path, ...]
    rows: tuple[tuple[str, ...], ...]

    def answer(self) -> dict[str, Any]:
        """The `--json` keys of a window."""
        return {"end": self.end, "files": [str(file) for file in self.files], "rows": [list(row) for row in self.rows]}


def read_windows(out: Path) -> list[Window]:
    """The windows in `out`, oldest first. One that Spark has not finished (no `_SUCCESS` file) is left out."""
    folders = [path.parent for path in out.glob(f"{PREFIX}*/_SUCCESS") if path.parent.name[len(PREFIX) :].isdigit()]
    return sorted((_read(folder) for folder in folders), key=lambda window: window.end)


def _read(folder: Path) -> Window:
    files = tuple(sorted(folder.glob("part-*.csv")))
    rows = [tuple(row) for file in files for row in csv.reader(file.read_text(encoding="utf-8").splitlines())]
    return Window(int(folder.name[len(PREFIX) :]), files, tuple(rows))


def as_table(window: Window) -> Table:
    """The window's rows as a table to show."""
    width = max((len(row) for row in window.rows), default=0)
    table = Table(box=None, pad_edge=False)
    for number in range(width):
        table.add_column(COLUMNS[number] if width == len(COLUMNS) else f"{number + 1}")
    for row in window.rows:
        table.add_row(*row)
    return table
