"""`provision run` and `provision stop`."""

import click

from provision.console import Console
from provision.options.output import json_option
from provision.options.server import ServerOptions, server_options
from provision.streams.run_note import NoteRun, announce_live
from provision.streams.stop_note import stop_note
from provision.sync.find_note import find_note


@click.command()
@click.argument("note")
@server_options
@json_option
@click.pass_obj
def run(console: Console, server: ServerOptions, note: str) -> None:
    """Run a note's paragraphs in order and wait until its stream is live.

    NOTE is its id, its path, or the last parts of its path, such as "APPID metrics csv". A stream that
    runs is started anew.
    """
    with server.connect_running() as client:
        found = find_note(client, note)
        if any(paragraph.status.is_active for paragraph in found.paragraphs):
            stop_note(client, found, console)
        note_run = NoteRun(client, found.id, console)
        note_run.start()
        state = announce_live(note_run)
        url = client.note_url(found.id)
        console.result({"note": url, "stream": state}, url)


@click.command()
@click.argument("note")
@server_options
@json_option
@click.pass_obj
def stop(console: Console, server: ServerOptions, note: str) -> None:
    """Stop a note's stream; what it has received is processed first where the note can do that.

    NOTE is its id, its path, or the last parts of its path, such as "APPID metrics csv". The document's
    note can only be stopped by a restart of Spark's interpreter, which ends what other notes run in it too.
    """
    with server.connect_running() as client:
        found = find_note(client, note)
        stop_note(client, found, console)
        console.result({"note": client.note_url(found.id), "stopped": True}, "stopped")
