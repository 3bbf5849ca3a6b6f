"""Proposes schema, time and key for events that were seen, and says what is odd about them. Pure."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import groupby

from provision.bundles.event_form import ARRIVAL, NO_KEY, TOPIC, Path, in_sql, reference
from provision.bundles.literals import FILTERS
from provision.bundles.values.schema import parse_schema, quoted
from provision.errors import ProvisionError, UsageError
from provision.events.seen import SeenEvents, SeenField
from provision.events.times import iso, plausible

TIME_NAMES = ("ts", "timestamp", "time", "datetime", "date", "at", "created", "createdat", "created_at", "when", "t")
KEY_NAMES = (
    "id", "deviceid", "device_id", "device", "devid", "sensorid", "sensor_id", "sensor", "nodeid", "node_id", "node",
    "host", "hostname", "station", "mac", "client", "clientid", "client_id", "name",
)  # fmt: skip
_EXAMPLE = 'publish JSON objects, such as {"device": "gh-1", "temp": 25.3}'
_NUMBERS = {"int", "double"}
_EXACT = 2.0**53  # from here on a double is not exact
_BIGGEST = 2.0**63
DAY = 86_400.0
NEAR = 2 * DAY  # of its arrival: a number so close is a time


@dataclass(frozen=True)
class Proposal:
    """The parameters, as text by name, and in words what is odd; `time` and `key` are the fields taken for them."""

    parameters: dict[str, str]
    odd: tuple[str, ...]
    time: SeenField | None
    keys: tuple[SeenField, ...]
    """Candidates for the key, the best first."""
    bundle: str = ""
    """The bundle that takes the parameters; empty for any."""


def propose(seen: SeenEvents) -> Proposal:
    """What to give a note for these events.

    Raises: ProvisionError when no event was seen, or none of a field that a note can read.
    """
    if not seen.events and seen.cells and _is_table(seen.cells):
        return _of_lines(seen, seen.cells)
    if not seen.events:
        raise ProvisionError(_nothing(seen), next_step=_EXAMPLE)
    fields, left_out = _usable(seen)
    time = _time(seen, fields)
    types = {each.path: _type(each, is_time=each is time) for each in fields}
    keys = _keys(seen, [each for each in fields if each is not time], types)
    if keys and types[keys[0].path] == "double":
        types[keys[0].path] = "bigint"
    by_topic = len(seen.topics) > 1 and not (keys and keys[0].path[-1].lower() in KEY_NAMES)
    if not types:
        raise ProvisionError("no field of the events can be a column", next_step=_EXAMPLE)
    parameters = {"schema": _schema(list(types), types), "event_time": reference(time.path) if time else ARRIVAL}
    if by_topic and not any(path[0].lower() == TOPIC for path in types):
        parameters |= {"key": TOPIC, "topic_column": "yes"}
    else:
        parameters["key"] = reference(keys[0].path) if keys else NO_KEY
    return Proposal(parameters, (*_odd(seen, time), *left_out), time, tuple(keys))


def _is_table(cells: SeenEvents) -> bool:
    """Whether lines have as many cells each, with a number among them: text in general does not."""
    fields = list(cells.fields.values())
    return all(each.count == cells.events for each in fields) and any(set(each.kinds) <= _NUMBERS for each in fields)


def _of_lines(seen: SeenEvents, cells: SeenEvents) -> Proposal:
    """What to give for lines of CSV, which the bundle in Python reads; the topic is the key where it varies."""
    fields = list(cells.fields.values())
    time = _time(seen, fields)
    columns = {_cell_name(each, fields, time): _type(each, is_time=each is time) for each in fields}
    if time is not None:
        columns["at"] = "timestamp"
    keys = [name for name, kind in columns.items() if kind == "string"]
    parameters = {"payload": "csv", "event_time": "at" if time else ARRIVAL}
    level = _varying_level(list(seen.topics))
    if level and not keys:
        columns["device"], keys = "string", ["device"]
        parameters["mapping"] = f"device=topic[{level}]"
    parameters["schema"] = ", ".join(f"{name} {kind}" for name, kind in columns.items())
    parameters["key"] = (keys or [NO_KEY])[0]
    cell = "a cell" if len(fields) == 1 else f"{len(fields)} cells"
    odd = [f"messages are no JSON, but {cell} a line: the bundle structured reads them"]
    return Proposal(parameters, (*odd, *_odd(cells, time)), time, (), bundle="structured")


def _cell_name(each: SeenField, fields: Sequence[SeenField], time: SeenField | None) -> str:
    return "at" if each is time else "value" if len(fields) == 1 else f"c{each.name}".replace("c_", "c")


def _varying_level(topics: Sequence[str]) -> int:
    """The level, counted from the end, in which topics of the same depth differ; 0 where there is none, or several."""
    split = [topic.split("/") for topic in topics]
    if len(split) < 2 or len({len(levels) for levels in split}) > 1:
        return 0
    varying = [at - len(split[0]) for at, level in enumerate(zip(*split, strict=True)) if len(set(level)) > 1]
    return varying[0] if len(varying) == 1 else 0


def _nothing(seen: SeenEvents) -> str:
    first = f"none of {seen.others} events is a JSON object; the first is {seen.other}"
    return first if seen.others else "no event has come"


def _usable(seen: SeenEvents) -> tuple[list[SeenField], list[str]]:
    """The fields that can be columns, and why others can't."""
    usable: list[SeenField] = []
    left_out: list[str] = []
    taken: set[Path] = set()
    inside = {path[:depth] for path in seen.fields for depth in range(1, len(path))}
    for path, each in seen.fields.items():
        lower = tuple(name.lower() for name in path)
        why = _why_not(each)
        if not why and path in inside:
            why = "an object in some events and a value in others"
        if not why and lower in taken:
            why = "it differs from another only in upper and lower case, which Spark does not tell apart"
        if why:
            left_out.append(f"{each.name} is left out: {why}")
        else:
            taken.add(lower)
            usable.append(each)
    return usable, left_out


