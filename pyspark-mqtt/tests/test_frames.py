"""Packets that paho encoded, in any mixture and cut at any places, come out whole, once and in order."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mqtt_support import paho_packets as paho
from pyspark_mqtt import ProtocolError
from pyspark_mqtt._frames import UNKNOWN, Piece, cut, ids_left
from pyspark_mqtt._rows import More, batches

OTHERS = (b"\xd0\x00", b"\x90\x03\x00\x01\x00")  # PINGRESP, SUBACK


@dataclass
class Sent:
    """What a broker sent, and the rows and answers that have to come of it."""

    data: bytes = b""
    rows: list[tuple[bytes, str, int, bool, bool]] = field(default_factory=list)
    answers: bytes = b""
    unreleased: dict[int, tuple[str, bytes]] = field(default_factory=dict)
    others: int = 0


texts = st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\0+#"), min_size=1, max_size=12)
payloads = st.one_of(
    st.binary(max_size=40), st.binary(min_size=100, max_size=300), st.binary(min_size=16_300, max_size=16_500)
)
publishes = st.tuples(
    st.just("publish"), texts, payloads, st.integers(0, 2), st.integers(1, 4), st.booleans(), st.booleans()
)
steps = st.lists(
    st.one_of(
        publishes, st.tuples(st.just("release"), st.integers(1, 4)), st.tuples(st.just("other"), st.integers(0, 1))
    ),
    max_size=25,
)


def sent_by(level: int, plan: list[tuple[object, ...]]) -> Sent:
    sent = Sent()
    for kind, *what in plan:
        if kind == "other":
            sent.data += OTHERS[what[0]]  # type: ignore[index]
            sent.others += 1
        elif kind == "release":
            number = what[0]
            assert isinstance(number, int)
            sent.data += paho.pubrel(level, number)
            sent.answers += b"\x70\x02" + number.to_bytes(2, "big")
            sent.unreleased.pop(number, None)
        else:
            publish(sent, level, *what)  # type: ignore[arg-type]
    return sent


def publish(sent: Sent, level: int, topic: str, payload: bytes, qos: int, number: int, retain: bool, dup: bool) -> None:
    dup = dup and qos > 0
    sent.data += paho.publish(level, topic, payload, qos=qos, packet_id=number, retain=retain, dup=dup)
    if qos:
        sent.answers += (b"\x40\x02" if qos == 1 else b"\x50\x02") + number.to_bytes(2, "big")
    if qos == 2 and sent.unreleased.get(number) == (topic, payload):
        return
    if qos == 2:
        sent.unreleased[number] = (topic, payload)
    sent.rows.append((payload, topic, qos, retain, dup))


def pieces(data: bytes, sizes: list[int], level: int, unreleased: dict[int, int]) -> Iterator[Piece]:
    """As the receiver does it: what a read brings goes behind the rest of the last one, in a buffer of stale bytes."""
    buffer, rest, at = bytearray(b"\xff" * 40_000), b"", 0
    for size in [*sizes, len(data)]:
        rest, at = rest + data[at : at + size], at + size
        if len(rest) > len(buffer):
            buffer = bytearray(b"\xff" * 2 * len(rest))
        buffer[: len(rest)] = rest
        piece = cut(buffer, len(rest), level, unreleased)
        yield piece
        rest = rest[piece.consumed :]
    assert not rest


@given(st.sampled_from([4, 5]), steps, st.lists(st.integers(0, 200), max_size=30))
def test_every_message_is_a_row_wherever_the_stream_is_cut(
    level: int, plan: list[tuple[object, ...]], sizes: list[int]
) -> None:
    sent, unreleased = sent_by(level, plan), dict[int, int]()
    found = list(pieces(sent.data, sizes, level, unreleased))
    assert b"".join(piece.answers for piece in found) == sent.answers
    assert sum(len(piece.others) for piece in found) == sent.others
    assert unreleased.keys() == sent.unreleased.keys()
    records, offset = [], 7
    for piece in found:
        records.append((level, offset, piece.rows, 1_000_000, piece.body))
        offset += piece.rows
    rows = [row for batch in batches(records, 7, offset, More()) for row in batch.to_pylist()]
    columns = ("value", "topic", "qos", "retained", "duplicate")
    assert [tuple(row[column] for column in columns) for row in rows] == sent.rows
    assert [row["offset"] for row in rows] == list(range(7, offset))


@given(st.sampled_from([4, 5]), steps, st.dictionaries(st.integers(1, 4), st.sampled_from([UNKNOWN, 7])))
def test_the_frames_that_are_kept_tell_which_ids_are_taken(
    level: int, plan: list[tuple[object, ...]], before: dict[int, int]
) -> None:
    sent, unreleased, read_back = sent_by(level, plan), dict(before), dict(before)
    for piece in pieces(sent.data, [], level, unreleased):
        ids_left(piece.body, level, read_back)
    assert read_back == unreleased


@given(steps, st.integers(0, 30), st.integers(0, 30))
def test_any_range_of_offsets_can_be_read(plan: list[tuple[object, ...]], low: int, high: int) -> None:
    sent = sent_by(4, plan)
    (piece,) = pieces(sent.data, [], 4, {})
    rows = [
        row for batch in batches([(4, 0, piece.rows, 0, piece.body)], low, high, More()) for row in batch.to_pylist()
    ]
    assert [row["value"] for row in rows] == [row[0] for row in sent.rows][low:high]


def test_a_packet_id_that_a_killed_broker_gave_away_twice_loses_no_message() -> None:
    """It is known to be Mosquitto's: what it sent after it last saved, and the ids of that, it has forgotten."""
    first, second = (paho.publish(5, "t", text, qos=2, packet_id=9) for text in (b"before", b"after"))
    again = paho.publish(
        5, "t", b"before", qos=2, packet_id=9, dup=True, having=paho.properties([], MessageExpiryInterval=3)
    )
    unreleased: dict[int, int] = {}
    found = list(pieces(first + again + second + second, [len(first), len(again)], 5, unreleased))
    assert [(piece.rows, piece.repeated) for piece in found] == [(1, 0), (0, 1), (1, 1)]
    assert b"".join(piece.answers for piece in found) == b"\x50\x02\x00\x09" * 4
    (piece,) = pieces(again, [], 5, known := {9: UNKNOWN})
    assert (piece.repeated, known) == (1, {9: UNKNOWN})


