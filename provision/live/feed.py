"""One note as its page has it: heard over Zeppelin's websocket, changed over it, its windows asked for as they end.

A feed is shared by all who look at the note. Two threads serve it: one has the note open as a browser has, and takes
the changes that people make, one after the other; the other looks at Spark's page, and runs the note's paragraph of
latest windows as soon as a window has ended.
"""

import queue
import threading
import time
from collections import deque
from collections.abc import Callable, Iterable
from concurrent.futures import Future
from contextlib import suppress
from dataclasses import dataclass, field, replace
from typing import Any, TypeVar

from netpie_creds import NetpieError
from provision.console import Quiet
from provision.errors import ProvisionError
from provision.live.drafts import joined
from provision.live.history import History, shown_windows_of
from provision.streams.latest_windows import latest_paragraph
from provision.streams.listing import window_end
from provision.streams.log import LogLine, NoteLog, StreamWatch
from provision.streams.note_state import driver_of, note_state
from provision.streams.recorded import slide_of
from provision.streams.run_note import NoteRun, announce_live
from provision.streams.run_paragraph import runs_in_spark
from provision.streams.status import NoteStatus, status_of
from provision.streams.stop_note import stop_note
from provision.streams.stream_owner import later_on_its_page
from provision.streams.windows import Window
from zeppelin_sdk import (
    ConnectionLost,
    ConnectionRestored,
    Event,
    Note,
    NoteSession,
    OthersPresent,
    OutputAppended,
    OutputUpdated,
    Paragraph,
    ParagraphAdded,
    ParagraphChanged,
    ParagraphRemoved,
    Progress,
    ResultMessage,
    UnsupportedError,
    ZeppelinClient,
    ZeppelinError,
)

HEAR_SECONDS = 0.1
"""How long a change that somebody makes may wait for the websocket to be read."""
LOOK_SECONDS, LOOK_SOON = 2.0, 0.3
"""How often Spark's page is looked at, and how often when a window is about to end."""
CALM_SECONDS = 10.0
"""How often Spark's page is looked at while nobody looks at the note's: the next one who does finds its windows."""
OWNER_SECONDS = 60.0
"""How often all notes of the server are asked whose stream Spark's page shows."""
RETRY_SECONDS = 2.0
MOST_LOG = 500
MOST_LIVE = 102_400
"""Characters of what a running paragraph has printed that are kept."""
PATCHES, COMMITS = "patch", "commit"
T = TypeVar("T")
Failure = (ZeppelinError, ProvisionError, NetpieError, OSError)


@dataclass(frozen=True)
class Entry:
    """A line of the page's log."""

    at: float
    about: str
    text: str
    is_bad: bool = False


@dataclass(frozen=True)
class FeedState:
    """The note as it is known now. `version` counts changes of it; `outputs` are those of paragraphs that run."""

    version: int = 0
    note: Note | None = None
    status: NoteStatus | None = None
    is_connected: bool = False
    cause: str = ""
    others: OthersPresent = field(default_factory=lambda: OthersPresent(False, frozenset()))
    outputs: dict[str, tuple[ResultMessage, ...]] = field(default_factory=dict)
    progress: dict[str, int] = field(default_factory=dict)
    seen_at: float = 0.0

    def outputs_of(self, paragraph: Paragraph) -> tuple[ResultMessage, ...]:
        """What a paragraph has printed so far."""
        live = self.outputs.get(paragraph.id)
        return live if live and paragraph.status.is_active else paragraph.results


