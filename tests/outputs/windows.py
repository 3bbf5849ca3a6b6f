"""Windows of a made-up stream, and how to read what outputs have made of them."""

import csv
from pathlib import Path
from typing import TYPE_CHECKING, Any

from zeppelin_notes.outputs._window import Window

if TYPE_CHECKING:
    from bench.postgres import Postgres

FIRST = 1_540_781_620_000
SLIDE = 10_000
COLUMNS = ("ts", "id", "avg(cpu)", "note")
KINDS = ("timestamp", "string", "double", "string")
ODD = ['say "hi", twice', "two\nlines", "", " blank ", "ไทย", None]

Rows = list[tuple[Any, ...]]


def window(number: int, keys: int = 3) -> Window:
    """The window of this number, a row a key."""
    end = FIRST + number * SLIDE
    rows = tuple(
        (end * 1000 - 1_500_000, f"device {key}", number + key / 8, ODD[(number + key) % len(ODD)])
        for key in range(keys)
    )
    return Window(end, COLUMNS, KINDS, rows)


def expected(*numbers: int, keys: int = 3) -> Rows:
    """The rows of these windows as outputs have them: with the window's end, in ms since 1970."""
    return sorted(((w.end, *row) for w in (window(n, keys) for n in numbers) for row in w.rows), key=by_key)


def by_key(row: tuple[Any, ...]) -> tuple[Any, ...]:
    return row[0], row[2]


def csv_rows(folder: Path) -> Rows:
    """All rows of the CSV table, read by Python's own reader: null and an empty text look alike there."""
    found: Rows = []
    for path in sorted(folder.glob("**/*.csv")):
        with path.open(encoding="utf-8", newline="") as file:
            header, *rows = csv.reader(file)
        assert header == ["window_end", *COLUMNS]
        found += [(millis(end), 1000 * millis(ts), id_, float(cpu), note or None) for end, ts, id_, cpu, note in rows]
    return sorted(found, key=by_key)


def parquet_rows(folder: Path) -> Rows:
    """All rows of the Parquet table."""
    import pyarrow.parquet  # slow to import, for processes that only write

    found: Rows = []
    for path in sorted(folder.glob("day=*/*.parquet")):
        for row in pyarrow.parquet.ParquetFile(path).read().to_pylist():
            end, ts, *others = row.values()
            found.append((round(end.timestamp() * 1000), round(ts.timestamp() * 1000) * 1000, *others))
    return sorted(found, key=by_key)


def table_rows(server: "Postgres", table: str) -> Rows:
    found = server.query(f'select window_end, ts, id, "avg(cpu)", note from "{table}"')
    return sorted(
        ((round(e.timestamp() * 1000), round(ts.timestamp() * 1000) * 1000, *more) for e, ts, *more in found),
        key=by_key,
    )


def without_empty(rows: Rows) -> Rows:
    """The rows as CSV tells them apart: an empty text is like none."""
    return [(*row[:-1], row[-1] or None) for row in rows]


def millis(text: str) -> int:
    from datetime import datetime

    time = datetime.fromisoformat(text)
    assert time.utcoffset() is not None
    return round(time.timestamp() * 1000)
