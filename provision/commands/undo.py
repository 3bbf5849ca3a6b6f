"""`provision undo`: takes the last apply back."""

import sys
from contextlib import suppress
from typing import Any

import click

from provision.console import Console, one_line
from provision.errors import ProvisionError, UsageError, error_json
from provision.options.each import ClassOptions, note_or_each
from provision.options.output import json_option
from provision.options.server import ServerOptions, server_options
from provision.project.option import is_typed
from provision.streams.interpreter import end_own_processes, take_per_note_back
from provision.streams.stop_note import stop_if_running
from provision.sync.apply import PATIENCE
from provision.sync.diff import verdict_line
from provision.sync.find_note import find_note, pick
from provision.sync.known_secrets import secrets_of_record
from provision.sync.note_lock import OTHER_WRITER
from provision.sync.plan import Verdict
from provision.sync.provenance import provenance
from provision.sync.redaction import is_sealed
from provision.sync.revisions import AFTER_UNDO, keep_revision, noted_revision, record_from_revision
from provision.sync.undo import BringBack, Step, Undone, undo_note
from provision.sync.undo_records import REMOVE, Record, Records, SparkRecord
from provision.terminal import harmless
from provision.waiting import wait_until
from zeppelin_sdk import Note, NoteNotFoundError, ZeppelinClient, ZeppelinError


@click.command()
@note_or_each(required=False, in_turn=True)
@click.option("--yes", is_flag=True, help="Do not ask what is taken back where NOTE does not say it.")
@server_options
@json_option
@click.pass_obj
def undo(console: Console, /, server: ServerOptions, note: str | None, each: ClassOptions | None, yes: bool) -> None:
    """Take back what the last `apply` has changed in a note, or its removal by `remove`.

    NOTE is its id, its path, or the end of its path; without it, what was applied or removed last on this server from
    this machine, with `apply --each` all of its notes, after a question. Texts, titles, settings, order, and
    paragraphs that came or went become what they were; what you have edited since stays. A note that the apply has
    made is deleted, unless something in it is yours. What --isolate or --shared has changed goes back with the last
    note of its apply.

    Where somebody has applied the note from another machine since, the server's own revision tells what was before,
    from Zeppelin 0.11 on.

    Undo again to take back the command before that, which for a class goes back run by run: the last `apply --each`
    first, with the rows that it had, then the one before, until no note is left that the first has made. With --each
    FILE it is what was done last to the note of each row that is taken back; where only the project file names FILE,
    after a question.

    Credentials stay as they are, and the stream that runs is not started anew: see `provision run`.

    \b
    provision undo
    provision undo "APPID metrics"
    provision undo --each people.csv --zeppelin http://host:8080
    """
    if each is not None:
        from provision.commands.undo_each import undo_each  # slow to import, not needed for one note

        if not is_typed(click.get_current_context(), "each_file"):
            _confirm(f"the project file names a class, {each.file}", "undo the last change to each of its notes", yes)
        undo_each(console, server, each)
        return
    with server.connect_running() as client:
        records = Records(client.url)
        run, found = _last(records) if note is None else _named(client, records, note)
        if note is None and (run or found):
            _confirm(f"the last command on {client.url} {_in_words(found)}", "take that back", yes)
        failed = 0
        if len(found) > 1:
            failed = _undo_all(client, found, records, console)
        elif found:
            _tell(client, found[0], undo_record(client, found[0], records, console), console)
        if run:
            take_per_note_back(client, records, run, console)
        if not found:
            text = "no note was changed by it" if run else "nothing to undo"
            console.result({"note": None, "changes": [], "written": 0}, text)
        if failed:
            raise click.exceptions.Exit(ProvisionError.exit_code)


def _last(records: Records) -> tuple[str, list[Record]]:
    """The last command that wrote notes, and those notes."""
    every = records.all()
    things: list[Record | SparkRecord] = [*every, *records.sparks()]
    last = max(things, key=lambda each: each.at, default=None)
    if last is None or not last.run:
        return "", every[:1]
    return last.run, [record for record in every if record.run == last.run]


def _named(client: ZeppelinClient, records: Records, name: str) -> tuple[str, list[Record]]:
    """The record of one note; without one on this machine, the one read from the server's revision."""
    found = pick(name, ((record.note_id, record.path, record) for record in records.all()))
    if found is not None:
        return found.run, [found]
    told = record_of(client, records, find_note(client, name))
    return (told.run, [told]) if told else ("", [])


def record_of(client: ZeppelinClient, records: Records, live: Note) -> Record | None:
    """The record of a note wherever it is now; without one on this machine, the one read from the server's revision."""
    moved = next((record for record in records.all() if record.note_id == live.id), None)
    return moved or record_from_revision(client, live)


