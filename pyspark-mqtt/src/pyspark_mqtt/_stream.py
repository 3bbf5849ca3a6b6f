"""A stream as Spark asks for it, in offsets and partitions. Knows nothing of Spark's classes."""

from __future__ import annotations

import os
import shutil
import tempfile
import uuid
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pyarrow as pa

from pyspark_mqtt._errors import DataLost
from pyspark_mqtt._files import Folder
from pyspark_mqtt._journal import SEGMENT, Journal
from pyspark_mqtt._link import Login
from pyspark_mqtt._options import MIB, SourceOptions
from pyspark_mqtt._receiver import Metrics, Receiver
from pyspark_mqtt._records import Span, rows_in
from pyspark_mqtt._rows import More, Record, batches

QUIET, LONGEST_WAIT = 0.3, 3.0
"""Seconds. The first batch should have what the broker kept while nobody was there: it waits until no more comes."""

Offset = dict[str, Any]
"""`offset` counts; the other keys are metrics, which Spark shows in the query's progress and otherwise passes on."""


@dataclass(frozen=True)
class Part:
    """A share of a batch: the rows with offsets in [start, end), by where they are or themselves."""

    start: int
    end: int
    more: More
    spans: tuple[Span, ...]
    records: tuple[Record, ...] | None = None


def rows_of(part: Part) -> Iterator[pa.RecordBatch]:
    """The rows of a part, in Arrow batches. Raises `JournalError` where the journal can't be read."""
    records = part.records if part.records is not None else (row for span in part.spans for row in rows_in(span))
    return batches(records, part.start, part.end, part.more)


