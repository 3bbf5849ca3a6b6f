"""Asks a note that keeps its windows for the latest ones: by running the paragraph that shows them."""

import re
import time
from collections.abc import Callable, Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from datetime import datetime

from provision.bundles.roles import Role
from provision.streams.note_state import driver_of
from provision.streams.printed_windows import headed_windows
from provision.streams.recorded import slide_of
from provision.streams.spark_page import SparkPage
from provision.streams.windows import Window
from provision.sync.provenance import by_role, is_edited
from zeppelin_sdk import Note, Paragraph, ParagraphStatus, ZeppelinClient

_COUNTS = re.compile(r"^counts: (.*)$", re.MULTILINE)
# how a server writes times: from 0.9 on (Zeppelin's NotebookServer and JsonResponse), and up to 0.8 (Gson's default)
_TIMES = ("%Y-%m-%d %H:%M:%S.%f", "%b %d, %Y %I:%M:%S %p", "%b %d, %Y, %I:%M:%S %p")


def latest_paragraph(note: Note) -> Paragraph | None:
    """The paragraph that shows the latest windows; None where there is none, or a person has edited it."""
    paragraph = by_role(note).get(Role.LATEST)
    return paragraph if paragraph and not is_edited(paragraph) else None


@dataclass(frozen=True)
class Counted:
    """What the note has counted since its stream's start (events, late, malformed, windows), until its time `at`.

    `at` is on the server's clock, as the server writes it; empty without counts.
    """

    counts: Mapping[str, int] = field(default_factory=dict)
    at: str = ""


def counted(note: Note) -> Counted:
    """The counts in the output of the paragraph that shows the latest windows; none of a stream before this one."""
    latest = _of_this_stream(note)
    found = _COUNTS.findall(latest.output) if latest else []
    pairs = (word.partition("=") for word in found[-1].split()) if found else ()
    counts = {name: int(number) for name, _, number in pairs if number.isdecimal()}
    return Counted(counts, latest.date_finished) if latest and counts else Counted()


def last_window(note: Note) -> Window | None:
    """The newest window that the note has shown; None where it shows none, or has not been asked since its start."""
    latest = _of_this_stream(note)
    windows = headed_windows(latest.output) if latest else []
    return max(windows, key=lambda window: window.end, default=None)


def _of_this_stream(note: Note) -> Paragraph | None:
    """The paragraph that shows the latest windows, if it has run since the stream's start as far as can be told."""
    roles = by_role(note)
    latest, start = roles.get(Role.LATEST), roles.get(Role.START)
    is_older = latest and start and _is_before(latest.date_finished, start.date_finished)
    return None if is_older else latest


def _is_before(one: str, other: str) -> bool:
    first, second = _time(one), _time(other)
    return first is not None and second is not None and first < second


def _time(text: str) -> datetime | None:
    """A time as a server writes it, without a zone; None for what is none."""
    for form in _TIMES:
        with suppress(ValueError):
            return datetime.strptime(text.replace("\u202f", " "), form)
    return None


@dataclass
class Latest:
    """The note's latest windows, asked for once a slide while its stream runs.

    `page` is the driver's, empty until it is known, `application` the id of its Spark application. The paragraph isn't
    run when the stream has ended or its page is out of reach: that would start Spark anew, and fail.
    """

    client: ZeppelinClient
    note_id: str
    page: str
    paragraph_id: str
    every: float
    application: str = ""
    _next: float = field(default_factory=time.monotonic)
    _last_end: int = 0

    def ask(self) -> bool:
        """Run the paragraph if a slide has passed since the last time; returns whether it did."""
        if not self.page or time.monotonic() < self._next:
            return False
        self._next = time.monotonic() + self.every
        state = SparkPage(self.page, self.application).stream()
        if state is None or not state.receivers:
            return False
        status = self.client.get_paragraph(self.note_id, self.paragraph_id).status
        if status.is_active or status is ParagraphStatus.ERROR:
            return False
        self.client.submit_paragraph(self.note_id, self.paragraph_id)
        return True

    def new_windows(self, paragraph: Paragraph) -> list[Window]:
        """The windows in the paragraph's output that are new since the last call, oldest first."""
        found = [window for window in headed_windows(paragraph.output) if window.end > self._last_end]
        self._last_end = max([self._last_end, *(window.end for window in found)])
        return found


def latest_of(client: ZeppelinClient, note: Note, say: Callable[[str], None]) -> Latest | None:
    """How to ask for the note's windows, None where it keeps none; `say` is told what an edited paragraph hides."""
    paragraph = latest_paragraph(note)
    if paragraph is None:
        return None
    slide = slide_of(note)
    if slide.remark:
        say(slide.remark)
    driver = driver_of(note)
    return Latest(client, note.id, driver.url, paragraph.id, slide.seconds, driver.application)
