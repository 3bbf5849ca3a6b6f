"""Asks a note that keeps its windows for the latest ones: by running the paragraph that shows them."""

import re
import time
from collections.abc import Callable
from dataclasses import dataclass, field

from provision.bundles.roles import Role
from provision.streams.note_state import driver_page
from provision.streams.printed_windows import headed_windows
from provision.streams.recorded import slide_of
from provision.streams.spark_page import SparkPage
from provision.streams.windows import Window
from provision.sync.provenance import by_role, is_edited
from zeppelin_sdk import Note, Paragraph, ParagraphStatus, ZeppelinClient

_COUNTS = re.compile(r"^counts: (.*)$", re.MULTILINE)


def latest_paragraph(note: Note) -> Paragraph | None:
    """The paragraph that shows the latest windows; None where there is none, or a person has edited it."""
    paragraph = by_role(note).get(Role.LATEST)
    return paragraph if paragraph and not is_edited(paragraph) else None


def counts(paragraph: Paragraph | None) -> dict[str, int]:
    """The counts in the paragraph's output (events, late, malformed, windows) since the stream's start."""
    found = _COUNTS.findall(paragraph.output) if paragraph else []
    pairs = (word.partition("=") for word in found[-1].split()) if found else ()
    return {name: int(number) for name, _, number in pairs if number.isdecimal()}


@dataclass
class Latest:
    """The note's latest windows, asked for once a slide while its stream runs.

    `page` is the driver's, empty until it is known. The paragraph isn't run when the stream has ended or its page is
    out of reach: that would start Spark anew, and fail.
    """

    client: ZeppelinClient
    note_id: str
    page: str
    paragraph_id: str
    every: float
    _next: float = field(default_factory=time.monotonic)
    _last_end: int = 0

    def ask(self) -> bool:
        """Run the paragraph if a slide has passed since the last time; returns whether it did."""
        if not self.page or time.monotonic() < self._next:
            return False
        self._next = time.monotonic() + self.every
        state = SparkPage(self.page).stream()
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
    return Latest(client, note.id, driver_page(note), paragraph.id, slide.seconds)
