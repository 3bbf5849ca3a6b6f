"""Events in the document's form, built once and sent repeatedly with the current time."""

import random
from collections.abc import Sequence
from dataclasses import dataclass

from bench import packets
from provision.publisher.event import event, quoted, timestamp

IDS = 100
EACH = 20
"""Different events of each id in a pool: varying figures, in a block that fits the processor's cache."""


def payload(ts: str, number: int, chance: random.Random) -> bytes:
    """An event of host `number`, always of the same length."""
    figures = chance.uniform(0, 9.9), chance.uniform(10, 99), chance.uniform(10, 99)
    return event(ts, quoted(f"host-{number:04d}"), *figures)


@dataclass
class Pool:
    """Encoded PUBLISH packets in one block; `ends[i]` is where packet i ends in it."""

    block: bytes
    ends: Sequence[int]
    ts: str

    def at(self, seconds: float) -> None:
        """Set the time of all events to `seconds` (epoch)."""
        ts = timestamp(seconds)
        if ts != self.ts:
            self.block, self.ts = self.block.replace(self.ts.encode(), ts.encode()), ts

    def slices(self, start: int, count: int) -> list[memoryview]:
        """`count` packets from packet `start` on, and again from the first one after the last, as few pieces."""
        view, size, pieces = memoryview(self.block), len(self.ends), []
        while count > 0:
            start %= size
            more = min(count, size - start)
            pieces.append(view[self.ends[start - 1] if start else 0 : self.ends[start + more - 1]])
            start, count = start + more, count - more
        return pieces


def pool(topic: str, seconds: float, *, ids: int = IDS, each: int = EACH, qos: int = 0) -> Pool:
    """The events of `ids` hosts in turn, `each` of every host, published to `topic` at QoS 0 or 1."""
    chance, ts = random.Random(7), timestamp(seconds)
    encoded = [
        packets.publish(topic, payload(ts, number % ids, chance), packet_id=qos * (number + 1))
        for number in range(each * ids)
    ]
    ends, end = [], 0
    for one in encoded:
        end += len(one)
        ends.append(end)
    return Pool(b"".join(encoded), ends, ts)
