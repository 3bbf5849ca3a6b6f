"""The events in a message, as the engine's `EventsOf` and pyspark-mqtt's notes find them."""

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
