"""Processes of a stack: found by the mark in their environment, ended by their id."""

import contextlib
import os
from collections.abc import Iterable

import psutil

MARK = "PROVISION_STACK"
GRACE = 15.0  # seconds between asking and forcing


def is_marked(pid: int, stack: str) -> bool:
    """Whether this process runs and carries this stack's mark: a pid alone may be another one's by now."""
    try:
        return psutil.Process(pid).environ().get(MARK) == stack
    except (psutil.Error, OSError):
        return False


def marked(stack: str) -> list[psutil.Process]:
    """Every process whose environment carries this stack's mark, its interpreters included, but not this one."""
    return [
        process for process in psutil.process_iter() if process.pid != os.getpid() and is_marked(process.pid, stack)
    ]


def end(processes: Iterable[psutil.Process], grace: float = GRACE) -> int:
    """Ask the processes to stop, force those that have not after `grace` seconds; returns how many there were."""
    processes = list(processes)
    for process in processes:
        with contextlib.suppress(psutil.NoSuchProcess):
            process.terminate()
    _, alive = psutil.wait_procs(processes, timeout=grace)
    for process in alive:
        with contextlib.suppress(psutil.NoSuchProcess):
            process.kill()
    psutil.wait_procs(alive, timeout=5)
    return len(processes)