class Stream:
    """The reader of one query. The first call that needs the broker connects."""

    def __init__(self, options: SourceOptions, login: Login | None = None) -> None:
        self._options = options
        self._login = login
        self._journal: Journal | None = None
        self._receiver: Receiver | None = None
        self._position: int | None = None
        self._known: Offset = {}
        self._target: int | None = None
        self._waited = False

    def initial(self) -> Offset:
        """Where a query without a checkpoint begins."""
        journal = self.open()
        self._position = journal.end if self._options.starting == "latest" else journal.first
        journal.commit(self._position)
        self._running().wait_until_subscribed()
        return {"offset": self._position}

    def latest(self, start: Offset | None = None, *, limited: bool = True) -> Offset:
        """Where the next batch ends: what has come, within the options' limits. Raises what ended the connection."""
        journal, receiver = self.open(), self._running()
        if start is not None:
            self._remember(start)
        elif self._position is None and journal.state.planned:
            # Trigger.AvailableNow on Spark 4.0 and 4.1 asks before it tells where it is: never go back behind that
            self._remember(journal.state.planned)
        self._wait_once(receiver)
        position = max(self._position if self._position is not None else journal.first, journal.first)
        end = self._limited(journal, position) if limited else self._available(journal)
        if end <= position or end <= self._known.get("offset", 0):
            receiver.check()
            return self._known if self._known else {"offset": position}
        self._position = end
        self._known = {"offset": end, **receiver.metrics().as_dict()}
        journal.plan(self._known)
        return self._known

    def reported(self) -> Offset:
        """The newest offset of all, whatever the limits, with the metrics of now."""
        journal = self.open()
        return {"offset": journal.end, **self._running().metrics().as_dict()}

    def aim(self) -> None:
        """Take what the broker has now, then no more than that: the query ends when it is processed."""
        receiver = self._running()
        receiver.wait_until_subscribed()
        receiver.wait_until_quiet(1.0, 10.0)
        self._waited = True
        self._target = self.open().end

    def parts(self, start: Offset, end: Offset) -> list[Part]:
        """The rows between two offsets, in shares of about one size. Raises `DataLost`."""
        journal = self.open()
        self._remember(end)
        low, high = int(start["offset"]), int(end["offset"])
        if low >= high:
            return []
        low = self._still_there(journal, low, high)
        return [self._part(journal, *share) for share in self._shares(journal, low, high)] if low < high else []

    def commit(self, end: Offset) -> None:
        """Forget what Spark has done with."""
        self.open().commit(int(end["offset"]))

    def metrics(self) -> Metrics:
        return self._running().metrics()

    def check(self) -> None:
        """Raise what ended the connection, if anything did."""
        self._running().check()

    def stop(self) -> None:
        """Leave the broker, close the journal; delete it where it was nobody's but this query's."""
        if self._receiver is not None:
            self._receiver.stop()
        if self._journal is not None:
            self._journal.close()
            if self._options.journal is None:
                shutil.rmtree(self._journal.folder.path, ignore_errors=True)

    def open(self) -> Journal:
        if self._journal is None:
            path = self._options.journal or tempfile.mkdtemp(prefix="pyspark-mqtt-", dir=_scratch())
            self._journal = Journal(
                Folder(Path(path).absolute()),
                segment=max(min(SEGMENT, self._options.max_journal // 8), MIB),
                forgiving=not self._options.fail_on_data_loss,
            )
        return self._journal

    def _running(self) -> Receiver:
        if self._receiver is None:
            journal = self.open()
            self._receiver = Receiver(self._options, journal, self._client(journal), self._login)
            self._receiver.start()
        return self._receiver

    def _client(self, journal: Journal) -> str:
        """The client's id: the one that was named, else the journal's own, which a session of the broker belongs to."""
        state = journal.state
        client = self._options.connection.client_id or state.client or f"spark{uuid.uuid4().hex[:18]}"
        if state.client != client:
            state.client = client
            journal.save_state()
        return client

    def _wait_once(self, receiver: Receiver) -> None:
        if not self._waited:
            self._waited = True
            receiver.wait_until_subscribed()
            receiver.wait_until_quiet(QUIET, LONGEST_WAIT)

    def _remember(self, offset: Offset) -> None:
        """Spark compares offsets as text: one that it knows is given back as it is."""
        if int(offset["offset"]) >= self._known.get("offset", 0):
            self._known = offset
            self._position = int(offset["offset"])

    def _available(self, journal: Journal) -> int:
        return journal.end if self._target is None else min(self._target, journal.end)

    def _limited(self, journal: Journal, position: int) -> int:
        end = self._available(journal)
        if self._options.max_offsets:
            end = min(end, position + self._options.max_offsets)
        if self._options.max_bytes:
            end = min(end, max(journal.offset_after(position, self._options.max_bytes), position + 1))
        return end

    def _still_there(self, journal: Journal, low: int, high: int) -> int:
        """The first of these offsets that the journal has. Raises `DataLost` if it lacks one and that matters."""
        first = journal.oldest
        if first <= low and high <= journal.end:
            return low
        if self._options.journal is not None and self._options.fail_on_data_loss:
            raise DataLost(
                f"the checkpoint asks for the messages {low} to {high}, and the journal {journal.folder.path} has "
                f"{first} to {journal.end}",
                "name the journal that belongs to the checkpoint; failOnDataLoss=false goes on without what is missing",
            )
        return max(low, first) if first < high <= journal.end else high

    def _shares(self, journal: Journal, low: int, high: int) -> Iterator[tuple[int, int]]:
        size = journal.bytes_between(low, high)
        count = self._options.min_partitions or min(os.cpu_count() or 1, size // MIB)
        count = max(min(count, high - low), 1)
        bounds = [low, *(journal.offset_after(low, size * share // count) for share in range(1, count)), high]
        for begin, end in zip(bounds, bounds[1:]):
            if begin < min(end, high):
                yield begin, min(end, high)

    def _part(self, journal: Journal, start: int, end: int) -> Part:
        spans = tuple(journal.spans(start, end))
        carried = None if self._options.journal_shared else tuple(row for span in spans for row in rows_in(span))
        return Part(start, end, self._options.more, spans, carried)


def _scratch() -> str | None:
    """Spark's own folder for what may go with it, where it names one."""
    folder = os.environ.get("SPARK_LOCAL_DIRS", "").split(",")[0]
    return folder if folder and os.path.isdir(folder) else None
