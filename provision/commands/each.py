"""`provision apply --each`: a note for each row of a CSV file."""

from collections.abc import Callable, Sequence
from contextlib import nullcontext
from dataclasses import dataclass, replace

import click

from netpie_creds import NetpieError
from provision.bundles.bundle import load_bundle
from provision.bundles.render import RenderedNote
from provision.classroom.roster import Person, read_people
from provision.classroom.rows import Each, Outcome, Result, Row, application_of, prepare, refuse_shared_paths
from provision.console import Console
from provision.embedded import stack
from provision.errors import ConflictError, ProvisionError, UsageError
from provision.options.application import ApplicationOptions
from provision.options.each import EachOptions
from provision.options.server import ServerOptions
from provision.prepare import Wanted, fit_embedded, parse_parameters
from provision.streams.interpreter import ISOLATED, SHARED, change_per_note, driver_memory, is_isolated, spark_setting
from provision.sync.apply import Applied
from provision.sync.undo_records import Records
from zeppelin_sdk import ZeppelinClient

Write = Callable[[ZeppelinClient, RenderedNote], Applied]


@dataclass(frozen=True)
class ForAll:
    """What holds for all rows: options of `apply`, the embedded stack if it is the server, how a note is written.

    `run` is the word in the records of what is done.
    """

    application: ApplicationOptions
    server: ServerOptions
    bundle: str
    pairs: tuple[str, ...]
    embedded: stack.Stack | None
    write: Write
    run: str


def apply_each(console: Console, each: EachOptions, how: ForAll) -> None:
    """Write a note for each row, show what became of it, and leave with status 1 when a row failed, 3 for conflicts."""
    people = read_people(each.file, load_bundle(how.bundle))
    rows, failed = _prepare(people, how, console)
    with how.server.connect_running() as client:
        _check_users(client, people, rows, console)
        _check_spark(client, each, len(rows), how.run, console)
        there = {note.path for note in client.list_notes()}
    writing = Each(lambda person: _connect(how.server, person), how.write, there, run=each.run, jobs=each.jobs)
    outcomes = sorted([*failed, *_provision(writing, rows, failed, console)], key=lambda outcome: outcome.line)
    counts = {str(result): sum(outcome.result is result for outcome in outcomes) for result in Result}
    console.result({"rows": [outcome.to_json() for outcome in outcomes], **counts})
    console.say(", ".join(f"{count} {result}" for result, count in counts.items() if count))
    wrong = [outcome for outcome in outcomes if outcome.result is Result.FAILED]
    if wrong:
        kind = ConflictError if all(outcome.is_conflict for outcome in wrong) else ProvisionError
        raise click.exceptions.Exit(kind.exit_code)


def _connect(server: ServerOptions, person: Person | None) -> ZeppelinClient:
    if person is None:
        return server.connect_running()
    return replace(
        server, user=person.user, password_file=person.password_file or server.password_file
    ).connect_running()


def _check_users(client: ZeppelinClient, people: Sequence[Person], rows: Sequence[Row], console: Console) -> None:
    """Refuse what a server without users can't keep; tell what a note of another user can't read."""
    if any(person.user or person.permissions for person in people) and client.ticket().principal == "anonymous":
        raise UsageError(
            f"{client.url} has no users: nobody can be given a note",
            next_step="leave out the columns of permissions and of Zeppelin users",
        )
    others = [row for row in rows if row.person.permissions is not None and not row.person.user]
    if any(row.wanted.values["secrets"] == "store" for row in others):
        console.say(
            "Zeppelin keeps credentials by user: a note runs only for the user who wrote it; name each row's with "
            "zeppelin_user and zeppelin_password_file, or take --param secrets=inline"
        )


def _check_spark(client: ZeppelinClient, each: EachOptions, count: int, run: str, console: Console) -> None:
    """Bring Spark's setting to what was asked for, and say what it means for so many notes."""
    setting = spark_setting(client)
    memory = f"{count} that run at once want some {count} × {driver_memory(setting)} of memory on the server"
    if each.run and each.per_note != ISOLATED and (each.per_note == SHARED or not is_isolated(setting)):
        raise UsageError(
            "all notes share one Spark, which has one stream at a time: starting one would stop the other",
            next_step=f"add --isolate (a Spark a note: {memory}), or leave --run out",
        )
    if each.per_note is not None and is_isolated(setting) != (each.per_note == ISOLATED):
        with console.step("restarting Spark's interpreter, for all notes"):
            setting = change_per_note(client, setting, each.per_note, Records(client.url, run))
        back = " (--shared takes it back, `provision undo` with the notes)" if each.per_note == ISOLATED else ""
        console.say(f"Spark is now {'a process a note' if is_isolated(setting) else 'one process for all notes'}{back}")
    if is_isolated(setting):
        console.say(f"each note has a Spark of its own: {memory}")
    elif count > 1:
        console.say(
            "all notes share one Spark, which has one stream at a time: the notes are written and not run, and "
            "starting one stops the other; --isolate gives each a Spark of its own"
        )


def _prepare(people: Sequence[Person], how: ForAll, console: Console) -> tuple[list[Row], list[Outcome]]:
    """The rows that can be written, and the failures of those that can't."""
    rows, failed = [], []
    for person in people:
        try:
            options = _application_options(how, person)
            rows.append(prepare(person, _wanted(person, options, how, console), options))
        except (ProvisionError, NetpieError) as error:
            failed.append(Outcome(person.line, Result.FAILED, person.note, error=error))
    doubles = refuse_shared_paths(rows)
    lines = {outcome.line for outcome in doubles}
    return [row for row in rows if row.person.line not in lines], failed + doubles


def _application_options(how: ForAll, person: Person) -> ApplicationOptions:
    """The command line's application; the embedded NETPIE's where neither it nor the row names one."""
    given = how.application
    if how.embedded is None or person.appkey or given.appkey or given.credentials_file:
        return given
    return given.of_embedded(how.embedded.netpie.auth)


def _wanted(person: Person, options: ApplicationOptions, how: ForAll, console: Console) -> Wanted:
    pairs = [*how.pairs, *(f"{name}={value}" for name, value in person.parameters.items())]
    wanted = parse_parameters(how.bundle, pairs, application_of(person, options).appid, person.note or None)
    return fit_embedded(wanted, how.embedded.runtime, console) if how.embedded else wanted


def _provision(writing: Each, rows: Sequence[Row], failed: Sequence[Outcome], console: Console) -> list[Outcome]:
    """Write the rows behind a bar; a line a row, as it ends where there is no bar, else at the end."""
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

        outcomes = writing.provision(rows, tell)
    if bar:
        for outcome in outcomes:
            show(outcome)
    return outcomes
