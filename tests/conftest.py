"""What holds for every test."""

import signal
from pathlib import PurePath

from xdist.scheduler import LoadScopeScheduling

SECOND_STACK = {"test_recovery", "test_each", "test_cluster"}


def pytest_configure() -> None:
    # A shell that runs a command in the background has it ignore Ctrl-C, and so all that it starts: tests of Ctrl-C
    # need the usual disposition.
    signal.signal(signal.SIGINT, signal.default_int_handler)


class Together(LoadScopeScheduling):
    """Which tests pytest-xdist leaves to one process: those of a file, or of several that share a slow start."""

    def _split_scope(self, nodeid: str) -> str:
        file = PurePath(nodeid.partition("::")[0])
        if file.parent.name == "integration":
            return "second stack" if file.stem in SECOND_STACK else "stack"
        return str(file.parent if file.parent.name == "connector" else file)


def pytest_xdist_make_scheduler(config, log):
    return Together(config, log)
