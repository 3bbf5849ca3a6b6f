"""`provision remove`: deletes a note and what only it needed."""

import sys
from collections.abc import Sequence

import click

from provision.console import Console
from provision.errors import UsageError
from provision.options.each import ClassOptions, note_or_each
from provision.options.output import json_option
from provision.options.server import ServerOptions, server_options
from provision.streams.interpreter import end_own_processes
from provision.streams.stop_note import cancel_active, stop_if_running
from provision.sync.find_note import find_note
from provision.sync.known_secrets import secrets_of_note
from provision.sync.note_lock import OTHER_WRITER
from provision.sync.provenance import by_key
from provision.sync.remove import Removed, hand_made, remove_note
from provision.sync.undo_records import Records
from provision.terminal import harmless
from zeppelin_sdk import Note, ZeppelinClient


@click.command()
@note_or_each(in_turn=True)
@click.option("--yes", is_flag=True, help="Do not ask.")
@server_options
@json_option
@click.pass_obj
def remove(console: Console, /, server: ServerOptions, note: str, each: ClassOptions | None, yes: bool) -> None:
    """Stop a note's stream and delete the note, and the entries of Zeppelin's credential store that only it names.

    NOTE is its id, its path, or the end of its path; it has to be one that `apply` has made. `provision undo` brings
    it back, with all that you have edited in it. Credentials in the cache, and files that the note has written, stay.
    With --each the note of each row of a class file is removed, and one `provision undo` brings all of them back.

    \b
    provision remove "APPID metrics"
    provision remove --each people.csv --yes --zeppelin http://host:8080
    """
    if each is not None:
        from provision.commands.remove_each import remove_each  # slow to import, not needed for one note

        remove_each(console, server, each, yes=yes)
        return
    with server.connect_running() as client:
        found = find_note(client, note)
        check_ours(found)
        confirm([found], yes=yes)
        removed = remove_found(client, found, Records(client.url), console)
        answer = {"note": client.note_url(found.id), "edited": removed.edited, "credentials": removed.entities}
        kept = f" ({len(removed.edited)} paragraphs of yours are kept for it)" if removed.edited else ""
        console.result(answer, f"{removed.path}: deleted; `provision undo {found.id}` brings it back{kept}")


def check_ours(note: Note) -> None:
    """Raise `UsageError` for a note that no apply has made."""
    if not by_key(note):
        raise UsageError(f"{note.path}: no apply has made it", next_step="delete it in Zeppelin's page")


def remove_found(client: ZeppelinClient, found: Note, records: Records, console: Console) -> Removed:
    """Stop the note's stream, and delete the note."""
    stop_if_running(client, found, console)
    cancel_active(client, client.get_note(found.id))
    end_own_processes(client, found)
    with console.step(f"deleting {found.path}"):
        secrets = secrets_of_note(client, found)
        return remove_note(client, found, records, secrets, waiting=lambda: console.say(OTHER_WRITER))


def confirm(notes: Sequence[Note], *, yes: bool) -> None:
    """Ask whether to delete the notes. Raises `UsageError` where nobody is there to answer."""
    if yes:
        return
    what = notes[0].path if len(notes) == 1 else f"{len(notes)} notes"
    if not sys.stdin.isatty():
        raise UsageError(f"{what}: nobody here to ask whether to delete it", next_step="add --yes")
    edited = sum(len(hand_made(note)) for note in notes)
    mine = f", with {edited} paragraphs that have been edited or added by hand" if edited else ""
    click.confirm(f"Delete {harmless(what)}{mine}?", abort=True, err=True)
