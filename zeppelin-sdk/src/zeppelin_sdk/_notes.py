"""Notes: list, find, read, create, import, export, copy, rename, delete, who may use them, when they run."""

import contextlib
from collections.abc import Iterator, Mapping
from typing import Any

from zeppelin_sdk._bodies import parse_json
from zeppelin_sdk._errors import (
    NoteExistsError,
    NoteNotFoundError,
    NotZeppelinError,
    PermissionDeniedError,
    ServerError,
    UnsupportedError,
    ZeppelinError,
)
from zeppelin_sdk._models import Cron, Note, NoteInfo, Permissions, SearchHit, note_path
from zeppelin_sdk._note_file import as_json, path_of, read_note
from zeppelin_sdk._transport import Transport


class NotesApi:
    """The calls of Zeppelin's `NotebookRestApi` that are about whole notes.

    A path is absolute ("/folder/name"; the first slash may be left out). From Zeppelin 0.9 on a path is
    unique and NoteExistsError says that it is taken; 0.8 lets two notes share one.
    """

    _http: Transport

    def list_notes(self) -> list[NoteInfo]:
        """All notes that the user may read, those in the trash ("/~Trash/…") included."""
        return [NoteInfo.from_json(entry) for entry in self._http.mappings("GET", "notebook")]

    def find_note(self, path: str) -> NoteInfo | None:
        """The note at this path, or None."""
        return next((note for note in self.list_notes() if note.path == note_path(path)), None)

    def get_note(self, note_id: str) -> Note:
        """A note with its paragraphs. Raises NoteNotFoundError."""
        return Note.from_json(self._http.mapping("GET", "notebook", note_id))

    def create_note(self, path: str) -> str:
        """Create a note and return its id; 0.8 puts one empty paragraph into it. Raises NoteExistsError."""
        try:
            return self._http.text("POST", "notebook", body=_named(path))
        except ServerError as error:
            raise self._explained(error, path=path) from error

    def import_note(self, note: Mapping[str, Any] | str | bytes, path: str | None = None) -> str:
        """Import a note at `path`, or at the name it has, and return its new id; the paragraphs keep theirs.

        `note` is its JSON: an object, text, or a file's bytes in UTF-8 or UTF-16, with a byte order mark or without.
        The server drops the note's own config and forms. Raises InvalidNoteError for what is no note, before
        anything is sent, and NoteExistsError.
        """
        data = read_note(note)
        path = path_of(data) if path is None else path
        # 0.8 takes the path from the note's name, 0.9 and later from the query
        body = as_json({**data, "name": path})
        try:
            return self._http.text("POST", "notebook", "import", body=body, query={"notePath": path})
        except ServerError as error:
            raise self._explained(error, path=path) from error

    def export_note(self, note_id: str) -> dict[str, Any]:
        """A note's JSON, as a file of it would be. Raises NoteNotFoundError."""
        try:
            text = self._http.text("GET", "notebook", "export", note_id)
        except ServerError as error:
            raise self._explained(error, note_id=note_id) from error
        try:
            note = parse_json(text)
        except ValueError:
            note = None
        if not isinstance(note, dict):
            raise NotZeppelinError(f"{self._http.address.base} exported note {note_id} as no JSON")
        return note

    def clone_note(self, note_id: str, path: str) -> str:
        """Copy a note to `path` and return the copy's id. Raises NoteNotFoundError, NoteExistsError."""
        try:
            return self._http.text("POST", "notebook", note_id, body=_named(path))
        except ServerError as error:
            raise self._explained(error, note_id=note_id, path=path) from error

    def rename_note(self, note_id: str, path: str) -> None:
        """Move a note to `path`; Zeppelin 0.9 and later (else UnsupportedError).

        Raises NoteNotFoundError, NoteExistsError.
        """
        try:
            self._http.call("PUT", "notebook", note_id, "rename", body=_named(path), since="0.9")
        except ServerError as error:
            raise self._explained(error, note_id=note_id, path=path) from error

    def delete_note(self, note_id: str) -> None:
        """Delete a note for good. Raises NoteNotFoundError, except on Zeppelin 0.8, which says nothing."""
        self._http.call("DELETE", "notebook", note_id)

    def search_notes(self, query: str) -> list[SearchHit]:
        """Paragraphs and notes' names that match, in Lucene's syntax; none where the server has its search off.

        The server indexes by and by, and not every change: what was just edited may not be found.
        """
        return [
            SearchHit.from_json(hit) for hit in self._http.mappings("GET", "notebook", "search", query={"q": query})
        ]

    def clear_note_output(self, note_id: str) -> None:
        """Drop what all paragraphs of a note have printed. Raises NoteNotFoundError."""
        self._http.call("PUT", "notebook", note_id, "clear")

    def get_cron(self, note_id: str) -> Cron | None:
        """When a note runs by itself, or None. Raises UnsupportedError where the server has cron off."""
        with _cron_is_on():
            body = self._http.mapping("GET", "notebook", "cron", note_id)
        expression = body.get("cron")
        return Cron(str(expression), body.get("releaseResource") is True) if expression else None

    def set_cron(self, note_id: str, cron: Cron) -> None:
        """Let a note run by itself. Raises ServerError for a wrong expression, UnsupportedError as `get_cron`."""
        with _cron_is_on():
            body = {"cron": cron.expression, "releaseResource": cron.release_resource}
            self._http.call("POST", "notebook", "cron", note_id, body=body)

    def delete_cron(self, note_id: str) -> None:
        """Let a note run no more by itself; only its owner may. Raises UnsupportedError as `get_cron`."""
        with _cron_is_on():
            self._http.call("DELETE", "notebook", "cron", note_id)

    def get_permissions(self, note_id: str) -> Permissions:
        """Who may do what with a note. Raises PermissionDeniedError for a user who may not read it."""
        return Permissions.from_json(self._http.mapping("GET", "notebook", note_id, "permissions"))

    def set_permissions(self, note_id: str, permissions: Permissions) -> None:
        """Replace all four lists; the server adds the caller to a list left empty below one that is not.

        On a server without users everybody is "anonymous": an owner by another name locks everybody out.
        """
        self._http.call("PUT", "notebook", note_id, "permissions", body=permissions.to_json())

    def _explained(self, error: ServerError, *, note_id: str = "", path: str = "") -> ZeppelinError:
        """The error behind a 500.

        Up to 0.12.0 a path that is taken ends in one, and everywhere a copy or an export of a note that is not
        there; 0.12.1 sends it without words. So the list of notes has to tell.
        """
        if error.status != 500:
            return error
        notes = self.list_notes()
        if path and any(note.path == note_path(path) for note in notes):
            return NoteExistsError(
                f"a note {note_path(path)} is there already",
                next_step="choose another path, or rename that note",
                request=error.request,
            )
        if note_id and not any(note.id == note_id for note in notes):
            return NoteNotFoundError(f"no such note: {note_id}", request=error.request)
        return error


@contextlib.contextmanager
def _cron_is_on() -> Iterator[None]:
    """Tell a server without cron from a user who may not."""
    try:
        yield
    except PermissionDeniedError as error:
        if "Cron is not enabled" not in error.message:
            raise
        raise UnsupportedError(
            error.message,
            status=403,
            next_step="set zeppelin.notebook.cron.enable (and .cron.folders) on the server",
            request=error.request,
        ) from error


def _named(path: str) -> dict[str, str]:
    """A request's body with the path under both its keys: `name` up to 0.12.0, `notePath` from 0.12.1 on."""
    return {"name": path, "notePath": path}
