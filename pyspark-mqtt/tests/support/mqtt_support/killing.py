"""A query that is killed, all of it or a part, at random moments, and what its files have in the end."""

from __future__ import annotations

import os
import subprocess
import sys
import time
from collections import Counter
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass
from itertools import cycle, islice
from pathlib import Path
from random import Random

import psutil

from mqtt_support import sparks
from mqtt_support.delivering import TOPIC, delivering
from mqtt_support.mosquitto import mosquitto
from mqtt_support.publishing import Numbered
from mqtt_support.written import unmarked, written

QUERY = Path(sparks.__file__).with_name("query.py")
PARTS = {"reader": "python_streaming_source_runner", "worker": "pyspark.daemon pyspark.worker"}
"""What the command lines of a query's processes have in them; "driver" stands for all processes."""

VICTIMS = ("worker", "reader", "worker", "reader", "worker", "driver")
"""Of so many kills each hits one of these, in random order."""

PATIENCE = 900.0
"""Seconds that a query may take for a batch, on a machine that has other work."""

QUIET = 90.0
"""Seconds without a batch after which no more messages are expected."""

RARE = 15.0
"""Seconds that a victim gets to appear, before the driver is taken in its place."""


@dataclass(frozen=True)
class Outcome:
    """How many messages there were, how many are missing, how many are there more than once, and what the kills hit.

    `marked` is the number of rows with the duplicate flag; `twice_unmarked` are those of `twice` of which more than one
    row has none; `sent_again` is how often the broker had to send a message once more.
    """

    messages: int
    missing: int
    twice: int
    marked: int
    twice_unmarked: int
    sent_again: int
    kills: dict[str, int]


def killed(
    folder: Path,
    *,
    qos: int,
    messages: int,
    kills: int,
    seed: int = 1,
    minutes: float = 1e9,
    say: Callable[[str], None] = lambda _: None,
) -> Outcome:
    """Run a query on so many messages and kill as often as said; then let it finish.

    After so many minutes it is killed no more, and gets no more messages than are due by then. Half of a kill's
    messages come while the query begins anew, the others from its first batch on to the next kill. Raises
    `AssertionError` with the query's log where it does not go on.
    """
    chance, end = Random(seed), time.monotonic() + 60 * minutes
    hit: Counter[str] = Counter()
    with delivering(messages, qos, due=0) as (broker, port), _Query(folder, port, qos, chance) as query:
        for number, victim in enumerate(_turns(kills, chance)):
            broker.due = messages * (2 * number + 1) // (2 * kills + 1)
            query.wait_for_a_batch()
            broker.due = messages * (2 * number + 2) // (2 * kills + 1)
            time.sleep(chance.uniform(0, 0.5))
            hit[query.kill(victim)] += 1
            say(f"killed {dict(hit)}, sent {broker.next}")
            if time.monotonic() > end:
                messages = broker.count = broker.due
                break
        else:
            assert not broker.done.is_set(), "all was delivered before the last kill"
            broker.due = None
        query.wait_for(broker.done.is_set, PATIENCE + messages / 1000)
        query.settle(messages)
        query.check_leftovers()
    return _outcome(folder / "out", messages, broker.again, hit)


def _turns(kills: int, chance: Random) -> list[str]:
    turns = list(islice(cycle(reversed(VICTIMS)), kills))
    chance.shuffle(turns)
    return turns


