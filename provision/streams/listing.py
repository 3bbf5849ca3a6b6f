"""All notes of this tool on a server, and what each does now.

Zeppelin's list tells ids and paths; what is noted in a note is only in the note itself. So each is read once, side by
side on a large server, and each driver's page is asked once.
"""

from collections.abc import Callable, Collection, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from dataclasses import dataclass
from queue import Empty, SimpleQueue
from typing import Any

from provision.errors import ProvisionError
from provision.streams.latest_windows import last_window
from provision.streams.note_state import as_seen, driver_of, note_state
from provision.streams.recorded import slide_of
from provision.streams.spark_page import SparkPage, StreamState
from provision.streams.status import own_status
from provision.streams.stream_owner import later_among
from provision.sync.apply import TRASH
from provision.sync.provenance import read_mark
from zeppelin_sdk import Note, NoteInfo, NotFoundError, PermissionDeniedError, ServerError, ZeppelinClient

READERS_MOST = 8
NOTES_A_READER = 20
"""Up to so many notes one connection is enough: each more may be a login."""


@dataclass(frozen=True)
class Listed:
    """One note: `stream` is its own that runs, `last_window` in ms since the epoch, 0 for none that is known."""

    note: Note
    bundle: str
    state: str
    stream: StreamState | None
    last_window: int

    @property
    def failure(self) -> str:
        """Why the stream's newest batch failed; empty if it did not."""
        return self.stream.failure if self.stream else ""

    def to_json(self, url: str) -> dict[str, Any]:
        """The keys of a note of `list --json`."""
        return {
            "id": self.note.id,
            "path": self.note.path,
            "url": url,
            "bundle": self.bundle,
            "state": self.state,
            "failure": self.failure or None,
            "last_window": self.last_window or None,
        }


def list_notes(client: ZeppelinClient, connect: Callable[[], ZeppelinClient]) -> list[Listed]:
    """The notes that the tool has made on the server, by path; `connect` opens more connections where that pays.

    Those in the trash, and those that this user may not read, are not among them.
    """
    infos = [info for info in client.list_notes() if not info.path.startswith(TRASH)]
    ours = [note for note in read_side_by_side(client, connect, infos) if _is_ours(note)]
    drivers = (driver_of(note) if later_among(note, ours) is None else SparkPage("") for note in ours)
    places = [(driver.url, driver.application) for driver in drivers]
    seen = _seen({place for place in places if place[0]})
    listed = [
        _listed(note, place[0], *seen.get(place, (None, False))) for note, place in zip(ours, places, strict=True)
    ]
    return sorted(listed, key=lambda each: each.note.path)


def list_note(client: ZeppelinClient, note: Note) -> Listed:
    """One note, as `list_notes` has it."""
    now = own_status(client, note)
    return _listed(note, now.page, now.stream, now.in_reach)


def read_side_by_side(
    client: ZeppelinClient, connect: Callable[[], ZeppelinClient], infos: Sequence[NoteInfo]
) -> Iterator[Note]:
    """The notes, read by as many connections as pay; those that are gone or not for this user to read are left out."""
    idle: SimpleQueue[ZeppelinClient] = SimpleQueue()
    idle.put(client)

    def read(info: NoteInfo) -> Note | None:
        try:
            reader = idle.get_nowait()
        except Empty:
            reader = connect()
        try:
            with suppress(NotFoundError, PermissionDeniedError, ServerError):
                return reader.get_note(info.id)
            return None
        finally:
            idle.put(reader)

    count = min(READERS_MOST, 1 + len(infos) // NOTES_A_READER)
    pool = ThreadPoolExecutor(count, thread_name_prefix="reader")
    try:
        yield from filter(None, pool.map(read, infos))
    finally:
        pool.shutdown(cancel_futures=True)
        while not idle.empty():
            reader = idle.get()
            if reader is not client:
                reader.close()


def _is_ours(note: Note) -> bool:
    return any(read_mark(paragraph).key for paragraph in note.paragraphs)


def _seen(places: Collection[tuple[str, str]]) -> dict[tuple[str, str], tuple[StreamState | None, bool]]:
    """The stream on each driver's page, of the Spark application with this id, and whether the page is in reach.

    They are asked side by side, as one that is out of reach takes some seconds.
    """

    def look(place: tuple[str, str]) -> tuple[StreamState | None, bool]:
        spark = SparkPage(*place)
        stream = spark.stream()
        return stream, stream is not None or spark.answers()

    if not places:
        return {}
    with ThreadPoolExecutor(READERS_MOST) as pool:
        return dict(zip(places, pool.map(look, places), strict=True))


def _listed(note: Note, page: str, stream: StreamState | None, in_reach: bool) -> Listed:
    bundle = next(filter(None, (read_mark(paragraph).bundle for paragraph in note.paragraphs)), "")
    running = stream if stream and stream.receivers else None
    state = as_seen(note_state(note, stream), page, in_reach=in_reach)
    return Listed(note, bundle, state, running, _last_window(note, running))


def _last_window(note: Note, stream: StreamState | None) -> int:
    try:
        shown = last_window(note)
        ended = window_end(stream, slide_of(note).seconds) if stream else 0
    except ProvisionError:  # a newer version's note
        return 0
    return max(ended, shown.end if shown else 0)


def window_end(stream: StreamState, slide: float) -> int:
    """When the newest window of a running stream ended: windows end a slide after the stream's zero time (DStream)."""
    zero, slide_ms = stream.first_batch - stream.batch_ms, round(slide * 1000)
    if not stream.newest_batch or not stream.batch_ms or slide_ms <= 0:
        return 0
    count = (stream.newest_batch - zero) // slide_ms
    return zero + count * slide_ms if count > 0 else 0
