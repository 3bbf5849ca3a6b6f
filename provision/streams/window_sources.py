"""Where to read a running note's windows: in its files, from a paragraph that keeps them, or as it prints them."""

import time
from collections import Counter
from dataclasses import replace
from pathlib import Path
from typing import Protocol

from provision.streams.printed_windows import headed_windows, printed_windows, shown_windows
from provision.streams.windows import Window, read_windows
from zeppelin_sdk import NoteFollower, OutputAppended, OutputUpdated, ZeppelinClient


class WindowSource(Protocol):
    """A place where windows of a running note can be read."""

    @property
    def empty(self) -> int:
        """How many windows without rows it has seen."""

    def windows(self) -> list[Window]:
        """All windows so far that have rows, oldest first."""


class Files:
    """The CSV files that are written from now on into a folder that this machine can read.

    `header`: they begin with the columns' names. Where they don't, the names are those of the windows that `named` has.
    A file may be there before the note tells of its window: it counts when that has been asked for often enough.
    """

    ASKED = 3

    def __init__(self, out: Path, *, header: bool = False, named: WindowSource | None = None) -> None:
        self._out, self._since, self._header = out, time.time() * 1000, header
        self._named = named
        self.empty = 0
        self._names: dict[int, tuple[str, ...]] = {}
        self._asked: Counter[int] = Counter()

    def windows(self) -> list[Window]:
        found = read_windows(self._out, since=self._since, header=self._header)
        self.empty = sum(not window.rows for window in found)
        return [named for window in found if window.rows and (named := self._with_names(window))]

    def _with_names(self, window: Window) -> Window | None:
        """The window with its names, where it has any; None while the note may yet tell them."""
        if window.columns or self._named is None:
            return window
        if window.end not in self._names and self._asked[window.end] < self.ASKED:
            self._asked[window.end] += 1
            self._names |= {each.end: each.columns for each in self._named.windows()}
            if window.end not in self._names and self._asked[window.end] < self.ASKED:
                return None
        names = self._names.get(window.end, ())
        return replace(window, columns=names) if len(names) == len(window.rows[0]) else window


class Asked:
    """The windows that a paragraph of the note prints each time it runs."""

    def __init__(self, client: ZeppelinClient, note_id: str, paragraph_id: str) -> None:
        self._client, self._note_id, self._paragraph_id = client, note_id, paragraph_id
        self._seen: dict[int, Window] = {}

    @property
    def empty(self) -> int:
        return sum(not window.rows for window in self._seen.values())

    def windows(self) -> list[Window]:
        output = self._client.execute_paragraph(self._note_id, self._paragraph_id).output
        self._seen |= {window.end: window for window in headed_windows(output)}
        return [self._seen[end] for end in sorted(self._seen) if self._seen[end].rows]


class Overheard:
    """The windows that a running paragraph prints, over the websocket: nothing else shows them before it ends."""

    def __init__(self, follower: NoteFollower, paragraph_id: str) -> None:
        self._follower, self._paragraph_id = follower, paragraph_id
        self._text = ""
        self.empty = 0
        self._windows: list[Window] = []

    def windows(self) -> list[Window]:
        while event := self._follower.read(timeout=0.2):
            match event:
                case OutputAppended(paragraph_id=self._paragraph_id, text=text):
                    self._text += text
                case OutputUpdated(paragraph_id=self._paragraph_id, text=text):
                    self._text = text
        printed = printed_windows(self._text)
        found = printed or shown_windows(self._text, int(time.time() * 1000))
        with_rows = [window for window in found if window.rows]
        self.empty = len(found) - len(with_rows)
        self._windows = with_rows if printed else [*self._windows, *with_rows[len(self._windows) :]]
        return self._windows
