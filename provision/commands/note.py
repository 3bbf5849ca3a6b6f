"""`provision run` and `provision stop`."""

from typing import Any

import click

from provision.console import Console
from provision.options.each import ClassOptions, note_or_each
from provision.options.output import json_option
from provision.options.server import ServerOptions, server_options
from provision.streams.run_note import NoteRun, announce_live
from provision.streams.run_paragraph import runs_in_spark
from provision.streams.stop_note import stop_note
from provision.sync.find_note import find_note
from zeppelin_sdk import Note, ZeppelinClient


@click.command()
@note_or_each()
@server_options
@json_option
@click.pass_obj
def run(console: Console, /, server: ServerOptions, note: str, each: ClassOptions | None) -> None:
    """Run a note's paragraphs in order and wait until its stream is live.

    NOTE is its id, its path, its name or the first words of that, such as "APPID metrics". A stream that
    runs is started anew. With --each the note of each row of a class file is run, where each has a Spark of its own.

    \b
    provision run "APPID metrics"
    provision run --each people.csv --zeppelin http://host:8080
    """
    if each is not None:
        from provision.commands.note_each import run_each  # slow to import, not needed for one note

        run_each(console, server, each)
        return
    with server.connect_running() as client:
        found = find_note(client, note)
        state = run_found(client, found, console)
        url = client.note_url(found.id)
        console.result({"note": url, "stream": state}, url)


def run_found(client: ZeppelinClient, found: Note, console: Console) -> dict[str, Any] | None:
    """Run the note, its stream anew, and wait until it is live; returns what Spark says of it."""
    if any(paragraph.status.is_active and runs_in_spark(paragraph) for paragraph in found.paragraphs):
        stop_note(client, found, console)
    note_run = NoteRun(client, found.id, console)
    note_run.start()
    return announce_live(note_run)


@click.command()
@note_or_each()
@server_options
@json_option
@click.pass_obj
def stop(console: Console, /, server: ServerOptions, note: str, each: ClassOptions | None) -> None:
    """Stop a note's stream; what it has received is processed first where the note can do that.

    NOTE is its id, its path, its name or the first words of that, such as "APPID metrics". What of the note runs in
    Spark is cancelled first. The document's note can only be stopped by a restart of Spark's interpreter, which ends
    what other notes run in it too.
    With --each the note of each row of a class file is stopped.

    \b
    provision stop "APPID metrics"
    provision stop --each people.csv --zeppelin http://host:8080
    """
    if each is not None:
        from provision.commands.note_each import stop_each  # slow to import, not needed for one note

        stop_each(console, server, each)
        return
    with server.connect_running() as client:
        found = find_note(client, note)
        stop_note(client, found, console)
        console.result({"note": client.note_url(found.id), "stopped": True}, "stopped")
