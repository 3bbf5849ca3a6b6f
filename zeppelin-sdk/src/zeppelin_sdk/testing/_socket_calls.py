"""What the fake Zeppelin does with a websocket message, in its generation's way."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from zeppelin_sdk._patches import apply_patch
from zeppelin_sdk.testing._answers import as_gson
from zeppelin_sdk.testing._websocket import ServerSocket

if TYPE_CHECKING:
    from zeppelin_sdk.testing._fake import FakeZeppelin

DISABLED_WHILE_RUNNING = (
    "COMMIT_PARAGRAPH",
    "RUN_PARAGRAPH",
    "RUN_ALL_PARAGRAPHS",
    "PARAGRAPH_CLEAR_OUTPUT",
    "INSERT_PARAGRAPH",
    "MOVE_PARAGRAPH",
    "PARAGRAPH_REMOVE",
    "PATCH_PARAGRAPH",
)


class Refused(Exception):
    """The message is answered with ERROR_INFO."""


class Ignored(Exception):
    """The message is answered with nothing."""


class SocketCall:
    """One message on one websocket."""

    def __init__(self, fake: FakeZeppelin, connection: ServerSocket, message: dict[str, Any]) -> None:
        self.fake = fake
        self.connection = connection
        self.operation: str = message["op"]
        self.data: dict[str, Any] = message["data"]
        self.message_id = None if fake.generation == "0.8" else message.get("msgId")

    def answer(self) -> None:
        """Do what the message asks for."""
        call = CALLS.get(self.operation)
        try:
            if call and self.operation not in self.fake.deaf_to:
                self._refuse_while_running()
                call(self)
        except Refused as refused:
            self.reply("ERROR_INFO", info=str(refused))
        except Ignored:
            return

    def _refuse_while_running(self) -> None:
        note = self.fake.notes.get(self.data.get("noteId", ""), {"info": {}})
        if self.fake.generation != "0.8" and self.operation in DISABLED_WHILE_RUNNING and note["info"].get("isRunning"):
            raise Refused(f"Note is now running sequentially. Can not be performed: {self.operation}")

    @property
    def note(self) -> dict[str, Any]:
        """The note that this websocket has open."""
        note_id = self.fake.open_notes.get(self.connection) or self.data.get("noteId", "")
        if note_id not in self.fake.notes:
            raise Ignored if self.fake.generation == "0.8" else Refused("HTTP 404 Not Found")
        note: dict[str, Any] = self.fake.notes[note_id]
        return note

    @property
    def paragraph(self) -> dict[str, Any]:
        paragraph: dict[str, Any]
        for paragraph in self.note["paragraphs"]:
            if paragraph["id"] == self.data["id"]:
                return paragraph
        raise Ignored if self.fake.generation == "0.8" else Refused("HTTP 404 Not Found")

    def reply(self, operation: str, **data: Any) -> None:
        self.connection.send(json.dumps({"op": operation, "data": data}))

    def tell(self, operation: str, *, mine: bool = False, but_me: bool = False, **data: Any) -> None:
        """Send a message to every websocket that has the note open."""
        message = {"op": operation, "data": data} | ({"msgId": self.message_id} if mine and self.message_id else {})
        for connection, note_id in list(self.fake.open_notes.items()):
            if note_id == self.note["id"] and not (but_me and connection is self.connection):
                connection.send(json.dumps(message))

    def tell_paragraph(self, paragraph: dict[str, Any], *, mine: bool = False) -> None:
        self.tell_forms()
        self.tell("PARAGRAPH", mine=mine, paragraph=paragraph)

    def tell_forms(self) -> None:
        note = self.note
        self.tell(
            "SAVE_NOTE_FORMS", formsData={"forms": note.get("noteForms", {}), "params": note.get("noteParams", {})}
        )

    # what follows answers a message

    def get_note(self) -> None:
        note = self.fake.notes.get(self.data["id"])
        if note is None and self.fake.generation != "0.8":
            raise Refused(f"HTTP 404 Not Found: {self.data['id']}")
        if note:
            self.fake.open_notes[self.connection] = note["id"]
            self._tell_of_others()
        self.reply("NOTE", note=note)

    def _tell_of_others(self) -> None:
        """From 0.9 on, whoever has the note open hears how many have, ahead of the note."""
        if self.fake.generation != "0.8":
            others = bool(self.fake.others) or list(self.fake.open_notes.values()).count(self.note["id"]) > 1
            users: dict[str, Any] = {"users": sorted(self.fake.others) or ["anonymous"]} if others else {}
            self.tell("COLLABORATIVE_MODE_STATUS", status=others, **users)

    def commit(self) -> None:
        paragraph = self.paragraph
        self._write(paragraph)
        self.tell_paragraph(paragraph, mine=True)

    def _write(self, paragraph: dict[str, Any]) -> None:
        config = {} if self.fake.generation == "0.8" else paragraph.get("config", {})
        paragraph |= {"text": self.data["paragraph"], "title": self.data["title"]}
        paragraph["config"] = config | as_gson(self.data["config"])
        paragraph.setdefault("settings", {})["params"] = self.data["params"]

    def patch(self) -> None:
        if self.fake.generation == "0.8" or not self.fake.takes_patches:
            raise Ignored
        patched = apply_patch(self.paragraph.get("text") or "", self.data["patch"])
        if patched is not None:
            self.paragraph["text"] = patched
        self.tell("PATCH_PARAGRAPH", but_me=True, patch=self.data["patch"], paragraphId=self.data["id"])

    def insert(self) -> None:
        paragraphs, index = self.note["paragraphs"], self.data["index"]
        if index > len(paragraphs):
            raise Refused(f"Index {index} out of bounds for length {len(paragraphs)}")
        paragraph = self.fake.add_paragraph(self.note, {"index": index, "config": self.data["config"]})
        self.tell("PARAGRAPH_ADDED", paragraph=paragraph, index=index)

    def move(self) -> None:
        paragraphs, paragraph, index = self.note["paragraphs"], self.paragraph, self.data["index"]
        if index >= len(paragraphs):
            raise Refused("HTTP 400 Bad Request")
        paragraphs.remove(paragraph)
        paragraphs.insert(index, paragraph)
        self.tell("PARAGRAPH_MOVED", id=paragraph["id"], index=index)

    def remove(self) -> None:
        if self.fake.generation == "0.8" and len(self.note["paragraphs"]) == 1:
            raise Ignored
        self.note["paragraphs"].remove(self.paragraph)
        self.tell("PARAGRAPH_REMOVED", id=self.data["id"])

    def run(self) -> None:
        """Start the paragraph; below the last one, if it has a text, an empty one is added."""
        paragraph, paragraphs = self.paragraph, self.note["paragraphs"]
        self._start(paragraph)
        if paragraph is paragraphs[-1] and paragraph["text"]:
            self.tell("PARAGRAPH_ADDED", paragraph=self.fake.add_paragraph(self.note, {}), index=len(paragraphs) - 1)

    def _start(self, paragraph: dict[str, Any]) -> None:
        self._write(paragraph)
        paragraph["status"] = "PENDING"
        self.tell_paragraph(paragraph)

    def run_all(self) -> None:
        self.fake.submit_note(self.note)
        if self.fake.generation != "0.8":
            self.tell("NOTE_RUNNING_STATUS", status=True)
        for content in json.loads(self.data["paragraphs"]):
            self.data = content | {"noteId": self.note["id"]}
            if self.fake.pace is None:
                self._start(self.paragraph)
            else:
                self._write(self.paragraph)

    def cancel(self) -> None:
        self.paragraph["status"] = "ABORT"
        self.tell_paragraph(self.paragraph)

    def clear(self) -> None:
        self.paragraph.pop("results", None)
        self.tell_paragraph(self.paragraph)

    def save_forms(self) -> None:
        self.note["noteParams"] = self.data["noteParams"]
        self.tell_forms()

    def remove_form(self) -> None:
        for kind in ("noteForms", "noteParams"):
            self.note.get(kind, {}).pop(self.data["formName"], None)
        self.tell_forms()

    def checkpoint(self) -> None:
        if self.fake.checkpoint(self.note, self.data["commitMessage"]) is None:
            raise Refused("Couldn't checkpoint note revision: possibly no changes found or storage …")
        self.revisions()

    def revisions(self) -> None:
        self.reply("LIST_REVISION_HISTORY", revisionList=self.fake.revision_list(self.note))

    def revision(self) -> None:
        note = self.fake.revision(self.note, self.data["revisionId"])
        self.reply("NOTE_REVISION", noteId=self.note["id"], revisionId=self.data["revisionId"], note=note)

    def restore(self) -> None:
        note = self.fake.revision(self.note, self.data["revisionId"])
        if note is None:
            raise Refused("Fail to set given note revision, cause: null")
        self.fake.notes[note["id"]] = note
        self.reply("SET_NOTE_REVISION", status=True)
        self.tell("NOTE", note=note)

    def configurations(self) -> None:
        told = {"zeppelin.server.port": "8080"}
        if self.fake.generation != "0.12":
            told["isRevisionSupported"] = "true"
        self.reply("CONFIGURATIONS_INFO", configurations=told)


CALLS: dict[str, Callable[[SocketCall], None]] = {
    "GET_NOTE": SocketCall.get_note,
    "COMMIT_PARAGRAPH": SocketCall.commit,
    "PATCH_PARAGRAPH": SocketCall.patch,
    "INSERT_PARAGRAPH": SocketCall.insert,
    "MOVE_PARAGRAPH": SocketCall.move,
    "PARAGRAPH_REMOVE": SocketCall.remove,
    "RUN_PARAGRAPH": SocketCall.run,
    "RUN_ALL_PARAGRAPHS": SocketCall.run_all,
    "CANCEL_PARAGRAPH": SocketCall.cancel,
    "PARAGRAPH_CLEAR_OUTPUT": SocketCall.clear,
    "SAVE_NOTE_FORMS": SocketCall.save_forms,
    "REMOVE_NOTE_FORMS": SocketCall.remove_form,
    "CHECKPOINT_NOTE": SocketCall.checkpoint,
    "LIST_REVISION_HISTORY": SocketCall.revisions,
    "NOTE_REVISION": SocketCall.revision,
    "SET_NOTE_REVISION": SocketCall.restore,
    "LIST_CONFIGURATIONS": SocketCall.configurations,
}
