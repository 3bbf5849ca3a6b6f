"""The embedded stack, started once for the run; every test leaves it with no stream running."""

import os
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

from provision import home
from provision.console import Console
from provision.embedded import stack
from provision.embedded.runtime import Choice
from zeppelin_sdk import ZeppelinClient


@dataclass(frozen=True)
class Embedded:
    """The running stack, a client of its Zeppelin, and the folder that PROVISION_HOME names for the tests."""

    stack: stack.Stack
    client: ZeppelinClient
    home: Path


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    for item in items:
        if Path(__file__).parent in item.path.parents:
            item.add_marker(pytest.mark.integration)


@pytest.fixture(scope="session")
def provision_home(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """A PROVISION_HOME of the tests' own, with what is downloaded and installed already."""
    installed = home.cache_dir()
    installed.mkdir(parents=True, exist_ok=True)
    folder = tmp_path_factory.mktemp("home")
    (folder / "cache").symlink_to(installed)
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("PROVISION_HOME", str(folder))
        for name in [name for name in os.environ if name.startswith(("NETPIE_", "ZEPPELIN_"))]:
            patch.delenv(name)
        yield folder


@pytest.fixture(scope="session")
def embedded(provision_home: Path) -> Iterator[Embedded]:
    """The stack, stopped at the end of the run."""
    running, _ = stack.up(Choice(), stack.Ports(), Console())
    try:
        with ZeppelinClient(running.url) as client:
            yield Embedded(running, client, provision_home)
    finally:
        stack.down()
