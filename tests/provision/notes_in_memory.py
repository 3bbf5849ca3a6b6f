"""A client of a Zeppelin in this process whose notes a person edits too; its writes are counted, and can be cut off."""

import copy
import math
import re
from collections.abc import Iterator, Mapping, MutableMapping
from dataclasses import replace
from typing import Any

from zeppelin_sdk import Note, Paragraph, ServerVersion, ZeppelinClient
from zeppelin_sdk.testing import Answer, Drop, FakeZeppelin, Request

WRITES = {
    "DELETE notebook/[^/]+": "delete note",
    "POST notebook/import": "import",
    "POST notebook/[^/]+/paragraph": "add",
    "PUT notebook/[^/]+/paragraph/[^/]+": "text",
    "PUT notebook/[^/]+/paragraph/[^/]+/config": "config",
    "DELETE notebook/[^/]+/paragraph/[^/]+": "delete",
    "POST notebook/[^/]+/paragraph/[^/]+/move/[0-9]+": "move",
}


class CountingZeppelin(FakeZeppelin):
    """Keeps its `writes`. From number `fail_at` on it drops them: undone, or with `fails_late` done."""

    def __init__(self) -> None:
        super().__init__("0.10", pace=math.inf)
        self.writes: list[str] = []
        self.fail_at: int | None = None
        self.fails_late = False
        self.page: dict[str, dict[str, Any]] = {}
        """The config of paragraphs as an open page has it, by id; the server tells it of a new text alone."""

    def respond(self, request: Request) -> Answer:
        asked = f"{request.method} {request.path.removeprefix('/api/')}"
        what = next((what for pattern, what in WRITES.items() if re.fullmatch(pattern, asked)), None)
        if what is None:
            return super().respond(request)
        fails = self.fail_at is not None and len(self.writes) >= self.fail_at
        if fails and not self.fails_late:
            raise Drop
        self.writes.append(what)
        answer = super().respond(request)
        if what == "text" and (told := request.path.rpartition("/")[2]) in self.page:
            self.page[told] = self.config(told)
        if fails:
            raise Drop
        return answer

    def config(self, paragraph_id: str) -> dict[str, Any]:
        """A copy of a paragraph's config."""
        every = (entry for note in self.notes.values() for entry in note["paragraphs"])
        return copy.deepcopy(next(entry["config"] for entry in every if entry["id"] == paragraph_id))


class NotesInMemory(ZeppelinClient):
    """An apply uses the client's own methods; a person changes `notes`, or calls `insert`, `swap`, ….

    From write number `fail_at` on the connection is cut: before the write, or with `fails_late` after it.
    """

    def __init__(self) -> None:
        self.fake = CountingZeppelin()
        super().__init__(self.fake.url, session=self.fake.session())

    @property
    def writes(self) -> list[str]:
        return self.fake.writes

    @property
    def fail_at(self) -> int | None:
        return self.fake.fail_at

    @fail_at.setter
    def fail_at(self, number: int | None) -> None:
        self.fake.fail_at = number

    @property
    def fails_late(self) -> bool:
        return self.fake.fails_late

    @fails_late.setter
    def fails_late(self, late: bool) -> None:
        self.fake.fails_late = late

    def become(self, version: ServerVersion) -> None:
        """Answer as this version does from now on."""
        self.fake.generation = f"{version.major}.{version.minor}"

    @property
    def notes(self) -> "Notes":
        return Notes(self.fake)

    @property
    def credentials(self) -> dict[str, tuple[str, str]]:
        return {name: (entry["username"], entry["password"]) for name, entry in self.fake.credentials.items()}

    @credentials.setter
    def credentials(self, entries: Mapping[str, tuple[str, str]]) -> None:
        self.fake.credentials = {name: {"username": user, "password": word} for name, (user, word) in entries.items()}

    # what follows is the person at the web page

    def open_page(self, note_id: str) -> None:
        """Open the note in a page, which has the paragraphs as they are now."""
        self.fake.page = {
            entry["id"]: self.fake.config(entry["id"]) for entry in self.fake.notes[note_id]["paragraphs"]
        }

    def send_page(self, note_id: str) -> None:
        """Run all paragraphs in the open page: it sends the config that it has, and the server merges it."""
        for entry in self.fake.notes[note_id]["paragraphs"]:
            entry["config"] |= copy.deepcopy(self.fake.page.get(entry["id"], {}))

    def put(self, note_id: str, index: int, paragraph: Paragraph) -> None:
        self.fake.notes[note_id]["paragraphs"].insert(index, paragraph_json(paragraph))

    def insert(self, note_id: str, index: int, text: str) -> Paragraph:
        return Paragraph.from_json(self.fake.add_paragraph(self.fake.notes[note_id], {"text": text, "index": index}))

    def copy(self, note_id: str, index: int, to: int) -> Paragraph:
        copied = replace(self.notes[note_id].paragraphs[index], id=self.fake.new_id())
        self.put(note_id, to, copied)
        return copied

    def remove(self, note_id: str, paragraph_id: str) -> None:
        note = self.fake.notes[note_id]
        note["paragraphs"] = [entry for entry in note["paragraphs"] if entry["id"] != paragraph_id]

    def swap(self, note_id: str, paragraph: Paragraph) -> None:
        note, changed = self.fake.notes[note_id], paragraph_json(paragraph)
        note["paragraphs"] = [changed if entry["id"] == paragraph.id else entry for entry in note["paragraphs"]]
        if paragraph.id in self.fake.page:
            self.fake.page[paragraph.id] = self.fake.config(paragraph.id)


class Notes(MutableMapping[str, Note]):
    """The notes that a double holds, by id, read and written as the client has them."""

    def __init__(self, fake: FakeZeppelin) -> None:
        self._held = fake.notes

    def __getitem__(self, note_id: str) -> Note:
        return Note.from_json(self._held[note_id])

    def __setitem__(self, note_id: str, note: Note) -> None:
        paragraphs = [paragraph_json(paragraph) for paragraph in note.paragraphs]
        self._held[note_id] = {"id": note.id, "path": note.path, "name": note.name, "paragraphs": paragraphs}
        self._held[note_id] |= {"config": dict(note.config), "info": dict(note.info)}

    def __delitem__(self, note_id: str) -> None:
        del self._held[note_id]

    def __iter__(self) -> Iterator[str]:
        return iter(self._held)

    def __len__(self) -> int:
        return len(self._held)

    def __repr__(self) -> str:
        return repr(self._held)


def paragraph_json(paragraph: Paragraph) -> dict[str, Any]:
    """A paragraph as a server holds it."""
    return {
        "id": paragraph.id,
        "title": paragraph.title,
        "text": paragraph.text,
        "status": str(paragraph.status),
        "config": dict(paragraph.config),
        "settings": {"params": {}, "forms": {}, **paragraph.settings},
        "results": {
            "code": paragraph.result_code,
            "msg": [{"type": message.type, "data": message.data} for message in paragraph.results],
        },
        "progress": paragraph.progress,
        "dateStarted": paragraph.date_started,
        "dateFinished": paragraph.date_finished,
    }
