"""What travels: notes, paragraphs, interpreter settings, read from the JSON of Zeppelin 0.8 to 0.12.

Field names follow Zeppelin's `Note`, `Paragraph`, `InterpreterSetting` and `UsernamePassword` classes. Dates
are kept as the server writes them: their format and zone differ between versions and locales.
"""

import copy
import itertools
import math
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from enum import StrEnum
from typing import Any, NamedTuple, Self

_TABLE_ENDS = ("", "<!--TABLE_COMMENT-->")


class ServerVersion(NamedTuple):
    """A server's version; compares with another or with a tuple: `client.get_version() >= (0, 9)`."""

    major: int
    minor: int
    patch: int = 0

    @classmethod
    def parse(cls, text: str) -> Self:
        """Read "0.10.1" or "0.13.0-SNAPSHOT"; what follows the numbers is dropped. Raises ValueError."""
        match = re.match(r"(\d+)\.(\d+)(?:\.(\d+))?", text)
        if not match:
            raise ValueError(f"{text!r} is not a version")
        return cls(*(int(part or 0) for part in match.groups()))

    def __str__(self) -> str:
        return f"{self.major}.{self.minor}.{self.patch}"


class ParagraphStatus(StrEnum):
    """The states of Zeppelin's `Job.Status`; a state that this package does not know is UNKNOWN."""

    UNKNOWN = "UNKNOWN"
    READY = "READY"
    PENDING = "PENDING"
    RUNNING = "RUNNING"
    FINISHED = "FINISHED"
    ERROR = "ERROR"
    ABORT = "ABORT"

    @classmethod
    def _missing_(cls, value: object) -> "ParagraphStatus":
        return cls.UNKNOWN

    @property
    def is_active(self) -> bool:
        """Waiting for its turn or running."""
        return self in (ParagraphStatus.PENDING, ParagraphStatus.RUNNING)

    @property
    def is_completed(self) -> bool:
        """Ended, well or badly."""
        return self in (ParagraphStatus.FINISHED, ParagraphStatus.ERROR, ParagraphStatus.ABORT)


@dataclass(frozen=True)
class Table:
    """Rows under named columns; every cell is text, as Zeppelin keeps it, and every row as long as `columns`."""

    columns: tuple[str, ...]
    rows: tuple[tuple[str, ...], ...]

    @classmethod
    def of(cls, lines: Sequence[Sequence[str]]) -> Self:
        """The column names and the rows below them, lines that are too short filled up with ""."""
        width = max(map(len, lines))
        columns, *rows = (tuple(line) + ("",) * (width - len(line)) for line in lines)
        return cls(columns, tuple(rows))

    def to_pandas(self) -> Any:
        """A `pandas.DataFrame` of text columns. Raises ImportError where pandas is not installed."""
        try:
            import pandas
        except ImportError as error:
            raise ImportError("to_pandas needs pandas: install zeppelin-sdk[pandas]", name="pandas") from error
        return pandas.DataFrame(self.rows, columns=list(self.columns), dtype=str)


@dataclass(frozen=True)
class ResultMessage:
    """One output of a paragraph; `type` is TEXT, TABLE, HTML, IMG, … (`InterpreterResult.Type`)."""

    type: str
    data: str

    @classmethod
    def from_json(cls, data: Mapping[str, Any]) -> Self:
        """Read one element of a paragraph's `results.msg`."""
        return cls(type=_text(data, "type") or "TEXT", data=_text(data, "data"))

    def table(self) -> Table:
        """The columns and rows of a TABLE. Raises ValueError for another type.

        As in Zeppelin's page (`tabledata.js`), the first line names the columns, and the table ends at an empty
        line or `<!--TABLE_COMMENT-->` below its rows.
        """
        if self.type != "TABLE":
            raise ValueError(f"a result of type {self.type} has no rows")
        header, _, rest = self.data.lstrip("\n").partition("\n")
        lines = itertools.takewhile(lambda line: line not in _TABLE_ENDS, rest.lstrip("\n").split("\n"))
        return Table.of([header.split("\t") if header else [], *(line.split("\t") for line in lines)])


