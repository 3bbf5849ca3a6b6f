"""What holds for every test."""

import signal
from pathlib import PurePosixPath

import pytest
from xdist.scheduler import LoadScopeScheduling

from .integration.order import OTHERS, STREAMING


def pytest_configure() -> None:
    # A shell that runs a command in the background has it ignore Ctrl-C, and so all that it starts: tests of Ctrl-C
    # need the usual disposition.
    signal.signal(signal.SIGINT, signal.default_int_handler)


class TwoLists(LoadScopeScheduling):
    """A process for each list of `integration/`; the other files go to whichever process is free."""

    def _split_scope(self, nodeid: str) -> str:
        file = PurePosixPath(nodeid.partition("::")[0])
        name = file.stem.removeprefix("test_") if file.parent.name == "integration" else ""
        return next((str(names) for names in (STREAMING, OTHERS) if name in names), str(file))


@pytest.hookimpl(optionalhook=True)
def pytest_xdist_make_scheduler(config: pytest.Config, log: object) -> LoadScopeScheduling | None:
    """`--dist loadscope` is for the integration tests."""
    return TwoLists(config, log) if config.getvalue("dist") == "loadscope" else None
