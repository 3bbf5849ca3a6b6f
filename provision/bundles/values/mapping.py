"""Where the columns of an event come from: `temperature = $.data.temp, device = topic[-2], site = 'lab'`."""

import re
from collections.abc import Callable
from dataclasses import dataclass

from provision.errors import UsageError, nearest

FORMS = ("epoch_s", "epoch_ms", "iso")
"""How a time is written: seconds or milliseconds since 1970, or ISO 8601. Without one it is told by its look."""
MOST_STEPS = 20


@dataclass(frozen=True)
class JsonPath:
    """A value within the event's JSON: names of fields, and places in lists, from 0. No step: the event as it came."""

    steps: tuple[str | int, ...]


@dataclass(frozen=True)
class Cell:
    """A cell of a line of CSV: its place, from 1, or the name that the first line has for it."""

    at: int | str


@dataclass(frozen=True)
class TopicLevel:
    """A level of the topic: from 1 on from its beginning, or from -1 on from its end."""

    at: int


@dataclass(frozen=True)
class Constant:
    """The same value for all events."""

    value: str | float | bool


@dataclass(frozen=True)
class Arrival:
    """When the message came."""


Whence = JsonPath | Cell | TopicLevel | Constant | Arrival


@dataclass(frozen=True)
class ColumnSource:
    """Where a column comes from, and in which of `FORMS` a time is there; empty for whichever it looks like."""

    whence: Whence
    form: str = ""


_NAME = re.compile(r"\s*(?:`((?:[^`]|``)+)`|([^\s=,`'\"$\[\]()]+))\s*=\s*")
_STEP = re.compile(
    r"\.(?P<name>[^\s.,;\[\]'\"=`()]+)|\[(?P<index>\d{1,6})\]|\[(?P<quoted>'(?:[^'\\]|\\.)*'|\"(?:[^\"\\]|\\.)*\")\]"
)
_TEXT = re.compile(r"'(?:[^'\\]|\\.)*'|\"(?:[^\"\\]|\\.)*\"")
_NUMBER = re.compile(r"-?\d{1,15}(?:\.\d{1,15})?(?![\w.])")
_PLACE = re.compile(r"\[\s*(-?\d{1,4})\s*\]")
_CELL = re.compile(r"\[\s*(?:(\d{1,4})|('(?:[^'\\]|\\.)*'|\"(?:[^\"\\]|\\.)*\"))\s*\]")
_WORD = re.compile(r"[A-Za-z_]\w*")
_HELP = "write COLUMN=SOURCE, …; a source is $.data.temp, csv[2], csv['Temp'], topic[-1], 'text', 12.5 or arrival"


def parse_mapping(text: str) -> dict[str, ColumnSource]:
    """The sources by the names of columns; nothing for an empty text. Raises: UsageError for anything else."""
    reader = _Reader(text)
    found: dict[str, ColumnSource] = {}
    while not reader.at_end:
        name = reader.name()
        if name.lower() in {each.lower() for each in found}:
            raise _wrong(f"{name!r} stands twice", "give each column one source")
        found[name] = ColumnSource(reader.whence(name), reader.form())
        reader.comma(name)
    return found


