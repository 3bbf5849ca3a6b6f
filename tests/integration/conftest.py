"""The embedded stack, started once for the run. A test that runs paragraphs of its own asks for `quiet_spark`."""

import os
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path

import pytest

from provision import home
from provision.bundles.bundle import load_bundle
from provision.console import Console
from provision.embedded import processes, stack
from provision.embedded.install import install_jar
from provision.embedded.manifest import component
from provision.embedded.python import install_python
from provision.embedded.runtime import Choice, install_runtime
from provision.publisher import Publisher
from provision.streams.note_state import note_state, stream_state
from provision.sync.find_note import find_note
from sdk_support.fake_proxy import ForwardingProxy
from zeppelin_sdk import ZeppelinClient

from ..connector.conftest import QUICK_START
from .command import Outcome, done, provision
from .order import OTHERS, STREAMING
from .streams import FOLDERS, TOPIC, Stream, parameters, publisher


@dataclass(frozen=True)
class Embedded:
    """The running stack, a client of its Zeppelin, and the folder that PROVISION_HOME names for the tests."""

    stack: stack.Stack
    client: ZeppelinClient
    home: Path


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    for item in items:
        if _is_here(item):
            item.add_marker(pytest.mark.integration)
    items.sort(key=_place)


def _is_here(item: pytest.Item) -> bool:
    return Path(__file__).parent in item.path.parents


def _place(item: pytest.Item) -> int:
    name, order = item.path.stem.removeprefix("test_"), [*STREAMING, *OTHERS]
    return order.index(name) if _is_here(item) and name in order else -1


