"""Change a note over Zeppelin's websocket, with the messages that its web page sends for a person."""

import json
import time
import uuid
from collections.abc import Callable, Mapping
from typing import Any

from zeppelin_sdk._errors import (
    NotFoundError,
    ParagraphNotFoundError,
    ServerError,
    ServerUnreachableError,
    UnsupportedError,
    WaitTimeoutError,
)
from zeppelin_sdk._following import NoteFollower
from zeppelin_sdk._models import Note, Paragraph, ParagraphStatus, Revision, Ticket
from zeppelin_sdk._patches import make_patch
from zeppelin_sdk._transport import Transport

_Answered = Callable[[str, Mapping[str, Any], bool], bool]


class NoteSession(NoteFollower):
    """A note that is open as in a browser: what changes in it is read, and changes are made.

    Each change is confirmed by the server before its method returns, within the client's timeout (else
    WaitTimeoutError, and it may have been made). All events, those of the session's own changes too, wait for
    `read`. What a method leaves out is sent as it was last heard, as the page does: the last writer wins.

    Besides what `read` raises, methods raise ParagraphNotFoundError, and NoteRunningError while the whole note
    is being run. A change whose connection was lost is never sent again: ServerUnreachableError says that it may
    have been made; with `reconnect` the next one opens a new connection.
    """

    def __init__(self, http: Transport, ticket: Callable[[], Ticket], note_id: str, *, reconnect: bool = False) -> None:
        super().__init__(http, ticket, note_id, reconnect=reconnect)
        try:
            self._until(self._is_this_note, "the note")
        except BaseException:
            self.close()
            raise

    @property
    def note(self) -> Note:
        """The note as it is after the messages that have come in."""
        return self._note

    def refresh(self) -> Note:
        """Ask for the note anew, and return it."""
        self._ask("GET_NOTE", {"id": self.note_id}, self._is_this_note)
        return self._note

    def update_paragraph(
        self,
        paragraph_id: str,
        *,
        text: str | None = None,
        title: str | None = None,
        config: Mapping[str, Any] | None = None,
        params: Mapping[str, Any] | None = None,
    ) -> Paragraph:
        """Save a paragraph, as the page does when the cursor leaves it, and return it as the server then has it.

        `config` is merged into the paragraph's; `params` replace the values of its forms.
        """
        known = self._known(paragraph_id)
        data = self._content(known, text=text, title=title, config=config, params=params)

        def saved(operation: str, answer: Mapping[str, Any], mine: bool) -> bool:
            paragraph = answer.get("paragraph") or {}
            # 0.8 does not repeat the message's id
            same = all((paragraph.get(key) or "") == data[name] for key, name in (("text", "paragraph"), ("id", "id")))
            return operation == "PARAGRAPH" and (mine or (same and (paragraph.get("title") or "") == data["title"]))

        self._ask("COMMIT_PARAGRAPH", data, saved)
        return self._known(paragraph_id)

    def patch_paragraph(self, paragraph_id: str, text: str) -> Paragraph:
        """Change a paragraph's text to `text`, as the page does while a person types with others in the note.

        Only the difference from the text in `note` is sent; the server fits it into what others have typed
        meanwhile, so the paragraph returned may differ from `text`. The server saves it with the next update or
        run. Raises UnsupportedError where the server takes no patches: before 0.9, or when its
        `zeppelin.notebook.collaborative.mode.enable` is off.
        """
        before = self._known(paragraph_id)
        patch = make_patch(before.text, text)
        if not patch:
            return before
        self._send("PATCH_PARAGRAPH", {"id": paragraph_id, "noteId": self.note_id, "patch": patch})
        self.refresh()  # the server answers a patch to the others only
        after = self._known(paragraph_id)
        if after.text == before.text:
            raise UnsupportedError(
                f"{self._http.address.base} took no patch of paragraph {paragraph_id}",
                needs="0.9",
                next_step="use update_paragraph, or switch zeppelin.notebook.collaborative.mode.enable on",
            )
        return after

    def add_paragraph(
        self, index: int | None = None, *, text: str = "", title: str = "", config: Mapping[str, Any] | None = None
    ) -> Paragraph:
        """Insert a paragraph at `index` (from 0; at the end without it), and return it.

        Without `text` it has what Zeppelin puts there: from 0.9 on the interpreter ("%md") of the one above.
        """
        at = len(self.note.paragraphs) if index is None else index
        data = {"noteId": self.note_id, "index": at, "config": dict(config or {})}
        answer = self._ask("INSERT_PARAGRAPH", data, lambda op, d, _: op == "PARAGRAPH_ADDED" and d.get("index") == at)
        paragraph = Paragraph.from_json(answer["paragraph"])
        return self.update_paragraph(paragraph.id, text=text, title=title) if text or title else paragraph

    def move_paragraph(self, paragraph_id: str, index: int) -> None:
        """Move a paragraph to `index`, which counts from 0."""
        data = {"noteId": self.note_id, "id": self._known(paragraph_id).id, "index": index}
        self._ask("MOVE_PARAGRAPH", data, lambda op, d, _: op == "PARAGRAPH_MOVED" and d.get("id") == paragraph_id)

    def delete_paragraph(self, paragraph_id: str) -> None:
        """Delete a paragraph; 0.8 keeps a note's only one (WaitTimeoutError)."""
        data = {"noteId": self.note_id, "id": self._known(paragraph_id).id}
        self._ask("PARAGRAPH_REMOVE", data, lambda op, d, _: op == "PARAGRAPH_REMOVED" and d.get("id") == paragraph_id)

    def submit_paragraph(
        self, paragraph_id: str, *, text: str | None = None, params: Mapping[str, Any] | None = None
    ) -> Paragraph:
        """Save and start a paragraph, and return it once it waits, runs or has ended already.

        As in the page, running the last paragraph adds an empty one below it.
        """
        data = self._content(self._known(paragraph_id), text=text, params=params)
        self._ask("RUN_PARAGRAPH", data, lambda op, d, _: _is_started(op, d, paragraph_id))
        return self._known(paragraph_id)

    def submit_note(self) -> None:
        """Save and start all paragraphs, one after the other, up to the first that fails."""
        if not self.note.paragraphs:
            return
        contents = [self._content(paragraph) for paragraph in self.note.paragraphs]
        first = self.note.paragraphs[0].id
        self._ask(
            "RUN_ALL_PARAGRAPHS",
            {"noteId": self.note_id, "paragraphs": json.dumps(contents)},
            lambda op, d, _: _is_started(op, d, first) or (op == "NOTE_RUNNING_STATUS" and d.get("status") is True),
        )

    def cancel_paragraph(self, paragraph_id: str) -> None:
        """Ask the server to stop a paragraph; events tell when it has."""
        self._send("CANCEL_PARAGRAPH", {"noteId": self.note_id, "id": self._known(paragraph_id).id})

    def clear_paragraph_output(self, paragraph_id: str) -> Paragraph:
        """Drop what a paragraph has printed."""
        data = {"noteId": self.note_id, "id": self._known(paragraph_id).id}
        self._ask("PARAGRAPH_CLEAR_OUTPUT", data, lambda op, d, _: _is_about(op, d, paragraph_id))
        return self._known(paragraph_id)

    def set_params(self, params: Mapping[str, Any]) -> Note:
        """Replace the values of the note's own forms (`note.forms`)."""
        data = {"noteId": self.note_id, "noteParams": dict(params)}
        self._ask("SAVE_NOTE_FORMS", data, lambda op, _, __: op == "SAVE_NOTE_FORMS")
        return self._note

    def delete_form(self, name: str) -> Note:
        """Remove one of the note's own forms, and its value."""
        data = {"noteId": self.note_id, "formName": name}
        self._ask("REMOVE_NOTE_FORMS", data, lambda op, _, __: op == "SAVE_NOTE_FORMS")
        return self._note

    def checkpoint_note(self, message: str) -> str | None:
        """Save a revision and return its id; None when nothing has changed, or the server keeps no revisions."""
        data = {"noteId": self.note_id, "commitMessage": message}
        try:
            answer = self._ask("CHECKPOINT_NOTE", data, lambda op, _, __: op == "LIST_REVISION_HISTORY")
        except ServerError as error:
            if "checkpoint note revision" in error.detail:
                return None
            raise
        revisions = _revisions(answer)
        return revisions[0].id if revisions else None

    def list_revisions(self) -> list[Revision]:
        """The note's revisions, the latest first."""
        data = {"noteId": self.note_id}
        return _revisions(self._ask("LIST_REVISION_HISTORY", data, lambda op, _, __: op == "LIST_REVISION_HISTORY"))

    def get_revision(self, revision_id: str) -> Note:
        """The note as it was. Raises NotFoundError."""
        data = {"noteId": self.note_id, "revisionId": revision_id}
        answer = self._ask(
            "NOTE_REVISION", data, lambda op, d, _: op == "NOTE_REVISION" and d.get("revisionId") == revision_id
        )
        if not answer.get("note"):
            raise NotFoundError(f"note {self.note_id} has no revision {revision_id}")
        return Note.from_json(answer["note"])

    def restore_revision(self, revision_id: str) -> Note:
        """Make the note what it was. Raises ServerError for a revision that is not there."""
        data = {"noteId": self.note_id, "revisionId": revision_id}
        self._ask("SET_NOTE_REVISION", data, lambda op, _, __: op == "SET_NOTE_REVISION")
        return self.refresh()

    def _known(self, paragraph_id: str) -> Paragraph:
        paragraph = self._note.paragraph(paragraph_id) or self.refresh().paragraph(paragraph_id)
        if paragraph is None:
            raise ParagraphNotFoundError(f"note {self.note_id} has no paragraph {paragraph_id}")
        return paragraph

    def _content(
        self,
        known: Paragraph,
        *,
        text: str | None = None,
        title: str | None = None,
        config: Mapping[str, Any] | None = None,
        params: Mapping[str, Any] | None = None,
    ) -> dict[str, Any]:
        """A paragraph as the page sends it."""
        return {
            "id": known.id,
            "noteId": self.note_id,
            "title": known.title if title is None else title,
            "paragraph": known.text if text is None else text,
            "config": {**known.config, **(config or {})},
            "params": dict(known.settings.get("params") or {}) if params is None else dict(params),
        }

    def _is_this_note(self, operation: str, data: Mapping[str, Any], _mine: bool) -> bool:
        return operation == "NOTE" and (data.get("note") or {}).get("id") == self.note_id

    def _ask(self, operation: str, data: Mapping[str, Any], answered: _Answered) -> Mapping[str, Any]:
        """Send a message, and return the data of the first one after it that answers it."""
        return self._until(answered, operation, self._send(operation, data))

    def _send(self, operation: str, data: Mapping[str, Any]) -> str:
        """Send a message, over a new connection where the old one is lost, and return its id."""
        if self._connection is None:
            self._restored(time.monotonic() + self._http.timeout)
        message_id = uuid.uuid4().hex
        self._connected().send(operation, data, message_id)
        return message_id

    def _until(self, answered: _Answered, what: str, message_id: str = "") -> Mapping[str, Any]:
        deadline = time.monotonic() + self._http.timeout
        while True:
            connection = self._connected()
            try:
                message = connection.receive(deadline)
            except ServerUnreachableError as error:
                if self._reconnect:
                    self._drop(error.message)
                raise ServerUnreachableError(
                    f"{error.message}; {what} may have been carried out",
                    next_step=error.next_step,
                    request=error.request,
                ) from error
            if message is None:
                raise WaitTimeoutError(
                    f"{self._http.address.base} did not answer to {what} within {self._http.timeout:g} s",
                    next_step="see the server's log",
                )
            self._take(message)
            data = message.get("data")
            data = data if isinstance(data, dict) else {}
            if answered(str(message.get("op")), data, bool(message_id) and message.get("msgId") == message_id):
                return data


def _is_about(operation: str, data: Mapping[str, Any], paragraph_id: str) -> bool:
    return operation == "PARAGRAPH" and (data.get("paragraph") or {}).get("id") == paragraph_id


def _is_started(operation: str, data: Mapping[str, Any], paragraph_id: str) -> bool:
    started = (data.get("paragraph") or {}).get("status") != ParagraphStatus.READY
    return started and _is_about(operation, data, paragraph_id)


def _revisions(data: Mapping[str, Any]) -> list[Revision]:
    return [Revision.from_json(entry) for entry in data.get("revisionList") or ()]
