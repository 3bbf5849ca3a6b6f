"""`provision undo --each`: takes back what was done last to each row's note."""

from collections.abc import Callable, Sequence

from provision.classroom.class_notes import NoteRow, for_each_note
from provision.classroom.outcome import Outcome, Result
from provision.classroom.show import finish
from provision.commands.undo import record_of, undo_record
from provision.console import Console, Quiet
from provision.options.each import ClassOptions
from provision.options.server import ServerOptions
from provision.streams.interpreter import take_per_note_back
from provision.sync.undo_records import Records
from zeppelin_sdk import Note, ZeppelinClient


def undo_each(console: Console, server: ServerOptions, each: ClassOptions) -> None:
    """Take back the last apply or removal of each row's note, and what these did to Spark's setting."""
    verb = _Undo()
    outcomes = for_each_note(console, server, each, verb)
    with server.connect_running() as client:
        for run in sorted(verb.runs):
            take_per_note_back(client, Records(client.url), run, console)
    finish(console, outcomes)


class _Undo:
    def __init__(self) -> None:
        self.runs: set[str] = set()

    def begin(self, _client: ZeppelinClient, _connect: Callable[[], ZeppelinClient], _notes: Sequence[str]) -> None:
        """Nothing concerns all rows."""

    def do(self, client: ZeppelinClient, row: NoteRow, note: Note | None) -> Outcome:
        records = Records(client.url)
        record = records.find(row.path) or (record_of(client, records, note) if note else None)
        if record is None:
            url = client.note_url(note.id) if note else ""
            more = {"changes": [], "written": 0}
            return Outcome(row.line, Result.SAME, row.path, url, told="nothing to undo", more=more)
        done = undo_record(client, record, records, Quiet())
        if record.run:
            self.runs.add(record.run)
        answer = done.to_json(None)
        url = client.note_url(done.note_id) if done.note_id else ""
        more = {"changes": answer["changes"], "written": answer["written"]}
        return Outcome(row.line, Result.DONE, row.path, url, told="" if url else "deleted", more=more)
