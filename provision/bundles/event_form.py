"""What a note computes of events of one's own form: from schema, time and key to columns, query and chart. Pure."""

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from typing import Any

from provision.bundles import reading
from provision.bundles.values.schema import Field, as_ddl, parse_schema, quoted
from provision.errors import UsageError, nearest

PARAMETERS = ("schema", "event_time", "key", "chart")
"""The parameters that say what an event is; a bundle that declares them all has the values of `template_values`."""
AUTO = "auto"
ARRIVAL = "arrival"
NO_KEY = "none"
TOPIC = "topic"
"""The column that `topic_column` adds."""

Path = tuple[str, ...]
"""A column, or a field within one: ("data", "temperature")."""

_USUAL_KEY = "id"
_USUAL_CHART = "cpu"  # what the document's chart shows
_NAMES = re.compile(r"\s*(?:`((?:[^`]|``)+)`|([^`,]*?))\s*(?:,|$)")
_IDENTIFIER = re.compile(r"[A-Za-z_]\w*(?:\.[A-Za-z_]\w*)*", re.ASCII)
_NO_TIMES = ("boolean", "binary", "array", "map")


@dataclass(frozen=True)
class EventForm:
    """Events with `fields`, told apart by `keys`.

    `time` is SQL over the fields, empty where the arrival counts, and `time_path` the column that has it, if one does.
    `chart` is the number that the chart draws.
    """

    fields: tuple[Field, ...]
    keys: tuple[Path, ...]
    time: str
    time_path: Path = ()
    chart: Path = ()

    @cached_property
    def numbers(self) -> list[Path]:
        """What is averaged."""
        taken = {*self.keys, self.time_path}
        return [path for path, field in leaves(self.fields) if field.is_number and path not in taken]

    @property
    def is_event(self) -> str:
        """Which rows are events, in SQL: those with a time and a key; where there is neither, those with a figure."""
        return " and ".join(map(_is_there, self.needed)) or " or ".join(map(_is_there, self.one_of))

    @property
    def needed(self) -> list[Path]:
        """What every event has: its time and its key."""
        time = [self.time_path] if self.time_path and self.time else []
        return [path for path in (*time, *self.keys) if path != (TOPIC,)]

    @property
    def one_of(self) -> list[Path]:
        """What an event has one of at least, where nothing is `needed`: a number, else anything."""
        return self.numbers or [path for path, _ in leaves(self.fields)]

    @property
    def newest(self) -> list[Path]:
        """The column whose newest value the query shows."""
        return [self.time_path] if self.time_path and self.time_path not in self.keys else []

    @property
    def selected(self) -> list[tuple[str, str]]:
        """The query's columns: SQL, and the name of its result."""
        times = [(f"max({in_sql(path)}) as {quoted(_joined(path))}", _joined(path)) for path in self.newest]
        keys = [(_named(in_sql(path), _joined(path)), _joined(path)) for path in self.keys]
        averages = [(_named(f"avg({in_sql(path)})", _average(path)), _average(path)) for path in self.numbers]
        return times + keys + (averages or [("count(*) as events", "events")])

    @property
    def query(self) -> str:
        """The query, indented by two."""
        lines = [f"  select {', '.join(sql for sql, _ in self.selected)}", "  from measure"]
        if self.keys:
            lines.append(f"  group by {', '.join(map(in_sql, self.keys))}")
            lines.append(f"  order by {', '.join(quoted(_joined(path)) for path in (*self.newest, *self.keys))}")
        return "\n".join(lines)

    @property
    def chart_groups(self) -> list[dict[str, Any]]:
        """The columns of the table `averages` whose values have a line each, as Zeppelin's charts name them."""
        names = [name for _, name in self.selected]
        return [{"name": name, "index": names.index(name) + 1, "aggr": "sum"} for name in map(_joined, self.keys)]

    @property
    def chart_values(self) -> list[dict[str, Any]]:
        """The column of the table `averages` that the chart draws."""
        names = [name for _, name in self.selected]
        at = names.index(_average(self.chart)) if self.chart else len(names) - 1
        return [{"name": names[at], "index": at + 1, "aggr": "avg"}]


def event_form(values: Mapping[str, Any]) -> EventForm:
    """The events that the values of `PARAMETERS` speak of.

    Raises: UsageError for a schema that says nothing, and a time, a key or a chart that is none of its columns.
    """
    fields = parse_schema(values["schema"])
    with_topic = values.get("topic_column") == "yes"
    if with_topic and any(field.name.lower() == TOPIC for field in fields):
        raise UsageError(
            "the schema has a column 'topic', and topic_column=yes adds one of that name",
            next_step="leave topic_column out, or take the column out of the schema",
        )
    columns = {_joined(path): (path, field) for path, field in leaves(fields)}
    time, time_path = _time(values["event_time"], columns)
    keys = _keys(values["key"], columns, with_topic=with_topic)
    form = EventForm(fields, keys, time, time_path)
    return replace(form, chart=_chart(values["chart"], form))


