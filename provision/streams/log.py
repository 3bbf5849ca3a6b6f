"""A note's output as a log: what is there, then what arrives, across restarts of the server."""

import time
from collections.abc import Callable, Iterator
from contextlib import suppress
from dataclasses import dataclass, field
from typing import Any

from provision.streams.latest_windows import Latest
from provision.streams.outputs import cut_at, plain
from provision.streams.spark_page import SparkPage
from provision.streams.stream_owner import application
from provision.streams.windows import Window
from provision.sync.provenance import PAGE, provenance
from provision.terminal import harmless
from zeppelin_sdk import (
    ConnectionLost,
    ConnectionRestored,
    Event,
    OutputAppended,
    OutputUpdated,
    Paragraph,
    ParagraphAdded,
    ParagraphChanged,
    ParagraphStatus,
    ResultMessage,
    ServerUnreachableError,
    ZeppelinClient,
    ZeppelinError,
)

READ_SECONDS = 1.0
OUTPUT_LIMIT = "zeppelin.interpreter.output.limit"
DEFAULT_LIMIT = 102_400  # bytes a run of a paragraph may print, in every version (ZeppelinConfiguration)
WATCH_SECONDS, WATCH_SECONDS_MOST = 5.0, 60.0
SETTLED_SECONDS = 1.0  # silence after the limit; Zeppelin still lets the rest of a line through


@dataclass(frozen=True)
class LogLine:
    """One entry; `event` is output, status, cut, window, stream or connection: that decides which fields are set.

    `message` is an output that is told whole.
    """

    event: str
    paragraph: Paragraph | None = None
    text: str = ""
    type: str = ""
    window: Window | None = None
    message: ResultMessage | None = None

    @property
    def title(self) -> str:
        """The paragraph's title, else its key, else its id."""
        return title_of(self.paragraph) if self.paragraph else ""

    @property
    def until(self) -> str:
        """When the window ended, on the clock of this machine."""
        return time.strftime("%H:%M:%S", time.localtime(self.window.end / 1000)) if self.window else ""

    def to_json(self) -> dict[str, Any]:
        """The keys of one line of `logs -f --json`."""
        about = {}
        if self.paragraph:
            about = {"paragraph": self.paragraph.id, "key": provenance(self.paragraph).key or None, "title": self.title}
        more: dict[str, Any] = {"text": self.text}
        if self.event == "output":
            more["type"] = self.type
        elif self.event == "window" and self.window:
            more = self.window.to_json()
        return {"event": self.event, "at": round(time.time(), 3), **about, **more}


def title_of(paragraph: Paragraph) -> str:
    """The paragraph's title, else its key, else its id."""
    return paragraph.title or provenance(paragraph).key or paragraph.id


@dataclass
class _Shown:
    """What the log has told of one paragraph; `texts` are its outputs by index."""

    paragraph: Paragraph
    texts: dict[int, str] = field(default_factory=dict)
    types: dict[int, str] = field(default_factory=dict)
    is_cut: bool = False
    heard_at: float = 0.0

    @property
    def size(self) -> int:
        """Bytes of output so far."""
        return sum(len(text.encode()) for text in self.texts.values())


