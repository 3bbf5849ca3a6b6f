"""`provision apply --each`: a note for each row of a CSV file."""

import uuid
from collections.abc import Sequence
from contextlib import closing, nullcontext
from dataclasses import replace

import click

from netpie_creds import NetpieError
from provision.bundles.bundle import Bundle, load_bundle
from provision.bundles.render import RenderedNote
from provision.classroom.clients import Clients
from provision.classroom.outcome import Outcome, Result
from provision.classroom.roster import Person, read_people
from provision.classroom.rows import Row, application_of, checked_row, refuse_shared_paths
from provision.classroom.server_checks import check_users, prepare_spark
from provision.classroom.write_rows import RowWriter, write_rows
from provision.console import Console
from provision.embedded.stack import Stack
from provision.errors import ConflictError, ProvisionError
from provision.options.each import EachOptions
from provision.options.note import NoteOptions
from provision.options.server import ServerOptions
from provision.prepare import fit_embedded, note_spec
from provision.sync.apply import Applied, Applying, apply_note
from provision.sync.note_lock import note_lock
from provision.sync.undo_records import Records
from zeppelin_sdk import ZeppelinClient


def apply_each(console: Console, each: EachOptions, options: NoteOptions, embedded: Stack | None) -> None:
    """Write a note per row and show the outcomes; exit with 1 when a row failed, 3 when only conflicts did."""
    run = uuid.uuid4().hex

    def apply_row(client: ZeppelinClient, rendered: RenderedNote) -> Applied:
        with note_lock(client.url, rendered.path):
            return apply_note(
                client, rendered, Applying(options.decision, Records(client.url, run), pages=lambda *_: True)
            )

    bundle = load_bundle(options.bundle)
    people = read_people(each.file, bundle)
    rows, failed = _rows(people, bundle, options, embedded, console)
    with options.server.connect_running() as client:
        check_users(client, people, rows, console)
        prepare_spark(client, each, len(rows), Records(client.url, run), console)
        existing = {note.path for note in client.list_notes()}
    with closing(Clients(lambda person: _connect(options.server, person))) as clients:
        writer = RowWriter(clients, apply_row, existing, run=each.run)
        written = _write(writer, rows, failed, each.jobs, console)
    outcomes = sorted([*failed, *written], key=lambda outcome: outcome.line)
    counts = {str(result): sum(outcome.result is result for outcome in outcomes) for result in Result}
    console.result({"rows": [outcome.to_json() for outcome in outcomes], **counts})
    console.say(", ".join(f"{count} {result}" for result, count in counts.items() if count))
    wrong = [outcome for outcome in outcomes if outcome.result is Result.FAILED]
    if wrong:
        kind = ConflictError if all(outcome.is_conflict for outcome in wrong) else ProvisionError
        raise click.exceptions.Exit(kind.exit_code)


def _connect(server: ServerOptions, person: Person | None) -> ZeppelinClient:
    if person is not None:
        server = replace(server, user=person.user, password_file=person.password_file or server.password_file)
    return server.connect_running()


def _rows(
    people: Sequence[Person], bundle: Bundle, options: NoteOptions, embedded: Stack | None, console: Console
) -> tuple[list[Row], list[Outcome]]:
    """The rows that can be written, and the failures of those that can't."""
    rows, failed = [], []
    for person in people:
        try:
            rows.append(_row(person, bundle, options, embedded, console))
        except (ProvisionError, NetpieError) as error:
            failed.append(Outcome(person.line, Result.FAILED, person.note, error=error))
    doubles = refuse_shared_paths(rows)
    lines = {outcome.line for outcome in doubles}
    return [row for row in rows if row.person.line not in lines], failed + doubles


def _row(person: Person, bundle: Bundle, options: NoteOptions, embedded: Stack | None, console: Console) -> Row:
    application = options.application_for(embedded) if not person.appkey else options.application
    pairs = [*options.pairs, *(f"{name}={value}" for name, value in person.parameters.items())]
    spec = note_spec(bundle, pairs, application_of(person, application).appid, person.note or None)
    if embedded:
        spec = fit_embedded(spec, embedded.runtime, console)
    return checked_row(person, spec, application)


def _write(
    writer: RowWriter, rows: Sequence[Row], failed: Sequence[Outcome], jobs: int, console: Console
) -> list[Outcome]:
    """Write the rows behind a progress bar, or with a line per row as it ends where there is no terminal."""
    bar = console.err.is_terminal

    def show(outcome: Outcome) -> None:
        if not console.as_json:
            console.out.print(outcome.text(), markup=False)

    for outcome in failed:
        show(outcome)
    with console.progress() if bar else nullcontext() as progress:
        task = progress.add_task("notes", total=len(rows)) if progress else None

        def tell(outcome: Outcome) -> None:
            if progress is None or task is None:
                show(outcome)
            else:
                progress.advance(task)

        outcomes = write_rows(writer, rows, jobs, tell)
    if bar:
        for outcome in outcomes:
            show(outcome)
    return outcomes
