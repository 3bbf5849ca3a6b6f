"""The page as a process of the embedded stack: it goes on after the command that started it, and `down` ends it."""

import importlib.util
import json
import os
import subprocess
import sys
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

from provision.embedded import processes
from provision.embedded.processes import is_marked
from provision.embedded.record import Stack
from provision.errors import ProvisionError, UsageError
from provision.home import state_dir
from provision.page.access import Access
from provision.waiting import wait_until

START_SECONDS = 60.0
_NEEDS = ("nicegui", "nh3")
_OF_ANOTHER_SERVER = ("ZEPPELIN_URL", "ZEPPELIN_USER", "ZEPPELIN_PASSWORD")


def missing() -> list[str]:
    """The packages that the page needs and that are not installed: they are an extra of this distribution."""
    return [name for name in _NEEDS if importlib.util.find_spec(name) is None]


def check_installed() -> None:
    """Raise `UsageError` where the page's packages are not installed."""
    if names := missing():
        raise UsageError(
            f"the page needs {' and '.join(names)}, which {'is' if len(names) == 1 else 'are'} not installed",
            next_step="install this tool with its extra: pip install ./zeppelin-sdk '.[page]'",
        )


def running_page(stack: Stack) -> Access | None:
    """Where the stack's page is; None where none runs."""
    with suppress(OSError, ValueError, KeyError, TypeError):
        known = json.loads(_record().read_text(encoding="utf-8"))
        if is_marked(int(known["pid"]), stack.mark):
            return Access("127.0.0.1", int(known["port"]), str(known["token"]))
    return None


@dataclass(frozen=True)
class PageProcess:
    """A page that is being started, or was up already (`process` is None then)."""

    stack: Stack
    process: "subprocess.Popen[bytes] | None"

    def ready(self) -> Access:
        """Where it is, once it is there. Raises `ProvisionError` when it does not start."""
        process = self.process

        def settled() -> Access | bool | None:
            return running_page(self.stack) or (process is not None and process.poll() is not None)

        access = wait_until(settled, START_SECONDS)
        if not isinstance(access, Access):
            raise ProvisionError("the page did not start", next_step=f"see {_log(self.stack)}")
        return access


def start_page(stack: Stack) -> PageProcess | None:
    """Start the stack's page if need be; None where Zeppelin has one of its own, or ours is not installed.

    Its address is the last one's where the port is free: bookmarks stay valid.
    """
    if stack.web_page or missing():
        return None
    if running_page(stack):
        return PageProcess(stack, None)
    environment = {name: value for name, value in os.environ.items() if name not in _OF_ANOTHER_SERVER}
    command = [sys.executable, "-m", "provision", "page", "--record", str(_record())]
    process = processes.start(command, environment, log=_log(stack), stack=stack.mark)
    return PageProcess(stack, process)


def _record() -> Path:
    """Port, token and process of the stack's page; mode 0600."""
    return state_dir() / "page.json"


def _log(stack: Stack) -> Path:
    return stack.logs / "page.log"
