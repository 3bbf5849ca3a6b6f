"""The journal's records: a header with a checksum, then a body. Workers read them without the journal."""

from __future__ import annotations

import struct
import zlib
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO

from pyspark_mqtt._errors import JournalError
from pyspark_mqtt._rows import Record as Rows

STATE, FRAMES, COMMITTED, CUT, PLANNED = 1, 2, 3, 4, 5

_HEADER = struct.Struct("<IIBBHIqq")  # checksum of all that follows; body's bytes; kind; level; 0; rows; offset; time
_CHECKED = struct.Struct("<IBBHIqq")
SIZE = _HEADER.size


@dataclass(frozen=True)
class Record:
    """`offset`: of the first of its `rows` (FRAMES, CUT), or where Spark has committed; `time`: µs since 1970."""

    kind: int
    level: int
    rows: int
    offset: int
    time: int
    body: bytes


@dataclass(frozen=True)
class Span:
    """Records of one file, from one byte to another."""

    path: str
    begin: int
    stop: int


def encoded(kind: int, body: bytes = b"", *, level: int = 0, rows: int = 0, offset: int = 0, time: int = 0) -> bytes:
    checked = _CHECKED.pack(len(body), kind, level, 0, rows, offset, time)
    checksum = zlib.crc32(body, zlib.crc32(checked))
    return struct.pack("<I", checksum) + checked + body


def next_record(file: BinaryIO) -> Record | None:
    """The record at the file's position; None where there is no whole and sound one."""
    header = file.read(SIZE)
    if len(header) < SIZE:
        return None
    checksum, length, kind, level, _, rows, offset, time = _HEADER.unpack(header)
    body = file.read(length)
    if len(body) < length or zlib.crc32(body, zlib.crc32(header[4:])) != checksum:
        return None
    return Record(kind, level, rows, offset, time, body)


def sound(path: Path) -> Iterator[tuple[int, Record]]:
    """The records of a file from its beginning to the first that is not whole, each with the byte where it ends."""
    with path.open("rb") as file:
        while (record := next_record(file)) is not None:
            yield file.tell(), record


def rows_in(span: Span) -> Iterator[Rows]:
    """The rows of a span. Raises `JournalError` where it can't be read."""
    try:
        with open(span.path, "rb") as file:
            file.seek(span.begin)
            while file.tell() < span.stop:
                record = next_record(file)
                if record is None:
                    raise JournalError(f"{span.path} is damaged before byte {span.stop}")
                if record.kind == FRAMES:
                    yield record.level, record.offset, record.rows, record.time, record.body
    except FileNotFoundError:
        raise JournalError(
            f"there is no {span.path} on this machine",
            "put journalLocation where all executors see it, or set journalShared to false",
        ) from None
