"""The embedded stack, started once for the run; every test leaves it with no stream running."""

import json
import os
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from dataclasses import dataclass, field
from pathlib import Path

import pytest

from provision import home
from provision.cli import run
from provision.console import Console
from provision.embedded import stack
from provision.embedded.runtime import Choice
from provision.notes import find_note
from provision.running import note_state, stream_state
from zeppelin_sdk import ZeppelinClient

from .streams import LENGTHS, TOPIC, Stream, parameters, publisher


@dataclass(frozen=True)
class Embedded:
    """The running stack, a client of its Zeppelin, and the folder that PROVISION_HOME names for the tests."""

    stack: stack.Stack
    client: ZeppelinClient
    home: Path


@dataclass(frozen=True)
class Outcome:
    """What a command line came to."""

    status: int
    out: str
    err: str

    @property
    def answer(self) -> dict:
        return json.loads(self.out)

    @property
    def errors(self) -> list[str]:
        return [line for line in self.err.splitlines() if line.startswith("error: ")]


@pytest.fixture
def provision(capsys: pytest.CaptureFixture[str]) -> Callable[..., Outcome]:
    """Runs the command line in this process."""

    def command(*arguments: str) -> Outcome:
        capsys.readouterr()
        status = run(list(arguments))
        return Outcome(status, *capsys.readouterr())

    return command


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


@dataclass
class Streams:
    """A note of each bundle on a topic with every character that could do harm; started when asked for.

    The one that runs is shared by the tests that only feed it. Each start is a `Stream` of its own.
    """

    embedded: Embedded
    folder: Path
    publishers: ExitStack
    current: Stream | None = None
    bundle: str = ""
    _things: dict[str, object] = field(default_factory=dict)

    def running(self, bundle: str) -> Stream:
        """The bundle's stream: the one that runs, else a new one."""
        if self.current is not None and self.bundle == bundle and self._is_live(self.current):
            return self.current
        out = self.folder / f"{bundle}-{len(list(self.folder.iterdir()))}"
        status = run(["apply", "--bundle", bundle, "--note", f"/streams/{bundle}", "--theirs",
                      *parameters(bundle, topic=TOPIC, out=out)])  # fmt: skip
        assert status == 0
        return self.started(bundle, out)

    def started(self, bundle: str, out: Path) -> Stream:
        """Take a stream that was just started for the one that runs."""
        if "link" not in self._things:
            link = publisher(self.embedded.stack, self.folder / "thing", TOPIC)
            self._things["link"] = self.publishers.enter_context(link)
        client = self.embedded.client
        note = find_note(client, f"/streams/{bundle}")
        self.bundle, self.current = bundle, Stream(client, note.id, out, LENGTHS[bundle], self._things["link"])
        return self.current

    @staticmethod
    def _is_live(stream: Stream) -> bool:
        note = stream.note
        return note_state(note, stream_state(note)) == "streaming"


@pytest.fixture(scope="session")
def streams(embedded: Embedded, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Streams]:
    with ExitStack() as publishers:
        yield Streams(embedded, tmp_path_factory.mktemp("streams"), publishers)