class NoteFeed:
    """Start it with `start`; `state`, `history` and `log` are read from any thread. `connect` opens a connection.

    One that is `read_only` runs nothing but the paragraph of latest windows, and changes nothing.
    """

    def __init__(self, connect: Callable[[], ZeppelinClient], note_id: str, *, read_only: bool = False) -> None:
        self.note_id = note_id
        self.state = FeedState()
        self.history = History()
        self.log: deque[Entry] = deque(maxlen=MOST_LOG)
        self.logged = 0
        self.has_patches = True
        self.is_watched = True
        self._connect = connect
        self._read_only = read_only
        self._work: queue.SimpleQueue[tuple[Callable[[NoteSession], Any], Future[Any]]] = queue.SimpleQueue()
        self._closing = threading.Event()
        self._lock = threading.Lock()
        self._log_of = NoteLog()
        self._pace = Pace()
        self._show_windows: set[str] = set()
        self._threads = [
            threading.Thread(target=run, name=f"{name}-{note_id}", daemon=True)
            for name, run in (("talk", self._talk), ("look", self._look))
        ]

    def start(self) -> None:
        """Open the note."""
        for thread in self._threads:
            thread.start()

    def close(self) -> None:
        """End it; what somebody has asked for and was not done is refused."""
        self._closing.set()
        for thread in self._threads:
            thread.join(5)

    # --- what people do ---

    def write(self, paragraph_id: str, base: str, text: str) -> Future[None]:
        """Bring what somebody has made of `base` into a paragraph; what others typed there meanwhile stays."""

        def write(session: NoteSession) -> None:
            if self.has_patches:
                try:
                    session.patch_paragraph(paragraph_id, _together(session.note, paragraph_id, base, text))
                    return
                except UnsupportedError:
                    self.has_patches = False
            together = _together(session.refresh(), paragraph_id, base, text)
            session.update_paragraph(paragraph_id, text=together)

        return self.submit(write)

    def save(self, paragraph_id: str) -> Future[None]:
        """Have the server keep a paragraph as it is, which it does not for each letter that is typed."""

        def save(session: NoteSession) -> None:
            session.refresh()  # the settings too: those that are not told of would be set back
            session.update_paragraph(paragraph_id)

        return self.submit(save)

    def run(self, paragraph_id: str) -> Future[None]:
        """Run a paragraph."""

        def run(session: NoteSession) -> None:
            session.refresh()
            session.submit_paragraph(paragraph_id)

        return self.submit(run)

    def cancel(self, paragraph_id: str) -> Future[None]:
        """Stop a paragraph's run."""
        return self.submit(lambda session: session.cancel_paragraph(paragraph_id))

    def submit(self, work: Callable[[NoteSession], T]) -> Future[T]:
        """Have `work` done with the open note; its error is the future's."""
        done: Future[T] = Future()
        if self._read_only:
            done.set_exception(_read_only())
        elif not self.state.is_connected:
            done.set_exception(ProvisionError("the server is out of reach", next_step="try again when it is back"))
        else:
            self._work.put((work, done))
        return done

    def run_note(self) -> None:
        """Run the note's paragraphs in order, its stream anew, and wait until it is live. Raises as `provision run`."""
        if self._read_only:
            raise _read_only()
        with self._connect() as client:
            note = client.get_note(self.note_id)
            if any(p.status.is_active and runs_in_spark(p) for p in note.paragraphs):
                stop_note(client, note, Quiet())
            run = NoteRun(client, self.note_id, Quiet())
            run.start()
            announce_live(run)

    def stop_note(self) -> None:
        """Stop the note's stream. Raises as `provision stop`."""
        if self._read_only:
            raise _read_only()
        with self._connect() as client:
            stop_note(client, client.get_note(self.note_id), Quiet())

    # --- hearing ---

    def _talk(self) -> None:
        while not self._closing.is_set():
            try:
                with self._connect() as client, client.open_note(self.note_id, reconnect=True) as session:
                    self._change(is_connected=True, cause="", note=session.note)
                    self._hear(session)
            except Failure as error:
                self._lost(str(error))
                self._refuse_work(error)
            self._closing.wait(RETRY_SECONDS)
        self._refuse_work(ProvisionError("the page was closed"))

    def _hear(self, session: NoteSession) -> None:
        while not self._closing.is_set():
            self._do_work(session)
            event, changed = session.read(HEAR_SECONDS), False
            while event is not None:
                self._heard(event)
                changed = True
                event = session.read(0.0)
            if changed or session.note is not self.state.note:
                self._change(note=session.note)

    def _do_work(self, session: NoteSession) -> None:
        while True:
            try:
                work, done = self._work.get_nowait()
            except queue.Empty:
                return
            try:
                result = work(session)
                self._change(note=session.note)
                done.set_result(result)
            except Failure as error:
                done.set_exception(error)

    def _refuse_work(self, error: Exception) -> None:
        while True:
            try:
                self._work.get_nowait()[1].set_exception(error)
            except queue.Empty:
                return

    def _lost(self, cause: str) -> None:
        if self.state.is_connected or self.state.cause != cause:
            self._tell(Entry(time.time(), "connection", cause, is_bad=True))
        self._change(is_connected=False, cause=cause)

    def _heard(self, event: Event) -> None:
        self._take(event)
        for line in self._log_of.of(event):
            self._tell_line(line)

    def _take(self, event: Event) -> None:
        match event:
            case ConnectionLost(cause=cause):
                self._change(is_connected=False, cause=cause)
            case ConnectionRestored():
                self._change(is_connected=True, cause="")
            case OthersPresent():
                self._change(others=event)
            case ParagraphChanged(paragraph=paragraph) | ParagraphAdded(paragraph=paragraph):
                self._paragraph_heard(paragraph)
            case OutputAppended(paragraph_id=name, index=index, text=text):
                self._printed(name, index, None, text)
            case OutputUpdated(paragraph_id=name, index=index, type=type_, text=text):
                self._printed(name, index, type_, text)
            case Progress(paragraph_id=name, percent=percent):
                self._change(progress={**self.state.progress, name: percent})
            case ParagraphRemoved(paragraph_id=name):
                self._forget(name)

    def _paragraph_heard(self, paragraph: Paragraph) -> None:
        known = self.state.note.paragraph(paragraph.id) if self.state.note else None
        starts = paragraph.status.is_active and known is not None and not known.status.is_active
        if starts or not paragraph.status.is_active:
            self._forget(paragraph.id)
        if paragraph.results and not paragraph.status.is_active:
            windows = shown_windows_of(paragraph)
            if windows:
                self._show_windows.add(paragraph.id)
            self._keep(windows)

    def _forget(self, paragraph_id: str) -> None:
        """Drop what a run of a paragraph has printed."""
        if paragraph_id in self.state.outputs or paragraph_id in self.state.progress:
            outputs = {name: each for name, each in self.state.outputs.items() if name != paragraph_id}
            progress = {name: each for name, each in self.state.progress.items() if name != paragraph_id}
            self._change(outputs=outputs, progress=progress)

    def _printed(self, paragraph_id: str, index: int, type_: str | None, text: str) -> None:
        """A running paragraph's output `index` has more text, or with a type is this text."""
        messages = list(self.state.outputs.get(paragraph_id, ()))
        messages += [ResultMessage("TEXT", "")] * (index + 1 - len(messages))
        before = messages[index]
        whole = before.data + text if type_ is None else text
        messages[index] = ResultMessage(type_ or before.type, whole[-MOST_LIVE:])
        self._change(outputs={**self.state.outputs, paragraph_id: tuple(messages)})

    def _keep(self, windows: Iterable[Window]) -> None:
        new = self.history.add(windows)
        if new:
            self._pace.came(new[-1].end)
            self._tell(*(Entry(time.time(), "window", _window_line(window)) for window in new[-3:]))

    def _tell_line(self, line: LogLine) -> None:
        if line.paragraph and line.paragraph.id in self._show_windows and line.text not in ("ERROR", "ABORT"):
            return  # its windows are told
        if line.event in ("output", "status", "cut", "connection", "stream"):
            is_bad = line.text in ("ERROR", "ABORT") or line.text.startswith("failing") or line.event == "cut"
            text = f"cut off at {line.text}" if line.event == "cut" else line.text.rstrip("\n")
            self._tell(Entry(time.time(), line.title or line.event, text, is_bad))

    def _tell(self, *entries: Entry) -> None:
        self.log.extend(entries)
        self.logged += len(entries)

    def _change(self, **changes: Any) -> None:
        with self._lock:
            self.state = replace(self.state, version=self.state.version + 1, **changes)

    # --- looking ---

    def _look(self) -> None:
        while not self._closing.wait(LOOK_SOON):
            with suppress(*Failure), self._connect() as client:
                self._look_with(client)
            self._closing.wait(RETRY_SECONDS)

    def _look_with(self, client: ZeppelinClient) -> None:
        watch, later = StreamWatch(""), None
        owner_at = next_at = 0.0
        while not self._closing.wait(LOOK_SOON):
            note, now = self.state.note, time.monotonic()
            is_time = now >= next_at or (self.is_watched and self._pace.is_due(now))
            if note is None or not self.state.is_connected or not is_time:
                continue
            status, next_at = status_of(note), now + (LOOK_SECONDS if self.is_watched else CALM_SECONDS)
            if status.stream is None:
                owner_at = 0.0
            elif now >= owner_at:
                later, owner_at = later_on_its_page(client, note), now + OWNER_SECONDS
            if status.stream is not None and later is not None:
                status = replace(status, state=note_state(note, None), stream=None)
            self._change(status=status, seen_at=time.time())
            driver = driver_of(note)
            watch.page, watch.application = (driver.url, driver.application) if status.stream else ("", "")
            for line in watch.news():
                self._tell_line(line)
            self._ask(client, note, status)

    def _ask(self, client: ZeppelinClient, note: Note, status: NoteStatus) -> None:
        """Run the paragraph of latest windows where a window has ended since it ran."""
        latest, stream = latest_paragraph(note), status.stream
        if latest is None or stream is None or not stream.receivers:
            return
        slide = slide_of(note).seconds
        self._pace.slide = slide
        end = window_end(stream, slide)
        if end and self._pace.wants(end) and not latest.status.is_active:
            self._pace.asked(end)
            client.submit_paragraph(note.id, latest.id)


