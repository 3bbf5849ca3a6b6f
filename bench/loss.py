"""Events missing and doubled when the broker is killed (SIGKILL) three times under a publisher at QoS 1.

Publishing begins when the subscription is there. Events that the publisher itself had to send again after a kill are
counted apart: see `acknowledged`. Ours and `structured` subscribe at QoS 1 with a session that the broker keeps; the
document's code as it stands: QoS 1 and a clean session. Of `structured` the windows' files are counted, of the others
what the receiver has stored.

With `--victim query` it is Spark that is killed, all of it or a part, while a query of pyspark-mqtt's writes messages
of QoS 2 to files: its own tests' `kills.py`, which has more options.
"""

import argparse
import json
import random
import subprocess
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from bench import packets
from bench.acknowledged import NumberedPublisher
from bench.link import connected
from bench.mosquitto import Mosquitto
from bench.processes import say
from bench.shell import Side
from bench.sides import (
    BASELINE,
    MQTT_TOPIC,
    OURS,
    STRUCTURED,
    Machine,
    Times,
    machine,
    note,
    only_received,
    properties,
    running,
)
from bench.structured import ROOT, structured
from provision.errors import ProvisionError

KEEP = """
import java.nio.file.{{Files, Paths, StandardOpenOption}}
lineStream.map(line => line.substring(line.lastIndexOf(' ') + 1, line.length - 1)).foreachRDD {{ rdd =>
  val numbers = rdd.collect.mkString("", "\\n", "\\n")
  if (numbers.length > 1) Files.write(Paths.get("{file}"), numbers.getBytes, StandardOpenOption.APPEND)
}}"""
SCHEMA = "ts timestamp, id string, loadavg double, cpu double, mem double, n bigint"
TIMES = Times(window=2, slide=2)
Numbers = Callable[[], list[str]]
"""The numbers of the events that are there so far."""

AWAY = 1.0
"""Seconds from a kill to the broker's next start."""


def add_options(parser: argparse.ArgumentParser) -> None:
    """Add this measure's options."""
    parser.add_argument("--sides", default=f"{STRUCTURED},{OURS},{BASELINE}", help="with commas between (%(default)s)")
    parser.add_argument("--events", type=int, default=100_000, help="how many (100000)")
    parser.add_argument("--rate", type=float, default=1000, help="events/s (1000)")
    parser.add_argument("--kills", type=int, default=3, help="how many (3)")
    parser.add_argument("--victim", choices=("broker", "query"), default="broker", help="what is killed (%(default)s)")
    parser.add_argument("--quiet", type=float, default=30, help="seconds without an event after which it is over (30)")


def measure(options: argparse.Namespace) -> dict[str, Any]:
    """Events missing from what Spark has; bounds: 0 but for the document's code, and duplicates under 1 %."""
    if options.victim == "query":
        return _of_query(options)
    host = machine()
    found = {}
    for side in options.sides.split(","):
        with tempfile.TemporaryDirectory(prefix="bench-loss-") as folder:
            found[side] = _side(side, host, Path(folder), options)
    missing = {side: answer["missing"] for side, answer in found.items()}
    return {
        "missing": missing,
        "unit": f"events missing of {options.events}",
        "kept_up": {side: not number for side, number in missing.items()},
        "kills": options.kills,
        "duplicates_share": {side: round(answer["duplicates"] / options.events, 4) for side, answer in found.items()},
        "sides": found,
    }


def _of_query(options: argparse.Namespace) -> dict[str, Any]:
    """Messages of QoS 2 that the query's files lack, or have twice, after kills of its Spark; bounds: 0."""
    script = ROOT / "pyspark-mqtt" / "tests" / "support" / "kills.py"
    command = [sys.executable, str(script), "--kills", str(options.kills), "--messages", str(options.events), "--json"]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as process:
        try:
            told, _ = process.communicate()
        except BaseException:
            process.terminate()
            raise
    if not told:
        raise ProvisionError("the query's kills came to no end", next_step="see what is said above")
    found = json.loads(told)
    return {
        "missing": {"pyspark-mqtt": found["missing"]},
        "unit": f"messages missing of {options.events}",
        "kept_up": {"pyspark-mqtt": not found["missing"] and not found["twice"]},
        "twice": found["twice"],
        "kills": found["kills"],
        "sent_again": found["sent_again"],
    }


