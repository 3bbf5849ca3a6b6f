"""Which note's stream Spark's page shows: notes that share a Spark share its page.

When the tool runs a note, it records the time in the paragraph that starts the stream. Of the notes with the same page,
the one started last has the stream, unless a person has started one in Zeppelin's page since: that can't be told.
"""

import time
from collections.abc import Mapping
from contextlib import suppress
from typing import Any

from provision.sync.provenance import PAGE, STARTED
from zeppelin_sdk import Note, Paragraph, ZeppelinClient, ZeppelinError


def started(page: str, finished: str) -> dict[str, Any]:
    """The config of a paragraph that has just started a stream."""
    return {PAGE: page, STARTED: {"at": time.time(), "finished": finished}}


def later_on_its_page(client: ZeppelinClient, note: Note) -> Note | None:
    """The note that was started last in the Spark that they share; None where that is this one."""
    mine = _starting(note)
    if mine is None or mine.status.is_active or _by_hand_since(mine):
        return None
    latest, at = None, _at(mine)
    for other in client.list_notes():
        if other.id != note.id:
            with suppress(ZeppelinError):  # deleted since, or not for this user to read
                theirs = client.get_note(other.id)
                found = _starting(theirs)
                if found and found.config[PAGE] == mine.config[PAGE] and _at(found) > at:
                    latest, at = theirs, _at(found)
    return latest


def _starting(note: Note) -> Paragraph | None:
    """The paragraph that started the note's stream when the tool ran it."""
    return next((p for p in note.paragraphs if p.config.get(PAGE) and _noted(p)), None)


def _noted(paragraph: Paragraph) -> Mapping[str, Any]:
    noted = paragraph.config.get(STARTED)
    return noted if isinstance(noted, Mapping) else {}


def _at(paragraph: Paragraph) -> float:
    at = _noted(paragraph).get("at")
    return float(at) if isinstance(at, int | float) else 0.0


def _by_hand_since(paragraph: Paragraph) -> bool:
    finished = _noted(paragraph).get("finished")
    return bool(finished) and finished != paragraph.date_finished
