"""The lines of a file or of a pipe, in UTF-8, as they come."""

import codecs
import select
from collections.abc import Iterator
from itertools import chain
from threading import Event
from typing import Protocol

from netpie_creds.text_file import encoding_of
from provision.publisher.publisher import MOST_BYTES
from provision.publisher.tally import Tally

CHUNK = 1 << 16  # bytes read at once
TICK = 0.2  # seconds between two looks whether to stop, while nothing can be read


class Readable(Protocol):
    """What `chunks` reads from."""

    def fileno(self) -> int: ...
    def read(self, size: int, /) -> bytes | None: ...


def read_lines(file: Readable, stop: Event, tally: Tally) -> Iterator[bytes]:
    """Yield each line without its end, empty ones too, until the file ends or `stop` is set.

    UTF-16 with a byte order mark becomes UTF-8. A line that is too long for MQTT is left out.
    """
    return _lines(_unix(_utf8(_chunks(file, stop))), tally)


def _chunks(file: Readable, stop: Event) -> Iterator[bytes]:
    while not stop.is_set():
        if not select.select([file], [], [], TICK)[0]:
            continue
        data = file.read(CHUNK)
        if not data:
            return
        yield data


def _utf8(chunks: Iterator[bytes]) -> Iterator[bytes]:
    """The chunks in UTF-8, without a byte order mark."""
    start = b""
    for data in chunks:
        start += data
        if len(start) >= 4 or not start.startswith((b"\xef", b"\xff", b"\xfe", b"\0")):
            break
    encoding = encoding_of(start)
    if encoding == "utf-8":
        yield start
        yield from chunks
    elif encoding == "utf-8-sig":
        yield start[3:]
        yield from chunks
    else:
        decoder = codecs.getincrementaldecoder(encoding)("replace")
        for data in chain([start], chunks):
            yield decoder.decode(data).encode("utf-8", "replace")
        yield decoder.decode(b"", True).encode()


def _unix(chunks: Iterator[bytes]) -> Iterator[bytes]:
    """The chunks; with `\\n` for each `\\r` where no line ends otherwise, as in a spreadsheet's file for an old Mac."""
    first = next(chunks, b"")
    only_returns = b"\r" in first.rstrip(b"\r") and b"\n" not in first
    for data in chain([first], chunks):
        yield data.replace(b"\r", b"\n") if only_returns else data


def _lines(chunks: Iterator[bytes], tally: Tally) -> Iterator[bytes]:
    parts: list[bytes] = []
    size = 0
    for data in chunks:
        *whole, rest = data.split(b"\n")
        for line in whole:
            parts.append(line)
            yield from _line(parts, size + len(line), tally)
            parts, size = [], 0
        size += len(rest)
        if size > MOST_BYTES:
            parts.clear()
        elif rest:
            parts.append(rest)
    if size:
        yield from _line(parts, size, tally)


def _line(parts: list[bytes], size: int, tally: Tally) -> Iterator[bytes]:
    tally.lines += 1
    if size > MOST_BYTES:
        tally.leave_out(f"longer than the {MOST_BYTES:,} bytes that MQTT takes")
    else:
        yield b"".join(parts).rstrip(b"\r\n")
