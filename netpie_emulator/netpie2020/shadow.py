"""A device's shadow: what it last said of itself, and how it is written."""

import json
import math
from dataclasses import dataclass, field
from typing import Any

MAX_BATCH = 100
MAX_DEPTH = 50  # objects and arrays in one another


@dataclass
class Shadow:
    """`modified` and `timestamp` in epoch milliseconds; `rev` counts the writes."""

    data: dict[str, Any] = field(default_factory=dict)
    rev: int = 0
    modified: int = 0
    timestamp: int = 0

    def write(self, data: dict[str, Any], timestamp: int, now: int, *, merge: bool) -> bool:
        """Write `data`; False when it is older than what is there, and the shadow stays as it is."""
        if timestamp < self.timestamp:
            return False
        self.data = merged(self.data if merge else {}, data)
        self.rev += 1
        self.modified = now
        self.timestamp = timestamp
        return True


def merged(old: dict[str, Any], new: dict[str, Any]) -> dict[str, Any]:
    """Return `old` with `new` merged into it, object by object; `null` deletes a field."""
    result = dict(old)
    for name, value in new.items():
        if value is None:
            result.pop(name, None)
        elif isinstance(value, dict):
            inner = result.get(name)
            result[name] = merged(inner if isinstance(inner, dict) else {}, value)
        else:
            result[name] = value
    return result


def parsed(data: bytes) -> object:
    """Return the JSON in `data`; None when it is none, holds a number that JSON has not, or is nested too deeply."""
    try:
        content: object = json.loads(data, parse_float=_finite, parse_constant=_finite)
    except (ValueError, RecursionError):
        return None
    return content if _is_flat(content) else None


def _finite(text: str) -> float:
    number = float(text)
    if not math.isfinite(number):
        raise ValueError(text)
    return number


def _is_flat(content: object) -> bool:
    level = [content]
    for _ in range(MAX_DEPTH):
        objects = [one.values() for one in level if isinstance(one, dict)]
        arrays = [one for one in level if isinstance(one, list)]
        level = [inner for one in (*objects, *arrays) for inner in one]
    return not level


@dataclass(frozen=True)
class Write:
    """One write of a shadow."""

    data: dict[str, Any]
    timestamp: object = None  # as the client gave it
    merge: bool = True
    store: bool = True
    trigger: bool = True


def write_in(content: object, merge: bool = True) -> Write | None:
    """Return the write that `{"data": {…}, "timestamp": ms}` asks for; None when it is none."""
    if not isinstance(content, dict) or not isinstance(content.get("data"), dict):
        return None
    when = content.get("timestamp", content.get("ts"))
    return Write(content["data"], when, *_options(content, merge))


def batch_in(content: object) -> list[object] | None:
    """Return the entries of `{"batch": [{"data": {…}, "ts": ms}, …]}`; None when it is none."""
    entries = content.get("batch") if isinstance(content, dict) else None
    return entries if isinstance(entries, list) else None


def writes_of(content: dict[str, Any], entries: list[object], merge: bool = True) -> list[Write]:
    """Return a batch's writes; an entry without data is none."""
    chosen, store, trigger = _options(content, merge)
    found = (write_in(entry) for entry in entries)
    return [Write(one.data, one.timestamp, chosen, store, trigger) for one in found if one is not None]


def _options(content: dict[str, Any], merge: bool) -> tuple[bool, bool, bool]:
    chosen = content.get("merged", merge)
    return chosen is not False, content.get("store") is not False, content.get("trigger") is not False
