"""What holds for every test."""

import signal
from pathlib import PurePosixPath

import pytest
from xdist.scheduler import LoadScopeScheduling

SECOND = {"test_recovery.py", "test_ctrl_c.py", "test_idle_end.py", "test_killed_server.py", "test_person.py",
          "test_each.py", "test_cluster.py", "test_readme_steps.py", "test_secrets_left.py"}  # fmt: skip
"""Files of `integration/` that run in a process of their own, so that all take as long."""


def pytest_configure() -> None:
    # A shell that runs a command in the background has it ignore Ctrl-C, and so all that it starts: tests of Ctrl-C
    # need the usual disposition.
    signal.signal(signal.SIGINT, signal.default_int_handler)


class ThreeProcesses(LoadScopeScheduling):
    """`integration/` runs in two processes, each with a stack of its own, all else in a third one."""

    def _split_scope(self, nodeid: str) -> str:
        file = PurePosixPath(nodeid.partition("::")[0])
        if file.parent.name != "integration":
            return "engine"
        return "second stack" if file.name in SECOND else "stack"


@pytest.hookimpl(optionalhook=True)
def pytest_xdist_make_scheduler(config: pytest.Config, log: object) -> LoadScopeScheduling | None:
    """`--dist loadscope` is for the integration tests."""
    return ThreeProcesses(config, log) if config.getvalue("dist") == "loadscope" else None