def _side(side: str, host: Machine, folder: Path, options: argparse.Namespace) -> dict[str, int]:
    say(f"{side}: starting Spark")
    broker = Mosquitto(folder, durable=True)
    try:
        with (_windows if side == STRUCTURED else _receiver)(side, host, broker, folder) as (shell, numbers):
            _until_subscribed(shell, broker, numbers)
            publisher = NumberedPublisher(broker.port, MQTT_TOPIC, options.events, options.rate)
            publisher.start()
            try:
                _kill_and_wait(side, broker, publisher, options)
                found = _settled(numbers, options.quiet)
            finally:
                publisher.stop()
    finally:
        broker.stop()
    answer = count(found, publisher.again, options.events)
    say(f"{side}: {answer}")
    return answer


@contextmanager
def _receiver(side: str, host: Machine, broker: Mosquitto, folder: Path) -> Iterator[tuple[Side, Numbers]]:
    """A receiver whose batches are kept in a file, without windows."""
    file = folder / "numbers"
    file.touch()
    more = {"qos": "1", "session": "persistent"} if side == OURS else {}
    rendered = note(side, host, broker.url, TIMES, folder / "out", **more)
    texts = only_received(rendered, KEEP.format(file=file))
    with running(texts, properties(rendered), host, folder / side) as shell:
        yield shell, lambda: file.read_text().split()


@contextmanager
def _windows(side: str, host: Machine, broker: Mosquitto, folder: Path) -> Iterator[tuple[Side, Numbers]]:
    """The whole note, with windows that don't overlap; its files have the numbers of their events."""
    more = {"schema": SCHEMA, "qos": "1", "session": "persistent"}
    out = folder / "out"
    with structured(host, broker.url, TIMES, folder / side, out, query="select n from measure", **more) as process:
        yield process, lambda: [word for file in folder.rglob("part-*.csv") for word in file.read_text().split()]


def count(numbers: Counter[int], again: Counter[int], events: int) -> dict[str, int]:
    """Events missing, copies beyond those that were published, and copies that a second publication explains."""
    extra = {number: copies - 1 for number, copies in numbers.items() if 0 <= number < events}
    return {
        "missing": events - len(extra),
        "duplicates": sum(max(copies - again[number], 0) for number, copies in extra.items()),
        "published_again": sum(again.values()),
        "duplicates_of_these": sum(min(copies, again[number]) for number, copies in extra.items()),
    }


def _until_subscribed(shell: Side, broker: Mosquitto, numbers: Numbers) -> None:
    """Publish events that do not count until one arrives."""
    shell.wait(lambda: bool(shell.heard("receiver")), "receiver", timeout=60)
    end = time.monotonic() + 60
    with connected(broker.port, "") as link:
        while not numbers():
            if time.monotonic() > end:
                raise ProvisionError("nothing arrives through the broker within 60 s")
            link.sendall(packets.publish(MQTT_TOPIC, b'{"n": -1}'))
            time.sleep(0.5)


def _kill_and_wait(side: str, broker: Mosquitto, publisher: NumberedPublisher, options: argparse.Namespace) -> None:
    """Kill and restart the broker at random moments, evenly spread, until everything is published."""
    part = options.events / (options.kills + 1)
    marks = [part * (number + 1) + random.uniform(-0.2, 0.2) * part for number in range(options.kills)]
    for mark in marks:
        while publisher.sent < mark and publisher.is_alive():
            time.sleep(0.01)
        broker.kill()
        say(f"{side}: broker killed after {publisher.sent:,} events")
        time.sleep(AWAY)
        broker.start()
    publisher.join()


def _settled(numbers: Numbers, quiet: float) -> Counter[int]:
    """How many copies of each event Spark has, once nothing has come for `quiet` seconds."""
    size, since = -1, time.monotonic()
    while time.monotonic() - since < quiet:
        found = numbers()
        if len(found) != size:
            size, since = len(found), time.monotonic()
        time.sleep(0.5)
    return Counter(map(int, numbers()))
