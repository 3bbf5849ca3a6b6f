"""The generator's events: the document's form, the time put in anew, and as many as are asked for."""

import json

import pytest

from bench import packets
from bench.events import pool
from bench.generator import publish
from provision.publisher.event import timestamp


def payloads(data: bytes) -> list[dict[str, object]]:
    return [json.loads(packet.payload) for packet in packets.packets(bytearray(data))]


def test_events_have_the_documents_fields_and_one_length() -> None:
    events = pool("/app/t", 1_540_000_000, ids=3, each=2)
    found = payloads(events.block)
    assert [event["id"] for event in found] == ["host-0000", "host-0001", "host-0002"] * 2
    assert all(list(event) == ["ts", "id", "loadavg", "cpu", "mem"] for event in found)
    assert len(set(map(len, map(json.dumps, found)))) == 1


def test_the_time_is_put_in_anew() -> None:
    events = pool("/app/t", 1_540_000_000, ids=2, each=1)
    events.at(1_540_000_077)
    assert {event["ts"] for event in payloads(events.block)} == {timestamp(1_540_000_077)}


@pytest.mark.parametrize(("start", "count"), [(0, 1), (0, 6), (4, 2), (4, 5), (5, 20), (7, 0), (12, 6)])
def test_slices_are_events_in_turn(start: int, count: int) -> None:
    events = pool("/app/t", 1_540_000_000, ids=6, each=1)
    found = payloads(b"".join(events.slices(start, count)))
    assert [event["id"] for event in found] == [f"host-{(start + i) % 6:04d}" for i in range(count)]


class Wire:
    """A socket that keeps what it is given."""

    def __init__(self) -> None:
        self.data = b""

    def sendall(self, data: bytes) -> None:
        self.data += data


def test_what_is_counted_was_sent() -> None:
    wire = Wire()
    counts = list(publish(wire, pool("/app/t", 1_540_000_000), iter([1, 1000, 2500, 3])))  # type: ignore[arg-type]
    assert counts == [1, 1001, 3501, 3504]
    assert packets.take_publishes(bytearray(wire.data)) == 3504
