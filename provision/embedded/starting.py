"""Waits for servers that were just started, and says in one line why one did not start."""

import subprocess
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

from provision.console import one_line
from provision.errors import ProvisionError
from provision.waiting import wait_until

START_TIMEOUT = 120.0  # seconds until a server has to answer


@dataclass(frozen=True)
class Starting:
    """A server process that is starting: `ready` says whether it answers; `logs` has its logs, the most telling first,
    none older than the process.
    """

    name: str
    process: subprocess.Popen[bytes]
    logs: Sequence[Path]
    ready: Callable[[], bool]


def wait_until_ready(servers: Sequence[Starting]) -> None:
    """Wait until every server answers; raises `ProvisionError` when one ends, or does not answer in time."""
    waiting = list(servers)

    def all_ready() -> bool:
        waiting[:] = [server for server in waiting if not server.ready()]
        for server in servers:
            if server.process.poll() is not None:
                line, log = last_words(server.logs)
                raise ProvisionError(f"{server.name} did not start: {line}", next_step=f"see {log}")
        return not waiting

    if not wait_until(all_ready, START_TIMEOUT):
        silent = waiting[0]
        raise ProvisionError(
            f"{silent.name} did not answer in {START_TIMEOUT:.0f} s", next_step=f"see {silent.logs[0]}"
        )


def last_words(logs: Sequence[Path]) -> tuple[str, Path]:
    """The last telling line of the first of `logs` that has one, and that log."""
    for log in logs:
        lines = log.read_text(errors="replace").splitlines() if log.exists() else []
        telling = [line for line in lines if line.strip() and not _is_of_stack_trace(line)]
        if telling:
            return one_line(telling[-1])[:200], log
    return "it ended without a word", logs[-1]


def _is_of_stack_trace(line: str) -> bool:
    return line.lstrip().startswith(("at ", "... "))