class NoteLog:
    """Turns a note's events into log lines; output that is sent twice is told once."""

    def __init__(self, latest: Latest | None = None, limit: int = DEFAULT_LIMIT) -> None:
        self._latest = latest
        self._limit = limit
        self._shown: dict[str, _Shown] = {}

    def of(self, event: Event | None) -> Iterator[LogLine]:
        """The lines that an event of a `NoteFollower` adds to the log; None for no event in time."""
        yield from self._told(event)
        yield from self._cut_silently()

    def _cut_silently(self) -> Iterator[LogLine]:
        """Zeppelin reports a cut only when the run ends; until then silence at the limit is the sign."""
        for shown in self._shown.values():
            silent = time.monotonic() - shown.heard_at > SETTLED_SECONDS
            if silent and not shown.is_cut and shown.paragraph.status.is_active and shown.size >= self._limit:
                shown.is_cut = True
                yield LogLine("cut", shown.paragraph, f"{self._limit} bytes")

    def _told(self, event: Event | None) -> Iterator[LogLine]:
        match event:
            case ConnectionLost(cause=cause):
                yield LogLine("connection", text=f"{cause}; waiting for it to come back")
            case ConnectionRestored():
                yield LogLine("connection", text="the connection is back")
            case ParagraphChanged(paragraph=paragraph) | ParagraphAdded(paragraph=paragraph):
                yield from self._changed(paragraph)
            case OutputAppended(paragraph_id=name, index=index, text=text) if self._follows(name):
                shown = self._shown[name]
                yield from self._becomes(
                    shown, index, shown.types.get(index, "TEXT"), shown.texts.get(index, "") + text
                )
            case OutputUpdated(paragraph_id=name, index=index, type=type_, text=text) if self._follows(name):
                yield from self._becomes(self._shown[name], index, type_, text)

    def _follows(self, paragraph_id: str) -> bool:
        """Whether output of this paragraph is told as it arrives; windows are told when they are complete."""
        return paragraph_id in self._shown and not self._keeps_windows(paragraph_id)

    def _keeps_windows(self, paragraph_id: str) -> bool:
        return self._latest is not None and self._latest.paragraph_id == paragraph_id

    def _changed(self, paragraph: Paragraph) -> Iterator[LogLine]:
        shown = self._shown.setdefault(paragraph.id, _Shown(paragraph))
        before, shown.paragraph = shown.paragraph.status, paragraph
        if self._latest and paragraph.config.get(PAGE):
            self._latest.page = str(paragraph.config[PAGE])  # a restarted stream may have another
            self._latest.application = application(paragraph)
        if self._keeps_windows(paragraph.id) and self._latest:
            if paragraph.status is ParagraphStatus.FINISHED:
                yield from (LogLine("window", paragraph, window=each) for each in self._latest.new_windows(paragraph))
            return
        if paragraph.status.is_active and not before.is_active:
            shown.texts, shown.types, shown.is_cut = {}, {}, False  # a new run begins with no output
        if not paragraph.status.is_active:
            for index, message in enumerate(paragraph.results):
                yield from self._becomes(shown, index, message.type, message.data)
        if paragraph.status is not before:
            yield LogLine("status", paragraph, str(paragraph.status))

    def _becomes(self, shown: _Shown, index: int, type_: str, text: str) -> Iterator[LogLine]:
        """Tell what is new in the output.

        Text is told as it arrives. A follower that joins late gets only the end of a run: the server shows the rest to
        nobody while it runs, and afterwards it would be out of order.
        """
        message = ResultMessage(type_, text)
        cut = cut_at(message)
        if cut is not None:
            if not shown.is_cut:
                shown.is_cut = True
                yield LogLine("cut", shown.paragraph, cut)
            return
        before = shown.texts.get(index, "")
        shown.texts[index], shown.types[index], shown.heard_at = text, type_, time.monotonic()
        if text == before:
            return
        if type_ == "TEXT":
            if news := _after(harmless(before), harmless(text)):
                yield LogLine("output", shown.paragraph, news, type_)
        elif not shown.paragraph.status.is_active:
            yield LogLine("output", shown.paragraph, plain(message), type_, message=message)
        else:
            shown.texts[index] = before  # told whole when the run has ended


def _after(before: str, text: str) -> str:
    """The part of `text` after `before`, its beginning or, for a follower that joined late, any part of it; else all.

    The beginning is tried first: output repeats itself, so `before` may occur more than once.
    """
    if text.startswith(before):
        return text[len(before) :]
    return text.rpartition(before)[2]


class StreamWatch:
    """Tells when the stream on a driver's page begins to fail in its newest batch, why, and when it no longer does."""

    def __init__(self, page: str, application: str = "") -> None:
        self.page = page
        self.application = application
        self._failure = ""
        self._every = WATCH_SECONDS
        self._next = 0.0

    def news(self) -> Iterator[LogLine]:
        """What has changed since the last call; the page is asked every few seconds, less often while out of reach."""
        if not self.page or time.monotonic() < self._next:
            return
        stream = SparkPage(self.page, self.application).stream()
        self._every = WATCH_SECONDS if stream else min(2 * self._every, WATCH_SECONDS_MOST)
        self._next = time.monotonic() + self._every
        failure = stream.failure if stream and stream.receivers else ""
        if failure and failure != self._failure:
            yield LogLine("stream", text=f"failing: {failure}")
        elif stream and self._failure and not failure:
            yield LogLine("stream", text="its newest batch did not fail")
        self._failure = failure if stream else self._failure


def follow(
    client: ZeppelinClient,
    note_id: str,
    latest: Latest | None,
    tell: Callable[[LogLine], None],
    driver: SparkPage | None = None,
) -> None:
    """Log the note until interrupted; waits for a server that goes away. Raises what else `NoteFollower.read` does.

    `driver`: the page with the note's stream, if one runs.
    """
    log = NoteLog(latest, _output_limit(client))
    watch = StreamWatch(driver.url, driver.application) if driver else StreamWatch("")
    connected = True
    with client.follow(note_id, reconnect=True) as follower:
        while True:
            event = follower.read(READ_SECONDS)
            connected = isinstance(event, ConnectionRestored) or (connected and not isinstance(event, ConnectionLost))
            if isinstance(event, ParagraphChanged) and event.paragraph.config.get(PAGE):
                watch.page = str(event.paragraph.config[PAGE])  # a restarted stream may have another
                watch.application = application(event.paragraph)
            for line in (*log.of(event), *watch.news()):
                tell(line)
            if latest is not None and connected:
                with suppress(ServerUnreachableError):  # the follower reports it, and waits
                    latest.ask()


def _output_limit(client: ZeppelinClient) -> int:
    """The server's output limit in bytes; the default where this user may not read it."""
    try:
        return int(client.get_configurations(OUTPUT_LIMIT).get(OUTPUT_LIMIT, DEFAULT_LIMIT))
    except (ZeppelinError, ValueError):
        return DEFAULT_LIMIT