@pytest.fixture(scope="session")
def provision_home(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """A PROVISION_HOME for the tests, with the downloads and installs of the real one."""
    installed = home.cache_dir()
    installed.mkdir(parents=True, exist_ok=True)
    folder = tmp_path_factory.mktemp("home")
    (folder / "cache").symlink_to(installed)
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("PROVISION_HOME", str(folder))
        patch.setenv("JAVA_TOOL_OPTIONS", f"{os.environ.get('JAVA_TOOL_OPTIONS', '')} {QUICK_START}".strip())
        for name in [name for name in os.environ if name.startswith(("NETPIE_", "ZEPPELIN_"))]:
            patch.delenv(name)
        runtime = install_runtime(Choice(), Console())  # while no test waits for it
        install_python(Console())
        install_jar(component("postgresql"), runtime.spark_home, Console())
        yield folder


@pytest.fixture(scope="session")
def proxy() -> Iterator[ForwardingProxy]:
    """A proxy that notes who asks it, and refuses."""
    with ForwardingProxy() as proxy:
        proxy.refuse = 502
        yield proxy


@contextmanager
def _proxy_in_the_environment(proxy: ForwardingProxy) -> Iterator[None]:
    with pytest.MonkeyPatch.context() as patch:
        for name in ("http_proxy", "HTTP_PROXY", "https_proxy", "HTTPS_PROXY", "all_proxy", "ALL_PROXY"):
            patch.setenv(name, f"http://{proxy.address}")
        for name in ("no_proxy", "NO_PROXY"):
            patch.delenv(name, raising=False)
        yield


@pytest.fixture(autouse=True, scope="module")
def _behind_the_proxy(proxy: ForwardingProxy) -> Iterator[None]:
    """Whatever the tests here run has a proxy in its environment; all that it asks is on loopback."""
    with _proxy_in_the_environment(proxy):
        yield


@pytest.fixture(scope="session")
def embedded(provision_home: Path, proxy: ForwardingProxy) -> Iterator[Embedded]:
    """The stack, stopped at the end of the run."""
    with _proxy_in_the_environment(proxy):
        running, _ = stack.up(Choice(), stack.Ports(), Console())
    try:
        with ZeppelinClient(running.url) as client:
            yield Embedded(running, client, provision_home)
    finally:
        stack.down()


@dataclass
class Streams:
    """A note of each bundle, started on demand, on a topic with every character that could do harm.

    Tests that only feed a stream share the one that runs. Each start is a new `Stream`.
    """

    embedded: Embedded
    folder: Path
    exits: ExitStack
    current: Stream | None = None
    link: Publisher | None = None

    def running(self, bundle: str) -> Stream:
        """The bundle's running stream, started if need be."""
        if self.current is None or self.current.bundle != bundle or not self._is_live(self.current):
            out = self.folder / f"{bundle}-{len(list(self.folder.iterdir()))}"
            self.apply(bundle, out)
            self.started(bundle, out)
        assert self.current is not None
        return self.current

    def apply(self, bundle: str, out: Path, *options: str) -> Outcome:
        """`provision apply` of the bundle's note, its files in `out`; what is not given is the bundle's default."""
        source = FOLDERS.get(bundle, bundle)
        words = [*parameters(bundle, topic=TOPIC, out=out), *options]
        given = {word.removeprefix("--").replace("-", "_").partition("=")[0] for word in words}
        forgotten = [f"{name}=" for name in load_bundle(str(source)).parameters if name not in {"appid", *given}]
        resets = [word for pair in forgotten for word in ("--param", pair)]
        return done("apply", "--json", "--bundle", source, "--note", f"/streams/{bundle}", *resets, *words)

    def started(self, bundle: str, out: Path) -> Stream:
        """Track a stream that was just started as the running one."""
        if self.link is None:
            link = publisher(self.embedded.stack, self.folder / "thing", TOPIC)
            self.link = self.exits.enter_context(link)
        client = self.embedded.client
        note = find_note(client, f"/streams/{bundle}")
        self.current = Stream(client, note.id, bundle, out, self.link)
        return self.current

    def stop(self) -> None:
        """Stop the stream that runs, if one does."""
        if self.current is not None and self._is_live(self.current):
            done("stop", self.current.note.path)
        self.current = None

    @staticmethod
    def _is_live(stream: Stream) -> bool:
        note = stream.note
        return note_state(note, stream_state(note)) == "streaming"


@pytest.fixture(scope="session")
def streams(embedded: Embedded, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Streams]:
    with ExitStack() as exits:
        yield Streams(embedded, tmp_path_factory.mktemp("streams"), exits)


@pytest.fixture
def quiet_spark(streams: Streams) -> None:
    """No stream prints into a paragraph that runs, and the document's keeps none waiting."""
    streams.stop()


@dataclass(frozen=True)
class Round:
    """One note applied and looked at, then stopped or not; `cmdlines` are those of the stack's processes meanwhile.

    `first` is the state of the first round's note then.
    """

    bundle: str
    note: str
    applied: Outcome
    status: Outcome
    cmdlines: list[str]
    first: str
    stopped: Outcome | None


@pytest.fixture(scope="session")
def rounds(embedded: Embedded, tmp_path_factory: pytest.TempPathFactory) -> list[Round]:
    """The document's note, and another of it with the next variant, each still running when the next is applied; then
    the other bundle's note with the engine typed into it, and so with other dependencies.
    """
    out = tmp_path_factory.mktemp("rounds")
    return [
        _round(embedded, "classic", "/rounds/classic", out, stop=False),
        _round(embedded, "classic", "/rounds/another", out, stop=False, variant="average"),
        _round(embedded, "streaming", "/rounds/streaming", out, stop=True, connector="paragraph"),
    ]


@pytest.fixture(scope="session")
def again(embedded: Embedded, rounds: list[Round], tmp_path_factory: pytest.TempPathFactory) -> Round:
    """The note of the first round once more, with the last variant."""
    out = tmp_path_factory.mktemp("again")
    return _round(embedded, "classic", "/rounds/classic", out, stop=True, variant="print")


def _round(embedded: Embedded, bundle: str, note: str, out: Path, *, stop: bool, **others: str) -> Round:
    applied = done("apply", "--json", "--bundle", bundle, "--note", note, *parameters(bundle, out=out, **others))
    status = provision("status", note, "--json")
    cmdlines = [" ".join(process.cmdline()) for process in processes.marked(embedded.stack.mark)]
    first = provision("status", "/rounds/classic", "--json").json["state"]
    return Round(bundle, note, applied, status, cmdlines, first, done("stop", note, "--json") if stop else None)
