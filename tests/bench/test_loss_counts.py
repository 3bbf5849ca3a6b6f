"""Missing and doubled events, and those that the publisher sent again."""

import random
import socket
import threading
from collections import Counter

from bench import packets
from bench.acknowledged import NumberedPublisher, numbered
from bench.link import READ
from bench.loss import count


def test_copies_of_events_sent_again_are_counted_apart() -> None:
    numbers = Counter([0, 1, 1, 1, 3, 3, 3, 4, -1, -1])
    assert count(numbers, Counter({3: 1, 4: 1}), 6) == {
        "missing": 2,
        "duplicates": 3,
        "published_again": 2,
        "duplicates_of_these": 1,
    }


class Broker(threading.Thread):
    """Acknowledges what comes, but drops the first connection after `patience` events without a word."""

    def __init__(self, patience: int) -> None:
        super().__init__(daemon=True)
        self._patience = patience
        self._listener = socket.create_server(("127.0.0.1", 0))
        self.port = self._listener.getsockname()[1]
        self.kept: list[bytes] = []
        self.dups = 0
        self.start()

    def run(self) -> None:
        for patience in (self._patience, 10**9):
            link = self._listener.accept()[0]
            self._serve(link, patience)
            link.close()
        self._listener.close()

    def _serve(self, link: socket.socket, patience: int) -> None:
        buffer, heard = bytearray(), 0
        while heard < patience and (data := link.recv(READ)):
            buffer += data
            for packet in packets.packets(buffer):
                if packet.kind == 1:
                    link.sendall(b"\x20\x02\x00\x00")
                elif heard < patience:
                    heard += 1
                    self.dups += bool(packet.flags & 8)
                    self.kept.append(packet.payload)
                    link.sendall(packets.puback(packet.packet_id)) if heard % 3 else None
                    link.sendall(packets.puback(packet.packet_id)) if not heard % 3 and patience > 1000 else None


def test_what_was_not_acknowledged_is_sent_again() -> None:
    broker = Broker(patience=150)
    publisher = NumberedPublisher(broker.port, "t", 600, 20_000)
    publisher.start()
    publisher.join(30)
    assert not publisher.is_alive()
    broker.join(60)
    chance = random.Random(0)
    assert numbered(7, 0, chance).endswith(b', "n": 7}')
    numbers = [int(payload.rsplit(b" ", 1)[1][:-1]) for payload in broker.kept]
    assert set(numbers) == set(range(600))
    assert broker.dups > 0
    doubled = {number for number, copies in Counter(numbers).items() if copies > 1}
    assert doubled
    assert doubled <= set(publisher.again)
