"""`provision status`: the embedded stack, or a note and its stream."""

import json
import sys
import time
from contextlib import nullcontext, suppress
from dataclasses import replace

import click
from rich.live import Live

from provision.commands.stack import describe
from provision.console import Console
from provision.embedded import stack
from provision.errors import ProvisionError, UsageError
from provision.options.output import json_option
from provision.options.server import ServerOptions, server_options
from provision.streams.latest_windows import latest_of
from provision.streams.note_state import WELL, note_state
from provision.streams.status import NoteStatus, status_of
from provision.streams.stream_owner import later_on_its_page
from provision.sync.find_note import find_note
from zeppelin_sdk import Note, UnreachableError, ZeppelinClient

REFRESH = 2.0  # seconds


@click.command()
@click.argument("note", required=False)
@click.option("--watch", is_flag=True, help=f"Show it anew every {REFRESH:.0f} s, until Ctrl-C.")
@server_options
@json_option
@click.pass_obj
def status(console: Console, server: ServerOptions, note: str | None, watch: bool) -> None:
    """Show the embedded stack; or, with NOTE, a note's paragraphs and its stream.

    NOTE is its id, its path, or the last parts of its path, such as "APPID metrics csv".

    The stream's figures are Spark's own, from the driver's page; what the note has counted (malformed events,
    windows) is as of the last run of its paragraph of latest windows, which --watch runs once a slide while the
    stream runs. With --watch and no terminal, or with --json, each look is a line.

    Exit status with NOTE: 1 when its stream fails or is not there, so that a timer can tell.
    """
    if note is None:
        if watch:
            raise UsageError("--watch is for a note", next_step="name the note: provision status --watch NOTE")
        running = stack.find()
        console.result(running.to_json() if running else {"zeppelin": None}, describe(running) if running else "down")
        return
    with server.connect_running() as client:
        found = find_note(client, note)
        if watch:
            with suppress(KeyboardInterrupt):
                _watch(console, client, found)
            return
        now = _look(client, found)
        console.result(now.to_json(client.note_url(found.id)), None if console.as_json else now.table())
        if now.state not in WELL:
            raise click.exceptions.Exit(ProvisionError.exit_code)


def _look(client: ZeppelinClient, note: Note) -> NoteStatus:
    """The note's status now, without a stream on its Spark page that belongs to another note."""
    now = status_of(note)
    if now.stream is None or later_on_its_page(client, note) is None:
        return now
    return replace(now, state=note_state(note, None), stream=None)


def _watch(console: Console, client: ZeppelinClient, note: Note) -> None:
    on_screen = console.out.is_terminal and not console.as_json
    latest = latest_of(client, note, console.say)
    url = client.note_url(note.id)
    with Live(console=console.out, auto_refresh=False) if on_screen else nullcontext() as live:
        while True:
            with suppress(UnreachableError):  # a restarting server: keep the last status
                now = _look(client, client.get_note(note.id))
                if latest:
                    latest.page = now.page
                    latest.ask()
                if isinstance(live, Live):
                    live.update(now.table(), refresh=True)
                else:
                    _line(console, now, url)
            time.sleep(REFRESH)


def _line(console: Console, now: NoteStatus, url: str) -> None:
    if console.as_json:
        sys.stdout.write(json.dumps(now.to_json(url)) + "\n")
        sys.stdout.flush()
    else:
        console.out.print(now.line(), markup=False)
