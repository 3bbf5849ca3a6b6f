"""What is seen of events: each field's types, nulls, range and values; topics; what was none."""

from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

from provision.bundles.event_form import Path
from provision.bundles.values.numbers import number_of
from provision.events.messages import events_in, lines_in, shown
from provision.events.times import has_zone, seconds_of_number, seconds_of_text

MOST_VALUES = 1000  # distinct values that are kept of a field
MOST_FIELDS = 1000
MOST_DEPTH = 20


@dataclass
class SeenField:
    """One field of the events. `kinds` counts values by type: int, double, string, boolean, list, object."""

    path: Path
    count: int = 0
    nulls: int = 0
    kinds: Counter[str] = field(default_factory=Counter)
    elements: Counter[str] = field(default_factory=Counter)
    """The types within lists."""
    values: Counter[str] = field(default_factory=Counter)
    first: Any = None
    least: float | None = None
    most: float | None = None
    numeric_texts: int = 0
    time_texts: int = 0
    without_zone: int = 0
    times: tuple[float, float] | None = None
    """First and last second since 1970, if values are taken for times."""
    backwards: int = 0
    """How often a time is before the one that came before it."""
    _last: float | None = None

    @property
    def name(self) -> str:
        return ".".join(self.path)

    @property
    def distinct(self) -> str:
        """How many values there are: "12", or "1000+" where no more are kept."""
        return f"{len(self.values)}{'+' * (len(self.values) >= MOST_VALUES)}"

    def add(self, value: Any) -> None:
        self.count += 1
        if value is None:
            self.nulls += 1
            return
        self.first = value if self.first is None else self.first
        kind = _kind(value)
        self.kinds[kind] += 1
        match kind:
            case "list":
                self.elements.update(_kind(each) for each in value if each is not None)
            case "int" | "double":
                self.least = value if self.least is None else min(self.least, value)
                self.most = value if self.most is None else max(self.most, value)
                self._time(seconds_of_number(value))
            case "string":
                self._text(value)
        text = value if isinstance(value, str) else repr(value)
        if len(self.values) < MOST_VALUES or text in self.values:
            self.values[text[:200]] += 1

    def _text(self, value: str) -> None:
        self.numeric_texts += number_of(value) is not None
        seconds = seconds_of_text(value)
        if seconds is not None:
            self.time_texts += 1
            self.without_zone += not has_zone(value)
            self._time(seconds)

    def _time(self, seconds: float) -> None:
        first, last = self.times or (seconds, seconds)
        self.times = min(first, seconds), max(last, seconds)
        if self._last is not None and seconds < self._last:
            self.backwards += 1
        self._last = seconds


@dataclass
class SeenEvents:
    """All that was seen. `arrivals` are the first and the last second since 1970, where messages came live."""

    messages: int = 0
    events: int = 0
    several: int = 0
    """Messages with more than one event."""
    others: int = 0
    """Events that are no JSON objects."""
    other: str = ""
    """The first of these."""
    again: int = 0
    """Events that are the same as the one before."""
    fields: dict[Path, SeenField] = field(default_factory=dict)
    left_out: int = 0
    """Fields beyond `MOST_FIELDS`."""
    topics: Counter[str] = field(default_factory=Counter)
    arrivals: tuple[float, float] | None = None
    cells: "SeenEvents | None" = None
    """The lines of messages that are no JSON, each as an object of its cells `_1`, `_2`, …"""
    _last: Any = None

    def add(self, payload: bytes, topic: str = "", arrival: float | None = None) -> None:
        """Look at one message."""
        self.messages += 1
        if topic and (len(self.topics) < MOST_VALUES or topic in self.topics):
            self.topics[topic] += 1
        if arrival is not None:
            self.arrivals = (self.arrivals or (arrival,))[0], arrival
        before = self.events + self.others
        for event in events_in(payload):
            if isinstance(event, dict):
                self._event(event)
            else:
                self.others += 1
                self.other = self.other or shown(event)
                self._line(event)
        self.several += self.events + self.others - before > 1

    def _line(self, text: str) -> None:
        self.cells = self.cells or SeenEvents()
        for line in lines_in(text.encode("utf-8", "replace"), header=False):
            if isinstance(line, dict):
                self.cells._event({name: _typed(cell) for name, cell in line.items()})

    def _event(self, event: dict[str, Any]) -> None:
        self.events += 1
        self.again += event == self._last
        self._last = event
        for path, value in _leaves(event):
            seen = self.fields.get(path)
            if seen is None and len(self.fields) >= MOST_FIELDS:
                self.left_out += 1
                continue
            if seen is None:
                seen = self.fields[path] = SeenField(path)
            seen.add(value)


def _leaves(value: dict[str, Any], above: Path = ()) -> Iterator[tuple[Path, Any]]:
    for name, each in value.items():
        path = (*above, name)
        if isinstance(each, dict) and each and len(path) < MOST_DEPTH:
            yield from _leaves(each, path)
        else:
            yield path, each


def _typed(cell: str | None) -> Any:
    number = None if cell is None else number_of(cell)
    return cell if number is None else int(cell) if cell and cell.lstrip("+-").isdigit() else number


def _kind(value: Any) -> str:
    kinds = {bool: "boolean", int: "int", float: "double", str: "string", list: "list"}
    return kinds.get(type(value), "object")
