"""Revisions of a note, where the server's storage keeps them (git does, and is the default)."""

from typing import TYPE_CHECKING

from zeppelin_sdk._errors import NotFoundError, UnsupportedError
from zeppelin_sdk._models import Note, Revision
from zeppelin_sdk._server import ServerApi

if TYPE_CHECKING:
    from zeppelin_sdk._editing import NoteSession


class RevisionsApi(ServerApi):
    """The revision calls of Zeppelin's `NotebookRestApi`; before 0.11 the same over the websocket.

    All of them raise NoteNotFoundError.
    """

    def open_note(self, note_id: str, *, reconnect: bool = False) -> "NoteSession":
        """Open a note as a browser does: `with client.open_note(note_id) as note: note.update_paragraph(…)`."""
        from zeppelin_sdk._editing import NoteSession  # the websocket's library, for those who open one

        return NoteSession(self._http, self.get_ticket, note_id, reconnect=reconnect)

    def checkpoint_note(self, note_id: str, message: str) -> str | None:
        """Save a revision and return its id; None when nothing has changed, or the server keeps no revisions."""
        try:
            answer = self._http.call("POST", "notebook", note_id, "revision", body={"commitMessage": message})
        except UnsupportedError:
            with self.open_note(note_id) as note:
                return note.checkpoint_note(message)
        return str(answer) if answer else None

    def list_revisions(self, note_id: str) -> list[Revision]:
        """A note's revisions, the latest first; none where the server keeps no revisions."""
        try:
            answer = self._http.call("GET", "notebook", note_id, "revision")
        except UnsupportedError:
            with self.open_note(note_id) as note:
                return note.list_revisions()
        return [Revision.from_json(entry) for entry in answer or ()]

    def get_revision(self, note_id: str, revision_id: str) -> Note:
        """A note as it was. Raises NotFoundError, or ServerError on a server that fails on an unknown revision."""
        try:
            answer = self._http.call("GET", "notebook", note_id, "revision", revision_id)
        except UnsupportedError:
            with self.open_note(note_id) as note:
                return note.get_revision(revision_id)
        if not isinstance(answer, dict):
            raise NotFoundError(f"note {note_id} has no revision {revision_id}")
        return Note.from_json(answer)

    def restore_revision(self, note_id: str, revision_id: str) -> None:
        """Make a note what it was. Raises ServerError for a revision that is not there."""
        try:
            self._http.call("PUT", "notebook", note_id, "revision", revision_id)
        except UnsupportedError:
            with self.open_note(note_id) as note:
                note.restore_revision(revision_id)
