"""What a paragraph's outputs say, as plain text: tables laid out, HTML stripped, Zeppelin's cut told as such."""

import re
from collections.abc import Sequence
from html import unescape

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
            text = _table(message.data)
        case "HTML" | "ANGULAR":
            text = _stripped(message.data)
        case "IMG":
            text = "(an image)"
        case "NULL" | "NETWORK":
            text = ""
        case _:
            text = harmless(message.data)
    return text if text.endswith("\n") or not text else f"{text}\n"


def _table(data: str) -> str:
    """Columns lined up; what stands after an empty line in a table of Zeppelin's is HTML of its own."""
    table, _, after = harmless(data).partition("\n\n")
    lined_up = columns([line.split("\t") for line in table.splitlines()])
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