def _confirm(fact: str, what: str, yes: bool) -> None:
    """Ask whether to do what was not named. Raises `UsageError` where nobody is there to answer."""
    if yes:
        return
    fact = harmless(fact)
    if not sys.stdin.isatty():
        raise UsageError(f"{fact}: nobody here to ask whether to {what}", next_step="name the note, or add --yes")
    click.confirm(f"{fact[0].upper()}{fact[1:]}. {what[0].upper()}{what[1:]}?", abort=True, err=True)


def _in_words(found: list[Record]) -> str:
    match found:
        case []:
            return "changed Spark's setting"
        case [Record(what=what, path=path)] if what == REMOVE:
            return f"removed {path}"
        case [Record(created=True, path=path)]:
            return f"made the note {path}, which is deleted then"
        case [Record(path=path)]:
            return f"changed {path}"
    made = sum(record.created for record in found)
    return f"wrote {len(found)} notes{f', of which {made} are deleted then' if made else ''}"


def _undo_all(client: ZeppelinClient, found: list[Record], records: Records, console: Console) -> int:
    """Undo the apply of many notes, one by one; returns how many failed."""
    answers: list[dict[str, Any]] = []
    failed = 0
    for record in found:
        try:
            done = undo_record(client, record, records, console)
            answers.append({"path": record.path, "error": None, **done.to_json(_url(client, done))})
        except (ProvisionError, ZeppelinError) as error:
            failed += 1
            told = error_json(error)
            answers.append({"path": record.path, "error": told})
            console.say(f"failed   {record.path}: {one_line('; '.join(filter(None, told.values())))}", style="red")
    console.result({"rows": answers}, f"{len(found) - failed} of {len(found)} notes are as they were")
    return failed


def undo_record(client: ZeppelinClient, record: Record, records: Records, console: Console) -> Undone:
    """Take back what the record tells of; says what becomes of each paragraph."""
    live = _live(client, record)
    if live is not None:
        record = _latest(client, record, live)
        _end_runs(client, record, live, console)
    with console.step(f"note {record.path}"):
        done = undo_note(
            client,
            record,
            records,
            open_in_page=_is_open(client, live),
            secrets=secrets_of_record(client, record),
            waiting=lambda: console.say(OTHER_WRITER),
        )
        if done.note_id:
            keep_revision(client, done.note_id, AFTER_UNDO)
    for step in done.steps:
        if step.verdict is not Verdict.SAME:
            console.say(f"  {verdict_line(step.verdict, step.title, step.key, _remark(step))}")
    return done


def _end_runs(client: ZeppelinClient, record: Record, live: Note, console: Console) -> None:
    """Stop the stream of a note that may be deleted, or whose blocking paragraph may be written; await other runs."""
    running = [p for p in live.paragraphs if p.status.is_active and provenance(p).key]
    if record.created or any(provenance(paragraph).blocks for paragraph in running):
        stop_if_running(client, live, console)
        if record.created:
            end_own_processes(client, live)  # by now: the server knows them by the note
        return
    ids = {paragraph.id for paragraph in running}
    wait_until(
        lambda: not any(p.status.is_active for p in client.get_note(live.id).paragraphs if p.id in ids), PATIENCE, 0.5
    )


def _is_open(client: ZeppelinClient, live: Note | None) -> bool:
    """Whether the note may be open in a page."""
    from provision.sync.open_elsewhere import open_elsewhere  # imports the websocket library

    return live is not None and open_elsewhere(client, live.id) != ""


def _live(client: ZeppelinClient, record: Record) -> Note | None:
    """The note that was applied, if it is there."""
    if record.what == REMOVE or not record.note_id:
        return None
    with suppress(NoteNotFoundError):
        return client.get_note(record.note_id)
    return None


def _latest(client: ZeppelinClient, record: Record, live: Note) -> Record:
    """The record, or the one read from the server's revision if another machine has applied since."""
    noted = noted_revision(live)
    return record if noted in ("", record.revision) else record_from_revision(client, live) or record


def _remark(step: Step) -> str:
    match step.verdict:
        case Verdict.ADD if isinstance(step, BringBack) and is_sealed(step.text):
            return "a secret is missing in it, which `provision apply` fills in unless it is an old one"
        case Verdict.KEEP:
            return "edited since, or a secret is in it; it stays"
        case Verdict.GONE:
            return "deleted since, or a secret was in it"
        case Verdict.DROP:
            return "the apply had added it"
    return ""


def _url(client: ZeppelinClient, done: Undone) -> str | None:
    return client.note_url(done.note_id) if done.note_id else None


def _tell(client: ZeppelinClient, record: Record, done: Undone, console: Console) -> None:
    url = _url(client, done)
    if url is None and not done.steps:
        text = f"{record.path}: the apply had failed before it made the note; there is nothing to take back"
    elif url is None:
        text = f"{record.path}: the apply had made it, and it is deleted"
    elif record.what == REMOVE:
        text = f"{record.path}: back; its credentials come back with `provision apply`\n{url}"
    else:
        text = f"{record.path}\n{url}"
    console.result(done.to_json(url), text)