def template_values(values: Mapping[str, Any]) -> dict[str, Any]:
    """What templates may name of the events' form; nothing where the bundle does not declare `PARAMETERS`."""
    if not all(name in values for name in PARAMETERS):
        return {}
    form = event_form(values)
    return {
        **reading.template_values(values, form.fields),
        "event_fields": _written(values["schema"], form.fields),
        "event_names": [field.name for field in form.fields],
        "event_condition": form.is_event,
        "event_at": form.time,
        "event_keys": [_joined(path) for path in form.keys],
        "event_query": form.query,
        "chart_groups": form.chart_groups,
        "chart_values": form.chart_values,
    }


TEMPLATE_NAMES = reading.TEMPLATE_NAMES | frozenset(
    {
        "event_fields",
        "event_names",
        "event_condition",
        "event_at",
        "event_keys",
        "event_query",
        "chart_groups",
        "chart_values",
    }
)
"""The names of `template_values`."""


def split_names(text: str) -> list[str]:
    """The names of a list such as ``site, `room 1` ``."""
    found = ((each[1] or "").replace("``", "`") or each[2] for each in _NAMES.finditer(text))
    return [name for name in found if name]


def leaves(fields: Sequence[Field], above: Path = ()) -> Iterator[tuple[Path, Field]]:
    """Each field that has no fields itself, with its path."""
    for field in fields:
        inner = fields_in(field)
        if inner:
            yield from leaves(inner, (*above, field.name))
        else:
            yield (*above, field.name), field


def fields_in(field: Field) -> tuple[Field, ...]:
    """The fields of a struct; none of anything else."""
    inner = field.type.removeprefix("struct<")
    return parse_schema(inner.removesuffix(">")) if inner != field.type else ()


def in_sql(path: Path) -> str:
    """A path as it stands in SQL."""
    return ".".join(map(quoted, path))


def reference(path: Path) -> str:
    """A path as the parameters `event_time`, `key` and `chart` name it."""
    plain = all(quoted(name) == name for name in path) and path not in ((AUTO,), (ARRIVAL,), (NO_KEY,))
    return _joined(path) if plain else "`" + _joined(path).replace("`", "``") + "`"


def _joined(path: Path) -> str:
    return ".".join(path)


def _average(path: Path) -> str:
    return f"avg({_joined(path)})"


def _is_there(path: Path) -> str:
    return f"{in_sql(path)} is not null"


def _named(sql: str, name: str) -> str:
    """`sql` with a name for its result where Spark would give it another."""
    plain = re.fullmatch(r"(?:avg\()?[A-Za-z_]\w*\)?", sql, re.ASCII)
    return sql if plain else f"{sql} as {quoted(name)}"


def _written(text: str, fields: Sequence[Field]) -> str:
    """The schema for Spark: as a person wrote it, where that differs in case alone."""
    plain = as_ddl(fields)
    return text if text.lower() == plain.lower() else plain


def _time(text: str, columns: Mapping[str, tuple[Path, Field]]) -> tuple[str, Path]:
    """The time in SQL, and its column: the one that is named, else the first that is a point in time."""
    first = next((path for path, field in columns.values() if field.is_time), ())
    if text == AUTO:
        return in_sql(first), first
    if text in (ARRIVAL, ""):
        return "", first
    name = _unquoted(text)
    if name not in columns:
        if _IDENTIFIER.fullmatch(text):
            raise UsageError(
                f"event_time={text}: the schema has no such column",
                next_step=nearest(
                    text, columns, f"take of {', '.join(columns)}, or {ARRIVAL} where events have no time"
                ),
            )
        return text, first
    path, field = columns[name]
    if field.type.partition("<")[0] in _NO_TIMES:
        raise UsageError(
            f"event_time={text}: a {field.type} is no time",
            next_step="take a timestamp, a text in ISO 8601, or a number of seconds or milliseconds since 1970",
        )
    return in_sql(path), path


def _unquoted(text: str) -> str:
    return text[1:-1].replace("``", "`") if re.fullmatch(r"`(?:[^`]|``)+`", text) else text


def _keys(text: str, columns: Mapping[str, tuple[Path, Field]], *, with_topic: bool) -> tuple[Path, ...]:
    if text == AUTO:
        usual = [path for name, (path, _) in columns.items() if name.lower() == _USUAL_KEY]
        texts = [path for path, field in columns.values() if field.type == "string"]
        return tuple((usual or texts)[:1])
    if text == NO_KEY:
        return ()
    known = {name: path for name, (path, _) in columns.items()} | ({TOPIC: (TOPIC,)} if with_topic else {})
    asked = split_names(text)
    for name in asked:
        if name not in known:
            all_names = f"take of {', '.join(known)}, or {NO_KEY}"
            hint = "give --param topic_column=yes too" if name == TOPIC else nearest(name, known, all_names)
            raise UsageError(f"key={text}: there is no column {name!r}", next_step=hint)
    if not asked or len(set(asked)) < len(asked):
        raise UsageError(f"key={text!r} names no column, or one twice", next_step="write one as in key=device")
    return tuple(known[name] for name in asked)


def _chart(text: str, form: EventForm) -> Path:
    numbers = {_joined(path): path for path in form.numbers}
    if text == AUTO:
        return numbers.get(_USUAL_CHART) or next(iter(numbers.values()), ())
    if _unquoted(text) not in numbers:
        listed = f"take of {', '.join(numbers)}" if numbers else "the schema has no numbers but time and key"
        raise UsageError(f"chart={text}: no column of that name is averaged", next_step=nearest(text, numbers, listed))
    return numbers[_unquoted(text)]
