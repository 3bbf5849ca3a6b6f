"""A broker with numbered messages for one session, which delivers them until it is told of each, as the standard says.

It outlives its client: what was under way is sent again to the next connection, marked as a duplicate.
"""

from __future__ import annotations

import select
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager

from mqtt_support.scripted import Peer, scripted
from pyspark_mqtt import _packets as packets

TOPIC = "numbers"


class Delivering:
    """`count` messages at one QoS, `window` of them under way at most. `again` counts those sent more than once.

    `payload`: what the message of a number says.
    `due`: how many may be sent by now, which a test raises as it goes on; None for all.
    """

    def __init__(self, count: int, qos: int, window: int, due: int | None) -> None:
        self.count = count
        self.qos = qos
        self.next = 0
        self.again = 0
        self.done = threading.Event()
        self.due = due
        self.payload: Callable[[int], bytes] = lambda number: str(number).encode()
        self._window = window
        self._known = False
        self._under_way: dict[int, tuple[int, bool]] = {}
        self._last_id = 0
        self._answers: list[bytes] = []

    def __call__(self, peer: Peer) -> None:
        """Serve one connection."""
        peer.welcome(present=self._known, qos=self.qos)
        self._known = True
        self._answers.clear()
        again = list(self._under_way.items())
        self.again += sum(not released for _, (_, released) in again)
        peer.send(*[self._frame(packet_id, number, released, True) for packet_id, (number, released) in again])
        while not self.done.is_set():
            self._fill(peer, self.count if self.due is None else self.due)
            wait = 0.02
            while select.select([peer.link], [], [], wait)[0]:
                self._told(*peer.packet())
                wait = 0.0
        peer.link.settimeout(None)
        while True:
            peer.packet()

    def _fill(self, peer: Peer, due: int) -> None:
        ready, self._answers = self._answers, []
        while self.next < min(self.count, due) and len(self._under_way) < self._window:
            self._last_id = self._last_id % 65535 + 1
            self._under_way[self._last_id] = (self.next, False)
            ready.append(self._frame(self._last_id, self.next, False, False))
            self.next += 1
            if not self.qos:
                self._under_way.clear()
        if ready:
            peer.send(*ready)
        if self.next == self.count and not self._under_way:
            self.done.set()

    def _frame(self, packet_id: int, number: int, released: bool, dup: bool) -> bytes:
        if released:
            return packets.acknowledgement(packets.PUBREL, packet_id)
        return packets.publish(4, TOPIC, self.payload(number), qos=self.qos, packet_id=packet_id, retain=False, dup=dup)

    def _told(self, kind: int, body: bytes) -> None:
        packet_id = int.from_bytes(body[:2], "big")
        if kind == packets.PUBREC and packet_id in self._under_way:
            self._under_way[packet_id] = (self._under_way[packet_id][0], True)
            self._answers.append(packets.acknowledgement(packets.PUBREL, packet_id))
        elif kind in (packets.PUBACK, packets.PUBCOMP):
            self._under_way.pop(packet_id, None)
        elif kind == packets.PINGREQ:
            self._answers.append(b"\xd0\x00")


@contextmanager
def delivering(count: int, qos: int, window: int = 50, due: int | None = None) -> Iterator[tuple[Delivering, int]]:
    """The broker and its port."""
    broker = Delivering(count, qos, window, due)
    with scripted(broker) as served:
        yield broker, served.port
