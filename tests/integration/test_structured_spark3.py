"""The paragraphs of the `structured` note on a Spark 3, which has no data sources in Python."""

import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from mqtt_support import sparks

from provision.mqtt.login import Login
from provision.publisher import Publisher
from provision.streams.windows import read_windows

from ..provision.rendering import code, rendered
from .mosquitto import mosquitto
from .streams import event, wait_for

AT = "2018-10-29T09:53:36+0700"
VERSIONS = ["3.5.9"]
SCRIPT = Path(__file__).parent / "structured" / "note.py"


class Note:
    """The note's paragraphs, one after the other in a Python of this Spark."""

    def __init__(self, version: str, folder: Path, keys: list[str]) -> None:
        self._log = folder / "log"
        self.process = subprocess.Popen(
            [sys.executable, SCRIPT, folder, *keys],
            env={"PATH": "/usr/bin:/bin", "HOME": str(folder), **sparks.environment(version)},
            stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=self._log.open("w"), text=True,
        )  # fmt: skip
        self.wait(keys[-1])

    def wait(self, key: str) -> list[str]:
        """What it prints until the paragraph has run."""
        assert self.process.stdout
        told = []
        for line in self.process.stdout:
            if line.strip() == f"ran {key}":
                return told
            told.append(line.rstrip())
        pytest.fail(f"{told} {self._log.read_text()[-3000:]}")

    def run(self, key: str) -> list[str]:
        assert self.process.stdin
        self.process.stdin.write(f"{key}\n")
        self.process.stdin.flush()
        return self.wait(key)


@contextmanager
def note(
    version: str, folder: Path, other: Callable[[str, str], str] = lambda _, text: text, **values: str
) -> Iterator[Note]:
    """The note, running; `other` makes another text of a paragraph's."""
    made = rendered("structured", broker_login="none", out=str(folder / "out"), **values)
    keys = [paragraph.key for paragraph in made.paragraphs[1:]]
    for key in keys:
        (folder / f"{key}.py").write_text(other(key, code(made, key)))
    running = Note(version, folder, [key for key in keys if key != "stop"])
    try:
        yield running
    finally:
        running.process.kill()
        running.process.wait()


@pytest.mark.long
@pytest.mark.parametrize("version", VERSIONS)
def test_the_note_streams_and_goes_on_where_it_stopped(version: str, tmp_path: Path) -> None:
    with mosquitto(tmp_path) as broker:
        url = f"tcp://127.0.0.1:{broker.port}"
        values = {"broker": url, "variant": "csv", "slide": "2", "window": "4", "qos": "2"}
        values |= {"session": "persistent"}
        with Publisher(lambda: Login(url, "publisher"), "/MyApp/metrics", qos=2) as link:
            with note(version, tmp_path, **values) as first:
                publish(link, "first", 1, 4)
                wait_for("its average", lambda: averages(tmp_path, "first") >= {2.5})
                assert first.run("query")[-1].startswith("Each window: ")
                assert any(line.startswith("counts: events=2") for line in first.run("latest"))
                assert received(first, tmp_path) == 2
                first.run("stop")
                publish(link, "away", 7)
            with note(version, tmp_path, **values):
                publish(link, "second", 9)
                wait_for("both", lambda: averages(tmp_path, "away") | averages(tmp_path, "second") == {7.0, 9.0})


def received(running: Note, folder: Path) -> int:
    """How many messages the note tells Spark's page it has received: it asks its source once a second."""
    (folder / "received.py").write_text("time.sleep(2)\nprint(windows.results._gauges['received'].value())")
    return int(running.run("received")[-1])


def publish(link: Publisher, id: str, *cpu: float) -> None:
    link.publish([event(AT, id, cpu=value).encode() for value in cpu])
    assert link.flush(30) == 0


def averages(folder: Path, id: str) -> set[float]:
    """What the windows have as its average cpu."""
    return {float(row[3]) for window in read_windows(folder / "out") for row in window.rows if row[1] == id}
