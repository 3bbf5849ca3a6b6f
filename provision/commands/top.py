"""`provision top`: a note's stream, or all of a server, live in the terminal."""

import json
import sys
import time
from collections import deque
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager, suppress
from dataclasses import dataclass, field
from typing import Any

import click
from rich.console import Group
from rich.live import Live

from provision.console import Console
from provision.drawing.top_view import TopState, note_screen, notes_screen
from provision.errors import ProvisionError, UnreachableError
from provision.live.feed import Failure, NoteFeed
from provision.live.health import figures_of, health_of
from provision.options.output import json_option
from provision.options.server import ServerOptions, server_options
from provision.streams.latest_windows import latest_paragraph
from provision.streams.listing import Listed, list_notes, window_end
from provision.streams.note_state import WELL
from provision.streams.recorded import slide_of
from provision.sync.find_note import find_note
from provision.waiting import wait_until
from zeppelin_sdk import ZeppelinClient

REFRESH_SECONDS = 0.5
NOTES_SECONDS = 5.0
"""How often all notes of a server are read."""
FIRST_SECONDS, WINDOW_SECONDS = 30.0, 10.0
"""How long the first look, and then the newest window, is waited for."""
TRENDS = ("events/s", "lag")
PLAIN_WIDTH = 100
"""Columns where there is no terminal."""


@click.command()
@click.argument("note", required=False)
@click.option("--once", is_flag=True, help="Show it once, and end. So it is without a terminal.")
@server_options
@json_option
@click.pass_obj
def top(console: Console, server: ServerOptions, note: str | None, once: bool) -> None:
    """Show a note's stream live in the terminal: rates, delay, a sparkline for each key. Ctrl-C ends it.

    NOTE is its id, its path, its name or the first words of that, such as "APPID metrics". Without it: all notes of
    the server that `apply` has made, those that fail first, with the reason.

    It shows what the note's page shows, from the same source: figures are Spark's, windows are those that the note
    shows, asked for as they end. A sparkline goes from the lowest of its values to the highest; beside it stands the
    newest value. Measures and keys for which the terminal has no room are named at the end.

    With --json a look is an object a line, until Ctrl-C; with --once it is one. Exit status with NOTE and --once: 1
    when its stream fails or is not there.

    \b
    provision top "APPID metrics"
    provision top --once --json --zeppelin http://host:8080
    """
    live = console.as_json or console.out.is_terminal
    with suppress(KeyboardInterrupt):
        if note is None:
            _show(console, _Notes(server.connect_running), once=once or not live, every=NOTES_SECONDS)
            return
        with server.connect_running() as client:
            found, url = find_note(client, note), client.url
        with _following(server.connect_running, found.id) as feed:
            seen = _OneNote(feed, f"{url}/#/notebook/{found.id}")
            _show(console, seen, once=once or not live, every=REFRESH_SECONDS)
        if once and seen.state not in WELL:
            raise click.exceptions.Exit(ProvisionError.exit_code)


@contextmanager
def _following(connect: Callable[[], ZeppelinClient], note_id: str) -> Iterator[NoteFeed]:
    """The note's feed, once it has its windows. Raises `UnreachableError` where the note can't be heard."""
    with closing(NoteFeed(connect, note_id, read_only=True)) as feed:
        feed.start()
        if not wait_until(lambda: feed.state.status, FIRST_SECONDS, every=0.05):
            cause = feed.state.cause or "it does not answer"
            raise UnreachableError(f"the note can't be followed: {cause}", next_step="try again")
        wait_until(lambda: _has_newest(feed), WINDOW_SECONDS, every=0.05)
        yield feed


def _has_newest(feed: NoteFeed) -> bool:
    """Whether the newest window that has ended is there, or can't be had."""
    note, status = feed.state.note, feed.state.status
    if note is None or status is None or status.stream is None or latest_paragraph(note) is None:
        return True
    end = window_end(status.stream, slide_of(note).seconds)
    return not end or (feed.history.newest is not None and feed.history.newest.end >= end)


def _show(console: Console, seen: "_OneNote | _Notes", *, once: bool, every: float) -> None:
    if console.as_json:
        while True:
            seen.look()
            sys.stdout.write(console.shown(json.dumps(seen.to_json())) + "\n")
            sys.stdout.flush()
            if once:
                return
            time.sleep(max(every, 1.0))
    if once:
        seen.look()
        width = console.out.width if console.out.is_terminal else PLAIN_WIDTH
        console.out.print(seen.screen(console.shown, width, None), width=width)
        return
    with Live(console=console.out, screen=True, auto_refresh=False) as live:
        while True:
            seen.look()
            size = console.out.size
            live.update(seen.screen(console.shown, size.width, size.height), refresh=True)
            time.sleep(every)


@dataclass
class _OneNote:
    """A note, by its feed, and how its figures went."""

    feed: NoteFeed
    url: str
    _trends: dict[str, deque[float]] = field(default_factory=lambda: {name: deque(maxlen=60) for name in TRENDS})
    _looked_at: float = -1.0

    @property
    def state(self) -> str:
        status = self.feed.state.status
        return status.state if status else ""

    def look(self) -> None:
        """Note the figures, once for each look of the feed at Spark's page."""
        status, at = self.feed.state.status, self.feed.state.seen_at
        if status and status.stream and at != self._looked_at:
            self._looked_at = at
            self._trends["events/s"].append(status.stream.events_per_second)
            self._trends["lag"].append(status.stream.lag_s)

    def screen(self, shown: Callable[[str], str], width: int, height: int | None) -> Group:
        state, history = self.feed.state, self.feed.history
        title = state.note.path.removeprefix("/") if state.note else ""
        cause = "" if state.is_connected else f"the server is out of reach: {state.cause}"
        figures = figures_of(state.status, history, time.time())
        trends = {name: list(values) for name, values in self._trends.items()}
        seen = TopState(title, health_of(state.status), figures, history, list(self.feed.log), trends, cause)
        return note_screen(seen, shown, width=width, height=height)

    def to_json(self) -> dict[str, Any]:
        """The `--json` keys of `top NOTE`."""
        status, newest = self.feed.state.status, self.feed.history.newest
        health = health_of(status)
        return {
            "note": self.url,
            "state": health.word,
            "sentence": health.sentence,
            "stream": status.stream.to_json() if status and status.stream else None,
            "lag_s": status.stream.lag_s if status and status.stream else None,
            "counts": dict(status.counted.counts) or None if status else None,
            "window": newest.to_json() if newest else None,
        }


class _Notes:
    """All notes of a server."""

    def __init__(self, connect: Callable[[], ZeppelinClient]) -> None:
        self._connect = connect
        self._listed: list[Listed] = []
        self._url = self._cause = ""

    def look(self) -> None:
        """Read the notes. A server that goes away later is waited for; one that is not there at first is an error."""
        try:
            with self._connect() as client:
                self._listed, self._url, self._cause = list_notes(client, self._connect), client.url, ""
        except Failure as error:
            if not self._url:
                raise
            self._cause = str(error)

    def screen(self, shown: Callable[[str], str], width: int, height: int | None) -> Group:
        return notes_screen(self._listed, shown, width=width, cause=self._cause)

    def to_json(self) -> dict[str, Any]:
        """The `--json` keys of `top` without a note."""
        notes = []
        for each in self._listed:
            stream = each.stream.to_json() if each.stream else None
            notes.append(each.to_json(f"{self._url}/#/notebook/{each.note.id}") | {"stream": stream})
        return {"zeppelin": self._url, "cause": self._cause or None, "notes": notes}
