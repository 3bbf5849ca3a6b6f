"""The highest rate that is sustained: processing under 80 % of the slide, no growing delay, nothing left out.

Both sides run one after the other on the same Spark, heap and broker. A search in short probes finds a candidate, and
only what is then held for the whole time counts. In the same run a bare subscriber shows what the broker can give.
"""

import argparse
import json
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import Any

from bench.batches import Judgement
from bench.load import Load
from bench.mosquitto import Mosquitto
from bench.probing import Probing
from bench.processes import ended, say
from bench.search import highest
from bench.shell import ShellError
from bench.sides import BASELINE, MQTT_TOPIC, OURS, STRUCTURED, Machine, Times, machine
from bench.start import PATHWAY, PATHWAY_KEPT, STRUCTURED_3, started

DOWN = 0.85
"""The next rate, as a share of one that looked good and was not held."""

HOLDS = 3

FIRST = {
    STRUCTURED: 50_000.0,
    STRUCTURED_3: 50_000.0,
    OURS: 50_000.0,
    BASELINE: 250.0,
    PATHWAY: 5_000.0,
    PATHWAY_KEPT: 5_000.0,
}
"""The sides, and where the search for each begins."""


def add_options(parser: argparse.ArgumentParser) -> None:
    """Add this measure's options."""
    parser.add_argument("--seconds", type=int, default=120, help="how long a rate has to be held (120)")
    parser.add_argument("--sides", default=",".join(FIRST), help="with commas between (%(default)s)")
    parser.add_argument("--first", default="", metavar="SIDE=RATE,…", help="where the search begins, events/s")
    parser.add_argument("--drain-seconds", type=float, default=15, help="how long the bare subscriber reads (15)")
    parser.add_argument("--window", type=int, default=60, help="seconds (60)")
    parser.add_argument("--slide", type=int, default=10, help="seconds (10)")
    parser.add_argument("--probes", type=int, default=4, help="at most so many for each side (4)")


def measure(options: argparse.Namespace) -> dict[str, Any]:
    """Events/s that each side sustains, and what a bare subscriber drains; bounds: ratio 20, a `drain_share` of 0.85
    for `structured` and of 0.5 for `ours`.

    `ratio` is that of the first side to the document's code. Where that keeps up with no rate, it is beside the lowest
    one that was tried: at least so much.
    """
    host, times = machine(), Times(options.window, options.slide)
    with tempfile.TemporaryDirectory(prefix="bench-stream-") as folder:
        broker = Mosquitto(Path(folder))
        try:
            drained = drain(broker, options.drain_seconds)
            say(f"a bare subscriber drains {drained:,.0f} events/s")
            sides = {side: _side(side, host, broker, times, Path(folder), options) for side in options.sides.split(",")}
        finally:
            broker.stop()
    return {**_result(sides, drained), "slide_s": times.slide, "held_s": options.seconds}


def drain(broker: Mosquitto, seconds: float) -> float:
    """Events/s that a bare subscriber reads while the generator sends as fast as it can."""
    command = [sys.executable, "-m", "bench.subscriber", "--port", str(broker.port), "--topic", MQTT_TOPIC]
    reader = subprocess.Popen([*command, "--seconds", str(seconds)], stdout=subprocess.PIPE)
    try:
        assert reader.stdout
        reader.stdout.readline()
        load = Load(broker.port, MQTT_TOPIC, 0)
        try:
            answer = json.loads(reader.stdout.readline())
        finally:
            load.stop()
    finally:
        ended(reader)
        reader.stdout.close() if reader.stdout else None
    return float(answer["events"] / answer["seconds"])


def _side(
    side: str, host: Machine, broker: Mosquitto, times: Times, folder: Path, options: argparse.Namespace
) -> tuple[Judgement | None, list[Judgement]]:
    """The rate that a side has held, if any, and all verdicts on the way."""
    say(f"{side}: starting Spark")
    with started(side, host, broker, times, folder) as shell:
        probing = Probing(side, shell, broker, times)
        try:
            first = FIRST | {name: float(rate) for name, rate in map(_pair, options.first.split(",")) if name}
            best = highest(probing.probe, first[side], most=options.probes)
            held = _hold(probing, best.asked, options.seconds) if best else None
        except ShellError as error:
            say(f"{side}: {error.message}")
            held = None
        finally:
            probing.stop()
    return held, probing.verdicts


def _pair(text: str) -> tuple[str, str]:
    name, _, rate = text.partition("=")
    return name, rate


def _hold(probing: Probing, rate: float, seconds: float) -> Judgement | None:
    for _ in range(HOLDS):
        held = probing.hold(rate, seconds)
        if held.kept_up:
            return held
        rate *= DOWN
    return None


def _result(sides: dict[str, tuple[Judgement | None, list[Judgement]]], drained: float) -> dict[str, Any]:
    held = {side: verdict for side, (verdict, _) in sides.items()}
    rates = {side: verdict.received if verdict else 0.0 for side, verdict in held.items()}
    # A baseline that has kept up with no rate that was tried sustains less than the lowest of them.
    tried = sides.get(BASELINE, (None, []))[1]
    beside = rates.get(BASELINE) or min((each.rate for each in tried if not each.kept_up), default=0.0)
    return {
        "ratio": round(next(iter(rates.values())) / beside, 1) if beside else None,
        "ratio_is": "exact" if rates.get(BASELINE) else "at least",
        "rates": {side: round(rate) for side, rate in rates.items()},
        "unit": "events/s",
        "kept_up": {side: verdict is not None for side, verdict in held.items()},
        "drain": round(drained),
        "drain_share": {side: round(rate / drained, 2) for side, rate in rates.items()},
        "processing_s": {side: round(verdict.processing, 2) if verdict else None for side, verdict in held.items()},
        "probes": {
            side: [
                {
                    "rate": round(each.rate),
                    "processing_s": round(each.processing, 2),
                    "kept_up": each.kept_up,
                    "why": each.why,
                }
                for each in verdicts
            ]
            for side, (_, verdicts) in sides.items()
        },
    }
