"""Processes of a stack: found by the mark in their environment, ended by their id."""

import contextlib
from collections.abc import Iterable

import psutil

MARK = "PROVISION_STACK"
GRACE = 15.0  # seconds between asking and forcing


def is_running(pid: int, created: float) -> bool:
    """Whether this very process still runs: a pid alone may belong to another one by now."""
    try:
        process = psutil.Process(pid)
        return abs(process.create_time() - created) < 1.0 and process.status() != psutil.STATUS_ZOMBIE
    except psutil.Error:
        return False


def marked(stack: str) -> list[psutil.Process]:
    """Every process whose environment carries this stack's mark, its interpreters included."""
    found = []
    for process in psutil.process_iter():
        with contextlib.suppress(psutil.Error, OSError):
            if process.environ().get(MARK) == stack:
                found.append(process)
    return found


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
