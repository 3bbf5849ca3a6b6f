"""Rows out of the frames of a journal's records, as Arrow batches. Runs in Spark's workers."""

from __future__ import annotations

from array import array
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import Any

import pyarrow as pa

from pyspark_mqtt._errors import ProtocolError
from pyspark_mqtt._json import COLUMN, JsonFields
from pyspark_mqtt._packets import PUBREL, Properties, read_length, read_properties

_COLUMNS = (
    "value binary, topic string, timestamp timestamp, qos int, retained boolean, duplicate boolean, offset bigint"
)
_HEADERS = (
    "headers array<struct<key: string, value: string>>, content_type string, response_topic string, "
    "correlation_data binary, message_expiry bigint"
)
"""Columns of `includeHeaders`: the user properties of an MQTT 5 message, and what else it can say of itself."""

_USER = pa.list_(pa.struct([("key", pa.string()), ("value", pa.string())]))
_QOS, _RETAINED, _DUPLICATE = (
    bytes(byte >> shift & mask for byte in range(256)) for shift, mask in ((1, 3), (0, 1), (3, 1))
)

Record = tuple[int, int, int, int, Any]
"""Level, first offset, rows, microseconds since 1970 in UTC, frames."""


@dataclass(frozen=True)
class More:
    """The columns that options add to those of every message."""

    headers: bool = False
    json: JsonFields | None = None

    @property
    def schema(self) -> str:
        """All columns of a row, as Spark's schemas have them."""
        return ", ".join([_COLUMNS, *([_HEADERS] if self.headers else []), *([self.json.ddl] if self.json else [])])


class Batch:
    """Columns under construction."""

    def __init__(self, more: More) -> None:
        self._more = more
        self._values: list[bytes] = []
        self._topics: list[str] = []
        self._flags = bytearray()
        self._times = array("q")
        self._offsets = array("q")
        self._properties: list[Properties] = []
        self._names: dict[bytes, str] = {}

    def __len__(self) -> int:
        return len(self._values)

    def add(self, record: Record, start: int, end: int) -> None:
        """Add the rows of a record whose offsets are in [start, end)."""
        level, first, rows, time, body = record
        before = len(self._values)
        start, end = max(start, first), min(end, first + rows)
        self._cut(level, body, start - first, end - first)
        self._times.extend(array("q", [time]) * (len(self._values) - before))
        self._offsets.extend(range(start, end))

    def _cut(self, level: int, body: bytes, skip: int, stop: int) -> None:
        position, row, names = 0, 0, self._names
        add_value, add_topic, add_flags = self._values.append, self._topics.append, self._flags.append
        while row < stop:
            first, length, start = body[position], body[position + 1], position + 2
            if length > 127:
                length, start = read_length(body, position + 1)
            position = start + length
            if first >> 4 == PUBREL:
                continue
            row += 1
            if row <= skip:
                continue
            at = start + 2 + (body[start] << 8 | body[start + 1])
            raw = body[start + 2 : at]
            topic = names.get(raw)
            if topic is None:
                topic = self._name(raw)
            if first & 6:
                at += 2
            if level == 5:
                at = self._take_properties(body, at)
            elif self._more.headers:
                self._properties.append(Properties())
            add_value(body[at:position])
            add_topic(topic)
            add_flags(first)

    def _name(self, raw: bytes) -> str:
        if len(self._names) > 10_000:
            self._names.clear()
        return self._names.setdefault(raw, raw.decode("utf-8", "replace"))

    def _take_properties(self, body: bytes, at: int) -> int:
        length, start = read_length(body, at)
        if self._more.headers:
            try:
                self._properties.append(read_properties(body[: start + length], at)[0])
            except ProtocolError:
                self._properties.append(Properties())
        return start + length

    def take(self) -> pa.RecordBatch:
        """All rows so far, which leave the batch."""
        flags = bytes(self._flags)
        columns = {
            "value": pa.array(self._values, pa.binary()),
            "topic": pa.array(self._topics, pa.string()),
            "timestamp": _numbers(self._times).cast(pa.timestamp("us", tz="UTC")),
            "qos": _bytes(flags.translate(_QOS)).cast(pa.int32()),
            "retained": _bytes(flags.translate(_RETAINED)).cast(pa.bool_()),
            "duplicate": _bytes(flags.translate(_DUPLICATE)).cast(pa.bool_()),
            "offset": _numbers(self._offsets),
        }
        if self._more.headers:
            columns.update(_headers(self._properties))
        if self._more.json:
            columns[COLUMN] = self._more.json.read(self._values)
        names = self._names
        self.__init__(self._more)  # type: ignore[misc]
        self._names = names
        return pa.RecordBatch.from_arrays(list(columns.values()), names=list(columns))


def batches(
    records: Iterable[Record], start: int, end: int, more: More, most: int = 10_000
) -> Iterator[pa.RecordBatch]:
    """The rows with offsets in [start, end), in batches of `most` rows or somewhat more."""
    batch = Batch(more)
    for record in records:
        batch.add(record, start, end)
        if len(batch) >= most:
            yield batch.take()
    if len(batch):
        yield batch.take()


def _headers(found: list[Properties]) -> dict[str, pa.Array]:
    user: list[list[dict[str, str]] | None] = [
        [{"key": key, "value": value} for key, value in one.user] or None for one in found
    ]
    return {
        "headers": pa.array(user, _USER),
        "content_type": pa.array([one.text("content_type") for one in found], pa.string()),
        "response_topic": pa.array([one.text("response_topic") for one in found], pa.string()),
        "correlation_data": pa.array([one.binary("correlation_data") for one in found], pa.binary()),
        "message_expiry": pa.array([one.number("message_expiry") for one in found], pa.int64()),
    }


def _numbers(numbers: array[int]) -> pa.Array:
    return pa.Array.from_buffers(pa.int64(), len(numbers), [None, pa.py_buffer(numbers)])


def _bytes(numbers: bytes) -> pa.Array:
    return pa.Array.from_buffers(pa.int8(), len(numbers), [None, pa.py_buffer(numbers)])
