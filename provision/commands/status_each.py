"""`provision status --each`: the state of each row's note."""

from collections.abc import Sequence

from provision.classroom.class_notes import NoteRow, StateVerb, for_each_note, missing
from provision.classroom.outcome import Outcome, Result, exit_code
from provision.classroom.show import finish
from provision.console import Console
from provision.errors import ProvisionError
from provision.options.each import ClassOptions
from provision.options.server import ServerOptions
from provision.streams.listing import Listed
from provision.streams.note_state import WELL
from zeppelin_sdk import Note, ZeppelinClient


def status_each(console: Console, server: ServerOptions, each: ClassOptions) -> None:
    """Show the state of each row's note; ends with 1 where a stream fails or is not there."""
    outcomes = for_each_note(console, server, each, _Status())
    finish(console, outcomes, code=_code)


def _code(outcomes: Sequence[Outcome]) -> int:
    is_well = all(outcome.word in WELL for outcome in outcomes if outcome.error is None)
    return exit_code(outcomes) or (0 if is_well else ProvisionError.exit_code)


class _Status(StateVerb):
    def do(self, client: ZeppelinClient, row: NoteRow, note: Note | None) -> Outcome:
        if note is None:
            raise missing(row)
        listed = self.listed(client, note)
        url = client.note_url(note.id)
        more = {key: value for key, value in listed.to_json(url).items() if key not in ("id", "path", "url")}
        more["stream"] = listed.stream.to_json() if listed.stream else None
        return Outcome(row.line, Result.DONE, note.path, url, word=listed.state, told=_told(listed), more=more)


def _told(listed: Listed) -> str:
    if listed.failure:
        return listed.failure
    stream = listed.stream
    return f"{stream.events} events ({stream.events_per_second:.1f}/s)" if stream else ""
