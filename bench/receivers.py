"""The rate that one and two receivers store, their batches only counted, while the generator sends as fast as it can.

Spark has a core for each of two receivers beside those for its work, in both runs. Several receivers share one
subscription (`$share`), which the broker deals out.
"""

import argparse
import tempfile
import time
from pathlib import Path
from typing import Any

from bench.batches import batches
from bench.load import Load
from bench.mosquitto import Mosquitto
from bench.processes import say
from bench.sides import MQTT_TOPIC, OURS, Machine, Times, machine, note, only_received, properties, running

MASTER = "local[4]"
STREAM = """@transient val lineStream = NetpieMqtt.createStream(ssc,
  brokerUrl="{url}", topics=Seq("{topic}"), clientId="bench", qos=0, receivers={receivers})"""
COUNT = "lineStream.foreachRDD(rdd => rdd.count)"


def add_options(parser: argparse.ArgumentParser) -> None:
    """Add this measure's options."""
    parser.add_argument("--rate", type=float, default=0, help="events/s; as many as the broker takes without (0)")
    parser.add_argument("--seconds", type=int, default=60, help="how long each (60)")
    parser.add_argument("--slide", type=int, default=5, help="the batch interval, seconds (5)")


def measure(options: argparse.Namespace) -> dict[str, Any]:
    """Events/s that two receivers store (`ours`) and that one does (`baseline`).

    `kept_up` is whether the batches were on time; what was sent beyond what was stored, the broker has dropped.
    """
    host = machine()
    with tempfile.TemporaryDirectory(prefix="bench-receivers-") as folder:
        broker = Mosquitto(Path(folder))
        try:
            one, two = (_stored(number, host, broker, Path(folder), options) for number in (1, 2))
        finally:
            broker.stop()
    return {
        "ratio": round(two["stored"] / one["stored"], 2),
        "ours": round(two["stored"]),
        "baseline": round(one["stored"]),
        "unit": "events/s",
        "kept_up": {"ours": two["kept_up"], "baseline": one["kept_up"]},
        "sent": {"ours": round(two["sent"]), "baseline": round(one["sent"])},
    }


def _stored(
    receivers: int, host: Machine, broker: Mosquitto, folder: Path, options: argparse.Namespace
) -> dict[str, Any]:
    say(f"{receivers} receivers: starting Spark")
    times = Times(window=options.slide, slide=options.slide)
    rendered = note(OURS, host, broker.url, times, folder / "out")
    stream = STREAM.format(url=broker.url, topic=MQTT_TOPIC, receivers=receivers)
    texts = only_received(rendered, COUNT, stream=stream)
    with running(texts, properties(rendered), host, folder / str(receivers), master=MASTER) as shell:
        shell.wait(lambda: len(shell.heard("receiver")) >= receivers, "receivers", timeout=60)
        load = Load(broker.port, MQTT_TOPIC, options.rate)
        try:
            since = time.time() + 2 * options.slide
            count = max(int(options.seconds) // int(options.slide), 1)

            def done() -> bool:
                load.check()
                return bool(count <= sum(batch.at - options.slide >= since for batch in batches(shell)))

            shell.wait(done, "batches", timeout=2 * options.seconds + 120)
        finally:
            load.stop()
        counted = [batch for batch in batches(shell) if batch.at - options.slide >= since][:count]
    seconds = options.slide * len(counted)
    stored = sum(batch.events for batch in counted) / seconds
    sent = (load.sent_by(counted[-1].at) - load.sent_by(counted[0].at - options.slide)) / seconds
    say(f"{receivers} receivers: {stored:,.0f} events/s stored of {sent:,.0f} sent")
    return {"stored": stored, "sent": sent, "kept_up": counted[-1].delay < options.slide}
