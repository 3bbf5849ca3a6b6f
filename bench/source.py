"""The rate that pyspark-mqtt's reader stores, synced to the disk, and acknowledges: without Spark, at QoS 1."""

import argparse
import statistics
import tempfile
import time
from pathlib import Path
from typing import Any

from pyspark_mqtt._options import read_source
from pyspark_mqtt._stream import Stream, rows_of

from bench.load import Load
from bench.mosquitto import Mosquitto
from bench.processes import say
from bench.sides import MQTT_TOPIC

BATCH = 1.0
"""Seconds of messages that are read back and committed at once, as Spark's batches are."""

IN_FLIGHT = {"defaults": None, "raised": 1000}


def add_options(parser: argparse.ArgumentParser) -> None:
    """Add this measure's options."""
    parser.add_argument("--seconds", type=float, default=20, help="how long (20)")
    parser.add_argument(
        "--rates", default="15000,60000", help="events/s at the defaults and with more in flight (15000,60000)"
    )
    parser.add_argument("--tries", type=int, default=3, help="of each, in turns (3)")


def measure(options: argparse.Namespace) -> dict[str, Any]:
    """Events/s at Mosquitto's defaults, and with 1,000 messages in flight; bounds: 10,000 and 50,000."""
    found: dict[str, list[float]] = {name: [] for name in IN_FLIGHT}
    for _ in range(options.tries):
        for (name, in_flight), rate in zip(IN_FLIGHT.items(), options.rates.split(","), strict=True):
            with tempfile.TemporaryDirectory(prefix="bench-source-") as folder:
                found[name].append(_stored(Path(folder), in_flight, float(rate), options.seconds))
            say(f"{name}: {found[name][-1]:,.0f} events/s")
    median = {name: round(statistics.median(rates)) for name, rates in found.items()}
    return {
        "ratio": round(median["raised"] / median["defaults"], 1),
        "rates": median,
        "unit": "events/s",
        "kept_up": {"defaults": median["defaults"] >= 10_000, "raised": median["raised"] >= 50_000},
        "asked": options.rates,
    }


def _stored(folder: Path, in_flight: int | None, rate: float, seconds: float) -> float:
    """Rows/s that came out of the journal, each acknowledged after its sync, while the load went on."""
    broker = Mosquitto(folder, in_flight=in_flight)
    given = {"mqtt.broker.url": broker.url, "subscribe": MQTT_TOPIC, "journalLocation": str(folder / "journal")}
    stream = Stream(read_source({**given, "mqtt.qos": "1"}, streaming=True))
    try:
        start = stream.initial()
        load = Load(broker.port, MQTT_TOPIC, rate, qos=1)
        try:
            time.sleep(2)
            start = _next(stream, start)[0]
            began, rows = time.monotonic(), 0
            while time.monotonic() - began < seconds:
                time.sleep(BATCH)
                start, more = _next(stream, start)
                rows += more
            return rows / (time.monotonic() - began)
        finally:
            load.stop()
    finally:
        stream.stop()
        broker.stop()


def _next(stream: Stream, start: dict[str, Any]) -> tuple[dict[str, Any], int]:
    """What has come since, read and committed: where it ends, and its rows."""
    end = stream.latest(start)
    rows = sum(batch.num_rows for part in stream.parts(start, end) for batch in rows_of(part))
    stream.commit(end)
    return end, rows
