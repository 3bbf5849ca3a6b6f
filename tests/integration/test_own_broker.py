"""A note at a broker of one's own: a real Mosquitto with TLS, an authority of its own, user and password."""

import csv
import json
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import pytest

from provision.embedded import mosquitto
from provision.streams.windows import read_windows
from provision.sync.find_note import find_note

from .command import done
from .conftest import Embedded
from .streams import event, parameters, wait_for
from .test_secrets import leaking_data

NOTE = "own/broker"
TOPIC = "/as/it/is"
AT = "2018-10-29T09:53:36+0700"


@dataclass
class OwnNote:
    """A note that streams from the broker."""

    embedded: Embedded
    credentials: Path
    out: Path
    said: str

    @property
    def password(self) -> str:
        lines = self.credentials.read_text().splitlines()
        return next(line.partition("=")[2] for line in lines if line.startswith("password="))

    def rows(self) -> list[list[str]]:
        """The rows of the newest window."""
        folders = sorted(folder for folder in self.out.glob("avg-*") if (folder / "_SUCCESS").exists())
        files = sorted(folders[-1].glob("part-*")) if folders else []
        return [row for file in files for row in csv.reader(file.read_text().splitlines())]


@contextmanager
def installed_broker(embedded: Embedded) -> Iterator[mosquitto.OwnBroker]:
    """A Mosquitto; the test is skipped where there is none."""
    if mosquitto.find_program("mosquitto") is None:
        pytest.skip("no mosquitto on the PATH: it comes with the distribution's package of that name")
    broker = mosquitto.start(embedded.stack)
    try:
        yield broker
    finally:
        broker.stop()


@pytest.fixture(scope="module")
def own(embedded: Embedded, tmp_path_factory: pytest.TempPathFactory) -> Iterator[OwnNote]:
    out = tmp_path_factory.mktemp("own") / "out"
    with installed_broker(embedded) as broker:
        named = ["--credentials-file", str(broker.credentials), "--note", NOTE, "--check-broker"]
        lengths = ["--bundle", "streaming", *parameters("streaming", window=600)]
        options = [*lengths, "--param", f"topic={TOPIC}", "--param", f"out={out}"]
        applied = done("apply", "--json", *named, *options)
        yield OwnNote(embedded, broker.credentials, out, applied.out + applied.err)
        done("stop", NOTE, "--json")


@pytest.mark.long
def test_events_over_tls_become_the_right_averages(own: OwnNote, tmp_path: Path) -> None:
    events = [event(AT, f"id{number % 3}", number, 2 * number, 3 * number) for number in range(9)]
    file = tmp_path / "events.jsonl"
    file.write_text("\n".join(events) + "\n")
    options = ["--credentials-file", str(own.credentials), "--topic", TOPIC, "--file", str(file), "--qos", "1"]
    assert json.loads(done("publish", *options, "--json").out)["published"] == 9
    wanted = {f"id{key}": [factor * (3 + key) for factor in (1, 2, 3)] for key in range(3)}

    def right() -> bool:
        rows = own.rows()
        return {row[1] for row in rows} == wanted.keys() and all(
            abs(float(text) - number) < 1e-9
            for row in rows
            for text, number in zip(row[2:], wanted[row[1]], strict=True)
        )

    wait_for("the averages of all events", right)


@pytest.mark.long
def test_the_password_is_in_no_note_and_no_log(own: OwnNote) -> None:
    note = find_note(own.embedded.client, NOTE)
    assert own.password not in own.said
    assert not [p.title for p in note.paragraphs if own.password in p.text or "BEGIN PRIVATE" in p.text]
    assert leaking_data([own.password]) == []


@pytest.mark.long
def test_the_note_in_python_speaks_mqtt_5_over_tls(embedded: Embedded, tmp_path: Path) -> None:
    out, file = tmp_path / "out", tmp_path / "events.jsonl"
    file.write_text("".join(f"{event(AT, 'one', cpu=cpu)}\n" for cpu in (20.0, 30.5)))
    with installed_broker(embedded) as broker:
        named = ["--credentials-file", str(broker.credentials)]
        given = {"variant": "csv", "topic": TOPIC, "out": out, "slide": 4, "window": 600, "mqtt_version": 5}
        options = [word for name, value in given.items() for word in ("--param", f"{name}={value}")]
        done("apply", "--bundle", "structured", "--note", "own/python", *named, *options)
        done("publish", *named, "--topic", TOPIC, "--file", str(file), "--qos", "1")
        windows = wait_for("a window of both", lambda: [each for each in read_windows(out) if each.rows])
        assert [float(row[3]) for row in windows[-1].rows] == [pytest.approx(25.25, abs=1e-9)]
        connected = (embedded.stack.logs / "mosquitto.log").read_text()
        assert [line for line in connected.splitlines() if "zeppelin-" in line and "(p5," in line]
        done("stop", "own/python")
