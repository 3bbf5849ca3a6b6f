"""What a paragraph's outputs say, as plain text: tables laid out, HTML stripped, Zeppelin's cut told as such."""

import re
from collections.abc import Callable, Sequence
from html import unescape

from provision.streams.measures import rounded
from provision.streams.printed_windows import with_tables
from provision.streams.windows import Window
from provision.terminal import harmless
from zeppelin_sdk import ResultMessage

# Zeppelin's ResultMessages.EXCEEDS_LIMIT_SIZE and _ROWS, which InterpreterOutput appends as an output of type HTML
_CUT = re.compile(r"Output is truncated</strong> to (\d+) (bytes|rows)")
_TAG = re.compile(r"<(script|style)\b.*?</\1\s*>|<!--.*?-->|<[^>]*>", re.DOTALL | re.IGNORECASE)
_BREAK = re.compile(r"<(?:br|/p|/div|/tr|/li|/h[1-6])\b[^>]*>", re.IGNORECASE)


def cut_at(message: ResultMessage) -> str | None:
    """Where Zeppelin cut the outputs before this message off ("102400 bytes"); None when it says no such thing."""
    found = _CUT.search(message.data) if message.type == "HTML" else None
    return f"{found[1]} {found[2]}" if found else None


def plain(message: ResultMessage) -> str:
    """The output as text, ended by a newline; empty where there is nothing to read."""
    match message.type:
        case "TABLE":
            text = _table(message.data, columns)
        case "HTML" | "ANGULAR":
            text = _stripped(message.data)
        case "IMG":
            text = "(an image)"
        case "NULL" | "NETWORK":
            text = ""
        case _:
            text = harmless(message.data)
    return _ended(text)


def _ended(text: str) -> str:
    return text if text.endswith("\n") or not text else f"{text}\n"


def readable(message: ResultMessage) -> str:
    """As `plain`, numbers in tables with five digits at most."""
    if message.type == "TABLE":
        return _ended(_table(message.data, rounded_columns))
    if message.type == "TEXT":
        return _ended(with_tables(harmless(message.data), lambda table: rounded_columns([table.columns, *table.rows])))
    return plain(message)


def rounded_columns(rows: Sequence[Sequence[str]]) -> str:
    """The rows, the first of them the columns' names, as lines, their cells lined up and their measures rounded."""
    if not rows:
        return ""
    names, *cells = map(tuple, rows)
    return columns([names, *rounded(Window(0, (), tuple(cells), names)).rows])


def _table(data: str, lay_out: Callable[[Sequence[Sequence[str]]], str]) -> str:
    """Columns lined up; what stands after an empty line in a table of Zeppelin's is HTML of its own."""
    table, _, after = harmless(data).partition("\n\n")
    lined_up = lay_out([line.split("\t") for line in table.splitlines()])
    return "\n".join(filter(None, [lined_up, _stripped(after.removeprefix("%html"))]))


def columns(rows: Sequence[Sequence[str]]) -> str:
    """The rows as lines, their cells lined up."""
    rows = [[harmless(cell) for cell in row] for row in rows]
    count = max(map(len, rows), default=0)
    widths = [max(len(row[n]) for row in rows if n < len(row)) for n in range(count)]
    lines = ("  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=False)) for row in rows)
    return "\n".join(line.rstrip() for line in lines)


def _stripped(html: str) -> str:
    text = harmless(unescape(_TAG.sub("", _BREAK.sub("\n", html))))
    return "\n".join(filter(None, (" ".join(line.split()) for line in text.splitlines())))
