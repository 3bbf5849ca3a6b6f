"""`provision page` and `provision open`: a note in the browser."""

import contextlib
import json
import os
import webbrowser
from pathlib import Path
from typing import Any

import click

from provision.console import Console
from provision.errors import ProvisionError
from provision.home import write_private
from provision.options.output import json_option
from provision.options.server import ServerOptions, server_options
from provision.page.access import Access, new_token
from provision.page.background import check_installed, running_page
from provision.sync.find_note import find_note


@click.command()
@click.argument("note", required=False)
@click.option("--port", type=click.IntRange(0, 65535), default=0, help="The page's port (0: any free one).")
@click.option("--read-only", is_flag=True, help="Nothing can be changed or run there, as for a screen on a wall.")
@click.option("--open", "opens", is_flag=True, help="Open it in the browser.")
@click.option("--record", type=click.Path(dir_okay=False, path_type=Path), hidden=True)
@server_options
@json_option
@click.pass_obj
def page(
    console: Console,
    server: ServerOptions,
    note: str | None,
    port: int,
    read_only: bool,
    opens: bool,
    record: Path | None,
) -> None:
    """Show a note in the browser: its stream, live charts, its paragraphs to edit and run. Ctrl-C ends it.

    NOTE is its id, its path, its name or the first words of that, such as "APPID metrics". Without it the page
    begins with all notes of the server: who streams, who fails.

    It is served on this machine's loopback address only, and only to who has its whole address, which holds a
    token. Whoever has it acts in the note as you do. It works with every server that the other commands reach; what is
    edited there goes to the server as from Zeppelin's own page.

    \b
    provision page "APPID metrics"
    provision page --read-only --zeppelin http://host:8080
    """
    _serve(console, server, note, port=port, read_only=read_only, opens=opens, record=record)


def _serve(
    console: Console,
    server: ServerOptions,
    note: str | None,
    *,
    port: int = 0,
    read_only: bool = False,
    opens: bool = False,
    record: Path | None = None,
) -> None:
    check_installed()
    from provision.page.serve import LOOPBACK, Pages, listening, serve

    known = _read(record) if record else {}
    with server.connect_running() as client:
        found = find_note(client, note) if note else None
        address = client.url
        client.get_version()
    try:
        listener = listening(port or int(known.get("port", 0)))
    except ProvisionError:
        if port or not known:
            raise
        listener = listening(0)
    access = Access(LOOPBACK, listener.getsockname()[1], str(known.get("token") or new_token()))
    pages = Pages(server.connect_running, address, read_only=read_only)
    if found:
        pages.follow(found.id)
    url = access.note_url(found.id) if found else access.url
    if record:
        write_private(record, json.dumps({"port": access.port, "token": access.token, "pid": os.getpid()}))
    else:
        console.result({"page": url, "note": client.note_url(found.id) if found else None}, url)
    if opens and not webbrowser.open(url):
        console.say("no browser here: open it in yours")
    serve(pages, access, listener)


def _read(record: Path) -> dict[str, Any]:
    with contextlib.suppress(OSError, ValueError):
        known = json.loads(record.read_text())
        return known if isinstance(known, dict) else {}
    return {}


@click.command("open")
@click.argument("note")
@server_options
@json_option
@click.pass_obj
def open_command(console: Console, /, server: ServerOptions, note: str) -> None:
    """Open a note in the browser: in Zeppelin's page where its server has one, else in the page of this tool.

    NOTE is its id, its path, its name or the first words of that, such as "APPID metrics". If no page of this tool
    runs, one is served until Ctrl-C, as `provision page` does.

    \b
    provision open "APPID metrics"
    """
    with server.connect_running() as client:
        found = find_note(client, note)
        zeppelin = client.note_url(found.id)
        url = zeppelin if client.has_web_page() else ""
    if not url and server.embedded:
        running = running_page(server.running_stack())
        url = running.note_url(found.id) if running else ""
    if not url:
        _serve(console, server, found.id, opens=True)
        return
    if not webbrowser.open(url):
        console.say("no browser here: open it in yours")
    console.result({"page": url, "note": zeppelin}, url)
