"""Messages on disk, from their acknowledgement until Spark has committed them.

A folder of segments, each named after the first offset that it may hold, each begun with the journal's whole state at
that time. A segment is only ever appended to; it goes when all of it is committed. A message's offset is its number in
the journal. The first is the microsecond when the journal was made, so no other journal in its place ever had it.
"""

from __future__ import annotations

import json
import threading
import time
from array import array
from bisect import bisect_right
from dataclasses import asdict, dataclass, field
from typing import Any, Callable

from pyspark_mqtt import _records as records
from pyspark_mqtt._errors import JournalError
from pyspark_mqtt._files import Folder
from pyspark_mqtt._frames import UNKNOWN, ids_left
from pyspark_mqtt._records import Span, encoded

SEGMENT = 64 << 20
"""Bytes after which a segment is closed."""

LOCK_WAIT = 30.0
"""Seconds that the reader before may take to end."""

_SUFFIX = ".journal"
_FORMAT = 2
_OLDER = (1,)
"""Formats that are read too: in 1, `unreleased` had packet ids alone."""


@dataclass
class State:
    """What a reader has to know beside the messages.

    `session` names the broker and the client whose `subscribed` topics and `unreleased` messages, each a packet id and
    a digest, these are; `cut` is
    the range of offsets that is being written to a file (Spark 3); `planned` is the last end of a batch that Spark was
    given.
    """

    client: str = ""
    session: str = ""
    subscribed: list[str] = field(default_factory=list)
    unreleased: list[tuple[int, int]] = field(default_factory=list)
    committed: int = 0
    cut: list[int] = field(default_factory=list)
    planned: dict[str, Any] = field(default_factory=dict)
    format: int = _FORMAT