@dataclass(frozen=True)
class Paragraph:
    """A paragraph as the server has it; `progress` is in percent, dates are in the server's own format."""

    id: str
    title: str = ""
    text: str = ""
    status: ParagraphStatus = ParagraphStatus.READY
    config: Mapping[str, Any] = field(default_factory=dict)
    settings: Mapping[str, Any] = field(default_factory=dict)
    results: tuple[ResultMessage, ...] = ()
    result_code: str = ""
    progress: int = 0
    user: str = ""
    job_name: str = ""
    error_message: str = ""
    date_created: str = ""
    date_started: str = ""
    date_finished: str = ""
    date_updated: str = ""

    @classmethod
    def from_json(cls, data: Mapping[str, Any]) -> Self:
        """Read a paragraph from a note, from its own call, or from a websocket message."""
        results = _mapping(data, "results")
        return cls(
            id=_text(data, "id"),
            title=_text(data, "title"),
            text=_text(data, "text"),
            status=ParagraphStatus(_text(data, "status") or "READY"),
            config=_mapping(data, "config"),
            settings=_mapping(data, "settings"),
            results=tuple(ResultMessage.from_json(message) for message in _mappings(results, "msg")),
            result_code=_text(results, "code"),
            progress=whole_number(data.get("progress")),
            user=_text(data, "user"),
            job_name=_text(data, "jobName"),
            error_message=_text(data, "errorMessage"),
            date_created=_text(data, "dateCreated"),
            date_started=_text(data, "dateStarted"),
            date_finished=_text(data, "dateFinished"),
            date_updated=_text(data, "dateUpdated"),
        )

    @property
    def output(self) -> str:
        """All that the paragraph printed, its outputs one after the other, each ended by a newline."""
        return "".join(m.data if m.data.endswith("\n") else f"{m.data}\n" for m in self.results if m.data)


@dataclass(frozen=True)
class NoteInfo:
    """A line of the list of notes; `path` starts with a slash and ends with the note's name."""

    id: str
    path: str

    @classmethod
    def from_json(cls, data: Mapping[str, Any]) -> Self:
        """Read a line of the list; Zeppelin 0.8 calls the path `name` and leaves its first slash out."""
        return cls(id=_text(data, "id"), path=note_path(_text(data, "path") or _text(data, "name")))


@dataclass(frozen=True)
class Note:
    """A note with its paragraphs, in order; `forms` are its own dynamic forms, `params` their values."""

    id: str
    path: str
    paragraphs: tuple[Paragraph, ...] = ()
    config: Mapping[str, Any] = field(default_factory=dict)
    info: Mapping[str, Any] = field(default_factory=dict)
    forms: Mapping[str, Any] = field(default_factory=dict)
    params: Mapping[str, Any] = field(default_factory=dict)

    @classmethod
    def from_json(cls, data: Mapping[str, Any]) -> Self:
        """Read a note from its own call or from a websocket message."""
        return cls(
            id=_text(data, "id"),
            path=note_path(_text(data, "path") or _text(data, "name")),
            paragraphs=tuple(Paragraph.from_json(paragraph) for paragraph in _mappings(data, "paragraphs")),
            config=_mapping(data, "config"),
            info=_mapping(data, "info"),
            forms=_mapping(data, "noteForms"),
            params=_mapping(data, "noteParams"),
        )

    @property
    def name(self) -> str:
        """The last part of the path."""
        return self.path.rpartition("/")[2]

    @property
    def is_running(self) -> bool:
        """Whether the whole note runs ("run all") or any of its paragraphs does."""
        return self.info.get("isRunning") is True or any(p.status.is_active for p in self.paragraphs)

    def paragraph(self, paragraph_id: str) -> Paragraph | None:
        """The paragraph with this id, or None."""
        return next((p for p in self.paragraphs if p.id == paragraph_id), None)


@dataclass(frozen=True)
class ParagraphResult:
    """How far a paragraph is, and what it has printed; `progress` is in percent."""

    id: str
    status: ParagraphStatus
    progress: int
    results: tuple[ResultMessage, ...] = ()


@dataclass(frozen=True)
class NoteResult:
    """How far a note is: whether anything in it runs, and each paragraph in order."""

    note_id: str
    is_running: bool
    paragraphs: tuple[ParagraphResult, ...]


@dataclass(frozen=True)
class InterpreterSetting:
    """An interpreter setting; `status` is READY, DOWNLOADING_DEPENDENCIES, or ERROR for an `error_reason`.

    `raw` is all that the server sent: an update replaces option, properties and dependencies wholesale, so
    all of it has to go back. Properties may hold secrets and are not shown by repr().
    """

    id: str
    name: str
    group: str
    status: str
    error_reason: str
    raw: Mapping[str, Any] = field(repr=False)

    @classmethod
    def from_json(cls, data: Mapping[str, Any]) -> Self:
        """Read a setting from the list or from its own call."""
        return cls(
            id=_text(data, "id"),
            name=_text(data, "name"),
            group=_text(data, "group"),
            status=_text(data, "status") or "READY",
            error_reason=_text(data, "errorReason"),
            raw=copy.deepcopy(dict(data)),
        )

    @property
    def properties(self) -> dict[str, Any]:
        """Property name -> value, from either shape that servers use: plain, or `{name, value, type}`."""
        return {name: _property_value(entry) for name, entry in _mapping(self.raw, "properties").items()}

    @property
    def dependencies(self) -> tuple[str, ...]:
        """The Maven coordinates, or files on the server, that the server loads for this setting."""
        return tuple(_text(entry, "groupArtifactVersion") for entry in _mappings(self.raw, "dependencies"))

    def with_properties(self, changes: Mapping[str, str | None]) -> Self:
        """A copy with these properties set, or removed where the value is None, in the server's shape."""
        properties = dict(_mapping(self.raw, "properties"))
        plain = bool(properties) and not any(isinstance(entry, Mapping) for entry in properties.values())
        for name, value in changes.items():
            if value is None:
                properties.pop(name, None)
            elif plain:
                properties[name] = value
            else:
                old = properties.get(name)
                kept = dict(old) if isinstance(old, Mapping) else {"name": name, "type": "string"}
                properties[name] = {**kept, "value": value}
        return replace(self, raw={**self.raw, "properties": properties})

    def with_dependencies(self, coordinates: list[str]) -> Self:
        """A copy that loads exactly these; what was known of those that stay (exclusions) is kept."""
        known = {_text(entry, "groupArtifactVersion"): entry for entry in _mappings(self.raw, "dependencies")}
        entries = [known.get(name, {"groupArtifactVersion": name, "local": False}) for name in coordinates]
        return replace(self, raw={**self.raw, "dependencies": entries})


