"""A query that is killed, all of it or a part, at random moments, and what its files have in the end."""

from __future__ import annotations

import json
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
from urllib.parse import unquote

import psutil

from mqtt_support import sparks
from mqtt_support.delivering import TOPIC, delivering

QUERY = Path(sparks.__file__).with_name("query.py")
PARTS = {"reader": "python_streaming_source_runner", "worker": "pyspark.daemon"}
"""What the command lines of a query's processes have in them; "driver" stands for all processes."""

VICTIMS = ("reader", "worker", "driver", "reader", "worker", "reader")
"""Whose turn it is, over and over."""

PATIENCE = 300.0
"""Seconds that a query may take for a batch, on a machine that has other work."""


@dataclass(frozen=True)
class Outcome:
    """How many messages are missing, how many more than once, and whom the kills hit."""

    missing: int
    twice: int
    sent_again: int
    kills: dict[str, int]


def written(folder: Path) -> Counter[int]:
    """The numbers in a text sink's files, of those that its log names: others are leavings of unfinished batches."""
    names: list[str] = []
    logs = list((folder / "_spark_metadata").glob("[0-9]*"))
    for log in sorted(logs, key=lambda path: (int(path.name.split(".")[0]), path.suffix)):
        found = [unquote(json.loads(line)["path"]).split(":", 1)[-1] for line in log.read_text().splitlines()[1:]]
        names = found if log.suffix == ".compact" else names + found
    paths = dict.fromkeys(f"/{name.lstrip('/')}" for name in names)
    return Counter(int(line) for path in paths for line in Path(path).read_text().splitlines())


def killed(folder: Path, *, qos: int, messages: int, kills: int, seed: int = 1) -> Outcome:
    """Run a query on so many messages and kill as often as said; then let it finish.

    Raises `AssertionError` with the query's log where it does not go on.
    """
    chance, share = Random(seed), messages // (kills + 1)
    hit: Counter[str] = Counter()
    with delivering(messages, qos, share=share) as (broker, port), _Query(folder, port, qos) as query:
        for victim in islice(cycle(VICTIMS), kills):
            query.wait_for_a_batch()
            time.sleep(chance.uniform(0, 0.5))
            hit[query.kill(victim)] += 1
        assert not broker.done.is_set(), "all was delivered before the last kill"
        broker.share = 0
        query.wait_for_a_batch()
        query.wait_for(broker.done.is_set, PATIENCE + messages / 1000)
        query.wait_for(lambda: len(written(folder / "out")) >= messages, PATIENCE)
    found = written(folder / "out")
    return Outcome(len(set(range(messages)) - set(found)), sum(found.values()) - len(found), broker.again, dict(hit))


class _Query:
    """The query's processes: a driver that starts its query again when a part of it was killed."""

    def __init__(self, folder: Path, port: int, qos: int) -> None:
        self._folder = folder
        self._command = [sys.executable, str(QUERY), f"tcp://127.0.0.1:{port}", str(qos), TOPIC, str(folder)]
        self._environment = {**os.environ, **sparks.environment(sparks.VERSION)}
        self._batches = -1

    def __enter__(self) -> _Query:
        self._start()
        return self

    def __exit__(self, *_: object) -> None:
        self._kill_all()

    def wait_for_a_batch(self) -> None:
        """Until a batch is committed that was not when it was killed last: it is in the middle of its work then."""
        self.wait_for(lambda: self._newest() > self._batches, PATIENCE)

    def wait_for(self, what: Callable[[], bool], seconds: float) -> None:
        end = time.monotonic() + seconds
        while not what():
            assert self._driver.poll() is None, self._said()
            assert time.monotonic() < end, self._said()
            time.sleep(0.05)

    def kill(self, victim: str) -> str:
        """Kill processes of a kind; where there is none right now, everything. Returns what was hit."""
        chosen = [one for one in self._processes() if victim in PARTS and PARTS[victim] in _command(one)]
        for one in chosen:
            with suppress(psutil.NoSuchProcess):
                one.kill()
        if not chosen:
            self._kill_all()
            self._start()
        self._batches = self._newest()
        return victim if chosen else "driver"

    def _start(self) -> None:
        with (self._folder / "log").open("ab") as log:
            self._driver = psutil.Popen(
                self._command, stdin=subprocess.DEVNULL, stdout=log, stderr=log, env=self._environment
            )

    def _processes(self) -> list[psutil.Process]:
        with suppress(psutil.NoSuchProcess):
            return [*self._driver.children(recursive=True), self._driver]
        return []

    def _kill_all(self) -> None:
        everything = self._processes()
        for one in everything:
            with suppress(psutil.NoSuchProcess):
                one.kill()
        psutil.wait_procs(everything, timeout=60)

    def _newest(self) -> int:
        return max((int(path.name) for path in (self._folder / "checkpoint" / "commits").glob("[0-9]*")), default=-1)

    def _said(self) -> str:
        return (self._folder / "log").read_text(errors="replace")[-4000:]


def _command(process: psutil.Process) -> str:
    with suppress(psutil.Error):
        return " ".join(process.cmdline())
    return ""