class _Reader:
    """Reads a mapping from left to right."""

    def __init__(self, text: str) -> None:
        self._text = text
        self._at = 0
        if not text.isprintable() or len(text) > 10_000:
            raise _wrong("it has a control character, or is too long", _HELP)

    @property
    def at_end(self) -> bool:
        return not self._text[self._at :].strip()

    def name(self) -> str:
        found = self._take(_NAME)
        if found is None:
            raise self._expected("COLUMN=")
        return (found[1] or "").replace("``", "`") or found[2]

    def whence(self, of: str) -> Whence:
        here = self._text[self._at :]
        known: dict[str, Callable[[], Whence]] = {"$": self._path, "'": self._constant, '"': self._constant}
        if here[:1] in known:
            return known[here[:1]]()
        if _NUMBER.match(here):
            return Constant(float(self._taken(_NUMBER)))
        word = self._taken(_WORD)
        words: dict[str, Callable[[], Whence]] = {
            "csv": self._cell,
            "topic": self._level,
            "arrival": Arrival,
            "true": lambda: Constant(True),
            "false": lambda: Constant(False),
        }
        if word not in words:
            raise _wrong(f"{of}={word or here[:20]} is no source", nearest(word, words, _HELP) if word else _HELP)
        return words[word]()

    def form(self) -> str:
        self._blanks()
        word = self._taken(_WORD)
        if word and word not in FORMS:
            raise _wrong(f"{word!r} is no form of a time", nearest(word, FORMS, f"there are {', '.join(FORMS)}"))
        return word

    def comma(self, of: str) -> None:
        self._blanks()
        if self._text[self._at : self._at + 1] == ",":
            self._at += 1
        elif not self.at_end:
            raise self._expected(f"a comma after {of!r}")

    def _path(self) -> JsonPath:
        self._at += 1
        steps: list[str | int] = []
        while step := self._take(_STEP):
            steps.append(_unquoted(step["quoted"]) if step["quoted"] else step["name"] or int(step["index"]))
        if steps and isinstance(steps[0], int):
            raise _wrong("a path begins with a field", "each element of an array is an event by itself: write $.field")
        if len(steps) > MOST_STEPS:
            raise _wrong(f"a path has more than {MOST_STEPS} steps", "make the events flatter")
        return JsonPath(tuple(steps))

    def _constant(self) -> Constant:
        if not (text := self._taken(_TEXT)):
            raise self._expected("the end of a text in quotation marks")
        return Constant(_unquoted(text))

    def _cell(self) -> Cell:
        found = self._take(_CELL)
        if found is None or found[1] == "0":
            raise self._expected("csv[1], csv[2], … or csv['NAME']")
        return Cell(int(found[1]) if found[1] else _unquoted(found[2]))

    def _level(self) -> TopicLevel:
        found = self._take(_PLACE)
        if found is None or int(found[1]) == 0:
            raise self._expected("topic[1], topic[2], … or topic[-1]")
        return TopicLevel(int(found[1]))

    def _blanks(self) -> None:
        while self._text[self._at : self._at + 1] == " ":
            self._at += 1

    def _take(self, pattern: re.Pattern[str]) -> re.Match[str] | None:
        found = pattern.match(self._text, self._at)
        self._at = found.end() if found else self._at
        return found

    def _taken(self, pattern: re.Pattern[str]) -> str:
        found = self._take(pattern)
        return found[0] if found else ""

    def _expected(self, what: str) -> UsageError:
        there = self._text[self._at : self._at + 20]
        return _wrong(f"it needs {what}, and there is {there!r}" if there else f"it needs {what}, and ends", _HELP)


def _unquoted(text: str) -> str:
    return re.sub(r"\\(.)", r"\1", text[1:-1])


def _wrong(cause: str, next_step: str) -> UsageError:
    return UsageError(f"mapping: {cause}", next_step=next_step)


def as_mapping(sources: dict[str, ColumnSource]) -> str:
    """The sources as `parse_mapping` reads them."""
    return ", ".join(f"{_as_name(name)}={as_source(source)}" for name, source in sources.items())


def as_source(source: ColumnSource) -> str:
    """One source as it is written."""
    match source.whence:
        case JsonPath(steps):
            written = "$" + "".join(map(_as_step, steps))
        case Cell(at):
            written = f"csv[{at if isinstance(at, int) else _quoted(at)}]"
        case TopicLevel(at):
            written = f"topic[{at}]"
        case Constant(bool() as value):
            written = str(value).lower()
        case Constant(str() as value):
            written = _quoted(value)
        case Constant(value):
            written = f"{value:.15f}".rstrip("0").rstrip(".")
        case Arrival():
            written = "arrival"
    return f"{written} {source.form}".rstrip()


def _as_name(name: str) -> str:
    return name if re.fullmatch(r"[^\s=,`'\"$\[\]()]+", name) else "`" + name.replace("`", "``") + "`"


def _as_step(step: str | int) -> str:
    if isinstance(step, int):
        return f"[{step}]"
    return f".{step}" if re.fullmatch(r"[^\s.,;\[\]'\"=`()]+", step) else f"[{_quoted(step)}]"


def _quoted(text: str) -> str:
    return "'" + re.sub(r"(['\\])", r"\\\1", text) + "'"
