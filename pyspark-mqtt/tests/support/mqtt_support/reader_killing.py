"""A reader that is killed at random moments, with as much of Spark beside it as exactly once takes."""

from __future__ import annotations

import subprocess
import sys
import time
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from random import Random

from mqtt_support import little_spark
from mqtt_support.delivering import TOPIC, delivering
from mqtt_support.killing import PATIENCE, Outcome


def reader_killed(
    folder: Path, *, qos: int, messages: int, kills: int, seed: int = 1, say: Callable[[str], None] = lambda _: None
) -> Outcome:
    """Kill the reader as often as said, each time in the middle of its work; then let it finish.

    Raises `AssertionError` with its log where it does not go on.
    """
    chance = Random(seed)
    with delivering(messages, qos, due=0) as (broker, port):
        for number in range(kills):
            broker.due = messages * (2 * number + 1) // (2 * kills + 1)
            before = little_spark.newest(folder / "out")
            with _running(port, qos, folder) as go_on:
                _wait(go_on, lambda before=before: little_spark.newest(folder / "out") > before)
                broker.due = messages * (2 * number + 2) // (2 * kills + 1)
                time.sleep(chance.uniform(0, 0.1))
            say(f"killed {number + 1} times, sent {broker.next}")
        assert not broker.done.is_set(), "all was delivered before the last kill"
        broker.due = None
        with _running(port, qos, folder) as go_on:
            _wait(go_on, broker.done.is_set)
            _wait(go_on, lambda: len(written(folder)) >= messages)
    found = written(folder)
    missing, twice = len(set(range(messages)) - set(found)), sum(count > 1 for count in found.values())
    return Outcome(messages, missing, twice, 0, 0, broker.again, {"reader": kills})


def written(folder: Path) -> Counter[int]:
    """The numbers in the files of all batches."""
    files = [path for path in (folder / "out").glob("*") if path.suffix == ""]
    return Counter(int(line) for path in files for line in path.read_text().splitlines())


def _wait(go_on: Callable[[], None], what: Callable[[], bool]) -> None:
    end = time.monotonic() + PATIENCE
    while not what():
        go_on()
        assert time.monotonic() < end, "it did not happen"
        time.sleep(0.01)


@contextmanager
def _running(port: int, qos: int, folder: Path) -> Iterator[Callable[[], None]]:
    """A reader, which is killed in the end; a function that raises when it has ended before."""
    command = [sys.executable, little_spark.__file__, str(port), str(qos), TOPIC, str(folder)]
    with (folder / "log").open("ab") as log:
        process = subprocess.Popen(command, stdin=subprocess.DEVNULL, stdout=log, stderr=log)

    def go_on() -> None:
        assert process.poll() is None, (folder / "log").read_text(errors="replace")[-4000:]

    try:
        yield go_on
    finally:
        process.kill()
        process.wait()
