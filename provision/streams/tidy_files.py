"""Windows read from files: tidy CSV and Parquet, a row for each key of a window, or the document's folders."""

import csv
from collections.abc import Iterable, Sequence
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from provision.bundles.values.numbers import number_of
from provision.errors import ProvisionError, UsageError
from provision.streams.measures import TIME
from provision.streams.windows import Window, read_windows

WINDOW_COLUMNS = ("window_end", "window", "time", "ts")
"""The columns that may say when a row's window ended; the first that is there does."""
_PARTS = ("csv", "parquet")


def read_tidy(path: Path) -> list[Window]:
    """The windows of a file, or of all files below a folder, oldest first.

    Raises `UsageError` for files without such a column or with a time that can't be read, and `ProvisionError` where
    Parquet can't be read here.
    """
    rows: dict[int, list[tuple[str, ...]]] = {}
    columns: tuple[str, ...] = ()
    for file in files_of(path):
        names, cells = _parquet(file) if file.suffix == ".parquet" else _csv(file)
        if not names:
            continue
        at = _window_column(names, file)
        columns = names[:at] + names[at + 1 :]
        for line, row in enumerate(cells, 2):
            end = _millis(row[at], file, line)
            rows.setdefault(end, []).append((*row[:at], *row[at + 1 :]))
    return [Window(end, (), tuple(rows[end]), columns) for end in sorted(rows)]


def files_of(path: Path) -> list[Path]:
    """The CSV and Parquet files that `path` is or has below it, without hidden ones and those being written."""
    if path.is_file():
        return [path]
    found = (file for part in _PARTS for file in path.rglob(f"*.{part}"))
    return sorted(file for file in found if not any(each[0] in "._" for each in file.relative_to(path).parts))


def _csv(file: Path) -> tuple[tuple[str, ...], Iterable[Sequence[str]]]:
    try:
        table = list(csv.reader(file.read_text(encoding="utf-8").splitlines(keepends=True)))
    except (UnicodeDecodeError, csv.Error) as error:
        raise UsageError(f"{file}: no CSV ({error})", next_step="name a file or folder of an output") from error
    names = tuple(table[0]) if table else ()
    for line, row in enumerate(table[1:], 2):
        if len(row) != len(names):
            raise UsageError(
                f"{file}: line {line} has {len(row)} cells, its header {len(names)}",
                next_step="name a dataset with a header, or the folder above an output's `avg-…` folders",
            )
    return names, table[1:]


def _parquet(file: Path) -> tuple[tuple[str, ...], Iterable[Sequence[str]]]:
    try:
        import pyarrow
        from pyarrow import parquet
    except ImportError as error:
        raise ProvisionError(
            f"{file}: reading Parquet needs pyarrow", next_step="install the extra: pip install '.[plot]'"
        ) from error
    try:
        table = parquet.ParquetFile(file).read()
    except (pyarrow.ArrowException, OSError) as error:
        raise UsageError(f"{file}: no Parquet ({error})", next_step="name a file or folder of an output") from error
    columns = [[_cell(value) for value in column.to_pylist()] for column in table.columns]
    return tuple(table.column_names), list(zip(*columns, strict=True))


def _cell(value: Any) -> str:
    if value is None:
        return ""
    if isinstance(value, datetime):
        return (value if value.tzinfo else value.replace(tzinfo=UTC)).isoformat()
    return str(value)


def _window_column(names: Sequence[str], file: Path) -> int:
    for name in WINDOW_COLUMNS:
        if name in names:
            return names.index(name)
    raise UsageError(
        f"{file}: no column says when a window ended ({', '.join(WINDOW_COLUMNS)}); it has {', '.join(names)}",
        next_step="name a dataset with a header",
    )


def _millis(text: str, file: Path, line: int) -> int:
    """An ISO time with a zone, in ms since the epoch; one without a zone is taken as this machine's."""
    try:
        return round(datetime.fromisoformat(text.strip()).timestamp() * 1000)
    except (ValueError, OverflowError, OSError) as error:
        raise UsageError(
            f"{file}: line {line}: {text!r} is no time", next_step="write times as 2026-11-26T09:00:00Z"
        ) from error


def read_folders(path: Path, columns: Sequence[str] = ()) -> list[Window]:
    """The windows in the folders `avg-…` below `path`, none if it has no such; `columns` names what has no header.

    Raises `UsageError` where the names do not fit the rows.
    """
    windows = read_windows(path) if path.is_dir() else []
    first = next((row for window in windows for row in window.rows), ())
    if first and not any(map(_is_value, first)):
        windows = read_windows(path, header=True)
    elif first and columns and len(columns) != len(first):
        raise UsageError(
            f"{path}: its rows have {len(first)} cells, --columns names {len(columns)}",
            next_step=f"the first row is {', '.join(first)}",
        )
    named = tuple(columns) or tuple(f"column {at + 1}" for at in range(len(first)))
    return [replace(window, columns=window.columns or named) for window in windows]


def _is_value(cell: str) -> bool:
    """Whether a cell is a number or a time, which no column is called."""
    return number_of(cell) is not None or TIME.fullmatch(cell) is not None
