"""Windows as CSV: one table with a header, times in ISO 8601."""

from __future__ import annotations

import re
from datetime import datetime, timezone
from typing import Any

from .._dataset import MIB, Table
from .._window import END, Window, iso

_RECORD = re.compile(r'(?:[^"\n]|"[^"]*")*\n')
_QUOTED = re.compile(r'[",\r\n]|^\s|\s$|^$')


class CsvForm:
    suffix, by_day, full = ".csv", False, 4 * MIB

    def fits(self, data: bytes, window: Window) -> bool:
        return data.startswith(_header(window).encode())

    def joined(self, data: bytes, window: Window) -> bytes:
        lines = "".join(_line(window.ended, *map(_cell, window.kinds, row)) for row in window.rows)
        return (data or _header(window).encode()) + lines.encode()

    def ends(self, data: bytes) -> set[int]:
        return {_millis(text) for text in {record.partition(",")[0].rstrip("\n") for record in _records(data)}}

    def without(self, data: bytes, end: int) -> bytes:
        head, *records = _RECORD.findall(data.decode())
        text = iso(end * 1000) or ""
        rest = [record for record in records if record.rstrip("\n").partition(",")[0] != text]
        return "".join([head, *rest]).encode() if rest else b""


class Csv(Table):
    """One table in CSV files."""

    form = CsvForm()


def _header(window: Window) -> str:
    return _line(END, *window.columns)


def _line(*cells: str | None) -> str:
    return ",".join(map(_quoted, cells)) + "\n"


def _quoted(cell: str | None) -> str:
    """A cell; null is nothing at all, an empty text is one in quotation marks."""
    if cell is None:
        return ""
    return '"' + cell.replace('"', '""') + '"' if _QUOTED.search(cell) else cell


def _cell(kind: str, value: Any) -> str | None:
    if value is None:
        return None
    if kind == "timestamp":
        return iso(value)
    return str(value).lower() if isinstance(value, bool) else str(value)


def _records(data: bytes) -> list[str]:
    return _RECORD.findall(data.decode())[1:]


def _millis(text: str) -> int:
    return round(datetime.fromisoformat(text.replace("Z", "+00:00")).astimezone(timezone.utc).timestamp() * 1000)
