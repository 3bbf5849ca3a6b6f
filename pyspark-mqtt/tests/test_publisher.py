"""Publishing, against a broker that does what each test says."""

from __future__ import annotations

import time
from collections.abc import Callable
from contextlib import suppress

import pytest

from mqtt_support.scripted import Gone, Peer, scripted
from pyspark_mqtt import LoginRefused, PublicationRefused, Unreachable
from pyspark_mqtt import _packets as packets
from pyspark_mqtt._options import read_sink
from pyspark_mqtt._publisher import WINDOW, Message, Publisher


def publisher(port: int, **more: str) -> Publisher:
    named = {name.replace("_", "."): value for name, value in more.items()}
    given = {"mqtt.broker.url": f"tcp://127.0.0.1:{port}", "mqtt.connect.timeout": "2"}
    return Publisher(read_sink({**given, **named}))


def messages(count: int, qos: int) -> list[Message]:
    return [Message("t", str(number).encode(), qos, False) for number in range(count)]


class Taking:
    """A broker that takes messages; `heard` has their payloads, in order, `most` how many were unanswered at once."""

    def __init__(self, *, level: int = 4, hang_up_after: int = 0, answer: Callable[[int], bytes] | None = None) -> None:
        self.heard: list[bytes] = []
        self.released: list[int] = []
        self._level = level
        self._hang_up_after = hang_up_after
        self._answer = answer

    def __call__(self, peer: Peer) -> None:
        peer.expect(packets.CONNECT)
        peer.send(b"\x20\x02\x00\x00" if self._level == 4 else b"\x20\x06\x00\x00\x03\x21\x00\x05")
        with suppress(Gone):
            while True:
                self._take(peer)

    def _take(self, peer: Peer) -> None:
        first = peer._exactly(1)[0]
        peer_length = packets.read_length(peer._exactly(1), 0)[0]
        body = peer._exactly(peer_length)
        if first >> 4 == packets.PUBLISH:
            qos = first >> 1 & 3
            start = 3 + 2 * (qos > 0) + (self._level == 5)
            self.heard.append(body[start:])
            if self._hang_up_after and len(self.heard) == self._hang_up_after:
                peer.link.close()
                raise Gone
            if qos:
                number = int.from_bytes(body[3:5], "big")
                kind = packets.PUBACK if qos == 1 else packets.PUBREC
                peer.send(self._answer(number) if self._answer else packets.acknowledgement(kind, number))
        elif first >> 4 == packets.PUBREL:
            self.released.append(int.from_bytes(body[:2], "big"))
            peer.send(packets.acknowledgement(packets.PUBCOMP, self.released[-1]))
        elif first >> 4 == packets.PINGREQ:
            peer.send(b"\xd0\x00")


@pytest.mark.parametrize("qos", [0, 1, 2])
def test_every_message_is_published_and_acknowledged(qos: int) -> None:
    taking = Taking()
    with scripted(taking) as broker:
        assert publisher(broker.port).publish(messages(1000, qos)) == 1000
    assert taking.heard == [str(number).encode() for number in range(1000)]
    assert len(taking.released) == (1000 if qos == 2 else 0)


def test_what_is_not_acknowledged_is_published_again() -> None:
    taking = Taking(hang_up_after=250)
    with scripted(taking) as broker:
        assert publisher(broker.port).publish(messages(600, 1)) == 600
        assert broker.connections == 2
    assert {int(value) for value in taking.heard} == set(range(600))
    assert len(taking.heard) <= 600 + WINDOW


def test_the_broker_s_receive_maximum_is_heeded() -> None:
    taking = Taking(level=5)
    with scripted(taking) as broker:
        one = publisher(broker.port, mqtt_version="5")
        assert one.publish(messages(50, 1)) == 50
        assert one._window == 5


@pytest.mark.parametrize(("show", "said"), [("true", "'t': not auth"), ("false", r"\(not shown\): not auth")])
def test_a_refused_message_is_told_with_the_reason(show: str, said: str) -> None:
    refuse = Taking(level=5, answer=lambda number: b"\x40\x04" + number.to_bytes(2, "big") + b"\x87\x00")
    with scripted(refuse) as broker, pytest.raises(PublicationRefused, match=said):
        publisher(broker.port, mqtt_version="5", showTopics=show).publish(messages(1, 1))


def test_no_subscriber_is_no_refusal() -> None:
    none = Taking(level=5, answer=lambda number: b"\x40\x03" + number.to_bytes(2, "big") + b"\x10")
    with scripted(none) as broker:
        assert publisher(broker.port, mqtt_version="5").publish(messages(3, 1)) == 3


def test_a_rate_is_kept() -> None:
    with scripted(Taking()) as broker:
        began = time.monotonic()
        publisher(broker.port, rate="100").publish(messages(50, 0))
        assert time.monotonic() - began > 0.45


def test_a_refused_login_is_told() -> None:
    def script(peer: Peer) -> None:
        peer.expect(packets.CONNECT)
        peer.send(b"\x20\x02\x00\x04")

    with scripted(script) as broker, pytest.raises(LoginRefused, match="bad user name or password"):
        publisher(broker.port).publish(messages(1, 0))


def test_nobody_there_is_told() -> None:
    with scripted(Taking()) as broker:
        port = broker.port
    with pytest.raises(Unreachable, match="Connection refused"):
        publisher(port, mqtt_connect_timeout="0.3").publish(messages(1, 0))
