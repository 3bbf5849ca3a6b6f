"""`provision remove`: deletes a note and what only it needed."""

import sys

import click

from provision.console import Console
from provision.errors import UsageError
from provision.options.output import json_option
from provision.options.server import ServerOptions, server_options
from provision.streams.stop_note import stop_if_running
from provision.sync.find_note import find_note
from provision.sync.known_secrets import secrets_of_note
from provision.sync.provenance import by_key
from provision.sync.remove import hand_made, remove_note
from provision.sync.undo_records import Records
from provision.terminal import harmless
from zeppelin_sdk import Note


@click.command()
@click.argument("note")
@click.option("--yes", is_flag=True, help="Do not ask.")
@server_options
@json_option
@click.pass_obj
def remove(console: Console, /, server: ServerOptions, note: str, yes: bool) -> None:
    """Stop a note's stream and delete the note, and the entries of Zeppelin's credential store that only it names.

    NOTE is its id, its path, or the end of its path; it has to be one that `apply` has made. `provision undo` brings
    it back, with all that you have edited in it. Credentials in the cache, and files that the note has written, stay.
    """
    with server.connect_running() as client:
        found = find_note(client, note)
        if not by_key(found):
            raise UsageError(f"{found.path}: no apply has made it", next_step="delete it in Zeppelin's page")
        _confirm(found, yes)
        stop_if_running(client, found, console)
        with console.step(f"deleting {found.path}"):
            removed = remove_note(client, found, Records(client.url), secrets_of_note(client, found))
        answer = {"note": client.note_url(found.id), "edited": removed.edited, "credentials": removed.entities}
        kept = f" ({len(removed.edited)} paragraphs of yours are kept for it)" if removed.edited else ""
        console.result(answer, f"{removed.path}: deleted; `provision undo {found.id}` brings it back{kept}")


def _confirm(note: Note, yes: bool) -> None:
    if yes:
        return
    if not sys.stdin.isatty():
        raise UsageError(f"{note.path}: nobody here to ask whether to delete it", next_step="add --yes")
    edited = hand_made(note)
    mine = f", with {len(edited)} paragraphs that you have edited or added" if edited else ""
    click.confirm(f"Delete {harmless(note.path)}{mine}?", abort=True, err=True)
