"""What the double is asked, and what it answers."""

import json
from dataclasses import dataclass, field
from typing import Any


@dataclass
class Request:
    """What the double was asked; names of headers are in lower case."""

    method: str
    path: str
    query: dict[str, str]
    headers: dict[str, str]
    body: bytes = field(repr=False)

    @property
    def json(self) -> Any:
        """The body's value; None without a body."""
        return json.loads(self.body) if self.body else None


class Answer(Exception):
    """An answer, raised from wherever it is decided."""

    def __init__(self, status: int, body: str | bytes, headers: dict[str, str] | None = None) -> None:
        super().__init__(status)
        self.status = status
        self.body = body.encode() if isinstance(body, str) else body
        self.headers = {"Content-Type": "application/json", **(headers or {})}


class Drop(Exception):
    """Close the connection without an answer."""


def as_gson(value: Any) -> Any:
    """A value as Zeppelin's JSON library keeps it: every number a float, no nulls in objects."""
    if isinstance(value, dict):
        return {key: as_gson(entry) for key, entry in value.items() if entry is not None}
    if isinstance(value, list):
        return [as_gson(entry) for entry in value]
    return float(value) if isinstance(value, int) and not isinstance(value, bool) else value


def ok(body: Any = None, message: str = "") -> Answer:
    """Zeppelin's answer to a call that it has carried out."""
    envelope = {"status": "OK", "message": message}
    return Answer(200, json.dumps(envelope if body is None else {**envelope, "body": body}))


def refused(status: int, word: str, message: str | None = None) -> Answer:
    """Zeppelin's answer to a call that it refuses: 404, "NOT_FOUND", "No such note: 2A"."""
    return Answer(status, json.dumps({"status": word} | ({"message": message} if message else {})))


def html(status: int, text: str, headers: dict[str, str] | None = None) -> Answer:
    """A page, as a proxy or another server sends it."""
    return Answer(status, f"<html><body>{text}</body></html>", {"Content-Type": "text/html", **(headers or {})})