def test_headers_are_the_properties_of_mqtt_5() -> None:
    having = paho.properties(
        [("unit", "°C"), ("unit", "K")],
        ContentType="json",
        ResponseTopic="r",
        CorrelationData=b"\x01",
        MessageExpiryInterval=9,
    )
    data = paho.publish(5, "t", b"1", having=having) + paho.publish(5, "t", b"2")
    (piece,) = pieces(data, [], 5, {})
    (batch,) = batches([(5, 0, piece.rows, 0, piece.body)], 0, 2, More(headers=True))
    first, second = batch.to_pylist()
    assert first["headers"] == [{"key": "unit", "value": "°C"}, {"key": "unit", "value": "K"}]
    assert (first["content_type"], first["response_topic"], first["correlation_data"]) == ("json", "r", b"\x01")
    assert first["message_expiry"] == 9
    assert (second["value"], second["headers"], second["message_expiry"]) == (b"2", None, None)


@pytest.mark.parametrize(
    "data",
    [
        b"\x30\x03\x00\x09a",  # a topic longer than its packet
        b"\x30\x01\x00",
        b"\x32\x03\x00\x01a",  # no packet id
        b"\x32\x05\x00\x01a\x00\x00",  # packet id 0
        b"\x36\x05\x00\x01a\x00\x01",  # QoS 3
        b"\x30\xff\xff\xff\xff\x01",  # a length of five bytes
    ],
)
def test_bytes_that_are_no_packet_are_refused(data: bytes) -> None:
    with pytest.raises(ProtocolError):
        cut(bytearray(data), len(data), 4, {})


@given(st.binary(max_size=200), st.sampled_from([4, 5]))
def test_garbage_is_refused_or_can_be_read(data: bytes, level: int) -> None:
    """Whatever gets into the journal, a worker can make rows of it."""
    try:
        piece = cut(bytearray(data), len(data), level, {})
    except ProtocolError:
        return
    read = [
        row
        for batch in batches([(level, 0, piece.rows, 0, piece.body)], 0, piece.rows, More(level == 5))
        for row in batch.to_pylist()
    ]
    assert len(read) == piece.rows
