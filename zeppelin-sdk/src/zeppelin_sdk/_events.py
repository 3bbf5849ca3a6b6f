"""What a followed note tells: the events, and how each websocket message changes the note as it is known.

Message names and fields are those of Zeppelin's `Message` and `NotebookServer`.
"""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any

from zeppelin_sdk._models import Note, Paragraph, whole_number
from zeppelin_sdk._patches import apply_patch


@dataclass(frozen=True)
class ParagraphChanged:
    """A paragraph is now this (text, config, status, results); at the start, one for each paragraph."""

    paragraph: Paragraph


@dataclass(frozen=True)
class ParagraphAdded:
    """Somebody added a paragraph; `index` counts from 0."""

    paragraph: Paragraph
    index: int


@dataclass(frozen=True)
class ParagraphMoved:
    """Somebody moved a paragraph to `index`, which counts from 0."""

    paragraph_id: str
    index: int


@dataclass(frozen=True)
class ParagraphRemoved:
    """Somebody deleted a paragraph."""

    paragraph_id: str


@dataclass(frozen=True)
class NoteChanged:
    """The note's path, config, info (`isRunning`), forms or params changed; its paragraphs have events of their own."""

    note: Note


@dataclass(frozen=True)
class OutputAppended:
    """`text` was added to output number `index` of a running paragraph."""

    paragraph_id: str
    index: int
    text: str


@dataclass(frozen=True)
class OutputUpdated:
    """Output number `index` of a running paragraph is now `text`, of type TEXT, TABLE, HTML, …"""

    paragraph_id: str
    index: int
    type: str
    text: str


@dataclass(frozen=True)
class Progress:
    """A running paragraph's progress, in percent."""

    paragraph_id: str
    percent: int


@dataclass(frozen=True)
class OthersPresent:
    """Whether the note is open elsewhere too, and if so, by which users (this one included); from Zeppelin 0.9 on."""

    present: bool
    users: frozenset[str]


@dataclass(frozen=True)
class ConnectionLost:
    """The connection was lost, and is being made again."""

    cause: str


@dataclass(frozen=True)
class ConnectionRestored:
    """The connection is there again; what changed meanwhile follows as events, but for output in between."""


Event = (
    ParagraphChanged
    | ParagraphAdded
    | ParagraphMoved
    | ParagraphRemoved
    | NoteChanged
    | OutputAppended
    | OutputUpdated
    | Progress
    | OthersPresent
    | ConnectionLost
    | ConnectionRestored
)


def told(note: Note, message: Mapping[str, Any]) -> tuple[Note, list[Event]] | None:
    """The note as a message leaves it, and what happened; None for a patch that does not fit the text known."""
    data = message.get("data")
    data = data if isinstance(data, dict) else {}
    match message.get("op"):
        case "NOTE":
            fresh = Note.from_json(data.get("note") or {})
            return (fresh, _differences(note, fresh)) if fresh.id == note.id else (note, [])
        case "PARAGRAPH":
            return _changed(note, Paragraph.from_json(data.get("paragraph") or {}))
        case "PARAGRAPH_ADDED":
            return _added(note, Paragraph.from_json(data.get("paragraph") or {}), whole_number(data.get("index")))
        case "PARAGRAPH_MOVED":
            return _moved(note, str(data.get("id", "")), whole_number(data.get("index")))
        case "PARAGRAPH_REMOVED":
            return _removed(note, str(data.get("id", "")))
        case "PATCH_PARAGRAPH":
            return _patched(note, str(data.get("paragraphId", "")), str(data.get("patch", "")))
        case "NOTE_UPDATED":
            return _note_changed(note, replace(note, config=data.get("config") or {}, info=data.get("info") or {}))
        case "NOTE_RUNNING_STATUS":
            info = {**note.info, "isRunning": data.get("status") is True}
            return _note_changed(note, replace(note, info=info))
        case "SAVE_NOTE_FORMS":
            forms = data.get("formsData") or {}
            return _note_changed(note, replace(note, forms=forms.get("forms") or {}, params=forms.get("params") or {}))
        case "PARAGRAPH_APPEND_OUTPUT":
            return note, [OutputAppended(_id(data), whole_number(data.get("index")), str(data.get("data") or ""))]
        case "PARAGRAPH_UPDATE_OUTPUT":
            kind = str(data.get("type") or "TEXT")
            return note, [OutputUpdated(_id(data), whole_number(data.get("index")), kind, str(data.get("data") or ""))]
        case "PROGRESS":
            return note, [Progress(str(data.get("id", "")), whole_number(data.get("progress")))]
        case "COLLABORATIVE_MODE_STATUS":
            users = frozenset(user for user in data.get("users") or () if isinstance(user, str))
            return note, [OthersPresent(data.get("status") is True, users)]
    return note, []


def _changed(note: Note, paragraph: Paragraph) -> tuple[Note, list[Event]]:
    if note.paragraph(paragraph.id) == paragraph:
        return note, []
    paragraphs = tuple(paragraph if p.id == paragraph.id else p for p in note.paragraphs)
    return replace(note, paragraphs=paragraphs), [ParagraphChanged(paragraph)]


def _added(note: Note, paragraph: Paragraph, index: int) -> tuple[Note, list[Event]]:
    if note.paragraph(paragraph.id):
        return _changed(note, paragraph)
    paragraphs = (*note.paragraphs[:index], paragraph, *note.paragraphs[index:])
    return replace(note, paragraphs=paragraphs), [ParagraphAdded(paragraph, index)]


def _moved(note: Note, paragraph_id: str, index: int) -> tuple[Note, list[Event]]:
    moving = note.paragraph(paragraph_id)
    if moving is None or note.paragraphs[index : index + 1] == (moving,):
        return note, []
    others = [p for p in note.paragraphs if p.id != paragraph_id]
    paragraphs = (*others[:index], moving, *others[index:])
    return replace(note, paragraphs=paragraphs), [ParagraphMoved(paragraph_id, index)]


def _removed(note: Note, paragraph_id: str) -> tuple[Note, list[Event]]:
    if not note.paragraph(paragraph_id):
        return note, []
    paragraphs = tuple(p for p in note.paragraphs if p.id != paragraph_id)
    return replace(note, paragraphs=paragraphs), [ParagraphRemoved(paragraph_id)]


def _patched(note: Note, paragraph_id: str, patch: str) -> tuple[Note, list[Event]] | None:
    paragraph = note.paragraph(paragraph_id)
    text = apply_patch(paragraph.text, patch) if paragraph else None
    return None if paragraph is None or text is None else _changed(note, replace(paragraph, text=text))


def _note_changed(note: Note, fresh: Note) -> tuple[Note, list[Event]]:
    return fresh, [NoteChanged(fresh)] if fresh != note else []


def _differences(note: Note, fresh: Note) -> list[Event]:
    """What happened to a note between two readings of it; all paragraphs at the first."""
    if not note.path:
        return [ParagraphChanged(paragraph) for paragraph in fresh.paragraphs]
    events: list[Event] = []
    for paragraph in note.paragraphs:
        if not fresh.paragraph(paragraph.id):
            note, more = _removed(note, paragraph.id)
            events += more
    for index, paragraph in enumerate(fresh.paragraphs):
        if not note.paragraph(paragraph.id):
            note, more = _added(note, paragraph, index)
            events += more
        note, more = _moved(note, paragraph.id, index)
        events += more
        note, more = _changed(note, paragraph)
        events += more
    return events + _note_changed(note, fresh)[1]


def _id(data: Mapping[str, Any]) -> str:
    return str(data.get("paragraphId", ""))
