"""MQTT packets: what is made can be taken apart again, in whatever pieces it comes."""

import random

import pytest

from bench import packets


def taken(data: bytes) -> list[packets.Packet]:
    buffer = bytearray(data)
    found = list(packets.packets(buffer))
    assert not buffer
    return found


@pytest.mark.parametrize("size", [0, 1, 100, 127, 128, 300, 16_384, 2_100_000])
def test_a_publish_comes_back_with_its_payload(size: int) -> None:
    payload = bytes(size)
    (packet,) = taken(packets.publish("/app/t", payload))
    assert (packet.kind, packet.qos, packet.payload) == (packets.PUBLISH, 0, payload)


def test_a_publish_at_qos_1_says_its_number_and_whether_it_comes_again() -> None:
    first, again = taken(
        packets.publish("t", b"x", packet_id=513) + packets.publish("t", b"x", packet_id=513, dup=True)
    )
    assert (first.qos, first.packet_id, first.payload) == (1, 513, b"x")
    assert (first.flags & 8, again.flags & 8) == (0, 8)


def test_an_acknowledgement_says_its_number() -> None:
    (packet,) = taken(packets.puback(40_000))
    assert (packet.kind, packet.packet_id) == (packets.PUBACK, 40_000)


def test_a_connect_says_whether_the_session_is_clean() -> None:
    clean, kept = taken(packets.connect("me") + packets.connect("me", clean=False))
    assert (clean.body[7], kept.body[7]) == (2, 0)


def test_packets_in_pieces_are_counted_once() -> None:
    chance = random.Random(1)
    sizes = [chance.choice([0, 90, 90, 90, 90, 200, 20_000]) for _ in range(400)]
    stream = b"".join(
        packets.publish("/app/t", bytes([0x30]) * size) + packets.puback(1) * (size == 0) for size in sizes
    )
    buffer, count, position = bytearray(), 0, 0
    while position < len(stream):
        piece = chance.randint(1, 5_000)
        buffer += stream[position : position + piece]
        position += piece
        count += packets.take_publishes(buffer)
    assert count == len(sizes)
    assert not buffer


def test_a_length_that_is_none_is_an_error() -> None:
    with pytest.raises(packets.PacketError):
        packets.take_publishes(bytearray(b"\x30\xff\xff\xff\xff\xff\xff"))
