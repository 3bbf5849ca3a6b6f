"""The driver's heap after a garbage collection, minute by minute, under a steady load."""

import argparse
import tempfile
import time
from pathlib import Path
from statistics import fmean
from typing import Any

from bench.mosquitto import Mosquitto
from bench.probing import Probing
from bench.processes import say
from bench.shell import Shell
from bench.sides import OURS, Times, machine, note, paragraphs, properties, running

HEAP = (
    "{ System.gc(); System.gc(); val heap = Runtime.getRuntime; "
    'Bench.say("heap " + (heap.totalMemory - heap.freeMemory) / 1048576) }'
)


def add_options(parser: argparse.ArgumentParser) -> None:
    """Add this measure's options."""
    parser.add_argument("--rate", type=float, default=20_000, help="events/s (20000)")
    parser.add_argument("--minutes", type=float, default=30, help="how long (30)")
    parser.add_argument("--every", type=float, default=60, help="seconds between two looks (60)")
    parser.add_argument("--window", type=int, default=60, help="seconds (60)")
    parser.add_argument("--slide", type=int, default=10, help="seconds (10)")


def measure(options: argparse.Namespace) -> dict[str, Any]:
    """MiB in the last quarter (`ours`) and in the first (`baseline`), the window being full; bound: within 10 %."""
    host, times = machine(), Times(options.window, options.slide)
    with tempfile.TemporaryDirectory(prefix="bench-memory-") as name:
        folder = Path(name)
        broker = Mosquitto(folder)
        try:
            rendered = note(OURS, host, broker.url, times, folder / "out")
            with running(paragraphs(rendered), properties(rendered), host, folder / OURS) as shell:
                probing = Probing(OURS, shell, broker, times)
                try:
                    probing.fill(options.rate)
                    heap = _heap(shell, options.minutes * 60, options.every)
                    verdict = probing.hold(options.rate, 2 * times.slide)
                finally:
                    probing.stop()
        finally:
            broker.stop()
    quarter = max(len(heap) // 4, 1)
    first, last = fmean(heap[:quarter]), fmean(heap[-quarter:])
    return {
        "ratio": round(last / first, 3),
        "ours": round(last),
        "baseline": round(first),
        "unit": "MiB",
        "kept_up": {"ours": verdict.kept_up},
        "rate": round(verdict.rate),
        "heap_mib": heap,
    }


def _heap(shell: Shell, seconds: float, every: float) -> list[int]:
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        time.sleep(every)
        before = len(shell.heard("heap"))
        shell.tell(HEAP)
        shell.wait(lambda before=before: len(shell.heard("heap")) > before, "heap", timeout=60)  # type: ignore[misc]
        say(f"heap after a collection: {shell.heard('heap')[-1]} MiB")
    return [int(text) for text in shell.heard("heap")]