def _why_not(each: SeenField) -> str:
    kinds = set(each.kinds)
    if not kinds:
        return "it is always null"
    if kinds == {"list"}:
        inner = set(each.elements)
        if not inner or inner & {"object", "list"}:
            return "a list of objects or lists" if inner else "always an empty list"
    if "object" in kinds:
        return "always an empty object" if kinds == {"object"} else "an object in some events and a value in others"
    if "list" in kinds and len(kinds) > 1:
        return "a list in some events and a value in others"
    try:
        FILTERS["sql_text"].escaped(in_sql(each.path))
        for name in each.path:
            parse_schema(f"{quoted(name)} int")
    except UsageError:
        return "its name can't stand in a query"
    return "a name with a dot" if any("." in name for name in each.path) else ""


def _type(each: SeenField, *, is_time: bool) -> str:
    kinds = set(each.kinds)
    if kinds == {"boolean"}:
        return "boolean"
    if kinds <= {"int", "double"}:
        return _number(each, is_time=is_time)
    if kinds == {"list"}:
        inner = set(each.elements)
        return f"array<{'double' if inner <= {'int', 'double'} else 'boolean' if inner == {'boolean'} else 'string'}>"
    is_text = kinds == {"string"}
    return "timestamp" if is_text and is_time and each.time_texts == each.kinds["string"] else "string"


def _number(each: SeenField, *, is_time: bool) -> str:
    """Whole numbers are doubles too, for the next may not be whole; not where a double is inexact."""
    big = max(abs(each.least or 0), abs(each.most or 0))
    whole = set(each.kinds) == {"int"}
    return "bigint" if whole and big < _BIGGEST and (is_time or big > _EXACT) else "double"


def _time(seen: SeenEvents, fields: Sequence[SeenField]) -> SeenField | None:
    scored = [(_time_score(seen, each), -number, each) for number, each in enumerate(fields)]
    best = max(scored, default=(0, 0, None), key=lambda one: one[:2])
    return best[2] if best[0] >= 3 else None


def _time_score(seen: SeenEvents, each: SeenField) -> int:
    """How much a field looks like an event's time; 3 is enough."""
    kinds = set(each.kinds)
    named = 2 if each.path[-1].lower() in TIME_NAMES else 0
    if each.times is None or _is_rare(seen, each):
        return 0
    if kinds == {"string"}:
        score = 3 if each.time_texts == each.kinds["string"] else 0
    elif kinds <= {"int", "double"}:
        score = 1 if all(map(plausible, each.times)) else 0
    else:
        return 0
    if not score:
        return 0
    near = seen.arrivals is not None and all(abs(at - seen.arrivals[1]) < NEAR for at in each.times)
    stuck = each.count > 5 and len(each.values) == 1
    return score + named + 2 * near + (len(each.path) == 1) - 2 * stuck