@dataclass(frozen=True)
class Credential:
    """An entry of the server's credential store; the password is not shown by repr()."""

    entity: str
    user: str
    password: str = field(repr=False)

    @classmethod
    def from_json(cls, entity: str, data: Mapping[str, Any]) -> Self:
        """Read an entity's entry."""
        return cls(entity, user=_text(data, "username"), password=_text(data, "password"))


@dataclass(frozen=True)
class Permissions:
    """Who may do what with a note, users and roles together; an empty set means everybody."""

    owners: frozenset[str] = frozenset()
    readers: frozenset[str] = frozenset()
    runners: frozenset[str] = frozenset()
    writers: frozenset[str] = frozenset()

    @classmethod
    def from_json(cls, data: Mapping[str, Any]) -> Self:
        """Read the four lists."""
        return cls(**{name: frozenset(data.get(name) or ()) for name in cls.__dataclass_fields__})

    def to_json(self) -> dict[str, list[str]]:
        """All four lists, as the server wants them."""
        return {name: sorted(getattr(self, name)) for name in self.__dataclass_fields__}


@dataclass(frozen=True)
class Revision:
    """A saved state of a note; `time` is in seconds since 1970."""

    id: str
    message: str
    time: int

    @classmethod
    def from_json(cls, data: Mapping[str, Any]) -> Self:
        """Read a line of the list."""
        return cls(id=_text(data, "id"), message=_text(data, "message"), time=whole_number(data.get("time")))


@dataclass(frozen=True)
class Cron:
    """When a note runs by itself: a Quartz expression ("0 0 2 * * ?" is daily at 2), in the server's time zone.

    With `release_resource` the note's interpreters stop after each run.
    """

    expression: str
    release_resource: bool = False


@dataclass(frozen=True)
class SearchHit:
    """A paragraph, or a note's name (`paragraph_id` is ""), that a search found; `snippet` is HTML."""

    note_id: str
    paragraph_id: str
    name: str
    text: str
    snippet: str

    @classmethod
    def from_json(cls, data: Mapping[str, Any]) -> Self:
        """Read a hit; its id is `NOTE/paragraph/PARAGRAPH`, or `NOTE`."""
        note_id, _, rest = _text(data, "id").partition("/")
        return cls(
            note_id=note_id,
            paragraph_id=rest.rpartition("/")[2],
            name=_text(data, "name"),
            text=_text(data, "text"),
            snippet=_text(data, "snippet"),
        )


@dataclass(frozen=True)
class Repository:
    """A Maven repository that interpreters' dependencies come from."""

    id: str
    url: str

    @classmethod
    def from_json(cls, data: Mapping[str, Any]) -> Self:
        """Read a line of the list."""
        return cls(id=_text(data, "id"), url=_text(data, "url"))


@dataclass(frozen=True)
class Capabilities:
    """What a server can do: `revisions`, whether its storage keeps them."""

    version: ServerVersion
    revisions: bool


@dataclass(frozen=True)
class Ticket:
    """Who the server takes the caller for, and the token that a websocket message carries."""

    principal: str
    ticket: str = field(repr=False)
    roles: str


def note_path(text: str) -> str:
    """`text` with the leading slash that Zeppelin gives every note's path."""
    return text if text.startswith("/") else f"/{text}"


def whole_number(value: Any) -> int:
    """`value` without its fraction; 0 for what is no number."""
    return int(value) if isinstance(value, int | float) and math.isfinite(value) else 0


def _text(data: Mapping[str, Any], key: str) -> str:
    value = data.get(key)
    return "" if value is None else str(value)


def _mapping(data: Mapping[str, Any], key: str) -> Mapping[str, Any]:
    value = data.get(key)
    return value if isinstance(value, Mapping) else {}


def _mappings(data: Mapping[str, Any], key: str) -> list[Mapping[str, Any]]:
    value = data.get(key)
    return [entry for entry in value if isinstance(entry, Mapping)] if isinstance(value, list) else []


def _property_value(entry: Any) -> Any:
    return entry.get("value") if isinstance(entry, Mapping) else entry