def broker_killed(
    folder: Path, *, qos: int, messages: int, kills: int, seed: int = 1, say: Callable[[str], None] = lambda _: None
) -> Outcome:
    """Kill Mosquitto, which saves at every change, so often while numbered messages go through it to a query.

    `sent_again` is how many the publisher published once more: those that it could not be sure of.
    """
    chance, hit = Random(seed), Counter[str]()
    more = "autosave_interval 1\nautosave_on_changes true"
    with (
        mosquitto(folder / "broker", more) as broker,
        _Query(folder, broker.port, qos, chance) as query,
        Numbered(broker.port, TOPIC, messages, qos) as publisher,
    ):
        query.wait_for(query.is_subscribed, PATIENCE)
        publisher.start()
        for number in range(1, kills + 1):
            query.wait_for(lambda due=messages * number // (kills + 1): publisher.sent >= due, PATIENCE)
            time.sleep(chance.uniform(0, 0.5))
            broker.kill()
            broker.start()
            hit["broker"] += 1
            say(f"killed {dict(hit)}, published {publisher.sent}")
        query.wait_for(publisher.done.is_set, PATIENCE + messages / 100)
        query.settle(messages)
    return _outcome(folder / "out", messages, len(publisher.again), hit)


def _outcome(out: Path, messages: int, again: int, hit: Counter[str]) -> Outcome:
    found = written(out)
    missing = len(set(range(messages)) - set(found))
    first = unmarked(out)
    twice, twice_unmarked = (sum(count > 1 for count in one.values()) for one in (found, first))
    return Outcome(messages, missing, twice, found.total() - first.total(), twice_unmarked, again, dict(hit))


class _Query:
    """The query's processes: a driver that starts its query again when a part of it was killed."""

    def __init__(self, folder: Path, port: int, qos: int, chance: Random) -> None:
        self._folder = folder
        self._chance = chance
        self._leftovers: list[psutil.Process] = []
        self._command = [sys.executable, str(QUERY), f"tcp://127.0.0.1:{port}", str(qos), TOPIC, str(folder)]
        self._environment = {**os.environ, **sparks.environment(sparks.VERSION)}
        self._batches = -1

    def __enter__(self) -> _Query:
        self._start()
        return self

    def __exit__(self, *_: object) -> None:
        self._kill_all()
        for one in self._leftovers:
            with suppress(psutil.NoSuchProcess):
                one.kill()

    def wait_for_a_batch(self) -> None:
        """Until a batch is committed that was not when it was killed last: it is in the middle of its work then."""
        self.wait_for(lambda: self._newest() > self._batches, PATIENCE)

    def wait_for(self, what: Callable[[], bool], seconds: float) -> None:
        end = time.monotonic() + seconds
        while not what():
            assert self._driver.poll() is None, self._said()
            assert time.monotonic() < end, self._said()
            time.sleep(0.05)

    def is_subscribed(self) -> bool:
        journals = (self._folder / "journal").glob("*.journal")
        return any(b'"subscribed": ["' in path.read_bytes() for path in journals)

    def settle(self, messages: int) -> None:
        """Wait until the files have so many different messages, if ever they do, and no more batches come."""
        count = 0
        while count < messages:
            before, count = count, len(written(self._folder / "out"))
            if count == before:
                break
            self._pause(QUIET if count < messages else 0)
        newest = -1
        while newest < self._newest():
            newest = self._newest()
            self._pause(QUIET / 6)

    def _pause(self, seconds: float) -> None:
        """Until a batch is committed, or so long."""
        newest, end = self._newest(), time.monotonic() + seconds
        while time.monotonic() < end and self._newest() == newest:
            assert self._driver.poll() is None, self._said()
            time.sleep(0.2)

    def kill(self, victim: str) -> str:
        """Kill a process of a kind, or the driver with its Java; returns what was hit.

        Half of the drivers leave their reader and workers behind, which then have to end by themselves.
        """
        if victim == "driver" or not self._kill_part(victim):
            victim = "driver"
            self._kill_all(but_parts=self._chance.random() < 0.5)
            self._start()
        self._batches = self._newest()
        return victim

    def _kill_part(self, victim: str) -> bool:
        end = time.monotonic() + RARE
        while time.monotonic() < end:
            found = [one for one in self._processes() if PARTS[victim] in _command(one)]
            if found:
                with suppress(psutil.NoSuchProcess):
                    chosen = self._chance.choice(found)
                    for one in [*chosen.children(recursive=True), chosen]:  # workers do without their daemon
                        one.kill()
                    return True
            time.sleep(0.02)
        return False

    def check_leftovers(self) -> None:
        """Raise `AssertionError` where a reader or a worker has outlived its driver."""
        left = psutil.wait_procs(self._leftovers, timeout=60)[1]
        assert not left, [_command(one) for one in left]

    def _start(self) -> None:
        with (self._folder / "log").open("ab") as log:
            self._driver = psutil.Popen(
                self._command, stdin=subprocess.DEVNULL, stdout=log, stderr=log, env=self._environment
            )

    def _processes(self) -> list[psutil.Process]:
        with suppress(psutil.NoSuchProcess):
            return [*self._driver.children(recursive=True), self._driver]
        return []

    def _kill_all(self, *, but_parts: bool = False) -> None:
        left = [one for one in self._processes() if but_parts and any(part in _command(one) for part in PARTS.values())]
        ending = [one for one in self._processes() if one not in left]
        for one in ending:
            with suppress(psutil.NoSuchProcess):
                one.kill()
        psutil.wait_procs(ending, timeout=60)
        self._leftovers += left

    def _newest(self) -> int:
        return max((int(path.name) for path in (self._folder / "checkpoint" / "commits").glob("[0-9]*")), default=-1)

    def _said(self) -> str:
        return (self._folder / "log").read_text(errors="replace")[-4000:]


def _command(process: psutil.Process) -> str:
    with suppress(psutil.Error):
        return " ".join(process.cmdline())
    return ""
