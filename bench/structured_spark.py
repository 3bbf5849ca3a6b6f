"""Runs in the embedded stack's Python, for `bench.structured`: `structured_spark.py SETTINGS`, a JSON file.

Runs the note's own paragraphs. Prints what each batch cost, as `listener.scala` does: the time at which it was due
(epoch ms), its events, and how long it took and was late (ms). Ends with its standard input.
"""

import json
import os
import sys
import threading
import time
from datetime import datetime
from pathlib import Path
from typing import Any


def main(settings: dict[str, Any]) -> None:
    sys.path.insert(0, settings["package"])
    names: dict[str, Any] = {"__name__": "__main__"}
    for key, text in settings["paragraphs"].items():
        exec(compile(text, key, "exec"), names)
        if key == "slices":
            names["Windows"] = counting(names["Windows"])
    threading.Thread(target=end_with_input, args=(names["spark"],), daemon=True).start()
    say("receiver 0")
    tell(names["windows"])


def end_with_input(spark: Any) -> None:
    """End Spark and its processes when standard input ends."""
    sys.stdin.read()
    spark.stop()
    os._exit(0)


def counting(windows: Any) -> Any:
    """The note's class, which keeps the events of each batch too."""

    class Counting(windows):  # type: ignore[misc]
        def __call__(self, batch: Any, number: int) -> None:
            before = self.results.counts["events"]
            super().__call__(batch, number)
            self.__dict__.setdefault("taken", {})[number] = self.results.counts["events"] - before

    return Counting


def tell(windows: Any) -> None:
    """Print each batch of the stream once Spark is done with it, until the stream ends."""
    slide, told, late = windows.slide, -1, 0
    while windows.running.isActive:
        for progress in windows.running.recentProgress:
            number, took = progress["batchId"], progress["durationMs"].get("triggerExecution", 0)
            if number <= told or number not in windows.taken:
                continue
            began = round(datetime.fromisoformat(progress["timestamp"].replace("Z", "+00:00")).timestamp() * 1000)
            say(f"batch {began} {windows.taken[number]} {took} {late}")
            told, late = number, max(late + took - slide, 0)
            if windows.results.failed:
                say(f"failure {windows.results.reason}")
        time.sleep(0.1)
    say(f"failure the stream has ended: {windows.running.exception()}")


def say(line: str) -> None:
    print(f"\nBENCH {line}", flush=True)


if __name__ == "__main__":
    main(json.loads(Path(sys.argv[1]).read_text(encoding="utf-8")))
