"""This host's load average, CPU and memory use."""

import time
from collections.abc import Iterator
from threading import Event

import psutil

from provision.publisher.event import event, quoted, timestamp

FIRST_SAMPLE = 0.25  # seconds; a CPU figure needs two readings, so the first event takes this long


def host_metrics(host: str, *, every: float = 10.0, stop: Event) -> Iterator[list[bytes]]:
    """Yield this host's event, named `host`, now and then every `every` seconds until `stop` is set.

    `loadavg` is the load average of one minute, `cpu` the percentage of all processors' time in use since the
    event before, `mem` the percentage of memory that is not available.
    """
    quoted_id = quoted(host)
    before = psutil.cpu_times()
    due = time.monotonic()
    stop.wait(FIRST_SAMPLE)
    while not stop.is_set():
        now = psutil.cpu_times()
        memory = psutil.virtual_memory()
        used = 100 * (memory.total - memory.available) / memory.total
        yield [event(timestamp(time.time()), quoted_id, psutil.getloadavg()[0], cpu_percent(before, now), used)]
        before = now
        due = max(due + every, time.monotonic())
        stop.wait(due - time.monotonic())


def cpu_percent(before: object, after: object) -> float:
    """Return the percentage of the processors' time in use between two `psutil.cpu_times()`.

    `psutil.cpu_percent` has the same figure with one decimal only. Time as a guest is within `user` already.
    """

    def spent(field: str) -> float:
        return max(0.0, getattr(after, field, 0.0) - getattr(before, field, 0.0))

    fields: tuple[str, ...] = getattr(after, "_fields", ())
    total = sum(spent(field) for field in fields if field not in ("guest", "guest_nice"))
    idle = spent("idle") + spent("iowait")
    return 100 * (total - idle) / total if total else 0.0
