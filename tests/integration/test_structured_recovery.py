"""The `structured` note with a session that the broker keeps: whatever dies, its files have all, at QoS 2 once."""

import re
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

import psutil
import pytest

from provision.embedded import processes
from provision.mqtt.login import Login
from provision.publisher import Publisher
from provision.streams.windows import read_windows
from provision.sync.find_note import find_note
from provision.sync.provenance import by_key
from provision.waiting import wait_until
from zeppelin_sdk import ZeppelinClient

from .command import done
from .conftest import Embedded
from .mosquitto import Mosquitto, mosquitto
from .own_server import OwnServer
from .streams import event, publishing, wait_for

AT = "2018-10-29T09:53:36+0700"
SLIDE = 4
COUNTING = 'windows.use("select id, count(*) as n from measure group by id")'
SPARK, PYTHON = r"spark-4.*org\.apache\.spark\.deploy\.SparkSubmit", r"zeppelin_python\.py"
"""What the command lines of a note's Spark and of its Python have in them."""


@dataclass
class Counted:
    """A note whose windows, one behind the other, count each event; `mark` marks the processes of its server."""

    url: str
    mark: str
    broker: Mosquitto
    folder: Path
    qos: int
    publisher: Publisher
    published: list[str] = field(default_factory=list)
    marked_again: int = 0

    @property
    def note(self) -> str:
        return f"/recovery/at QoS {self.qos}"

    @property
    def out(self) -> Path:
        return self.folder / "out"

    def start(self) -> None:
        values = {
            "variant": "csv",
            "slide": SLIDE,
            "window": SLIDE,
            "qos": self.qos,
            "session": "persistent",
            "out": self.out,
        }
        values |= {"topic": f"recovery/{self.qos}", "state_folder": self.folder / "state"}
        words = [word for name, value in values.items() for word in ("--param", f"{name}={value}")]
        broker = ("--platform", "mqtt", "--broker", f"tcp://127.0.0.1:{self.broker.port}", "--zeppelin", self.url)
        done("apply", "--no-run", "--bundle", "structured", "--note", self.note, *broker, *words)
        with ZeppelinClient(self.url) as client:
            note = find_note(client, self.note)
            client.update_paragraph(note.id, by_key(note)["query"].id, text=f"%python\n{COUNTING}")
        self.run()

    def run(self) -> None:
        done("run", self.note, "--zeppelin", self.url)

    def stop(self) -> None:
        done("stop", self.note, "--zeppelin", self.url)

    def publish(self, number: int) -> None:
        ids = [f"e{len(self.published) + index}" for index in range(number)]
        self.published += ids
        self.publisher.publish([event(AT, id_).encode() for id_ in ids])

    def kill(self, which: str) -> None:
        found = [each for each in processes.marked(self.mark) if re.search(which, " ".join(_command(each)))]
        assert found, f"no {which} runs"
        for each in found:
            each.kill()
        psutil.wait_procs(found, timeout=30)

    def counts(self) -> Counter[str]:
        found: Counter[str] = Counter()
        for window in read_windows(self.out):
            for id_, number in window.rows:
                found[id_] += int(number)
        return found

    def settle(self) -> None:
        """Wait until every published event is in a window, then for one more window: what is twice shows by then."""
        assert self.publisher.flush(180) == 0
        wanted = set(self.published)
        wait_until(lambda: not wanted - self.counts().keys(), 180, every=0.5)
        assert sorted(wanted - self.counts().keys()) == []
        newest = max(window.end for window in read_windows(self.out))
        wait_for("another window", lambda: max(window.end for window in read_windows(self.out)) > newest)

    def check(self) -> None:
        """Nothing is missing, nothing twice at QoS 2, and at QoS 1 no more than what the note counts as sent again."""
        self.settle()
        found = self.counts()
        twice = sum(found.values()) - len(self.published)
        messages = done("status", self.note, "--zeppelin", self.url, "--json").json["stream"]["messages"]
        self.marked_again += messages["redelivered"]
        assert found.keys() == set(self.published)
        assert twice <= (self.marked_again if self.qos == 1 else 0), Counter(found.values())


def _command(process: psutil.Process) -> list[str]:
    try:
        return process.cmdline()
    except psutil.Error:
        return []


@contextmanager
def counted(url: str, mark: str, broker: Mosquitto, folder: Path, qos: int) -> Iterator[Counted]:
    def login() -> Login:
        return Login(f"tcp://127.0.0.1:{broker.port}", f"publisher-{folder.name}-{qos}")

    with Publisher(login, f"recovery/{qos}", qos=qos) as publisher:
        stream = Counted(url, mark, broker, folder, qos, publisher)
        stream.start()
        yield stream
        stream.stop()


@pytest.fixture(scope="module")
def broker(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Mosquitto]:
    with mosquitto(tmp_path_factory.mktemp("mosquitto")) as running:
        yield running


@pytest.mark.long
@pytest.mark.parametrize("which", [SPARK, PYTHON], ids=["spark", "python"])
def test_a_killed_process_needs_one_run_and_the_files_have_each_event_once(
    embedded: Embedded, broker: Mosquitto, tmp_path: Path, which: str
) -> None:
    with counted(embedded.stack.url, embedded.stack.mark, broker, tmp_path, qos=2) as stream:
        with publishing(stream.publish, SLIDE * 1.5):
            stream.kill(which)
            stream.run()
        stream.check()


@pytest.mark.long
def test_a_killed_server_needs_a_start_and_one_run_and_the_files_have_each_event_once(
    embedded: Embedded, broker: Mosquitto, tmp_path: Path
) -> None:
    server = OwnServer(tmp_path / "zeppelin")
    try:
        with counted(server.url, server.mark, broker, tmp_path, qos=2) as stream:
            with publishing(stream.publish, SLIDE * 1.5):
                server.kill_alone()
                server.start()
                stream.run()
            stream.check()
    finally:
        server.kill()
