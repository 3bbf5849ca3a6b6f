"""The source and the sink as Spark 4 wants them. Everything that happens, happens in the modules beside this one."""

from __future__ import annotations

import atexit
import signal
import sys
import threading
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, ClassVar

import pyarrow as pa
from pyspark.sql.datasource import (
    DataSource,
    DataSourceReader,
    DataSourceStreamReader,
    DataSourceStreamWriter,
    DataSourceWriter,
    InputPartition,
    WriterCommitMessage,
)
from pyspark.sql.types import BinaryType, BooleanType, DataType, IntegralType, StringType, StructType

from pyspark_mqtt._errors import OptionError
from pyspark_mqtt._link import Login
from pyspark_mqtt._listen import listened
from pyspark_mqtt._options import SinkOptions, SourceOptions, read_sink, read_source
from pyspark_mqtt._publisher import Message, Publisher
from pyspark_mqtt._rows import batches
from pyspark_mqtt._stream import Offset, Part, Stream, rows_of

try:
    from pyspark.sql.streaming.datasource import (
        ReadAllAvailable,
        ReadLimit,
        ReadMaxBytes,
        ReadMaxRows,
        SupportsTriggerAvailableNow,
    )
except ImportError:  # before Spark 4.2, which never calls what uses the limits

    class SupportsTriggerAvailableNow:  # type: ignore[no-redef]
        """Older Sparks ask for the newest offset once, which comes to the same with one batch."""


ALL = 1 << 62


class MqttDataSource(DataSource):
    """MQTT as a source and a sink: `spark.dataSource.register(MqttDataSource)`, then `format("mqtt")`.

    The README lists the options. An option that is missing or wrong is an `OptionError` when the frame is made.
    """

    login: ClassVar[Login | None] = None
    """Makes the password, or user and password, for each connection; see `with_login`."""

    @classmethod
    def name(cls) -> str:
        return "mqtt"

    @classmethod
    def with_login(cls, make: Login) -> type[MqttDataSource]:
        """A source to register in place of this one, which calls `make()` at each connect.

        `make` returns a password, or a user's name and a password. It runs in Spark's own Python processes, so whatever
        it needs has to be there.
        """
        return type(cls.__name__, (cls,), {"login": staticmethod(make), "__module__": cls.__module__})

    def schema(self) -> str:
        return read_source(self.options, streaming=False).more.schema

    def reader(self, schema: StructType) -> DataSourceReader:
        options = read_source(self.options, streaming=False)
        return _Reader(options, type(self).login)

    def streamReader(self, schema: StructType) -> DataSourceStreamReader:
        options = read_source(self.options, streaming=True)
        return _StreamReader(options, type(self).login)

    def writer(self, schema: StructType, overwrite: bool) -> DataSourceWriter:
        return _Writer(_Sink(read_sink(self.options), schema, type(self).login))

    def streamWriter(self, schema: StructType, overwrite: bool) -> DataSourceStreamWriter:
        return _StreamWriter(_Sink(read_sink(self.options), schema, type(self).login))


@dataclass
class _Partition(InputPartition):
    """A share of a batch, on its way to a worker."""

    part: Part


class _Reader(DataSourceReader):
    """`spark.read`: one task listens."""

    def __init__(self, options: SourceOptions, login: Login | None) -> None:
        self._options = options
        self._login = login

    def read(self, partition: InputPartition) -> Iterator[pa.RecordBatch]:
        yield from batches(listened(self._options, self._login), 0, ALL, self._options.more)