def _is_rare(seen: SeenEvents, each: SeenField) -> bool:
    """Whether many events would be malformed if they all needed this field."""
    return each.count - each.nulls < 0.9 * seen.events


def _keys(seen: SeenEvents, fields: Sequence[SeenField], types: dict[Path, str]) -> list[SeenField]:
    scored = [(_key_score(seen, each, types[each.path]), -number, each) for number, each in enumerate(fields)]
    return [each for score, _, each in sorted(scored, key=lambda one: one[:2], reverse=True) if score > 0]


def _key_score(seen: SeenEvents, each: SeenField, kind: str) -> int:
    """How much a field looks like what tells devices apart."""
    whole = set(each.kinds) == {"int"} and kind in ("double", "bigint")
    if kind != "string" and not whole:
        return 0
    if _is_rare(seen, each):
        return 0
    name = each.path[-1].lower()
    if name in KEY_NAMES:
        return 100 - KEY_NAMES.index(name) + (10 if kind == "string" else 0)
    repeated = 2 <= len(each.values) <= max(2, seen.events // 3)
    return 5 if kind == "string" and repeated and not each.time_texts else 0


def _schema(paths: Sequence[Path], types: dict[Path, str]) -> str:
    """The schema of these columns: fields within an object as a struct, at the place of its first."""
    order = {path[0]: number for number, path in reversed(list(enumerate(paths)))}
    together = sorted(paths, key=lambda path: order[path[0]])
    return ", ".join(f"{name} {kind}" for name, kind in _typed(together, types, depth=0))


def _typed(paths: Sequence[Path], types: dict[Path, str], depth: int) -> Iterator[tuple[str, str]]:
    for name, group in groupby(paths, key=lambda path: path[depth]):
        members = list(group)
        if len(members[0]) == depth + 1:
            yield quoted(name), types[members[0]]
            continue
        order = {path[depth + 1]: number for number, path in reversed(list(enumerate(members)))}
        members.sort(key=lambda path: order[path[depth + 1]])
        inner = ", ".join(f"{each}: {kind}" for each, kind in _typed(members, types, depth + 1))
        yield quoted(name), f"struct<{inner}>"


def _odd(seen: SeenEvents, time: SeenField | None) -> Iterator[str]:
    if seen.others:
        yield f"{seen.others} of {seen.others + seen.events} events are no JSON objects, the first: {seen.other}"
    if seen.again:
        yield f"{seen.again} events are the same as the one before"
    if seen.left_out:
        yield f"{seen.left_out} values are of more fields than can be looked at"
    for each in seen.fields.values():
        yield from _odd_field(seen, each)
    if time is None:
        yield "no field looks like the time of an event: it happened when it arrived"
    else:
        yield from _odd_time(seen, time)


def _odd_field(seen: SeenEvents, each: SeenField) -> Iterator[str]:
    if each.count < seen.events:
        yield f"{each.name} is missing in {seen.events - each.count} of {seen.events} events"
    if each.nulls and each.kinds:
        yield f"{each.name} is null in {each.nulls}"
    kinds = {"number" if kind in ("int", "double") else kind for kind in each.kinds}
    if len(kinds) > 1:
        found = ", ".join(f"{number} {kind}" for kind, number in each.kinds.most_common())
        yield f"{each.name} has values of several types: {found}"
    elif each.numeric_texts and each.numeric_texts == each.kinds["string"] and each.path[-1].lower() not in KEY_NAMES:
        yield f"{each.name} has numbers in quotation marks, which no average takes"


def _odd_time(seen: SeenEvents, time: SeenField) -> Iterator[str]:
    if time.times is None:
        return
    first, last = time.times
    if time.without_zone:
        yield f"{time.name} does not say in which zone it is: Spark takes its own"
    if time.backwards:
        yield f"{time.name} goes back {time.backwards} times: events come in another order than they happened"
    if first == last and time.count > 5:
        yield f"{time.name} is the same in all events: {iso(first)}"
    if seen.arrivals is None:
        return
    if last > seen.arrivals[1] + 60:
        yield f"{time.name} is ahead of its arrival by up to {last - seen.arrivals[1]:,.0f} s"
    if first < seen.arrivals[0] - DAY:
        yield f"{time.name} is up to {(seen.arrivals[0] - first) / DAY:,.1f} days before its arrival"
