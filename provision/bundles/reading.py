"""How an event's columns are read out of a message: the form of messages, and where each column comes from. Pure."""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from provision.bundles.values.mapping import (
    Arrival,
    Cell,
    ColumnSource,
    Constant,
    JsonPath,
    TopicLevel,
    as_source,
    parse_mapping,
)
from provision.bundles.values.schema import Field, quoted
from provision.errors import UsageError, nearest

PARAMETERS = ("payload", "mapping")
"""The parameters that say how; a bundle without them reads the fields of JSON objects by their names."""
JSON, SHADOW, CSV, CSV_HEADER = "json", "shadow", "csv", "csv_header"
TEMPLATE_NAMES = frozenset({"event_read", "event_made"})
"""The names of `template_values`."""

_OF_SHADOW = {"deviceid": ColumnSource(JsonPath(("deviceid",))), "timestamp": ColumnSource(JsonPath(("timestamp",)))}
"""What NETPIE 2020 puts beside the `data` of a shadow's update."""
_TIME_FORM = "yyyy-MM-dd''T''HH:mm:ssZ"  # the document's, as it stands in a text of SQL


@dataclass(frozen=True)
class ColumnReading:
    """Messages of the form `payload`, and the source of each of `fields`, in their order."""

    payload: str
    fields: tuple[Field, ...]
    sources: tuple[ColumnSource, ...]

    @property
    def is_csv(self) -> bool:
        return self.payload in (CSV, CSV_HEADER)

    @property
    def is_plain(self) -> bool:
        """Whether each column is the field of its name in a JSON object."""
        plain = tuple(ColumnSource(JsonPath((field.name,))) for field in self.fields)
        return self.payload == JSON and self.sources == plain


def reading(values: Mapping[str, Any], fields: Sequence[Field]) -> ColumnReading:
    """How columns are read by these values of `PARAMETERS`.

    Raises: UsageError for a source of a column that the schema has not, and one that the form of messages has not.
    """
    payload = values.get("payload", JSON)
    given = parse_mapping(values.get("mapping", ""))
    known = {field.name for field in fields}
    for name in given:
        if name not in known:
            raise UsageError(
                f"mapping: the schema has no column {name!r}",
                next_step=nearest(name, known, f"it has {', '.join(sorted(known))}"),
            )
    usual = _usual(payload, [field.name for field in fields if field.name not in given])
    made = ColumnReading(payload, tuple(fields), tuple(given.get(field.name) or usual[field.name] for field in fields))
    for field, source in zip(fields, made.sources, strict=True):
        _check(made, field, source)
    return made


def template_values(values: Mapping[str, Any], fields: Sequence[Field]) -> dict[str, Any]:
    """What templates may name of it: `event_read`, the fields of the JSON that Spark reads, and `event_made`, an
    expression over them for each column. Both are empty where columns are the fields.
    """
    how = reading(values, fields)
    if how.is_plain:
        return {"event_read": "", "event_made": []}
    return {"event_read": json_fields(how), "event_made": expressions(how)}


def json_fields(how: ColumnReading) -> str:
    """The fields that Spark has to read of each event for the columns, as DDL. A line of CSV is an object with fields
    `_1`, `_2`, …, or of the names in the first line.
    """
    tree: dict[str, Any] = {}
    for field, source in zip(how.fields, how.sources, strict=True):
        steps = _steps(source)
        if steps:
            _grow(tree, steps, field, source)
    return ", ".join(f"{quoted(str(name))} {_ddl(each)}" for name, each in tree.items()) or "_none string"


def expressions(how: ColumnReading) -> list[str]:
    """SQL for each column over `_event` (the JSON), `_text` (the event as it came), `_topic` and `_arrived`."""
    return [_expression(field, source) for field, source in zip(how.fields, how.sources, strict=True)]


def _usual(payload: str, names: Sequence[str]) -> dict[str, ColumnSource]:
    if payload == CSV:
        return {name: ColumnSource(Cell(at)) for at, name in enumerate(names, start=1)}
    if payload == CSV_HEADER:
        return {name: ColumnSource(Cell(name)) for name in names}
    if payload == SHADOW:
        return {name: _OF_SHADOW.get(name, ColumnSource(JsonPath(("data", name)))) for name in names}
    return {name: ColumnSource(JsonPath((name,))) for name in names}


