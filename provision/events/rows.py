"""What a note reads of an event: a row of its table `measure`, or why the event is counted as malformed."""

import json
import math
import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from provision.bundles.event_form import EventForm, Path, fields_in
from provision.bundles.values.schema import Field
from provision.events.messages import shown
from provision.events.times import iso, seconds_of_text

_BITS = {"tinyint": 8, "smallint": 16, "int": 32, "bigint": 64}


@dataclass(frozen=True)
class MeasureRow:
    """The columns of an event, by name; `malformed` is why the note counts it as none, empty for an event.

    `unread` are the columns whose value is there and can't be read: they are null.
    """

    values: Mapping[str, Any]
    malformed: str = ""
    unread: tuple[str, ...] = ()


def read_row(form: EventForm, event: Any, topic: str | None = None) -> MeasureRow:
    """The row of an event, from `messages.events_in`; `topic` is a column too where it is given."""
    if not isinstance(event, dict):
        return MeasureRow({}, f"it is no JSON object: {shown(str(event))}" if event else "it is empty")
    unread: list[str] = []
    values = {field.name: _value(field, event.get(field.name), (field.name,), unread) for field in form.fields}
    if topic is not None:
        values["topic"] = topic
    return MeasureRow(values, _why_malformed(form, values, unread), tuple(unread))


def _why_malformed(form: EventForm, values: Mapping[str, Any], unread: list[str]) -> str:
    """What `EventForm.is_event` asks, in words."""
    for path in form.needed:
        if _at(values, path) is None:
            name = ".".join(path)
            return next((cause for cause in unread if cause.startswith(f"{name} ")), f"{name} is missing")
    if not form.needed and all(_at(values, path) is None for path in form.one_of):
        return f"none of {', '.join('.'.join(path) for path in form.one_of)} is there"
    return ""


def _at(values: Any, path: Path) -> Any:
    for name in path:
        values = values.get(name) if isinstance(values, Mapping) else None
    return values


def _value(field: Field, value: Any, path: Path, unread: list[str]) -> Any:
    """The value as the column's type has it; None, and a line in `unread`, where it can't be read."""
    if value is None:
        return None
    inner = fields_in(field)
    if inner and isinstance(value, dict):
        return {each.name: _value(each, value.get(each.name), (*path, each.name), unread) for each in inner}
    read = None if inner else _read(field.type, value)
    if read is None:
        unread.append(f"{'.'.join(path)} {shown(_text(value))} is no {field.type}")
    return read


def _read(kind: str, value: Any) -> Any:
    base = re.split(r"[<(]", kind, maxsplit=1)[0]
    if base == "string":
        return _text(value)
    if base in ("double", "float", "decimal"):
        return float(value) if _is_number(value) and math.isfinite(value) else None
    if base in _BITS:
        limit = 2 ** (_BITS[base] - 1)
        return value if _is_number(value) and isinstance(value, int) and -limit <= value < limit else None
    if base == "boolean":
        return value if isinstance(value, bool) else None
    if base in ("timestamp", "date"):
        return _time(base, value)
    expected = {"array": list, "map": dict, "binary": str}[base]
    return value if isinstance(value, expected) else None


def _time(base: str, value: Any) -> str | None:
    """A number is in seconds for a `timestamp`, as Spark reads it."""
    seconds = seconds_of_text(value) if isinstance(value, str) else float(value) if _is_number(value) else None
    if seconds is None or (base == "date" and not isinstance(value, str)):
        return None
    return iso(seconds).partition("T")[0] if base == "date" else iso(seconds)


def _is_number(value: Any) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool)


def _text(value: Any) -> str:
    return value if isinstance(value, str) else json.dumps(value, separators=(",", ":"), ensure_ascii=False)
