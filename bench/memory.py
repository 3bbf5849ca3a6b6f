"""The driver's heap after a garbage collection, and what its Python takes, minute by minute, under a steady load."""

import argparse
import tempfile
import time
from pathlib import Path
from statistics import fmean
from typing import Any

from bench.mosquitto import Mosquitto
from bench.probing import Probing
from bench.processes import say
from bench.shell import Side
from bench.sides import OURS, STRUCTURED, Times, machine
from bench.start import started

HEAP = (
    "{ System.gc(); System.gc(); val heap = Runtime.getRuntime; "
    'Bench.say("heap " + (heap.totalMemory - heap.freeMemory) / 1048576) }'
)


def add_options(parser: argparse.ArgumentParser) -> None:
    """Add this measure's options."""
    parser.add_argument("--side", choices=(STRUCTURED, OURS), default=STRUCTURED, help="whose (%(default)s)")
    parser.add_argument("--rate", type=float, default=20_000, help="events/s (20000)")
    parser.add_argument("--minutes", type=float, default=30, help="how long (30)")
    parser.add_argument("--every", type=float, default=60, help="seconds between two looks (60)")
    parser.add_argument("--window", type=int, default=60, help="seconds (60)")
    parser.add_argument("--slide", type=int, default=10, help="seconds (10)")


def measure(options: argparse.Namespace) -> dict[str, Any]:
    """MiB in the last quarter and in the first, the window being full; bound: within 10 %."""
    host, times = machine(), Times(options.window, options.slide)
    with tempfile.TemporaryDirectory(prefix="bench-memory-") as name:
        folder = Path(name)
        broker = Mosquitto(folder)
        try:
            with started(options.side, host, broker, times, folder) as shell:
                probing = Probing(options.side, shell, broker, times)
                try:
                    probing.fill(options.rate)
                    looks = _looks(shell, options)
                    verdict = probing.hold(options.rate, 2 * times.slide)
                finally:
                    probing.stop()
        finally:
            broker.stop()
    growth = {what: _growth(sizes) for what, sizes in looks.items()}
    return {
        "ratio": max(round(last / first, 3) for first, last in growth.values()),
        "quarters": {what: {"first": round(first), "last": round(last)} for what, (first, last) in growth.items()},
        "unit": "MiB",
        "kept_up": {options.side: verdict.kept_up},
        "rate": round(verdict.rate),
        "mib": looks,
    }


def _growth(sizes: list[int]) -> tuple[float, float]:
    """The mean of the first quarter and of the last."""
    quarter = max(len(sizes) // 4, 1)
    return fmean(sizes[:quarter]), fmean(sizes[-quarter:])


def _looks(shell: Side, options: argparse.Namespace) -> dict[str, list[int]]:
    """MiB of what there is, at each look: the heap, and where there is one Python's processes."""
    names = ("heap", "python") if options.side == STRUCTURED else ("heap",)
    end = time.monotonic() + options.minutes * 60
    while time.monotonic() < end:
        time.sleep(options.every)
        before = len(shell.heard(names[-1]))
        shell.tell(HEAP)
        shell.wait(lambda before=before: len(shell.heard(names[-1])) > before, "heap", timeout=60)  # type: ignore[misc]
        say(", ".join(f"{name} {shell.heard(name)[-1]} MiB" for name in names))
    return {name: [int(text) for text in shell.heard(name)] for name in names}
