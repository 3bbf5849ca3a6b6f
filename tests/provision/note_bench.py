"""A server with one note, a person and an apply."""

from collections.abc import Mapping
from dataclasses import replace
from typing import Any, cast

from provision.bundles.render import RenderedNote, RenderedParagraph
from provision.sync.apply import Applied, Applying, apply_note
from provision.sync.plan import Decision, Verdict, make_plan
from provision.sync.provenance import BEFORE, MARK, ORIGIN
from provision.sync.undo_records import Records
from zeppelin_sdk import Note, Paragraph, ZeppelinClient

from .notes_in_memory import NotesInMemory


def render(**texts: str) -> RenderedNote:
    """A note of a bundle: key -> text."""
    paragraphs = (RenderedParagraph(key, f"Title of {key}", text) for key, text in texts.items())
    return RenderedNote("bundle", "folder/note", tuple(paragraphs))


def with_config(note: RenderedNote, key: str, config: Mapping[str, Any], title: str | None = None) -> RenderedNote:
    """The note with other settings, and maybe another title, of one paragraph."""
    changed = (
        replace(p, config=config, title=p.title if title is None else title) if p.key == key else p
        for p in note.paragraphs
    )
    return replace(note, paragraphs=tuple(changed))


class Bench:
    """The note is `note`; what an apply writes is counted in `server.writes`."""

    def __init__(self, first: RenderedNote, records: Records | None = None) -> None:
        self.server = NotesInMemory()
        self.records = records
        self.id = self.apply(first).note_id

    @property
    def client(self) -> ZeppelinClient:
        return cast(ZeppelinClient, self.server)

    def apply(self, note: RenderedNote, decide: str | None = None, of: Mapping[str, str] | None = None) -> Applied:
        self.server.writes.clear()
        return apply_note(self.client, note, self.applying(decide, of))

    def applying(self, decide: str | None = None, of: Mapping[str, str] | None = None) -> Applying:
        """How the bench applies; a page that is open is known to be."""
        return Applying(
            Decision(decide, of or {}), self.records, patience=0, pages=lambda *_: bool(self.server.fake.page)
        )

    @property
    def note(self) -> Note:
        return self.server.notes[self.id]

    def texts(self) -> list[str]:
        return [paragraph.text for paragraph in self.note.paragraphs]

    def edit(self, index: int, **changes: Any) -> None:
        self.server.swap(self.id, replace(self.note.paragraphs[index], **changes))

    def set(self, index: int, **settings: Any) -> None:
        self.edit(index, config={**self.note.paragraphs[index].config, **settings})

    def move(self, index: int, to: int) -> None:
        moved = self.note.paragraphs[index]
        self.server.remove(self.id, moved.id)
        self.server.put(self.id, to, moved)

    def delete(self, index: int) -> None:
        self.server.remove(self.id, self.note.paragraphs[index].id)

    def age(self) -> None:
        """Make the note as the version whose marks and origins had no number left it."""
        for index, paragraph in enumerate(self.note.paragraphs):
            noted = {key: paragraph.config[key] for key in (MARK, ORIGIN) if paragraph.config.get(key)}
            self.set(index, **{key: _without(value, "version", "role", "rows") for key, value in noted.items()})

    def verdicts(self, note: RenderedNote) -> dict[str, Verdict]:
        return {change.key: change.verdict for change in make_plan(self.note, note).changes}

    def seen(self) -> list[tuple[str, str, dict[str, Any]]]:
        """Everything a person sees of the note."""
        return [(p.title, p.text, seen_config(p)) for p in self.note.paragraphs]


def _without(noted: Mapping[str, Any], *names: str) -> dict[str, Any]:
    return {name: value for name, value in noted.items() if name not in names}


def seen_config(paragraph: Paragraph) -> dict[str, Any]:
    """A paragraph's settings without the tool's own, and without those that are empty."""
    return {key: value for key, value in paragraph.config.items() if key not in (MARK, ORIGIN, BEFORE) and value}