def _read_only() -> ProvisionError:
    return ProvisionError("this page is for reading only", next_step="open one without --read-only")


def _together(note: Note, paragraph_id: str, base: str, text: str) -> str:
    """A paragraph's text with what somebody has made of `base`."""
    live = note.paragraph(paragraph_id)
    return joined(base, text, live.text) if live else text


@dataclass
class Pace:
    """When the next window can be expected; clocks of the machines may differ, so only what has come counts."""

    slide: float = 0.0
    _came_at: float = 0.0
    _newest: int = 0
    _asked: int = 0

    def came(self, end: int) -> None:
        """A window that ended at `end` (ms) is there."""
        self._came_at, self._newest = time.monotonic(), max(self._newest, end)

    def is_due(self, now: float) -> bool:
        """Whether a window should be about to end."""
        return bool(self.slide and self._came_at) and 0.7 * self.slide <= now - self._came_at <= 1.6 * self.slide

    def wants(self, end: int) -> bool:
        """Whether the window that ended at `end` is new."""
        return end > max(self._asked, self._newest)

    def asked(self, end: int) -> None:
        """The window that ended at `end` was asked for."""
        self._asked = end


def _window_line(window: Window) -> str:
    until = time.strftime("%H:%M:%S", time.localtime(window.end / 1000))
    return f"until {until}: {len(window.rows)} row{'' if len(window.rows) == 1 else 's'}"
