"""From an event's publication to its row in a file, under a load.

Probes are events with ids of their own, published at random moments between the load's. A row is readable when Spark
has marked the folder that it is in as done (`_SUCCESS`); with `structured`, whose notes write one table if nothing is
said, when it is in a file of that.
"""

import argparse
import math
import random
import tempfile
import threading
import time
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any

from bench import packets
from bench.batches import batches, judge
from bench.link import connected
from bench.mosquitto import Mosquitto
from bench.probing import Probing
from bench.processes import say
from bench.shell import NotInTimeError, Side
from bench.sides import BASELINE, MQTT_TOPIC, OURS, STRUCTURED, Machine, Times, machine
from bench.start import started
from provision.publisher.event import event, quoted, timestamp

LOOK = 0.02  # seconds between checks of the folder
GRACE = 1.5
"""Seconds beyond a slide within which every probe has to be readable."""


def add_options(parser: argparse.ArgumentParser) -> None:
    """Add this measure's options."""
    parser.add_argument("--sides", default=f"{STRUCTURED},{OURS},{BASELINE}", help="with commas between (%(default)s)")
    parser.add_argument("--rate", type=float, default=4000, help="the load, events/s (4000)")
    parser.add_argument("--probes", type=int, default=24, help="how many (24)")
    parser.add_argument("--warm", type=float, default=0, help="seconds between a full window and the first probe (0)")
    parser.add_argument("--window", type=int, default=60, help="seconds (60)")
    parser.add_argument("--slide", type=int, default=10, help="seconds (10)")
    parser.add_argument("--batch", type=int, default=0, help="seconds, of structured alone; 0: a slide (0)")


def measure(options: argparse.Namespace) -> dict[str, Any]:
    """Seconds until the slowest probe's row is there; bound: slide and 1.5 s. The ratio is the document's to the first
    side's."""
    host, times = machine(), Times(options.window, options.slide, options.batch)
    with tempfile.TemporaryDirectory(prefix="bench-latency-") as folder:
        broker = Mosquitto(Path(folder))
        try:
            found = {side: _side(side, host, broker, times, Path(folder), options) for side in options.sides.split(",")}
        finally:
            broker.stop()
    slowest = {side: answer["max_s"] for side, answer in found.items()}
    first = next(iter(slowest.values()))
    return {
        "ratio": round(slowest[BASELINE] / first, 2) if first and slowest.get(BASELINE) else None,
        "slowest": slowest,
        "unit": "s",
        "bound_s": options.slide + GRACE,
        "kept_up": {side: answer.pop("kept_up") for side, answer in found.items()},
        "rate": options.rate,
        "sides": found,
    }


def _side(
    side: str, host: Machine, broker: Mosquitto, times: Times, folder: Path, options: argparse.Namespace
) -> dict[str, Any]:
    say(f"{side}: starting Spark")
    out = folder / f"{side}-out"
    out.mkdir()
    own = {"variant": "outputs"} if side == STRUCTURED else {}
    with started(side, host, broker, times, folder, **own) as shell:
        probing = Probing(side, shell, broker, times)
        try:
            took, why = _under_load(side, probing, shell, broker.port, out, times, options)
        except NotInTimeError as error:
            took, why = [], error.message
        finally:
            probing.stop()
    answer = {**_figures(took), "unseen": options.probes - len(took), "kept_up": not why, "why": why}
    say(f"{side}: {answer}")
    return answer


def _under_load(
    side: str, probing: Probing, shell: Side, port: int, out: Path, times: Times, options: argparse.Namespace
) -> tuple[list[float], str]:
    """Each probe's seconds, and why the side fell behind (empty if it did not)."""
    load = probing.fill(options.rate)
    time.sleep(options.warm)
    since = time.time()
    took = _probe(port, out, options.probes, times)
    batch_s = times.batch_of(side)
    done = [batch for batch in batches(shell) if batch.at - batch_s >= since]
    if not done:
        return took, "no slide was done in time"
    sent = load.sent_by(done[-1].at) - load.sent_by(done[0].at - batch_s)
    return took, judge(done, batch_s, options.rate, sent).why


def _probe(port: int, out: Path, count: int, times: Times) -> list[float]:
    """The seconds of each probe whose row appeared within six slides after the last one."""
    published: dict[str, float] = {}
    watch = _Watch(out)
    link = connected(port, "")
    try:
        for number in range(count):
            time.sleep(random.uniform(0, times.slide))
            name, now = f"probe-{number:04d}", time.time()
            link.sendall(packets.publish(MQTT_TOPIC, event(timestamp(now), quoted(name), 1, 50, 50)))
            published[name] = now
        end = time.monotonic() + 6 * times.slide
        while len(watch.seen) < count and time.monotonic() < end:
            time.sleep(LOOK)
    finally:
        link.close()
        watch.stop()
    return [watch.seen[name] - at for name, at in published.items() if name in watch.seen]


class _Watch(threading.Thread):
    """When each probe's first row became readable (epoch seconds)."""

    def __init__(self, out: Path) -> None:
        super().__init__(daemon=True)
        self._out, self._end = out, threading.Event()
        self._known: set[str] = set()
        self._tables: set[tuple[Path, int]] = set()  # with their inodes: one that grows is written anew
        self.seen: dict[str, float] = {}
        self.start()

    def run(self) -> None:
        while not self._end.wait(LOOK):
            for folder in self._out.iterdir():
                if folder.name not in self._known and (folder / "_SUCCESS").exists():
                    self._known.add(folder.name)
                    self._read(folder.glob("part-*"), time.time())
            tables = [
                file for file in self._out.glob("**/rows-*.csv") if (file, file.stat().st_ino) not in self._tables
            ]
            self._tables.update((file, file.stat().st_ino) for file in tables)
            self._read(tables, time.time())

    def _read(self, files: Iterable[Path], now: float) -> None:
        for file in files:
            for line in file.read_text(encoding="utf-8").splitlines():
                name = next((word for word in line.split(",") if word.startswith("probe-")), None)
                if name:
                    self.seen.setdefault(name, now)

    def stop(self) -> None:
        self._end.set()
        self.join()


def _figures(took: Sequence[float]) -> dict[str, float | None]:
    """The nearest-rank percentiles."""
    ordered = sorted(took)

    def rank(share: float) -> float | None:
        return round(ordered[math.ceil(share * len(ordered)) - 1], 2) if ordered else None

    return {"p50_s": rank(0.5), "p95_s": rank(0.95), "p99_s": rank(0.99), "max_s": rank(1)}
