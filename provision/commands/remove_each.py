"""`provision remove --each`: deletes each row's note."""

import uuid
from collections.abc import Callable, Sequence

from provision.classroom.class_notes import NoteRow, for_each_note
from provision.classroom.outcome import Outcome, Result
from provision.classroom.show import finish
from provision.commands.remove import check_ours, confirm, remove_found
from provision.console import Console, Quiet
from provision.options.each import ClassOptions
from provision.options.server import ServerOptions
from provision.sync.undo_records import Records
from zeppelin_sdk import Note, ZeppelinClient


def remove_each(console: Console, server: ServerOptions, each: ClassOptions, *, yes: bool) -> None:
    """Delete each row's note, if it is there, after a question for all of them."""
    finish(console, for_each_note(console, server, each, _Remove(yes)))


class _Remove:
    def __init__(self, yes: bool) -> None:
        self._yes = yes
        self._run = uuid.uuid4().hex  # one undo brings all of them back

    def begin(self, client: ZeppelinClient, _connect: Callable[[], ZeppelinClient], notes: Sequence[str]) -> None:
        if notes:
            confirm([client.get_note(note_id) for note_id in notes] if not self._yes else [], yes=self._yes)

    def do(self, client: ZeppelinClient, row: NoteRow, note: Note | None) -> Outcome:
        if note is None:
            return Outcome(row.line, Result.SAME, row.path, told="no note is there")
        check_ours(note)
        removed = remove_found(client, note, Records(client.url, self._run), Quiet())
        kept = f"{len(removed.edited)} paragraphs edited by hand are kept for undo" if removed.edited else ""
        more = {"edited": removed.edited, "credentials": removed.entities}
        return Outcome(row.line, Result.DONE, removed.path, client.note_url(note.id), told=kept, more=more)
