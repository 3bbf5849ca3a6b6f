"""`provision undo`: the last apply taken back."""

import click

from provision.cli import json_option
from provision.console import Console
from provision.diff import verdict_line
from provision.errors import UsageError
from provision.notes import find_note
from provision.plan import Verdict
from provision.records import REMOVE, Record, Records
from provision.revisions import UNDONE, keep_revision, record_from_revision
from provision.running import stop_if_running
from provision.server import ServerOptions, server_options
from provision.undo import Step, Undone, undo_note
from zeppelin_sdk import NoteNotFoundError, ZeppelinClient


@click.command()
@click.argument("note", required=False)
@server_options
@json_option
@click.pass_obj
def undo(console: Console, /, server: ServerOptions, note: str | None) -> None:
    """Take back what the last `apply` has changed in a note, or its removal by `remove`.

    NOTE is its id, its path, or the end of its path; without it, the note of this server that was applied or removed
    last from this machine. Texts, titles, settings, order, and paragraphs that came or went become what they were;
    what you have edited since stays. A note that the apply has made is deleted, unless something in it is yours.

    Credentials stay as they are, and the stream that runs is not started anew: see `provision run`.
    """
    with server.connect_running() as client:
        records = Records(client.url)
        record = _record(client, records, note)
        if record is None:
            console.result({"note": None, "changes": [], "written": 0}, "nothing to undo")
            return
        _stop(client, record, console)
        with console.step(f"note {record.path}"):
            done = undo_note(client, record, records)
            if done.note_id:
                keep_revision(client, done.note_id, UNDONE)
        for step in done.steps:
            if step.verdict is not Verdict.SAME:
                console.say(f"  {verdict_line(step.verdict, step.title, step.key, _remark(step))}")
        _tell(client, record, done, console)


def _record(client: ZeppelinClient, records: Records, name: str | None) -> Record | None:
    """The record of what is to be undone; where this machine has none, what the server's revisions tell."""
    every = records.all()
    if name is None:
        return next(iter(every), None)
    wanted = f"/{name.lstrip('/')}"
    found = [r for r in every if name == r.note_id or wanted == _absolute(r.path)]
    found = found or [r for r in every if _absolute(r.path).endswith(wanted)]
    if len(found) > 1:
        paths = ", ".join(record.path for record in found)
        raise UsageError(f"more than one note ends in {name!r}: {paths}", next_step="give one whole path")
    return found[0] if found else record_from_revision(client, find_note(client, name))


def _absolute(path: str) -> str:
    return f"/{path.lstrip('/')}"


def _stop(client: ZeppelinClient, record: Record, console: Console) -> None:
    """A note that is about to be deleted, or whose blocking paragraph runs, does not stream on."""
    if record.what == REMOVE or not record.note_id:
        return
    try:
        live = client.get_note(record.note_id)
    except NoteNotFoundError:
        return
    if record.created or any(paragraph.status.is_active for paragraph in live.paragraphs):
        stop_if_running(client, live, console)


def _remark(step: Step) -> str:
    match step.verdict:
        case Verdict.KEEP:
            return "edited since, or a secret is in it; it stays"
        case Verdict.GONE:
            return "deleted since, or a secret was in it"
        case Verdict.DROP:
            return "the apply had added it"
    return ""


def _tell(client: ZeppelinClient, record: Record, done: Undone, console: Console) -> None:
    url = client.note_url(done.note_id) if done.note_id else None
    if url is None:
        text = f"{record.path}: the apply had made it, and it is deleted"
    elif record.what == REMOVE:
        text = f"{record.path}: back; its credentials come back with `provision apply`\n{url}"
    else:
        text = f"{record.path}\n{url}"
    console.result(done.answer(url), text)