class _StreamReader(DataSourceStreamReader, SupportsTriggerAvailableNow):
    """`spark.readStream`. One lives beside the driver as long as the query; workers get copies."""

    def __init__(self, options: SourceOptions, login: Login | None) -> None:
        self._options = options
        self._login = login
        self._stream: Stream | None = None

    def initialOffset(self) -> Offset:
        return self._live().initial()

    def latestOffset(self, start: Offset | None = None, limit: Any = None) -> Offset:
        everything = limit is not None and isinstance(limit, ReadAllAvailable)
        return self._live().latest(start, limited=not everything)

    def getDefaultReadLimit(self) -> ReadLimit:
        if self._options.max_offsets:
            return ReadMaxRows(self._options.max_offsets)
        return ReadMaxBytes(self._options.max_bytes) if self._options.max_bytes else ReadAllAvailable()

    def reportLatestOffset(self) -> Offset:
        return self._live().reported()

    def prepareForTriggerAvailableNow(self) -> None:
        self._live().aim()

    def partitions(self, start: Offset, end: Offset) -> list[InputPartition]:
        return [_Partition(part) for part in self._live().parts(start, end)]

    def read(self, partition: InputPartition) -> Iterator[pa.RecordBatch]:
        return rows_of(partition.part)

    def commit(self, end: Offset) -> None:
        self._live().commit(end)

    def stop(self) -> None:
        if self._stream is not None:
            _sigterm_ends_it(False)
            stream, self._stream = self._stream, None
            stream.stop()

    def __getstate__(self) -> dict[str, Any]:
        return {**self.__dict__, "_stream": None}

    def _live(self) -> Stream:
        if self._stream is None:
            self._stream = Stream(self._options, self._login)
            atexit.register(self.stop)
            _sigterm_ends_it(True)
        return self._stream


def _sigterm_ends_it(yes: bool) -> None:
    """Spark closes the reader's socket and sends SIGTERM, in no order: both end in `stop`.

    A signal in the moment in which `stop` begins would cut it short: therefore the process's end calls it again.
    """
    if threading.current_thread() is threading.main_thread():
        signal.signal(signal.SIGTERM, (lambda *_: sys.exit(0)) if yes else signal.SIG_IGN)


@dataclass
class _Published(WriterCommitMessage):
    """How many messages a task published."""

    messages: int


class _Sink:
    """Rows to messages, by columns that were found once."""

    def __init__(self, options: SinkOptions, schema: StructType, login: Login | None) -> None:
        self._options = options
        self._login = login
        self._value = _column(schema, "value", (StringType, BinaryType))
        self._topic = _column(schema, "topic", (StringType,))
        self._qos = _column(schema, "qos", (IntegralType,))
        self._retained = _column(schema, "retained", (BooleanType,))
        if self._value is None:
            raise OptionError("the frame has no column value", 'name the payload so, as in selectExpr("… AS value")')
        if self._topic is None and options.topic is None:
            raise OptionError("the frame has no column topic, and there is no option topic", "give one of them")

    def write(self, rows: Iterator[Any]) -> _Published:
        return _Published(Publisher(self._options, self._login).publish(self._messages(rows)))

    def _messages(self, rows: Iterator[Any]) -> Iterator[Message]:
        options = self._options
        for row in rows:
            value = row[self._value]
            topic = row[self._topic] if self._topic is not None else options.topic
            if value is None or not topic or "+" in topic or "#" in topic:
                raise OptionError(
                    f"a row has no value, or as its topic {options.connection.shown(topic)}",
                    "a topic to publish to is not empty, and has no + or #",
                )
            qos = row[self._qos] if self._qos is not None else options.qos
            if qos not in (0, 1, 2):
                raise OptionError(f"a row has the QoS {qos!r}", "it is 0, 1 or 2")
            retain = bool(row[self._retained]) if self._retained is not None else options.retain
            yield Message(topic, value.encode() if isinstance(value, str) else bytes(value), qos, retain)


def _column(schema: StructType, name: str, types: tuple[type[DataType], ...]) -> int | None:
    """Where a column is; None where there is none. Raises `OptionError` for one of another type."""
    for position, field in enumerate(schema.fields):
        if field.name.lower() == name:
            if not isinstance(field.dataType, types):
                wanted = " or ".join(one().simpleString() if one is not IntegralType else "an integer" for one in types)
                raise OptionError(f"the column {name} is {field.dataType.simpleString()}", f"cast it to {wanted}")
            return position
    return None


class _Writer(DataSourceWriter):
    def __init__(self, sink: _Sink) -> None:
        self._sink = sink

    def write(self, iterator: Iterator[Any]) -> WriterCommitMessage:
        return self._sink.write(iterator)


class _StreamWriter(DataSourceStreamWriter):
    def __init__(self, sink: _Sink) -> None:
        self._sink = sink

    def write(self, iterator: Iterator[Any]) -> WriterCommitMessage:
        return self._sink.write(iterator)

    def commit(self, messages: list[WriterCommitMessage | None], batchId: int) -> None:
        """Nothing to do: the broker has acknowledged all."""

    def abort(self, messages: list[WriterCommitMessage | None], batchId: int) -> None:
        """What the broker has can't be taken back; the batch is published again."""
