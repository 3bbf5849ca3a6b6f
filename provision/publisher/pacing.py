"""A steady number of events a second, sent in small batches so that a high rate costs few wake-ups."""

import time
from collections.abc import Iterator
from threading import Event

TICK = 0.01  # seconds between batches at a high rate
BATCH = 1000  # events; a batch is rendered before it is sent
BEHIND = 1.0  # seconds; a source later than this (after a broker was away) does not catch up


def paced(rate: float, stop: Event) -> Iterator[int]:
    """Yield how many events are due now, at `rate` events/s, until `stop` is set. One is due at once."""
    start = time.monotonic()
    given = 0
    while not stop.is_set():
        now = time.monotonic()
        if now - (start + given / rate) > BEHIND:
            start, given = now, 0
        due = min(int((now - start) * rate) + 1 - given, BATCH)
        if due > 0:
            given += due
            yield due
        wait = start + given / rate - time.monotonic()
        if wait > 0:
            stop.wait(max(wait, TICK))
