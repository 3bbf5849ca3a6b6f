"""What outputs cost: the time of a batch of `structured` with all of them, beside that with csv alone.

Batches alternate between the two sides in one Spark. The others are Parquet, a webhook and an InfluxDB on loopback that
take all, a Mosquitto, a page for Prometheus, an alert that never comes and, where the distribution's package is there,
a PostgreSQL.
"""

import argparse
import tempfile
import threading
from contextlib import ExitStack
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from statistics import median
from typing import Any

from bench.given_batches import given_batches
from bench.mosquitto import Mosquitto
from bench.postgres import PASSWORD, USER, Postgres, programs
from bench.sides import Times

CSV, ALL = "csv", "all"


def add_options(parser: argparse.ArgumentParser) -> None:
    """Add this measure's options."""
    parser.add_argument("--rate", type=int, default=10_000, help="events/s (10000)")
    parser.add_argument("--keys", type=int, default=100, help="ids, each a row of a window (100)")
    parser.add_argument("--window", type=int, default=60, help="seconds (60)")
    parser.add_argument("--slide", type=int, default=10, help="seconds (10)")
    parser.add_argument("--batches", type=int, default=20, help="batches of each side (20)")
    parser.add_argument("--warm", type=int, default=6, help="of these, those that do not count (6)")


def measure(options: argparse.Namespace) -> dict[str, Any]:
    """The median batch with all outputs to that with csv alone. Bound: 1.3."""
    with tempfile.TemporaryDirectory(prefix="bench-outputs-") as folder, ExitStack() as exits:
        others = _servers(Path(folder), exits)
        sides = {CSV: {"csv": ""}, ALL: {"csv": "", "parquet": "", **others}}
        times = Times(options.window, options.slide)
        seconds = given_batches(Path(folder), sides, times, options.rate, options.keys, options.batches)
    kept = {side: seconds[side][options.warm :] for side in (CSV, ALL)}
    batch = {side: median(batch for batch, _ in kept[side]) for side in kept}
    return {
        "ratio": round(batch[ALL] / batch[CSV], 2),
        "batch_s": {side: round(batch[side], 3) for side in batch},
        "delivered_after_s": {side: round(median(after for _, after in kept[side]), 3) for side in kept},
        "outputs": ["csv", "parquet", *others],
        "rate": options.rate,
        "keys": options.keys,
    }


def _servers(folder: Path, exits: ExitStack) -> dict[str, Any]:
    """What the outputs write to, by output."""
    broker = Mosquitto(folder)
    exits.callback(broker.stop)
    receiver = ThreadingHTTPServer(("127.0.0.1", 0), _Taken)
    threading.Thread(target=receiver.serve_forever, daemon=True).start()
    exits.callback(receiver.shutdown)
    found: dict[str, Any] = {
        "webhook": f"http://127.0.0.1:{receiver.server_port}/",
        "mqtt": broker.url,
        "influxdb": f"http://127.0.0.1:{receiver.server_port}/",
        "prometheus": "",
        "alert": "avg(cpu) > 1000 for 3 windows",
    }
    if programs():
        server = Postgres()
        exits.callback(server.close)
        found["postgresql"] = [server.url, USER, PASSWORD]
    return found


class _Taken(BaseHTTPRequestHandler):
    def do_POST(self) -> None:  # noqa: N802 - http.server's name
        self.rfile.read(int(self.headers["Content-Length"]))
        self.send_response(204)
        self.end_headers()

    def log_message(self, *_: Any) -> None:
        """Nothing is said of it."""
