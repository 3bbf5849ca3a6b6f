"""Runs in the embedded stack's Python, for `bench.structured`: `structured_spark.py SETTINGS`, a JSON file.

Runs the note's own paragraphs. Prints what each batch cost, as `listener.scala` does: the time at which it was due
(epoch ms), its events, and how long it took and was late (ms). Ends with its standard input.
"""

import json
import os
import sys
import threading
import time
from contextlib import suppress
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
    threading.Thread(target=listen, args=(names["spark"],), daemon=True).start()
    say("receiver 0")
    tell(names["windows"])


def listen(spark: Any) -> None:
    """Tell the memory for each line of standard input, and end Spark and its processes when it ends."""
    for _ in sys.stdin:
        spark._jvm.System.gc()
        heap = spark._jvm.Runtime.getRuntime()
        say(f"heap {(heap.totalMemory() - heap.freeMemory()) >> 20}")
        say(f"python {sum(map(memory, pythons(os.getpid()))) >> 20}")
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


def pythons(parent: int) -> list[int]:
    """This process and the Python processes that Spark has started."""
    found = {}
    for folder in Path("/proc").glob("[0-9]*"):
        with suppress(OSError):
            fields = (folder / "stat").read_text().rpartition(")")[2].split()
            found[int(folder.name)] = (int(fields[1]), "python" in (folder / "cmdline").read_text().partition("\0")[0])
    chosen = {parent}
    while more := {pid for pid, (above, _) in found.items() if above in chosen} - chosen:
        chosen |= more
    return [pid for pid in chosen if pid == parent or found[pid][1]]


def memory(pid: int) -> int:
    """Bytes of a process: what is its own, and its share of what it shares."""
    with suppress(OSError):
        text = Path(f"/proc/{pid}/smaps_rollup").read_text()
        return next(int(line.split()[1]) << 10 for line in text.splitlines() if line.startswith("Pss:"))
    return 0


def say(line: str) -> None:
    print(f"\nBENCH {line}", flush=True)


if __name__ == "__main__":
    main(json.loads(Path(sys.argv[1]).read_text(encoding="utf-8")))
