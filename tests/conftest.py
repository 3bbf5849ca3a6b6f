"""What holds for every test."""

import signal
from pathlib import PurePosixPath

import pytest
from xdist.scheduler import LoadScopeScheduling

NO_SHARED_STACK = ("test_ctrl_c.py", "test_killed_server.py")
"""Files of `integration/` that start what they need."""


def pytest_configure() -> None:
    # A shell that runs a command in the background has it ignore Ctrl-C, and so all that it starts: tests of Ctrl-C
    # need the usual disposition.
    signal.signal(signal.SIGINT, signal.default_int_handler)


class TwoProcesses(LoadScopeScheduling):
    """The tests that share the embedded stack run in one process, all others in a second one."""

    def _split_scope(self, nodeid: str) -> str:
        file = PurePosixPath(nodeid.partition("::")[0])
        return "stack" if file.parent.name == "integration" and file.name not in NO_SHARED_STACK else "others"


@pytest.hookimpl(optionalhook=True)
def pytest_xdist_make_scheduler(config: pytest.Config, log: object) -> LoadScopeScheduling | None:
    """`--dist loadscope` is for the integration tests."""
    return TwoProcesses(config, log) if config.getvalue("dist") == "loadscope" else None
