"""A table of events: CSV as a spreadsheet writes it."""

import csv
import json
import re
from collections.abc import Iterable, Iterator

from netpie_creds.text_file import separator_of
from provision.errors import UsageError
from provision.publisher.publisher import MOST_BYTES
from provision.publisher.tally import Tally

_NAME = re.compile(r"[^\W\d][\w .%()/°-]*")
_NUMBER = re.compile(r"-?(0|[1-9]\d*)(\.\d+)?([eE][+-]?\d+)?")
_COMMA_NUMBER = re.compile(r"(-?(?:0|[1-9]\d*)),(\d+)")
_SEPARATOR = re.compile(rb"sep=(.)\s*", re.IGNORECASE)  # Excel's own first line


def is_header(line: bytes) -> bool:
    """Whether a line could name the columns of a table: at least two names, all different; or names the separator."""
    if _SEPARATOR.fullmatch(line):
        return True
    names = _cells(line, separator_of(line.decode("utf-8", "replace")))
    return len(names) > 1 and len(set(names)) == len(names) and all(map(_NAME.fullmatch, names))


def fits(header: bytes, row: bytes) -> bool:
    """Whether `row` has as many cells as `header`, which `is_header`, has columns."""
    if _SEPARATOR.fullmatch(header):
        return True
    separator = separator_of(header.decode("utf-8", "replace"))
    return len(_cells(row, separator)) == len(_cells(header, separator))


def _cells(line: bytes, separator: str) -> list[str]:
    try:
        row = next(csv.reader([line.decode("utf-8", "replace")], delimiter=separator), [])
    except csv.Error:
        return []
    return [cell.strip() for cell in row]


def table(lines: Iterator[bytes], name: str, tally: Tally) -> Iterator[bytes]:
    """A JSON object for each row: a field a column, numbers as numbers, null for an empty cell."""
    header = next((line for line in lines if line.strip()), b"")
    named = _SEPARATOR.fullmatch(header)
    separator = named[1].decode("latin-1") if named else ""
    if named:
        header = next((line for line in lines if line.strip()), b"")
    try:
        text = header.decode()
    except UnicodeDecodeError:
        raise UsageError(f"{name}: its first line is no text in UTF-8", next_step="save it as CSV UTF-8") from None
    separator = separator or separator_of(text)
    columns = _columns(text, separator, name)
    tally.kind = f"a table with the columns {', '.join(columns)}; each row is sent as a JSON object"
    csv.field_size_limit(MOST_BYTES)
    return _rows(lines, columns, separator, tally)


def _columns(header: str, separator: str, name: str) -> list[str]:
    columns = _cells(header.encode(), separator)
    while columns and not columns[-1]:  # a spreadsheet's empty columns
        columns.pop()
    wrong = next((column for column in columns if not _NAME.fullmatch(column) or columns.count(column) > 1), None)
    if wrong is not None or not columns:
        raise UsageError(
            f"{name}: its first line does not name the columns: {ascii(wrong)}",
            next_step="write a name for each column there, or send the lines as they stand with --format lines",
        )
    return columns


def _rows(lines: Iterator[bytes], columns: list[str], separator: str, tally: Tally) -> Iterator[bytes]:
    names = [json.dumps(column, ensure_ascii=False) for column in columns]
    rows = csv.reader(_decoded(lines, tally), delimiter=separator)
    while True:
        try:
            row = next(rows)
        except StopIteration:
            return
        except csv.Error as error:
            tally.leave_out(f"no CSV: {error}")
            continue
        cells = [cell.strip() for cell in row]
        if not any(cells):
            continue
        if any(cells[len(columns) :]):
            tally.leave_out(f"more cells than the {len(columns)} columns")
            continue
        cells += [""] * (len(columns) - len(cells))
        fields = (f"{name}: {_literal(cell, separator)}" for name, cell in zip(names, cells, strict=False))
        yield f"{{{', '.join(fields)}}}".encode()


def _decoded(lines: Iterable[bytes], tally: Tally) -> Iterator[str]:
    for line in lines:
        try:
            yield line.decode() + "\n"
        except UnicodeDecodeError:
            tally.leave_out("no text in UTF-8")


def _literal(cell: str, separator: str) -> str:
    """A cell as JSON. A spreadsheet that does not separate cells by commas has them as decimal points."""
    if not cell:
        return "null"
    if _NUMBER.fullmatch(cell):
        return cell
    number = _COMMA_NUMBER.fullmatch(cell) if separator != "," else None
    return f"{number[1]}.{number[2]}" if number else json.dumps(cell, ensure_ascii=False)
