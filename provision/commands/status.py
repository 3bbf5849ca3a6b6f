"""`provision status`: a server, the embedded stack, or a note and its stream."""

import json
import sys
import time
from contextlib import nullcontext, suppress

import click
from rich.live import Live

from provision.commands.list import notes_table, tell_failures
from provision.commands.stack import describe, with_page
from provision.console import Console
from provision.embedded import stack
from provision.errors import ProvisionError, UsageError
from provision.options.each import ClassOptions, note_or_each
from provision.options.output import json_option
from provision.options.server import ServerOptions, server_options
from provision.page.background import running_page
from provision.streams.latest_windows import latest_of
from provision.streams.listing import list_notes
from provision.streams.note_state import WELL, driver_of
from provision.streams.server_status import look_at
from provision.streams.status import NoteStatus, own_status
from provision.sync.find_note import find_note
from zeppelin_sdk import Note, ServerUnreachableError, ZeppelinClient

REFRESH = 2.0  # seconds


@click.command()
@note_or_each(required=False)
@click.option("--watch", is_flag=True, help=f"Show it anew every {REFRESH:.0f} s, until Ctrl-C.")
@server_options
@json_option
@click.pass_obj
def status(
    console: Console, /, server: ServerOptions, note: str | None, each: ClassOptions | None, watch: bool
) -> None:  # fmt: skip
    """Show the server that is named, else the embedded stack; or, with NOTE, a note's paragraphs and its stream.

    NOTE is its id, its path, its name or the first words of that, such as "APPID metrics".

    Of a server: its version, who you are there, its Spark, and the notes as `provision list` has them.

    The stream's figures are Spark's own, from the driver's page, as of now; what the note has counted (malformed
    events, windows) is as of the last run of its paragraph of latest windows, which --watch runs once a slide while
    the stream runs. With --watch and no terminal, or with --json, each look is a line.

    With --each there is a line for the note of each row of a class file.

    Exit status with NOTE or --each: 1 when a stream fails or is not there, so that a timer can tell.

    \b
    provision status --zeppelin http://host:8080
    provision status --watch "APPID metrics"
    provision status --each people.csv --zeppelin http://host:8080
    """
    if each is not None:
        from provision.commands.status_each import status_each  # slow to import, not needed for one note

        if watch:
            raise UsageError("--watch is for one note", next_step="leave out --each, or --watch")
        status_each(console, server, each)
        return
    if note is None:
        if watch:
            raise UsageError("--watch is for a note", next_step="name the note: provision status --watch NOTE")
        if server.embedded:
            running = stack.find()
            access = running_page(running) if running else None
            answer = with_page(running, access) if running else {"zeppelin": None}
            console.result(answer, describe(running, access) if running else "down")
        else:
            _show_server(console, server)
        return
    with server.connect_running() as client:
        found = find_note(client, note)
        if watch:
            with suppress(KeyboardInterrupt):
                _watch(console, client, found)
            return
        now = own_status(client, found)
        console.result(now.to_json(client.note_url(found.id)), None if console.as_json else now.table(console.shown))
        if now.state not in WELL:
            raise click.exceptions.Exit(ProvisionError.exit_code)


def _show_server(console: Console, server: ServerOptions) -> None:
    with server.connect_running() as client:
        look = look_at(client)
        with console.step("reading its notes"):
            listed = list_notes(client, server.connect_running)
        notes = [each.to_json(client.note_url(each.note.id)) for each in listed]
    console.result({**look.to_json(), "notes": notes}, None if console.as_json else look.text())
    if listed and not console.as_json:
        console.result({}, notes_table(listed, console.shown))
    tell_failures(console, listed)


def _watch(console: Console, client: ZeppelinClient, note: Note) -> None:
    on_screen = console.out.is_terminal and not console.as_json
    latest = latest_of(client, note, console.say)
    url = client.note_url(note.id)
    with Live(console=console.out, auto_refresh=False) if on_screen else nullcontext() as live:
        while True:
            with suppress(ServerUnreachableError):  # a restarting server: keep the last status
                seen = client.get_note(note.id)
                now = own_status(client, seen)
                if latest:
                    latest.page, latest.application = now.page, driver_of(seen).application
                    latest.ask()
                if isinstance(live, Live):
                    live.update(now.table(console.shown), refresh=True)
                else:
                    _line(console, now, url)
            time.sleep(REFRESH)


def _line(console: Console, now: NoteStatus, url: str) -> None:
    if console.as_json:
        sys.stdout.write(console.shown(json.dumps(now.to_json(url))) + "\n")
        sys.stdout.flush()
    else:
        console.out.print(console.shown(now.line()), markup=False)
