"""Events in a file or on standard input: lines, a JSON document, or a table."""

import json
from collections.abc import Iterator
from itertools import chain
from pathlib import Path
from threading import Event
from typing import IO

from netpie_creds.text_file import WORKBOOKS, decode_text
from provision.errors import UsageError
from provision.publisher.json_document import document, values
from provision.publisher.lines import Readable, read_lines
from provision.publisher.table import fits, is_header, table
from provision.publisher.tally import Tally

FORMATS = ("auto", "lines", "json", "csv")
STANDARD_INPUT = Path("-")
_TABLES = (".csv", ".tsv")


def read_events(file: Readable, path: Path, form: str, stop: Event, tally: Tally) -> Iterator[bytes]:
    """Yield the events of `file`, until it ends or `stop` is set. `path` names it; its suffix tells a table.

    Raises: UsageError when it is no text, no JSON, or a table without names of columns.
    """
    name = shown_name(path)
    lines = read_lines(file, stop, tally)
    if form == "auto":
        read: list[tuple[int, bytes]] = []
        form = _recognised(_noting(lines, read, tally), path)
        lines = chain(_again(read, tally), lines)
    if form == "json":
        tally.kind = "a JSON document; each object in it is an event"
        events = document(b"\n".join(lines), name)
        tally.lines = 0  # its events have no line
    elif form == "csv":
        events = table(lines, name, tally)
    else:
        events = filter(None, lines)
    return (tally.count(event) for event in events)


def shown_name(path: Path) -> str:
    """The file's name in messages."""
    return "standard input" if path == STANDARD_INPUT else str(path)


def open_events(path: Path) -> IO[bytes]:
    """Open the file, or standard input for `-`, without a buffer: a pipe gives what it has."""
    return open(0, "rb", buffering=0, closefd=False) if path == STANDARD_INPUT else path.open("rb", buffering=0)


def _noting(lines: Iterator[bytes], read: list[tuple[int, bytes]], tally: Tally) -> Iterator[bytes]:
    """The lines, added to `read` with their numbers."""
    for line in lines:
        read.append((tally.lines, line))
        yield line


def _again(read: list[tuple[int, bytes]], tally: Tally) -> Iterator[bytes]:
    """The lines that were read, once more."""
    for number, line in read:
        tally.lines = number
        yield line


def _recognised(lines: Iterator[bytes], path: Path) -> str:
    """What a file has, by its name and its first lines, which are taken from `lines`."""
    first = _next_line(lines)
    if b"\0" in first or first.startswith(WORKBOOKS):
        workbook = first.startswith(WORKBOOKS)
        cause = "a spreadsheet's own file, not text" if workbook else "not text, or UTF-16 without a byte order mark"
        raise UsageError(
            f"{shown_name(path)}: it is {cause}",
            next_step="save it as UTF-8, or send its lines as they stand with --format lines",
        )
    if path.suffix.lower() in _TABLES:
        return "csv"
    if first.lstrip().startswith((b"{", b"[")):
        return _json_or_lines(first, lines, certain=path.suffix.lower() == ".json")
    return "csv" if is_header(first) and fits(first, _next_line(lines)) else "lines"


def _next_line(lines: Iterator[bytes]) -> bytes:
    """The next line that is not empty, or nothing."""
    return next((line for line in lines if line.strip()), b"")


def _json_or_lines(first: bytes, lines: Iterator[bytes], *, certain: bool) -> str:
    """A document goes over several lines, or is an array alone; `certain`: the file's name says that it is one."""
    try:
        value = json.loads(first)
    except (ValueError, RecursionError):
        return _whole(b"\n".join(chain([first], lines)), certain=certain or first.lstrip().startswith(b"["))
    return "json" if isinstance(value, list) and not _next_line(lines) else "lines"


def _whole(text: bytes, *, certain: bool) -> str:
    """A file of lines that are no JSON is one of lines, unless it is `certain` to be a document."""
    try:
        list(values(decode_text(text)))
    except (ValueError, RecursionError):
        return "json" if certain else "lines"
    return "json"