def _check(how: ColumnReading, field: Field, source: ColumnSource) -> None:
    cause = ""
    match source.whence:
        case Cell(at):
            if not how.is_csv:
                cause = f"messages are {how.payload}: give --param payload=csv or payload=csv_header"
            elif isinstance(at, str) and how.payload == CSV:
                cause = "names of cells need --param payload=csv_header"
        case JsonPath(steps):
            cause = "messages are CSV: take csv[…]" if steps and how.is_csv else ""
    if source.form and not field.is_time:
        cause = f"a form of a time is for a timestamp, and {field.name} is a {field.type}"
    if isinstance(source.whence, TopicLevel | Constant | Arrival | Cell) and "<" in field.type:
        cause = f"a {field.type} comes out of JSON only"
    if cause:
        raise UsageError(f"mapping: {field.name}={as_source(source)} does not fit", next_step=cause)


def _steps(source: ColumnSource) -> tuple[str | int, ...]:
    match source.whence:
        case JsonPath(steps):
            return steps
        case Cell(at):
            return (f"_{at}" if isinstance(at, int) else at,)
    return ()


def _grow(tree: dict[str, Any], steps: tuple[str | int, ...], field: Field, source: ColumnSource) -> None:
    """Add a path to the tree of what is read: a dict is an object, a list one of elements, a text a type."""
    first, *rest = steps
    key = str(first)
    kind = field.type if "<" in field.type else "string"  # a text is cast: "21.5" and 21.5 are both read
    if not rest:
        if tree.setdefault(key, kind) != kind:
            raise _both_ways(field, source)
        return
    if isinstance(rest[0], int):
        inner = tree.setdefault(key, [{}])
        if not isinstance(inner, list):
            raise _both_ways(field, source)
        _grow(inner[0], ("*", *rest[1:]), field, source)
        return
    inner = tree.setdefault(key, {})
    if not isinstance(inner, dict):
        raise _both_ways(field, source)
    _grow(inner, tuple(rest), field, source)


def _both_ways(field: Field, source: ColumnSource) -> UsageError:
    return UsageError(
        f"mapping: {field.name}={as_source(source)} is read by another column whole, or in another way",
        next_step="take the same parts of it in each column",
    )


def _ddl(node: Any) -> str:
    if isinstance(node, str):
        return node
    if isinstance(node, list):
        return f"array<{_ddl(node[0]['*'])}>"
    return f"struct<{','.join(f'{quoted(str(name))}:{_ddl(each)}' for name, each in node.items())}>"


def _expression(field: Field, source: ColumnSource) -> str:
    match source.whence:
        case JsonPath(()):
            return _cast("_text", field, source)
        case JsonPath() | Cell():
            return _cast(_path(_steps(source)), field, source)
        case TopicLevel(at):
            return _cast(f"element_at(split(regexp_replace(_topic, '^/', ''), '/'), {at})", field, source)
        case Constant(bool() as value):
            return _cast(f"'{str(value).lower()}'", field, source)
        case Constant(str() as value):
            return _cast(_sql_text(value), field, source)
        case Constant(value):
            return _cast(f"'{value:.15f}'", field, source)
    return f"cast(_arrived as {field.type})"


def _path(steps: Sequence[str | int]) -> str:
    return "_event" + "".join(f"[{step}]" if isinstance(step, int) else f".{quoted(step)}" for step in steps)


def _cast(sql: str, field: Field, source: ColumnSource) -> str:
    """A text as the column's type; null where it is none."""
    if field.is_time:
        return _time(sql, source.form)
    return sql if field.type == "string" or "<" in field.type else f"cast({sql} as {field.type})"


def _time(sql: str, form: str) -> str:
    number = f"cast({sql} as double)"
    if form in ("epoch_s", "epoch_ms"):
        factor = " * 1000" if form == "epoch_s" else ""
        return f"timestamp_millis(cast({number}{factor} as bigint))"
    text = f"coalesce(to_timestamp({sql}, '{_TIME_FORM}'), cast({sql} as timestamp))"
    if form == "iso":
        return text
    millis = f"case when abs({number}) < 1e11 then {number} * 1000 else {number} end"
    return f"case when {number} is not null then timestamp_millis(cast({millis} as bigint)) else {text} end"


def _sql_text(text: str) -> str:
    return "'" + re.sub(r"(['\\])", r"\\\1", text) + "'"
