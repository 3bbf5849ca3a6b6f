"""The long form of the tests that kill: `python kills.py --kills 300 --messages 1000000`.

A query is killed, all of it or a part; with `--reader` a reader without a Spark; with `--broker` Mosquitto, which saves
at every change.
"""

from __future__ import annotations

import argparse
import json
import signal
import sys
import tempfile
import time
from dataclasses import asdict
from pathlib import Path

from mqtt_support import sparks
from mqtt_support.killing import broker_killed, killed
from mqtt_support.reader_killing import reader_killed


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--kills", type=int, default=300)
    parser.add_argument("--messages", type=int, default=1_000_000)
    parser.add_argument("--qos", type=int, choices=(1, 2), default=2)
    victim = parser.add_mutually_exclusive_group()
    victim.add_argument("--reader", dest="run", action="store_const", const=reader_killed, help="kill a reader alone")
    victim.add_argument("--broker", dest="run", action="store_const", const=broker_killed, help="kill the broker")
    parser.set_defaults(run=killed)
    parser.add_argument("--seed", type=int, default=1, help="of the moments")
    parser.add_argument("--minutes", type=float, help="then no more kills and no more messages, with a query")
    parser.add_argument("--json", action="store_true", help="print one JSON object")
    chosen = parser.parse_args()
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(1))
    began = time.monotonic()

    def say(text: str) -> None:
        print(f"{time.monotonic() - began:.0f} s: {text}", file=sys.stderr, flush=True)

    given = {name: getattr(chosen, name) for name in ("qos", "messages", "kills", "seed")}
    if chosen.minutes and chosen.run is killed:
        given["minutes"] = chosen.minutes
    with tempfile.TemporaryDirectory() as folder:
        found = chosen.run(Path(folder), say=say, **given)
    took = time.monotonic() - began
    spark = "no Spark" if chosen.run is reader_killed else f"Spark {sparks.VERSION}"
    if chosen.json:
        print(json.dumps({**asdict(found), "spark": spark, "took_s": round(took)}))
    else:
        print(f"{spark}, QoS {chosen.qos}, {took:.0f} s: {found}")
    twice = found.twice if chosen.qos == 2 and chosen.run is not broker_killed else 0
    return 1 if found.missing or twice else 0


if __name__ == "__main__":
    sys.exit(main())
