"""`provision status`: the embedded stack, or a note and its stream."""

import click
from rich.table import Table

from provision.cli import json_option
from provision.commands.stack import describe
from provision.console import Console
from provision.embedded import stack
from provision.notes import find_note
from provision.plan import provenance
from provision.running import note_state, stream_state
from provision.server import ServerOptions, server_options
from provision.spark import StreamState
from zeppelin_sdk import Note


@click.command()
@click.argument("note", required=False)
@server_options
@json_option
@click.pass_obj
def status(console: Console, server: ServerOptions, note: str | None) -> None:
    """Show the embedded stack; or, with NOTE, a note's paragraphs and its stream.

    NOTE is its id, its path, or the last parts of its path, such as "APPID metrics csv".
    """
    if note is None:
        running = stack.find()
        console.result(running.answer() if running else {"zeppelin": None}, describe(running) if running else "down")
        return
    with server.connect_running() as client:
        found = find_note(client, note)
        stream = stream_state(found)
        state = note_state(found, stream)
        answer = {
            "note": client.note_url(found.id),
            "state": state,
            "paragraphs": [
                {"key": provenance(p).get("key"), "title": p.title, "status": str(p.status)} for p in found.paragraphs
            ],
            "stream": stream.answer() if stream else None,
        }
        console.result(answer, None if console.as_json else _table(found, state, stream))


def _table(note: Note, state: str, stream: StreamState | None) -> Table:
    table = Table(title=f"{note.path}: {state}", title_justify="left", box=None, show_header=False, pad_edge=False)
    for paragraph in note.paragraphs:
        table.add_row(str(paragraph.status), paragraph.title or str(provenance(paragraph).get("key", "")))
    if stream:
        per_batch = f"{stream.processing_ms:.0f} ms to process one, {stream.delay_ms:.0f} ms from its end to its result"
        table.add_row("stream", f"{stream.events} events in {stream.batches} batches; {per_batch}")
    return table
