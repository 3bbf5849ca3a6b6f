"""The part of a Zeppelin client that an apply uses, with its notes in memory; counts what is written."""

import itertools
import json
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import replace
from types import SimpleNamespace
from typing import Any, Self

from zeppelin_sdk import (
    Credential,
    Note,
    NoteInfo,
    NoteNotFoundError,
    NotFoundError,
    OthersPresent,
    Paragraph,
    ParagraphChanged,
    ParagraphNotFoundError,
    Revision,
    ServerVersion,
)
from zeppelin_sdk.models import note_path


def _write(what: str) -> Callable[[Callable[..., Any]], Callable[..., Any]]:
    """A call that changes something: it is noted in `writes`, and cut off where a test wants that."""

    def decorate(call: Callable[..., Any]) -> Callable[..., Any]:
        def write(self: "NotesInMemory", *arguments: Any, **more: Any) -> Any:
            fails = self.fail_at is not None and len(self.writes) >= self.fail_at
            if fails and not self.fails_late:
                raise ConnectionError(what)
            self.writes.append(what)
            answer = call(self, *arguments, **more)
            if fails:
                raise ConnectionError(what)
            return answer

        return write

    return decorate


class NotesInMemory:
    """Notes that a person (`set_text`, …) and an apply (the client's own methods) change.

    From write number `fail_at` on the connection is cut: ahead of the write, or with `fails_late` behind it.
    """

    url = "http://zeppelin.example:8080"

    def __init__(self) -> None:
        self.notes: dict[str, Note] = {}
        self.credentials: dict[str, tuple[str, str]] = {}
        self.writes: list[str] = []
        self.fail_at: int | None = None
        self.fails_late = False
        self.server_version = ServerVersion(0, 10, 0)
        self.others: frozenset[str] | None = None
        self.revisions: list[tuple[Revision, Note]] = []
        self._ids = itertools.count(1)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_error: object) -> None:
        pass

    def version(self) -> ServerVersion:
        return self.server_version

    def list_notes(self) -> list[NoteInfo]:
        return [NoteInfo(note.id, note.path) for note in self.notes.values()]

    def find_note(self, path: str) -> NoteInfo | None:
        return next((note for note in self.list_notes() if note.path == note_path(path)), None)

    def get_note(self, note_id: str) -> Note:
        if note_id not in self.notes:
            raise NoteNotFoundError(f"no such note: {note_id}")
        return self.notes[note_id]

    def note_url(self, note_id: str) -> str:
        return f"{self.url}/#/notebook/{note_id}"

    @_write("delete note")
    def delete_note(self, note_id: str) -> None:
        del self.notes[note_id]

    def get_paragraph(self, note_id: str, paragraph_id: str) -> Paragraph:
        return self._find(note_id, paragraph_id)

    @_write("import")
    def import_note(self, note: Mapping[str, Any], path: str) -> str:
        paragraphs = [{**entry, "id": self._new_id()} for entry in json.loads(json.dumps(note))["paragraphs"]]
        note_id = self._new_id()
        self.notes[note_id] = Note.from_json({"id": note_id, "path": path, "paragraphs": paragraphs})
        return note_id

    @_write("add")
    def add_paragraph(
        self, note_id: str, *, text: str, title: str = "", index: int, config: Mapping[str, Any] | None = None
    ) -> str:
        new = Paragraph(self._new_id(), title=title, text=text, config=_copied(config or {}))
        self.put(note_id, index, new)
        return new.id

    @_write("text")
    def update_paragraph(self, note_id: str, paragraph_id: str, *, text: str, title: str | None = None) -> None:
        old = self._find(note_id, paragraph_id)
        self.swap(note_id, replace(old, text=text, title=old.title if title is None else title))

    @_write("config")
    def update_paragraph_config(self, note_id: str, paragraph_id: str, config: Mapping[str, Any]) -> None:
        old = self._find(note_id, paragraph_id)
        self.swap(note_id, replace(old, config={**old.config, **_copied(config)}))

    @_write("delete")
    def delete_paragraph(self, note_id: str, paragraph_id: str) -> None:
        self.remove(note_id, paragraph_id)

    @_write("move")
    def move_paragraph(self, note_id: str, paragraph_id: str, index: int) -> None:
        moved = self._find(note_id, paragraph_id)
        self.remove(note_id, paragraph_id)
        self.put(note_id, index, moved)

    def put_credential(self, entity: str, user: str, password: str) -> None:
        self.credentials[entity] = (user, password)

    def list_credentials(self) -> list[Credential]:
        return [Credential(entity, *pair) for entity, pair in self.credentials.items()]

    def delete_credential(self, entity: str) -> None:
        if self.credentials.pop(entity, None) is None:
            raise NotFoundError(f"no credential for {entity!r} is stored")

    def checkpoint_note(self, note_id: str, message: str) -> str | None:
        if self.revisions and self.revisions[0][1] == self.get_note(note_id):
            return None
        revision = Revision(f"r{len(self.revisions)}", message, len(self.revisions))
        self.revisions.insert(0, (revision, self.get_note(note_id)))
        return revision.id

    def list_revisions(self, note_id: str) -> list[Revision]:
        return [revision for revision, note in self.revisions if note.id == note_id]

    def get_revision(self, note_id: str, revision_id: str) -> Note:
        for revision, note in self.revisions:
            if revision.id == revision_id:
                return note
        raise NotFoundError(f"no such revision: {revision_id}")

    @contextmanager
    def follow(self, note_id: str) -> Iterator[Any]:
        """A follower that hears of those who have the note open, then of its paragraphs."""
        note, heard = self.get_note(note_id), [ParagraphChanged(p) for p in self.get_note(note_id).paragraphs]
        there = self.others is not None
        events = iter([OthersPresent(there, self.others or frozenset()), *heard])
        yield SimpleNamespace(note=None if there else note, read=lambda _timeout: next(events, None))

    # what follows is the person at the web page

    def put(self, note_id: str, index: int, paragraph: Paragraph) -> None:
        paragraphs = list(self.notes[note_id].paragraphs)
        paragraphs.insert(index, paragraph)
        self._set(note_id, paragraphs)

    def insert(self, note_id: str, index: int, text: str) -> Paragraph:
        own = Paragraph(self._new_id(), text=text)
        self.put(note_id, index, own)
        return own

    def copy(self, note_id: str, index: int, to: int) -> Paragraph:
        copied = replace(self.notes[note_id].paragraphs[index], id=self._new_id())
        self.put(note_id, to, copied)
        return copied

    def remove(self, note_id: str, paragraph_id: str) -> None:
        self._set(note_id, [p for p in self.notes[note_id].paragraphs if p.id != paragraph_id])

    def swap(self, note_id: str, paragraph: Paragraph) -> None:
        self._set(note_id, [paragraph if p.id == paragraph.id else p for p in self.notes[note_id].paragraphs])

    def _find(self, note_id: str, paragraph_id: str) -> Paragraph:
        found = self.notes[note_id].paragraph(paragraph_id)
        if found is None:
            raise ParagraphNotFoundError(f"no such paragraph: {paragraph_id}")
        return found

    def _set(self, note_id: str, paragraphs: list[Paragraph]) -> None:
        self.notes[note_id] = replace(self.notes[note_id], paragraphs=tuple(paragraphs))

    def _new_id(self) -> str:
        return f"p{next(self._ids)}"


def _copied(config: Mapping[str, Any]) -> dict[str, Any]:
    copied: dict[str, Any] = json.loads(json.dumps(config))
    return copied
