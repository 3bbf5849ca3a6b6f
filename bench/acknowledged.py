"""A publisher at QoS 1 that loses nothing while its broker is killed: unacknowledged events are sent again.

A broker may acknowledge an event just before it writes it to its disk, and be killed in between. Only the publisher can
make up for that: it also sends again what was acknowledged in the last second before the connection broke.
"""

import random
import select
import socket
import threading
import time
from collections import Counter, deque

from bench import packets
from bench.link import READ, connected
from provision.publisher.event import event, quoted, timestamp

UNACKNOWLEDGED = 100
"""Most events sent and not acknowledged."""

UNSURE = 1.0
"""Acknowledgements from the last seconds of a connection are not trusted."""

PAUSE = 0.2  # seconds between two attempts to connect


def numbered(number: int, at: float, chance: random.Random) -> bytes:
    """An event in the document's form that ends in its number."""
    figures = chance.uniform(0, 9.9), chance.uniform(10, 99), chance.uniform(10, 99)
    return event(timestamp(at), quoted(f"host-{number % 100:04d}"), *figures)[:-1] + b', "n": %d}' % number


class NumberedPublisher(threading.Thread):
    """Publishes the events 0, 1, … `count` - 1 at `rate` events/s; ends when the broker has acknowledged all of them.

    `again` says of those that were sent more than once how many times more.
    """

    def __init__(self, port: int, topic: str, count: int, rate: float) -> None:
        super().__init__(daemon=True)
        self._port, self._topic, self._count, self._rate = port, topic, count, rate
        self._halt = threading.Event()
        self._chance = random.Random(11)
        self._under_way: dict[int, int] = {}
        self._acknowledged: deque[tuple[float, int]] = deque()
        self._to_send: deque[tuple[int, bool]] = deque()
        self._packet = 0
        self._next = 0
        self.again: Counter[int] = Counter()

    @property
    def sent(self) -> int:
        """How many different events so far."""
        return self._next

    def run(self) -> None:
        while not self._halt.is_set() and not self._is_done():
            try:
                with connected(self._port, "bench-publisher") as link:
                    self._publish(link)
            except OSError:
                self._send_again()
                self._halt.wait(PAUSE)

    def stop(self) -> None:
        self._halt.set()
        self.join()

    def _is_done(self) -> bool:
        return self._next == self._count and not self._under_way and not self._to_send

    def _send_again(self) -> None:
        """Queue again what the broker may have lost."""
        last = self._acknowledged[-1][0] if self._acknowledged else 0.0
        unsure = [number for at, number in self._acknowledged if at > last - UNSURE]
        lost = [(number, True) for number in self._under_way.values()] + [(number, False) for number in unsure]
        waiting = {number for number, _ in self._to_send}
        self._to_send.extend(pair for pair in lost if pair[0] not in waiting)
        self.again.update(number for number, _ in lost)
        self._under_way.clear()
        self._acknowledged.clear()

    def _publish(self, link: socket.socket) -> None:
        began, given, buffer = time.monotonic(), 0, bytearray()
        link.settimeout(10)
        while not self._halt.is_set() and not self._is_done():
            due = int((time.monotonic() - began) * self._rate) - given
            ready = [self._encoded() for _ in range(self._room(due))]
            given += len(ready)
            if ready:
                link.sendall(b"".join(ready))
            if select.select([link], [], [], 0.005)[0]:
                self._read(link, buffer)

    def _room(self, due: int) -> int:
        left = self._count - self._next + len(self._to_send)
        return max(min(due, UNACKNOWLEDGED - len(self._under_way), left), 0)

    def _encoded(self) -> bytes:
        if self._to_send:
            number, dup = self._to_send.popleft()
        else:
            number, dup = self._next, False
            self._next += 1
        self._packet = self._packet % 65535 + 1
        self._under_way[self._packet] = number
        payload = numbered(number, time.time(), self._chance)
        return packets.publish(self._topic, payload, packet_id=self._packet, dup=dup)

    def _read(self, link: socket.socket, buffer: bytearray) -> None:
        data = link.recv(READ)
        if not data:
            raise ConnectionError("the broker closed the connection")
        buffer += data
        now = time.monotonic()
        for packet in packets.packets(buffer):
            if packet.kind == packets.PUBACK and packet.packet_id in self._under_way:
                self._acknowledged.append((now, self._under_way.pop(packet.packet_id)))
        while self._acknowledged and self._acknowledged[0][0] < now - 2 * UNSURE:
            self._acknowledged.popleft()
