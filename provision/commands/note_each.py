"""`provision run --each` and `provision stop --each`."""

from collections.abc import Callable, Sequence

from provision.classroom.class_notes import NoteRow, StateVerb, for_each_note, missing
from provision.classroom.outcome import Outcome, Result
from provision.classroom.server_checks import refuse_shared
from provision.classroom.show import finish
from provision.commands.note import run_found
from provision.console import Console, Quiet
from provision.options.each import ClassOptions
from provision.options.server import ServerOptions
from provision.streams.interpreter import is_isolated, setting_of, stream_group
from provision.streams.note_state import LIVE, UNKNOWN
from provision.streams.stop_note import stop_note
from zeppelin_sdk import Note, ZeppelinClient


def run_each(console: Console, server: ServerOptions, each: ClassOptions) -> None:
    """Run each row's note, each in a Spark of its own, and wait until its stream is live."""
    finish(console, for_each_note(console, server, each, _Run()))


def stop_each(console: Console, server: ServerOptions, each: ClassOptions) -> None:
    """Stop the stream of each row's note, if one runs."""
    finish(console, for_each_note(console, server, each, _Stop()))


class _Run:
    def begin(self, client: ZeppelinClient, _connect: Callable[[], ZeppelinClient], notes: Sequence[str]) -> None:
        if len(notes) < 2:
            return
        setting = setting_of(client, stream_group(client.get_note(notes[0])))  # a class's notes are of one bundle
        if not is_isolated(setting):
            raise refuse_shared(setting, len(notes), "run one of them, or apply with --isolate")

    def do(self, client: ZeppelinClient, row: NoteRow, note: Note | None) -> Outcome:
        if note is None:
            raise missing(row)
        stream = run_found(client, note, Quiet())
        url = client.note_url(note.id)
        return Outcome(row.line, Result.DONE, note.path, url, more={"stream": stream})


class _Stop(StateVerb):
    def do(self, client: ZeppelinClient, row: NoteRow, note: Note | None) -> Outcome:
        if note is None:
            raise missing(row)
        is_live = self.listed(client, note).state in LIVE | {UNKNOWN}
        if is_live:
            stop_note(client, note, Quiet())
        result = Result.DONE if is_live else Result.SAME
        told = "" if is_live else "no stream of it runs"
        return Outcome(row.line, result, note.path, client.note_url(note.id), told=told, more={"stopped": is_live})
