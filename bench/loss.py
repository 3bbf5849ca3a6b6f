"""Events missing and doubled when the broker is killed (SIGKILL) three times under a publisher at QoS 1.

Publishing begins when the subscription is there. Events that the publisher itself had to send again after a kill are
counted apart: see `acknowledged`. Ours subscribes at QoS 1 with a session that the broker keeps; the document's
code as it stands: QoS 1 and a clean session.
"""

import argparse
import random
import tempfile
import time
from collections import Counter
from pathlib import Path
from typing import Any

from bench import packets
from bench.acknowledged import NumberedPublisher
from bench.link import connected
from bench.mosquitto import Mosquitto
from bench.processes import say
from bench.shell import Shell
from bench.sides import (
    BASELINE,
    MQTT_TOPIC,
    OURS,
    Machine,
    Times,
    machine,
    note,
    only_received,
    properties,
    running,
)
from provision.errors import ProvisionError

KEEP = """
import java.nio.file.{{Files, Paths, StandardOpenOption}}
lineStream.map(line => line.substring(line.lastIndexOf(' ') + 1, line.length - 1)).foreachRDD {{ rdd =>
  val numbers = rdd.collect.mkString("", "\\n", "\\n")
  if (numbers.length > 1) Files.write(Paths.get("{file}"), numbers.getBytes, StandardOpenOption.APPEND)
}}"""
AWAY = 1.0
"""Seconds from a kill to the broker's next start."""


def add_options(parser: argparse.ArgumentParser) -> None:
    """Add this measure's options."""
    parser.add_argument("--events", type=int, default=100_000, help="how many (100000)")
    parser.add_argument("--rate", type=float, default=1000, help="events/s (1000)")
    parser.add_argument("--kills", type=int, default=3, help="of the broker (3)")
    parser.add_argument("--quiet", type=float, default=30, help="seconds without an event after which it is over (30)")


def measure(options: argparse.Namespace) -> dict[str, Any]:
    """Events missing from Spark's counts; bounds: ours 0, and duplicates under 1 %."""
    host = machine()
    found = {}
    for side in (OURS, BASELINE):
        with tempfile.TemporaryDirectory(prefix="bench-loss-") as folder:
            found[side] = _side(side, host, Path(folder), options)
    missing = {side: answer["missing"] for side, answer in found.items()}
    return {
        "ratio": round(missing[BASELINE] / missing[OURS], 1) if missing[OURS] else None,
        "ours": missing[OURS],
        "baseline": missing[BASELINE],
        "unit": f"events missing of {options.events}",
        "kept_up": {side: not number for side, number in missing.items()},
        "kills": options.kills,
        "duplicates_share": {side: round(answer["duplicates"] / options.events, 4) for side, answer in found.items()},
        "sides": found,
    }


def _side(side: str, host: Machine, folder: Path, options: argparse.Namespace) -> dict[str, int]:
    say(f"{side}: starting Spark")
    file = folder / "numbers"
    file.touch()
    broker = Mosquitto(folder, durable=True)
    try:
        more = {"qos": "1", "session": "persistent"} if side == OURS else {}
        rendered = note(side, host, broker.url, Times(window=2, slide=2), folder / "out", **more)
        texts = only_received(rendered, KEEP.format(file=file))
        with running(texts, properties(rendered), host, folder / side) as shell:
            _until_subscribed(shell, broker, file)
            publisher = NumberedPublisher(broker.port, MQTT_TOPIC, options.events, options.rate)
            publisher.start()
            try:
                _kill_and_wait(side, broker, publisher, options)
                numbers = _settled(file, options.quiet)
            finally:
                publisher.stop()
    finally:
        broker.stop()
    answer = count(numbers, publisher.again, options.events)
    say(f"{side}: {answer}")
    return answer


def count(numbers: Counter[int], again: Counter[int], events: int) -> dict[str, int]:
    """Events missing, copies beyond those that were published, and copies that a second publication explains."""
    extra = {number: copies - 1 for number, copies in numbers.items() if 0 <= number < events}
    return {
        "missing": events - len(extra),
        "duplicates": sum(max(copies - again[number], 0) for number, copies in extra.items()),
        "published_again": sum(again.values()),
        "duplicates_of_these": sum(min(copies, again[number]) for number, copies in extra.items()),
    }


def _until_subscribed(shell: Shell, broker: Mosquitto, file: Path) -> None:
    """Publish events that do not count until one arrives."""
    shell.wait(lambda: bool(shell.heard("receiver")), "receiver", timeout=60)
    end = time.monotonic() + 60
    with connected(broker.port, "") as link:
        while not file.stat().st_size:
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


def _settled(file: Path, quiet: float) -> Counter[int]:
    """How many copies of each event Spark has, once nothing has come for `quiet` seconds."""
    size, since = -1, time.monotonic()
    while time.monotonic() - since < quiet:
        if file.stat().st_size != size:
            size, since = file.stat().st_size, time.monotonic()
        time.sleep(0.2)
    return Counter(int(line) for line in file.read_text().split())
