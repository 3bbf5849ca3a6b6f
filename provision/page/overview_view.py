"""All notes of the server that the tool has made: who streams, who fails. The page of a class."""

import threading
import time
from collections.abc import Callable

from nicegui import ui

from provision.live.feed import Failure
from provision.page.hidden import hidden
from provision.page.note_view import one_line
from provision.page.shell import Heading
from provision.streams.listing import Listed, list_notes
from zeppelin_sdk import ZeppelinClient

EVERY_SECONDS = 5.0
_LEVELS = {"streaming": "good", "running": "good", "failing": "bad", "failed": "bad", "unknown": "warn"}


class Notes:
    """Asks the server for its notes every few seconds, while somebody looks."""

    def __init__(self, connect: Callable[[], ZeppelinClient]) -> None:
        self._connect = connect
        self.listed: list[Listed] = []
        self.cause = ""
        self.version = 0
        self._looked_at = -1e9
        self._lock = threading.Lock()

    def look(self) -> None:
        """Ask anew if it is time to; blocks while it asks."""
        if not self._lock.acquire(blocking=False):
            return
        try:
            if time.monotonic() - self._looked_at >= EVERY_SECONDS:
                with self._connect() as client:
                    self.listed, self.cause = list_notes(client, self._connect), ""
                self.version += 1
                self._looked_at = time.monotonic()
        except Failure as error:
            self.cause = one_line(error)
            self.version += 1
            self._looked_at = time.monotonic()
        finally:
            self._lock.release()


class OverviewView:
    """A table of notes, those that fail first; each leads to its page."""

    def __init__(self, notes: Notes) -> None:
        self._notes = notes
        self._version = -1
        with ui.element("div").classes("bar").props("role=status"):
            self._counts = ui.label("Reading the notes …")
        self._cause = ui.label("").classes("banner bad").props("role=alert")
        self._cause.visible = False
        self._list = ui.element("div").classes("pane")

    def refresh(self) -> None:
        """Bring it up to date."""
        if self._version == self._notes.version:
            return
        self._version = self._notes.version
        self._cause.text, self._cause.visible = hidden(self._notes.cause), bool(self._notes.cause)
        self._counts.text = counts_line(self._notes.listed)
        self._list.clear()
        with self._list:
            for each in sorted(self._notes.listed, key=weight):
                self._row(each)

    def _row(self, each: Listed) -> None:
        with ui.element("section").classes("card"), ui.element("div").classes("bar"):
            heading = Heading("", 2)
            heading.style("flex: 1 1 14rem")
            with heading:
                ui.link(hidden(each.note.path), f"/note/{each.note.id}")
            ui.label(each.state).classes(f"pill {_LEVELS.get(each.state, 'off')}")
            rate = f"{each.stream.events_per_second:.1f} events/s" if each.stream else ""
            until = time.strftime("window until %H:%M:%S", time.localtime(each.last_window / 1000))
            ui.label(", ".join(filter(None, [rate, until if each.last_window else ""]))).classes("soft")
            if each.failure:
                ui.label(hidden(each.failure)).classes("bad").style("flex-basis: 100%; overflow-wrap: anywhere")


def weight(each: Listed) -> tuple[int, str]:
    """What fails first, then what streams, then the rest, by path."""
    order = {"bad": 0, "warn": 1, "good": 2}
    return order.get(_LEVELS.get(each.state, ""), 3), each.note.path


def counts_line(listed: list[Listed]) -> str:
    """How many notes there are, and how many of them are in which state."""
    states = [each.state for each in listed]
    told = [f"{states.count(state)} {state}" for state in dict.fromkeys(sorted(states, key=states.count, reverse=True))]
    noun = "note" if len(listed) == 1 else "notes"
    return (
        f"{len(listed)} {noun}: {', '.join(told)}" if listed else "No note on this server was made by provision apply."
    )
