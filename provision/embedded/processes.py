"""Processes of a stack: found by the mark in their environment, ended by their id."""

import contextlib
import os
import subprocess
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path

import psutil

from provision.waiting import wait_until

MARK = "PROVISION_STACK"
GRACE = 15.0  # seconds between asking and forcing


def start(
    command: Sequence[str], environment: Mapping[str, str], *, log: Path, stack: str, folder: Path | None = None
) -> subprocess.Popen[bytes]:
    """Start a process of this stack's, marked as such, in a session of its own; what it says goes into `log`."""
    with log.open("wb") as output:
        return subprocess.Popen(
            command,
            env={**environment, MARK: stack},
            cwd=folder,
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=subprocess.STDOUT,
            start_new_session=True,
        )


def is_marked(pid: int, stack: str) -> bool:
    """Whether this process runs and carries this stack's mark: a pid alone may have been reused."""
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
    """Ask the processes to stop, and kill those still there after `grace` seconds; returns how many there were."""
    processes = list(processes)
    for process in processes:
        with contextlib.suppress(psutil.NoSuchProcess):
            process.terminate()
    alive = _wait(processes, grace)
    for process in alive:
        with contextlib.suppress(psutil.NoSuchProcess):
            process.kill()
    _wait(alive, 5)
    return len(processes)


def _wait(processes: list[psutil.Process], seconds: float) -> list[psutil.Process]:
    """Wait until all have ended; returns those that have not.

    A zombie counts as ended (in a container whose first process reaps none, it stays); `psutil.wait_procs` would wait
    for it.
    """
    wait_until(lambda: all(_has_ended(process) for process in processes), seconds, every=0.02)
    return [process for process in processes if not _has_ended(process)]


def _has_ended(process: psutil.Process) -> bool:
    with contextlib.suppress(psutil.TimeoutExpired):
        process.wait(0)  # asks for the exit status of a child
        return True
    try:
        return process.status() == psutil.STATUS_ZOMBIE
    except psutil.NoSuchProcess:
        return True