class _Segment:
    """A file of the journal: the offsets of its FRAMES records, and where in the file they begin."""

    def __init__(self, name: str, first: int, base: int) -> None:
        self.name = name
        self.base = base
        self.starts = array("q")
        self.places = array("q")
        self.end = first
        self.size = 0

    @property
    def first(self) -> int:
        return self.starts[0] if self.starts else self.end

    def add(self, offset: int, rows: int, place: int) -> None:
        self.starts.append(offset)
        self.places.append(place)
        self.end = offset + rows

    def place_of(self, offset: int) -> int:
        """The byte where the row of that offset is, about: rows of a record count as being of one size."""
        if not self.starts or offset >= self.end:
            return self.size
        at = max(bisect_right(self.starts, offset) - 1, 0)
        start, place = self.starts[at], self.places[at]
        last = at + 1 == len(self.starts)
        after, until = (self.end, self.size) if last else (self.starts[at + 1], self.places[at + 1])
        return place + (max(offset, start) - start) * (until - place) // max(after - start, 1)

    def offset_of(self, place: int) -> int:
        """The other way round."""
        if not self.starts:
            return self.end
        at = max(bisect_right(self.places, place) - 1, 0)
        start, begin = self.starts[at], self.places[at]
        last = at + 1 == len(self.starts)
        after, until = (self.end, self.size) if last else (self.starts[at + 1], self.places[at + 1])
        return min(start + max(place - begin, 0) * (after - start) // max(until - begin, 1), self.end)

    def span(self, folder: Folder, start: int, end: int) -> Span:
        """The records with rows in [start, end)."""
        low = max(bisect_right(self.starts, start) - 1, 0)
        high = bisect_right(self.starts, end - 1)
        stop = self.size if high >= len(self.starts) else self.places[high]
        return Span(str(folder.path / self.name), self.places[low], stop)


class Journal:
    """The journal in a folder, which is this process's alone until `close`.

    Safe to use from several threads. `append` and `sync` raise `JournalError` when the disk takes no more; what was not
    synced by then must not be acknowledged.
    """

    def __init__(
        self,
        folder: Folder,
        *,
        segment: int = SEGMENT,
        forgiving: bool = False,
        lock_wait: float = LOCK_WAIT,
        now: Callable[[], float] = time.time,
    ) -> None:
        """`forgiving`: go on behind a damaged part in place of raising `JournalError`."""
        self.folder = folder
        self.state = State()
        self.unreleased: dict[int, int] = {}
        self.truncated = 0
        self._segment_size = segment
        self._segments: list[_Segment] = []
        self._dirty = False
        self._broken: JournalError | None = None
        self._lock = threading.RLock()
        folder.lock(lock_wait)
        try:
            self._recover(forgiving)
            if self._segments:
                last = self._segments[-1]
                self._file = folder.append(last.name)
                self._drop_torn(last)
            else:
                self.state.committed = int(now() * 1e6)
                self._begin(self.state.committed)
        except BaseException as error:
            folder.unlock()
            if isinstance(error, OSError):
                raise self._failed(error) from error
            raise

    @property
    def end(self) -> int:
        """The offset of the next message."""
        return self._segments[-1].end

    @property
    def oldest(self) -> int:
        """The lowest offset that is there; the end where there is none."""
        with self._lock:
            return next((one.first for one in self._segments if one.starts), self.end)

    @property
    def first(self) -> int:
        """The lowest offset that is there and not committed."""
        return max(self.oldest, self.state.committed)

    @property
    def waiting(self) -> int:
        """Bytes that are not committed, about."""
        with self._lock:
            return self._address(self.end) - self._address(self.state.committed)

    @property
    def size(self) -> int:
        """Bytes of all segments."""
        with self._lock:
            return sum(one.size for one in self._segments)

    def append(self, body: bytes, rows: int, level: int, time_us: int) -> None:
        """Write frames, which hold so many messages. They are safe after the next `sync` only."""
        with self._lock:
            active = self._segments[-1]
            place = active.size
            self._write(encoded(records.FRAMES, body, level=level, rows=rows, offset=active.end, time=time_us))
            if rows:
                active.add(active.end, rows, place)
            if active.size >= self._segment_size:
                self._rotate()

    def sync(self) -> None:
        """Return when all that was written would survive a power cut."""
        with self._lock:
            if self._broken is not None:
                raise self._broken
            if not self._dirty:
                return
            try:
                self._file.sync()
            except OSError as error:
                raise self._failed(error) from error
            self._dirty = False

    def save_state(self) -> None:
        """Write the state as it is now, and sync."""
        with self._lock:
            self._write(self._encoded_state())
            self.sync()

    def commit(self, offset: int) -> None:
        """Forget what is below an offset. What is forgotten may come back after a power cut, and only then."""
        with self._lock:
            offset = min(offset, self.end)
            if offset <= self.state.committed:
                return
            self.state.committed = offset
            self._write(encoded(records.COMMITTED, offset=offset))
            while len(self._segments) > 1 and self._segments[0].end <= offset:
                self.folder.remove(self._segments.pop(0).name)

    def cut(self, start: int, end: int) -> None:
        """Note, for good, that the rows with offsets in [start, end) are being written to a file."""
        with self._lock:
            self.state.cut = [start, end]
            self._write(encoded(records.CUT, offset=start, rows=end - start))
            self.sync()

    def plan(self, end: dict[str, Any]) -> None:
        """Note, for good, what Spark is given as a batch's end, and sync: all before it is on the disk then."""
        with self._lock:
            self.state.planned = end
            self._write(encoded(records.PLANNED, json.dumps(end).encode()))
            self.sync()

    def spans(self, start: int, end: int) -> list[Span]:
        """Where the rows with offsets in [start, end) are."""
        with self._lock:
            found = [one for one in self._segments if one.starts and one.first < end and start < one.end]
            return [one.span(self.folder, start, end) for one in found]

    def bytes_between(self, start: int, end: int) -> int:
        with self._lock:
            return self._address(end) - self._address(start)

    def offset_after(self, start: int, size: int) -> int:
        """The offset that is so many bytes behind another one, about; the end where there are fewer."""
        with self._lock:
            address = self._address(start) + size
            holder = next((one for one in self._segments if address < one.base + one.size), None)
            return self.end if holder is None else max(holder.offset_of(address - holder.base), start)

    def close(self) -> None:
        with self._lock:
            try:
                self.sync()
            finally:
                self._file.close()
                self.folder.unlock()

    def _address(self, offset: int) -> int:
        holder = next((one for one in self._segments if offset < one.end), self._segments[-1])
        return holder.base + holder.place_of(offset)

    def _write(self, data: bytes) -> None:
        if self._broken is not None:
            raise self._broken
        try:
            self._file.write(data)
        except OSError as error:
            raise self._failed(error) from error
        self._segments[-1].size += len(data)
        self._dirty = True

    def _failed(self, error: OSError) -> JournalError:
        """The error of a disk that failed. Nothing is written after it, which would lie behind what is half there."""
        self._broken = JournalError(
            f"the journal {self.folder.path} can't be used: {error.strerror or error}",
            "only what is on the disk was acknowledged: make room, or name another journalLocation, and start again",
        )
        return self._broken

    def _encoded_state(self) -> bytes:
        self.state.unreleased = sorted(self.unreleased.items())
        return encoded(records.STATE, json.dumps(asdict(self.state)).encode(), offset=self.end)

    def _begin(self, first: int) -> None:
        """Begin a segment. Its state is that after all messages before it, which are synced by now."""
        name = f"{first:020d}{_SUFFIX}"
        base = self._segments[-1].base + self._segments[-1].size if self._segments else 0
        try:
            self._file = self.folder.append(name)
            self._segments.append(_Segment(name, first, base))
            self._write(self._encoded_state())
            self.sync()
            self.folder.sync()
        except OSError as error:
            raise self._failed(error) from error

    def _rotate(self) -> None:
        if not self._segments[-1].starts:
            return
        self.sync()
        self._file.close()
        self._begin(self.end)

    def _recover(self, forgiving: bool) -> None:
        names = [name for name in self.folder.names() if name.endswith(_SUFFIX)]
        for name in names:
            base = self._segments[-1].base + self._segments[-1].size if self._segments else 0
            segment = self._read(name, base)
            size = self.folder.size(name)
            if segment is None and name == names[-1]:
                self.truncated += size
                self.folder.remove(name)
                continue
            if (segment is None or segment.size < size) and name != names[-1] and not forgiving:
                raise JournalError(
                    f"the journal's file {self.folder.path / name} is damaged at byte {segment.size if segment else 0}",
                    "failOnDataLoss=false goes on with what follows it",
                )
            if segment is not None:
                self._segments.append(segment)

    def _read(self, name: str, base: int) -> _Segment | None:
        """A segment by its file, up to its first record that is not whole; None when even its state is not."""
        segment: _Segment | None = None
        for end, record in records.sound(self.folder.path / name):
            if record.kind == records.STATE:
                self._take_state(name, record.body)
                segment = segment or _Segment(name, record.offset, base)
            if segment is None:
                return None
            if record.kind == records.FRAMES:
                ids_left(record.body, record.level, self.unreleased)
                if record.rows:
                    segment.add(record.offset, record.rows, segment.size)
            elif record.kind == records.COMMITTED:
                self.state.committed = record.offset
            elif record.kind == records.CUT:
                self.state.cut = [record.offset, record.offset + record.rows]
            elif record.kind == records.PLANNED:
                self.state.planned = json.loads(record.body)
            segment.size = end
        return segment

    def _take_state(self, name: str, body: bytes) -> None:
        found = json.loads(body)
        if found["format"] not in (_FORMAT, *_OLDER):
            raise JournalError(
                f"the journal's file {self.folder.path / name} has format {found['format']}, and this is {_FORMAT}",
                "it is of a newer pyspark-mqtt: use that one",
            )
        left = found.pop("unreleased")
        self.unreleased = dict.fromkeys(left, UNKNOWN) if found["format"] in _OLDER else dict(left)
        self.state = State(**{**found, "format": _FORMAT})

    def _drop_torn(self, last: _Segment) -> None:
        torn = self.folder.size(last.name) - last.size
        if torn:
            self.truncated += torn
            self._file.truncate(last.size)
        self._dirty = True
        self.sync()
