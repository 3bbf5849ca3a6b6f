"""The events in a message, as the engine's `EventsOf` and pyspark-mqtt's notes find them."""

import csv
import json
from collections.abc import Iterator
from typing import Any

from provision.errors import hide_passwords

SHOWN = 80  # characters of an event that is shown in a line
_BLANK = " \t\r\n\x1e"


def events_in(payload: bytes) -> Iterator[Any]:
    """Each JSON object of a message, alone, one after the other, or in arrays; a text for what is none.

    An empty message, and an empty array, is one empty text: nothing is missed by whoever counts.
    """
    text = payload.decode("utf-8", "replace").removeprefix("\ufeff")
    decoder = json.JSONDecoder()
    found, at = False, 0
    while (at := _after_blanks(text, at)) < len(text):
        found = True
        if text[at] in "{[":
            try:
                value, end = decoder.raw_decode(text, at)
            except (ValueError, RecursionError):
                pass
            else:
                yield from _flat(value)
                at = end
                continue
        end = text.find("\n", at)
        end = len(text) if end < 0 else end
        yield text[at:end].rstrip()
        at = end
    if not found:
        yield ""


def lines_in(payload: bytes, *, header: bool) -> Iterator[Any]:
    """Each line of CSV in a message, as an object with `_1`, `_2`, …, or with the names in the first line.

    The separator is the first of `;`, tab and comma that a line has. An empty message is one empty text.
    """
    text = payload.decode("utf-8", "replace").removeprefix("\ufeff")
    lines = [line for line in text.splitlines() if line.strip()]
    names = cells_of(lines[0]) if header and lines else []
    for line in lines[1:] if header else lines:
        cells = cells_of(line)
        keys = names if header else [f"_{at}" for at in range(1, len(cells) + 1)]
        yield {name: cell if cell != "" else None for name, cell in zip(keys, cells, strict=False)}
    if len(lines) <= header:
        yield ""


def cells_of(line: str) -> list[str]:
    """The cells of one line of CSV."""
    separator = next((each for each in ";\t" if each in line), ",")
    return [cell.strip() for cell in next(csv.reader([line], delimiter=separator))]


def shown(text: str) -> str:
    """A text for one line of a message to a person."""
    return ascii(hide_passwords(text if len(text) <= SHOWN else text[:SHOWN] + "…"))


def _flat(value: Any) -> Iterator[Any]:
    if isinstance(value, dict):
        yield value
    elif isinstance(value, list):
        yield from (each for element in value for each in _flat(element)) if value else ("",)
    else:
        yield json.dumps(value)


def _after_blanks(text: str, at: int) -> int:
    while at < len(text) and (text[at] in _BLANK or text[at] == ","):
        at += 1
    return at
