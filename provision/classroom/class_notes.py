"""The notes that a class file names, on a server: for commands that need no credentials."""

from collections.abc import Callable, Mapping, Sequence
from contextlib import closing
from dataclasses import dataclass
from typing import Any, Protocol

from provision.bundles.bundle import Bundle, load_bundle
from provision.classroom import causes
from provision.classroom.clients import Clients, connect_as
from provision.classroom.of_usual import bundles_of_class, most_there
from provision.classroom.outcome import Outcome, Result
from provision.classroom.roster import Person, read_people
from provision.classroom.rows import place_of, refuse_shared_paths
from provision.classroom.show import do_and_show, show_refused, told_anyway
from provision.console import Console
from provision.errors import ProvisionError, UsageError
from provision.options.application import ApplicationOptions
from provision.options.each import ClassOptions
from provision.options.note import with_broker
from provision.options.server import ServerOptions
from provision.platforms.platform import Cause
from provision.prepare import ANYWHERE, asked_spec, check_each_value
from provision.streams.listing import Listed, list_note, list_notes, read_side_by_side
from provision.sync.apply import TRASH, read_note
from provision.sync.provenance import origin
from zeppelin_sdk import Note, ZeppelinClient, note_path


@dataclass(frozen=True)
class NoteRow:
    """A row's person, and the path of its note."""

    person: Person
    path: str

    @property
    def line(self) -> int:
        return self.person.line


class Verb(Protocol):
    """What a command does with the note of each row."""

    def begin(self, client: ZeppelinClient, connect: Callable[[], ZeppelinClient], notes: Sequence[str]) -> None:
        """Look at the server once, and at the ids of the notes that are there; raises what concerns all."""

    def do(self, client: ZeppelinClient, row: NoteRow, note: Note | None) -> Outcome:
        """Do it for a note, None where the row's is not there; errors are raised. Called by several threads."""


class StateVerb:
    """A verb that starts from each note's state: the states of all notes are read at once, at the beginning."""

    def __init__(self) -> None:
        self._listed: Mapping[str, Listed] = {}

    def begin(self, client: ZeppelinClient, connect: Callable[[], ZeppelinClient], _notes: Sequence[str]) -> None:
        self._listed = {listed.note.id: listed for listed in list_notes(client, connect)}

    def listed(self, client: ZeppelinClient, note: Note) -> Listed:
        """The note's state; read now where another user's list lacks the note."""
        return self._listed.get(note.id) or list_note(client, note)


def for_each_note(console: Console, server: ServerOptions, each: ClassOptions, verb: Verb) -> list[Outcome]:
    """Do the verb for the note of each row, and show what becomes of it. Returns the outcomes in the file's order."""
    usual = bundles_of_class(each.bundle, each.pairs, each.file)
    read = {name: _rows(each, name, embedded=server.embedded) for name in usual}
    rows, refused = read[usual[0]]
    if not rows:
        return show_refused(console, refused)
    with told_anyway(console, refused), server.connect_running() as client:
        connect = server.connect_running
        paths = {name: [row.path for row in some] for name, (some, _) in read.items()}
        places = find_notes(client, connect, sorted({path for some in paths.values() for path in some}))
        rows, refused = read[most_there(places, paths)]
        verb.begin(client, connect, [places[row.path] for row in rows if places[row.path]])
    with closing(Clients(lambda person: connect_as(server, person))) as clients:
        return do_and_show(console, _NoteWork(clients, places, verb), rows, refused, each.jobs)


def find_notes(
    client: ZeppelinClient, connect: Callable[[], ZeppelinClient], paths: Sequence[str]
) -> Mapping[str, str]:  # fmt: skip
    """The ids of the notes at these paths, or else of those that were applied to them and have been moved.

    Empty for a path without a note, and where more than one was made there. The notes themselves are read only if one
    of the paths is nobody's.
    """
    infos = [info for info in client.list_notes() if not info.path.startswith(TRASH)]
    found = {info.path: info.id for info in infos}
    missing = {path for path in paths if path not in found}
    if missing:
        others = [info for info in infos if info.path not in paths]
        moved: dict[str, list[str]] = {}
        for note in read_side_by_side(client, connect, others):
            made_at = _made_at(note)
            if made_at in missing:
                moved.setdefault(made_at, []).append(note.id)
        found |= {path: ids[0] for path, ids in moved.items() if len(ids) == 1}
    return {path: found.get(path, "") for path in paths}


def _made_at(note: Note) -> str:
    try:
        made_at = origin(note).site.get("path", "")
    except ProvisionError:  # a newer version's note
        return ""
    return note_path(made_at) if made_at else ""


class _NoteWork:
    """The verb as work on rows."""

    def __init__(self, clients: Clients, places: Mapping[str, str], verb: Verb) -> None:
        self._clients, self._places, self._verb = clients, places, verb

    def needs(self, row: NoteRow) -> Sequence[Cause]:
        return (causes.ZEPPELIN, causes.login(row.person))

    def more(self, row: NoteRow) -> Mapping[str, Any]:
        return {}

    def do(self, row: NoteRow) -> Outcome:
        with self._clients.client(row.person) as client:
            return self._verb.do(client, row, self._note(client, row))

    def _note(self, client: ZeppelinClient, row: NoteRow) -> Note | None:
        note_id = self._places[row.path]
        if note_id:
            return client.get_note(note_id)
        return read_note(client, row.path) if row.person.user else None  # it may be hidden from the command line's user


def missing(row: NoteRow) -> UsageError:
    """The error of a row whose note is not there."""
    return UsageError(f"{row.path}: no note is there", next_step="apply the row first, or take it out of the file")


def _rows(each: ClassOptions, name: str, *, embedded: bool) -> tuple[list[NoteRow], list[Outcome]]:
    """The rows with the paths that their notes of this bundle have, and the failures of those that have none."""
    bundle, options = load_bundle(name), _options(each, embedded=embedded)
    check_each_value(bundle, each.pairs)
    rows, refused = [], []
    for person in read_people(each.file, bundle):
        try:
            rows.append(NoteRow(person, _path(person, bundle, each.pairs, options)))
        except ProvisionError as error:
            refused.append(Outcome(person.line, Result.FAILED, person.note, error=error))
    doubles = refuse_shared_paths(rows)
    lines = {outcome.line for outcome in doubles}
    return [row for row in rows if row.line not in lines], refused + doubles


def _path(person: Person, bundle: Bundle, pairs: Sequence[str], options: ApplicationOptions) -> str:
    every = [*pairs, *(f"{name}={value}" for name, value in person.parameters.items())]
    place = ANYWHERE if person.note else place_of(person, with_broker(options, every))
    return note_path(asked_spec(bundle, every, place, person.note or None).path)


def _options(each: ClassOptions, *, embedded: bool) -> ApplicationOptions:
    """The account of rows that name none, as `apply` takes it."""
    options = each.application
    nothing = not options.names_account and embedded
    return options.of_embedded("") if nothing else options
