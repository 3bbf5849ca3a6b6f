"""For Spark 3.3 to 3.5, which have no data sources in Python: the reader fills a folder that Spark's file source reads.

Each file has a range of the journal's offsets in its name. The range is noted in the journal before the file is
written, so a file that is written once more after a kill has the same name and the same rows; Spark's file source takes
a name once.
"""

from __future__ import annotations

import os
import socket
import threading
import time
from pathlib import Path
from typing import TYPE_CHECKING

import pyarrow as pa

from pyspark_mqtt._errors import JournalError, MqttError
from pyspark_mqtt._files import Folder
from pyspark_mqtt._options import SourceOptions
from pyspark_mqtt._receiver import Metrics
from pyspark_mqtt._stream import Stream
from pyspark_mqtt._writer import Writer, put

if TYPE_CHECKING:
    from pyspark.sql import DataFrame, SparkSession

ERROR = "mqtt_error"
"""A column that no row has but the one that ends the query."""

ROWS = "rows"
"""The folder, in the journal's."""

EVERY = 1.0
"""Seconds between two files."""

RELIEF, RELIEF_BYTES = 10.0, 64 << 10
"""Seconds between two files, and their size about, while Spark has too many to read. It deletes what it has read when
it begins another batch: were there nothing new to begin one with, the folder would stay full.
"""

_ENDED = "ended.parquet"


class Java:
    """Whether Spark's Java lives: a connection to it tells, on which nothing is ever said.

    A Python may outlive it: Zeppelin's does. Py4J would log that Java is gone, and in Zeppelin what is logged goes to
    Java.
    """

    def __init__(self, spark: SparkSession) -> None:
        gateway = getattr(getattr(spark, "_sc", None), "_gateway", None)  # Spark Connect has none
        where = getattr(gateway, "gateway_parameters", None)
        self._link = socket.create_connection((where.address, where.port), 10) if where else None
        if self._link is not None:
            self._link.setblocking(False)

    def lives(self) -> bool:
        try:
            return self._link is None or bool(self._link.recv(1))
        except BlockingIOError:
            return True
        except OSError:
            return False

    def close(self) -> None:
        if self._link is not None:
            self._link.close()


class Filler:
    """A thread that writes what the stream brings into files, until it is stopped, the stream fails or Java is gone.

    A failure ends the query too: the last file has its text, and reading it is an error. Where `most` bytes are there
    for Spark, what comes stays in the journal.
    """

    def __init__(self, stream: Stream, folder: Path, most: int, java: Java) -> None:
        self._stream = stream
        self._folder = Folder(folder)
        self._most = most
        self._java = java
        self._writer = Writer()
        self._relieved = 0.0
        self._halt = threading.Event()
        self._stopping, self._stopped = threading.Lock(), False
        self._thread = threading.Thread(target=self._run, name="pyspark-mqtt-files", daemon=True)
        self.error: MqttError | None = None

    def start(self) -> None:
        """Connect, and begin. Raises what the broker or the journal has against it."""
        ended = self._folder.path / _ENDED
        if ended.exists():  # Spark may ask for it again, and must not find yesterday's error in it
            self._put(ended.name, pa.table({ERROR: pa.array([], pa.string())}))
        self._stream.initial()
        self._again()
        self._thread.start()

    def stop(self) -> None:
        """Write what has come, leave the broker and end. Waits where another thread does so, then does nothing."""
        self._halt.set()
        if self._thread.is_alive():
            self._thread.join()
        self._leave()

    def _leave(self) -> None:
        with self._stopping:
            if self._stopped:
                return
            self._java.close()
            self._writer.close()
            self._stream.stop()
            self._stopped = True

    def _again(self) -> None:
        """Write the file that was under way when the last reader ended, unless it is there."""
        journal = self._stream.open()
        if journal.state.cut and journal.state.cut[1] > journal.state.committed:
            start, end = journal.state.cut
            if not (self._folder.path / _name(start, end)).exists():
                self._write(start, end)
            journal.commit(end)

    def _run(self) -> None:
        try:
            while True:
                last = self._halt.wait(EVERY)
                if not self._java.lives():  # the next Spark wants the journal, and the broker's session
                    self._leave()
                    return
                while self._has_room() and self._fill() and not last:
                    pass
                if last:
                    return
                if not self._has_room() and time.monotonic() > self._relieved + RELIEF:
                    self._fill(RELIEF_BYTES)
                    self._relieved = time.monotonic()
        except MqttError as error:
            self.error = error
        except (OSError, pa.ArrowException) as error:
            self.error = JournalError(f"the folder {self._folder.path} can't be written: {error}", "make room")
        if self.error is not None:
            self._put(_ENDED, pa.table({ERROR: [str(self.error)]}))

    def _has_room(self) -> bool:
        return sum(self._waiting(name) for name in self._folder.names() if name[0] != ".") < self._most

    def _waiting(self, name: str) -> int:
        """Bytes of a file; none of one that Spark deletes meanwhile."""
        try:
            return self._folder.size(name)
        except FileNotFoundError:
            return 0

    def _fill(self, most: int | None = None) -> bool:
        """Write one file of what has come, of so many bytes at most; whether there was anything."""
        journal = self._stream.open()
        start = journal.first
        end = int(self._stream.latest({"offset": start})["offset"])
        if most is not None:
            end = min(end, journal.offset_after(start, most))
        if end <= start:
            return False
        journal.cut(start, end)
        self._write(start, end)
        journal.commit(end)
        return True

    def _write(self, start: int, end: int) -> None:
        parts = self._stream.parts({"offset": start}, {"offset": end})
        name = _name(start, end)
        if self._writer.write(self._unfinished(name), list(parts)):
            self._finish(name)

    def _put(self, name: str, rows: pa.Table) -> None:
        """A file of that name, whole and on the disk."""
        put(self._unfinished(name), rows)
        self._finish(name)

    def _unfinished(self, name: str) -> Path:
        return self._folder.path / f".{name}"

    def _finish(self, name: str) -> None:
        os.replace(self._unfinished(name), self._folder.path / name)
        self._folder.sync()


class MqttStream:
    """A running reader, and `frame`, the streaming frame of its rows. Also a context manager that stops it."""

    def __init__(self, frame: DataFrame, stream: Stream, filler: Filler) -> None:
        self.frame = frame
        self._stream = stream
        self._filler = filler

    def metrics(self) -> Metrics:
        """Counts since it started, and sizes in bytes."""
        return self._stream.metrics()

    def stop(self) -> None:
        """Leave the broker. Stop the query too: it would wait for files that nobody writes."""
        self._filler.stop()

    def __enter__(self) -> MqttStream:
        return self

    def __exit__(self, *_: object) -> None:
        self.stop()


def file_stream(spark: SparkSession, stream: Stream, folder: Path, options: SourceOptions) -> MqttStream:
    """Start the reader, and read its files as a stream with the source's columns; one a batch where that is limited."""
    from pyspark.sql import functions

    filler = Filler(stream, folder / ROWS, options.max_journal, Java(spark))
    filler.start()
    reader = spark.readStream.schema(f"{options.more.schema}, {ERROR} string").option("cleanSource", "delete")
    if options.max_offsets or options.max_bytes:
        reader = reader.option("maxFilesPerTrigger", 1)
    error = functions.col(ERROR)
    sound = functions.when(error.isNull(), True).otherwise(functions.raise_error(error).cast("boolean"))
    frame = reader.parquet(f"file://{folder / ROWS}").where(sound).drop(ERROR)
    return MqttStream(frame, stream, filler)


def _name(start: int, end: int) -> str:
    return f"{start:020d}-{end:020d}.parquet"
