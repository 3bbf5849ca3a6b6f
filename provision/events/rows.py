"""What a note reads of an event: a row of its table `measure`, or why the event is counted as malformed."""

import json
import math
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from provision.bundles.event_form import EventForm, Path, fields_in
from provision.bundles.reading import CSV_HEADER, ColumnReading, reading
from provision.bundles.values.mapping import Arrival, Cell, ColumnSource, Constant, JsonPath, TopicLevel
from provision.bundles.values.numbers import number_of
from provision.bundles.values.schema import Field
from provision.events.messages import events_in, lines_in, shown
from provision.events.times import iso, seconds_of_number, seconds_of_text

_BITS = {"tinyint": 8, "smallint": 16, "int": 32, "bigint": 64}


@dataclass(frozen=True)
class MeasureRow:
    """The columns of an event, by name; `malformed` is why the note counts it as none, empty for an event.

    `unread` are the columns whose value is there and can't be read: they are null.
    """

    values: Mapping[str, Any]
    malformed: str = ""
    unread: tuple[str, ...] = ()


@dataclass(frozen=True)
class RowReader:
    """Reads messages into rows of `form`, in the way `how`; `with_topic`: the topic is a column too."""

    form: EventForm
    how: ColumnReading
    with_topic: bool = False

    def rows(self, payload: bytes, topic: str, arrival: float) -> Iterator[MeasureRow]:
        """The row of each event in a message that came `arrival` seconds after 1970."""
        header = self.how.payload == CSV_HEADER
        for event in lines_in(payload, header=header) if self.how.is_csv else events_in(payload):
            if isinstance(event, dict):
                yield self.row(event, topic, arrival)
            else:
                yield MeasureRow({}, f"it is no JSON object: {shown(str(event))}" if event else "it is empty")

    def row(self, event: Mapping[str, Any], topic: str = "", arrival: float = 0.0) -> MeasureRow:
        """The row of one event."""
        unread: list[str] = []
        if self.how.is_plain:
            values = {each.name: _value(each, event.get(each.name), (each.name,), unread) for each in self.form.fields}
        else:
            message = _Message(event, topic, arrival)
            found = zip(self.how.fields, self.how.sources, strict=True)
            values = {each.name: _made(each, source, message, unread) for each, source in found}
        if self.with_topic:
            values["topic"] = topic
        return MeasureRow(values, _why_malformed(self.form, values, unread), tuple(unread))


@dataclass(frozen=True)
class _Message:
    event: Mapping[str, Any]
    topic: str
    arrival: float

    def value(self, source: ColumnSource) -> Any:
        """What is at the source."""
        match source.whence:
            case JsonPath(steps):
                return _inside(self.event, steps)
            case Cell(at):
                return self.event.get(f"_{at}" if isinstance(at, int) else at)
            case TopicLevel(at):
                levels = self.topic.removeprefix("/").split("/")
                return levels[at - 1 if at > 0 else at] if -len(levels) <= at <= len(levels) else None
            case Constant(value):
                return value
        return self.arrival


def read_row(form: EventForm, event: Any) -> MeasureRow:
    """The row of an event, from `messages.events_in`, whose columns are its fields."""
    reader = RowReader(form, reading({}, form.fields))
    return reader.row(event) if isinstance(event, dict) else next(reader.rows(str(event).encode(), "", 0.0))


def _made(field: Field, source: ColumnSource, message: _Message, unread: list[str]) -> Any:
    """A column that comes from its source, as `reading.expressions` has it in SQL."""
    raw = message.value(source)
    if raw is None:
        return None
    if isinstance(source.whence, Arrival):
        return iso(raw) if field.is_time else raw
    read = raw if "<" in field.type and isinstance(raw, dict | list) else _cast(field.type, source.form, raw)
    if read is None:
        unread.append(f"{field.name} {shown(_text(raw))} is no {field.type}")
    return read


def _inside(value: Any, steps: Sequence[str | int]) -> Any:
    for step in steps:
        if isinstance(step, int) and isinstance(value, list):
            value = value[step] if step < len(value) else None
        else:
            value = value.get(step) if isinstance(value, dict) and isinstance(step, str) else None
    return value


def _cast(kind: str, form: str, raw: Any) -> Any:
    """A text as a column's type, as Spark casts it."""
    text = _text(raw).strip()
    base = re.split(r"[<(]", kind, maxsplit=1)[0]
    if base in ("double", "float", "decimal", *_BITS):
        number = number_of(text)
        return number if number is None or base not in _BITS else _read(kind, int(number))
    if base == "boolean":
        return {"true": True, "false": False, "1": True, "0": False}.get(text.lower())
    if base == "timestamp":
        seconds = _seconds(text, form)
        return None if seconds is None else iso(seconds)
    return _read(kind, _text(raw))


def _seconds(text: str, form: str) -> float | None:
    number = None if form == "iso" else number_of(text)
    if number is None:
        return None if form.startswith("epoch") else seconds_of_text(text)
    return {"epoch_s": number, "epoch_ms": number / 1000}.get(form, seconds_of_number(number))


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
