"""`provision list`: the notes of this tool on a server, and what each does."""

import time
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING

import click

from provision.console import Console
from provision.options.output import json_option
from provision.options.server import ServerOptions, server_options
from provision.streams.listing import Listed, list_notes

if TYPE_CHECKING:
    from rich.table import Table


@click.command(name="list")
@server_options
@json_option
@click.pass_obj
def list_command(console: Console, server: ServerOptions) -> None:
    """List the notes on a server that `apply` has made, with what each does now.

    \b
    streaming  its stream runs
    failing    its stream runs, and the newest batch failed: the reason is told
    running    a paragraph of it runs
    failed     a paragraph of it failed, and no stream runs
    stopped    it has been run, and no stream runs
    not run    nobody has run it yet
    unknown    it has been run, and Spark's page can't be reached from here

    "last window" is the end of the newest window that is known: of a stream that runs, as Spark tells; else as the
    note has shown it. Notes of other people, and notes that you may not read, are left out.

    \b
    provision list
    provision list --zeppelin http://host:8080 --json
    """
    with server.connect_running() as client:
        with console.step(f"reading the notes on {client.url}"):
            listed = list_notes(client, server.connect_running)
        answer = {"zeppelin": client.url, "notes": [each.to_json(client.note_url(each.note.id)) for each in listed]}
        empty = f"no note on {client.url} was made by provision"
    console.result(answer, None if console.as_json else notes_table(listed, console.shown) if listed else empty)
    tell_failures(console, listed)


def notes_table(listed: Sequence[Listed], shown: Callable[[str], str]) -> "Table":
    """The notes, a line each, their paths as `shown` has them."""
    from rich.table import Table

    table = Table("state", "bundle", "last window", "path", "id", box=None, pad_edge=False)
    for each in listed:
        table.add_row(each.state, each.bundle, _spoken(each.last_window), shown(each.note.path), each.note.id)
    return table


def tell_failures(console: Console, listed: Sequence[Listed]) -> None:
    """Say of each stream that fails why it does."""
    for each in listed:
        if each.state == "failing":
            console.say(f"{each.note.path} fails: {each.failure}", style="red")


def _spoken(millis: int) -> str:
    """A time on this machine's clock, without the date if it is of today."""
    if not millis:
        return "-"
    then, today = time.localtime(millis / 1000), time.localtime()
    is_today = then[:3] == today[:3]
    return time.strftime("%H:%M:%S" if is_today else "%Y-%m-%d %H:%M:%S", then)
