"""The tables of CSV and Parquet that a note's outputs write, and how a note is asked for them."""

import csv
from contextlib import suppress
from datetime import datetime
from pathlib import Path

import pyarrow.parquet

from provision.streams.windows import Window


def words(values: dict[str, object]) -> list[str]:
    return [word for name, value in values.items() for word in ("--param", f"{name}={value}")]


def whole(out: Path, files: str) -> list[bytes]:
    """What is in these files. They are found again where one has become a part of another meanwhile."""
    while True:
        with suppress(FileNotFoundError):
            return [path.read_bytes() for path in out.glob(files)]


def table(out: Path, files: str = "windows-*/csv/*.csv") -> list[Window]:
    """The windows of the CSV table."""
    found: dict[int, list[tuple[str, ...]]] = {}
    for text in whole(out, files):
        for end, *row in list(csv.reader(text.decode().splitlines()))[1:]:
            found.setdefault(round(datetime.fromisoformat(end).timestamp() * 1000), []).append(tuple(row))
    return [Window(end, (), tuple(rows)) for end, rows in sorted(found.items())]


def parquet_table(out: Path) -> list[Window]:
    """The windows of the Parquet table, in the words of the CSV table."""
    found: dict[int, list[tuple[str, ...]]] = {}
    for file in whole(out, "windows-*/parquet/day=*/*.parquet"):
        rows = pyarrow.parquet.ParquetFile(pyarrow.BufferReader(file)).read().to_pylist()
        for end, *row in (each.values() for each in rows):
            found.setdefault(round(end.timestamp() * 1000), []).append(tuple(map(in_csv, row)))
    return [Window(end, (), tuple(rows)) for end, rows in sorted(found.items())]


def in_csv(value: object) -> str:
    if isinstance(value, datetime):
        return value.isoformat().replace("+00:00", "Z")
    return "" if value is None else str(value)
