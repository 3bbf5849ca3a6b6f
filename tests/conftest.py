"""What holds for every test."""

import signal
from pathlib import PurePosixPath

import pytest
from xdist.scheduler import LoadScopeScheduling

SECOND = {"test_ctrl_c.py", "test_idle_end.py", "test_killed_server.py", "test_person.py", "test_each.py",
          "test_cluster.py", "test_secrets_left.py"}  # fmt: skip
"""Files of `integration/` that run with the tests of other folders, so that both processes take as long."""


def pytest_configure() -> None:
    # A shell that runs a command in the background has it ignore Ctrl-C, and so all that it starts: tests of Ctrl-C
    # need the usual disposition.
    signal.signal(signal.SIGINT, signal.default_int_handler)


class TwoProcesses(LoadScopeScheduling):
    """Most of `integration/` runs in one process, all else in a second one, each with a stack of its own."""

    def _split_scope(self, nodeid: str) -> str:
        file = PurePosixPath(nodeid.partition("::")[0])
        return "first" if file.parent.name == "integration" and file.name not in SECOND else "second"


@pytest.hookimpl(optionalhook=True)
def pytest_xdist_make_scheduler(config: pytest.Config, log: object) -> LoadScopeScheduling | None:
    """`--dist loadscope` is for the integration tests."""
    return TwoProcesses(config, log) if config.getvalue("dist") == "loadscope" else None
