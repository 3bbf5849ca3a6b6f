"""The cost of a slide with a window of a minute and of an hour, at the same rate.

An hour of events takes an hour to come, so the stream's clock is driven by hand: each slide's events are made
beforehand, stored as a receiver stores them (a block each 200 ms), and the clock moves on as soon as the last slide is
done. Ours goes through every slide. A slide of the document's code takes a minute once the window is long, so there the
window is filled by one batch that holds all its events, and only the slides after that are measured.
"""

import argparse
import tempfile
import time
from pathlib import Path
from statistics import fmean
from typing import Any, NamedTuple

from bench.batches import SHARE, batches
from bench.given_batches import given_batches
from bench.processes import say
from bench.shell import Shell
from bench.sides import (
    BASELINE,
    OURS,
    STRUCTURED,
    Machine,
    Times,
    machine,
    note,
    paragraphs,
    properties,
    running,
    stream_of,
)

BLOCK = 0.2  # seconds; spark.streaming.blockInterval
STEPS = (Path(__file__).parent / "steps.scala").read_text(encoding="utf-8")
SETTINGS = {"spark.streaming.clock": "org.apache.spark.util.ManualClock"}
STREAM = """@transient val lineStream = ssc.queueStream(benchQueue, oneAtATime = true).map(line => line)
ssc.addStreamingListener(BenchClock.listener)
BenchClock.set(ssc, {start}L)"""


def add_options(parser: argparse.ArgumentParser) -> None:
    """Add this measure's options."""
    parser.add_argument("--sides", default=f"{STRUCTURED},{OURS},{BASELINE}", help="with commas between (%(default)s)")
    parser.add_argument("--rate", type=int, default=1000, help="events/s (1000)")
    parser.add_argument("--short", type=int, default=60, help="the short window, seconds (60)")
    parser.add_argument("--long", type=int, default=3600, help="the long window, seconds (3600)")
    parser.add_argument("--slide", type=int, default=10, help="seconds (10)")
    parser.add_argument("--slides", type=int, default=6, help="slides with a full window that are measured (6)")
    parser.add_argument("--baseline-slides", type=int, default=2, help="the same for the document's long window (2)")
    parser.add_argument("--warm", type=int, default=30, help="slides before those that are measured, at least (30)")
    parser.add_argument("--patience", type=float, default=1800, help="seconds for one window at most (1800)")


def measure(options: argparse.Namespace) -> dict[str, Any]:
    """How much more a slide of the long window costs; the ratio is the document's growth to the first side's. Bound: 2
    for each side but the document's."""
    host = machine()
    with tempfile.TemporaryDirectory(prefix="bench-window-") as folder:
        costs = {
            side: [
                _cost(side, host, Path(folder), Times(window, options.slide), options)
                for window in (options.short, options.long)
            ]
            for side in options.sides.split(",")
        }
    growth = {side: costs[side][1].mean / costs[side][0].mean for side in costs}
    allowed = SHARE * options.slide
    return {
        "ratio": round(growth[BASELINE] / next(iter(growth.values())), 1) if BASELINE in growth else None,
        "growth": {side: round(times, 2) for side, times in growth.items()},
        "unit": f"times the cost of a slide at {options.short} s",
        "kept_up": {side: all(each.mean < allowed for each in costs[side]) for side in costs},
        "full": {side: all(each.full for each in costs[side]) for side in costs},
        "slide_s": {side: [round(each.mean, 3) for each in costs[side]] for side in costs},
        "slowest_s": {side: [round(each.slowest, 3) for each in costs[side]] for side in costs},
        "windows_s": [options.short, options.long],
        "rate": options.rate,
    }


class Cost(NamedTuple):
    """Seconds of a slide: the mean of the last ones, the slowest of all that came after Java was warm; and whether the
    window was full by then."""

    mean: float
    slowest: float
    full: bool


def _cost(side: str, host: Machine, folder: Path, times: Times, options: argparse.Namespace) -> Cost:
    return (_structured if side == STRUCTURED else _shell)(side, host, folder, times, options)


def _structured(side: str, host: Machine, folder: Path, times: Times, options: argparse.Namespace) -> Cost:
    name = f"{side}-{times.window}"
    say(f"{name} s: starting Spark")
    (folder / name).mkdir()
    before = max(times.window // times.slide - 1, options.warm)
    batches = given_batches(folder / name, {side: {"csv": ""}}, times, options.rate, 100, before + options.slides)
    took = [seconds for seconds, _ in batches[side]]
    cost = Cost(fmean(took[-options.slides :]), max(took[options.warm :]), True)
    say(f"{name} s: a slide takes {cost.mean:.2f} s, the slowest {cost.slowest:.2f} s")
    return cost


def _shell(side: str, host: Machine, folder: Path, times: Times, options: argparse.Namespace) -> Cost:
    at_once = side == BASELINE and times.window > 600
    count = options.baseline_slides if at_once else options.slides
    name = f"{side}-{times.window}"
    rendered = note(side, host, "tcp://127.0.0.1:1", times, folder / f"{name}-out")
    start = int(time.time() - times.window) // times.slide * times.slide * 1000
    texts: dict[str, str] = {}
    stream = stream_of(rendered)
    for key, text in paragraphs(rendered).items():
        if key == stream:
            texts["steps"] = STEPS
        texts[key] = STREAM.format(start=start) if key == stream else text
    say(f"{name} s: starting Spark")
    with running(texts, properties(rendered) | SETTINGS, host, folder / name) as shell:
        before = max(times.window // times.slide - 1, options.warm)
        fill = [times.window - times.slide] if at_once else [times.slide] * before
        took, full = _go(shell, times, options, fill, count)
    cost = Cost(fmean(took[-count:]), max(took[-count if at_once else options.warm :] or took), full)
    filled = "" if full else ", and the window was not yet full"
    say(f"{name} s: a slide takes {cost.mean:.2f} s, the slowest {cost.slowest:.2f} s{filled}")
    return cost


def _go(
    shell: Shell, times: Times, options: argparse.Namespace, fill: list[int], count: int
) -> tuple[list[float], bool]:
    """Seconds of each slide: those of `fill`, which hold so many seconds, then `count`; and whether all were done."""
    end, took = time.monotonic() + options.patience, []
    steps = [*fill, *[times.slide] * count]
    for number, seconds in enumerate(steps):
        took.append(_step(shell, times.slide, options.rate * seconds, round(seconds / BLOCK), options.patience))
        if number % 30 == 29:
            say(f"  slide {number + 1} of {len(steps)}: {took[-1]:.2f} s")
        if time.monotonic() > end:
            break
    return took, len(took) == len(steps)


def _step(shell: Shell, slide: int, events: int, blocks: int, patience: float) -> float:
    before = len(shell.heard("step"))
    shell.tell(f"benchStep({slide}, {events}L, {blocks})")
    shell.wait(lambda: len(shell.heard("step")) > before or bool(shell.heard("failure")), "slide", timeout=patience)
    batches(shell)
    return int(shell.heard("step")[-1]) / 1000
