"""A simulated fleet: each host's figures take a random walk that a seed repeats."""

import random
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from threading import Event

from provision.publisher.event import event, quoted, timestamp
from provision.publisher.pacing import paced


@dataclass
class _Host:
    quoted_id: str
    loadavg: float
    cpu: float
    mem: float


def fleet(hosts: int, rate: float, *, seed: int | None = None, stop: Event) -> Iterator[list[bytes]]:
    """Yield events of `hosts` hosts (`host-0000`, …) in turn, `rate` events/s over all, until `stop` is set.

    The figures depend on `hosts` and `seed` alone; `ts` is the time at which an event is made.
    """
    chance = random.Random(seed)  # noqa: S311 - figures of a simulation
    members = [_new_host(number, chance) for number in range(hosts)]
    turn = 0
    for due in paced(rate, stop):
        ts = timestamp(time.time())
        batch = []
        for _ in range(due):
            batch.append(_step(members[turn], ts, chance.random))
            turn = (turn + 1) % hosts
        yield batch


def _new_host(number: int, chance: random.Random) -> _Host:
    cpu = chance.uniform(5, 95)
    return _Host(quoted(f"host-{number:04d}"), cpu / 25, cpu, chance.uniform(20, 80))


def _step(host: _Host, ts: str, chance: Callable[[], float]) -> bytes:
    """Move `host` on by one step of its walk; its load follows its CPU use."""
    host.cpu = min(max(host.cpu + 8 * (chance() - 0.5), 0.0), 100.0)
    host.mem = min(max(host.mem + chance() - 0.5, 0.0), 100.0)
    host.loadavg += (host.cpu / 25 - host.loadavg) / 10
    return event(ts, host.quoted_id, host.loadavg, host.cpu, host.mem)
