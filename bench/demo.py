"""The time of `provision demo` to its first window, and the memory of all its processes."""

import argparse
import re
import subprocess
import sys
import threading
import time
from typing import Any

import psutil

PAUSE = 0.2  # seconds between memory samples


def add_options(command: argparse.ArgumentParser) -> None:
    """The option that says whose demo."""
    command.add_argument("--bundle", help="the note's bundle; the default one when left out")


def measure(options: argparse.Namespace) -> dict[str, Any]:
    """Seconds from the command to the first window shown, to its end, and the peak of all its processes in GiB.

    `first_window_cpu_s` are the processor seconds until then, which other work on the machine does not stretch. Memory
    is the sum of the processes' proportional set sizes (PSS), so that shared pages count once.
    """
    bundle = ["--bundle", options.bundle] if options.bundle else []
    began = time.monotonic()
    process = subprocess.Popen(
        [sys.executable, "-m", "provision", "demo", "--windows", "1", "--no-keep", *bundle],
        stdout=subprocess.DEVNULL,
        stderr=subprocess.PIPE,
        text=True,
    )
    watch = _Memory(process.pid)
    first = cpu = 0.0
    assert process.stderr is not None
    for line in process.stderr:
        if re.match(r"window until ", line) and not first:
            first, cpu = time.monotonic() - began, watch.cpu
    status = process.wait()
    watch.stop()
    return {
        "first_window_s": round(first, 1),
        "first_window_cpu_s": round(cpu, 1),
        "whole_s": round(time.monotonic() - began, 1),
        "peak_gib": round(watch.peak / 2**30, 2),
        "status": status,
        "unit": "s",
    }


class _Memory(threading.Thread):
    def __init__(self, pid: int) -> None:
        super().__init__(daemon=True)
        self._root, self._end = psutil.Process(pid), threading.Event()
        self.peak = 0
        self._cpu: dict[int, float] = {}
        self.start()

    def run(self) -> None:
        while not self._end.wait(PAUSE):
            self.peak = max(self.peak, self._now())

    @property
    def cpu(self) -> float:
        """Processor seconds that all of them have taken so far, on any core."""
        return sum(self._cpu.values())

    def _now(self) -> int:
        total = 0
        try:
            processes = [self._root, *self._root.children(recursive=True)]
        except psutil.Error:
            return 0
        for process in processes:
            try:
                total += process.memory_full_info().pss
                self._cpu[process.pid] = sum(process.cpu_times()[:2])
            except (psutil.Error, AttributeError):
                continue
        return total

    def stop(self) -> None:
        self._end.set()
        self.join()
