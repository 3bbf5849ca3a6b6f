"""What a note does now, as far as its paragraphs and the driver's page tell."""

from urllib.parse import urlsplit

from provision.streams.spark_page import SparkPage, StreamState
from provision.streams.stream_owner import application, driver_page, starting
from zeppelin_sdk import Note, ParagraphStatus

LIVE = frozenset({"streaming", "failing", "running"})
"""The states of a note whose stream there is to stop."""
WELL = LIVE - {"failing"}
UNKNOWN = "unknown"
"""The state of a note that has been run where Spark's page can't be reached from here, so that it may stream."""
_HERE = ("127.0.0.1", "localhost", "::1")


def driver_of(note: Note) -> SparkPage:
    """The page of the Spark that the note was last run in, without a URL where none is noted."""
    start = starting(note)
    return SparkPage(driver_page(note), application(start) if start else "")


def stream_state(note: Note) -> StreamState | None:
    """What Spark says of the note's stream; None where its page is unknown, out of reach, or another Spark's."""
    spark = driver_of(note)
    return spark.stream() if spark.url else None


def note_state(note: Note, stream: StreamState | None) -> str:
    """In a word: streaming, failing (it streams, and the newest batch failed), running, failed, stopped or not run."""
    if stream is not None and stream.receivers:
        return "failing" if stream.failure else "streaming"
    statuses = [paragraph.status for paragraph in note.paragraphs]
    if any(status.is_active for status in statuses):
        return "running"
    if ParagraphStatus.ERROR in statuses:
        return "failed"
    has_run = driver_page(note) or any(status is not ParagraphStatus.READY for status in statuses)
    return "stopped" if has_run else "not run"


def as_seen(state: str, page: str, *, in_reach: bool) -> str:
    """The state as far as this machine can tell: a page on another one that gives no answer need not have ended."""
    is_hidden = bool(page) and not in_reach and urlsplit(page).hostname not in _HERE
    return UNKNOWN if is_hidden and state == "stopped" else state
