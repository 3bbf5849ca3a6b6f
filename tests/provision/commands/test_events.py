"""`infer`, `sub`, and `publish` of events of one's own form, on NETPIE's emulator."""

import json
import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from threading import Event, Thread
from typing import Any

import pytest

from netpie_creds import AuthServer, get_credentials, load_application
from netpie_emulator import Emulator
from provision.cli import run
from provision.events.listen import Listener
from provision.platforms.netpie2015 import OtherThing
from provision.publisher import Publisher, publish_all

READINGS = "schema=device string, temperature double"
WAIT = 60  # seconds at most, for what comes at once when all is well


@pytest.fixture
def netpie(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Emulator]:
    monkeypatch.setenv("PROVISION_HOME", str(tmp_path / "home"))
    with Emulator("MyApp", "Key123456789012", "Secret", state=tmp_path / "netpie") as running:
        monkeypatch.setenv("NETPIE_AUTH", running.auth_url)
        file = tmp_path / "netpie.env"
        file.write_text("appid=MyApp\nappkey=Key123456789012\nappsecret=Secret\n")
        monkeypatch.setenv("NETPIE_FILE", str(file))
        yield running


def call(command: str, *words: str) -> int:
    return run([command, "--credentials-file", os.environ["NETPIE_FILE"], *words])


@pytest.fixture
def events(netpie: Emulator, tmp_path: Path) -> Iterator[None]:
    """Somebody publishes readings, and a broken one, until the test ends."""
    stop = Event()
    thing = OtherThing(load_application(file=tmp_path / "netpie.env"), tmp_path / "device", AuthServer(netpie.auth_url))
    lines = [b'{"device": "gh-1", "temperature": 21.5}', b'{"temperature": 3}', b"broken"]

    def batches() -> Iterator[list[bytes]]:
        while not stop.wait(0.05):
            yield lines

    with Publisher(thing.login, "/MyApp/metrics") as publisher:
        thread = Thread(target=publish_all, args=(publisher, batches()), kwargs={"stop": stop})
        thread.start()
        yield
        stop.set()
        thread.join()


def test_sub_shows_messages_as_they_are(events: None, capsys: pytest.CaptureFixture[str]) -> None:
    assert call("sub", "--count", "3", "--seconds", str(WAIT)) == 0

    out = capsys.readouterr()
    assert sorted(out.out.splitlines()) == ["broken", '{"device": "gh-1", "temperature": 21.5}', '{"temperature": 3}']
    assert "3 messages in " in out.err


def test_sub_shows_rows_and_why_an_event_is_none(events: None, capsys: pytest.CaptureFixture[str]) -> None:
    assert call("sub", "--rows", "--count", "3", "--seconds", str(WAIT), "--param", READINGS) == 0

    out = capsys.readouterr()
    assert out.out.splitlines() == ["device\ttemperature", "gh-1\t21.5"]
    assert "malformed: device is missing" in out.err
    assert "malformed: it is no JSON object: 'broken'" in out.err
    assert ": 1 events, 2 malformed" in out.err


def test_sub_prints_an_object_a_message(events: None, capsys: pytest.CaptureFixture[str]) -> None:
    assert call("sub", "--json", "--rows", "--count", "3", "--seconds", str(WAIT), "--param", READINGS) == 0

    told = [json.loads(line) for line in capsys.readouterr().out.splitlines()]
    assert {line["topic"] for line in told} == {"/MyApp/metrics"}
    assert {"device": "gh-1", "temperature": 21.5} in [line["row"] for line in told]
    assert sorted(filter(None, (line["malformed"] for line in told))) == [
        "device is missing",
        "it is no JSON object: 'broken'",
    ]


def test_sub_of_a_silent_topic_ends_in_time_and_says_so(
    netpie: Emulator, capsys: pytest.CaptureFixture[str]
) -> None:  # fmt: skip
    assert call("sub", "--seconds", "0.5", "--topic", "silent,other/#", "--json") == 0

    out = capsys.readouterr()
    assert out.out == ""
    assert "check the topic" in out.err


def test_sub_has_a_client_of_its_own(
    events: None, netpie: Emulator, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """The note's thing stays connected while sub runs, and so does the publisher's."""
    application = load_application(file=tmp_path / "netpie.env")
    note = OtherThing(application, tmp_path / "home" / "netpie", AuthServer(netpie.auth_url))
    told: list[str] = []
    stop = Event()
    messages = Listener(note.login, ["/MyApp/metrics"], say=told.append).messages(stop, WAIT)
    next(messages)

    assert call("sub", "--count", "5", "--seconds", str(WAIT)) == 0
    for _ in range(20):
        next(messages)
    messages.close()
    assert told == []
    own = get_credentials(application, tmp_path / "home" / "netpie" / "listener", AuthServer(netpie.auth_url))
    assert own.token.token != note.login().client_id


def test_ctrl_c_ends_sub_without_a_traceback(events: None, tmp_path: Path) -> None:
    words = [sys.executable, "-m", "provision", "sub", "--credentials-file", os.environ["NETPIE_FILE"]]
    with subprocess.Popen(words, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        assert process.stderr is not None
        process.stdout.readline()
        process.send_signal(signal.SIGINT)
        _, err = process.communicate(timeout=WAIT)

    assert process.returncode == 0
    assert "Traceback" not in err
    assert "messages in" in err


def test_infer_listens_and_proposes(events: None, capsys: pytest.CaptureFixture[str]) -> None:
    assert call("infer", "--json", "--count", "30", "--seconds", str(WAIT)) == 0

    told = json.loads(capsys.readouterr().out)
    assert told["parameters"]["topic"] == "metrics"
    assert sorted(told["parameters"]["schema"].split(", ")) == ["device string", "temperature double"]
    assert told["messages"] == 30
    assert told["others"] == 10
    assert any("events are no JSON objects, the first: 'broken'" in line for line in told["odd"])


def test_infer_of_a_silent_topic_is_one_line(netpie: Emulator, capsys: pytest.CaptureFixture[str]) -> None:
    assert call("infer", "--seconds", "0.5", "--topic", "silent") == 1
    assert "no message has come to silent; check the topic" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("text", "status", "told"),
    [
        ('{"id": "a", "t": 1}\n', 0, "'schema=id string, t double' --param event_time=arrival --param key=id"),
        ("device,t\na,1.5\nb,2\n", 0, "--param 'schema=device string, t double'"),
        ("25.3\n24\n", 0, "provision apply --bundle structured --param payload=csv"),
        ("hello\n", 1, "none of 1 events is a JSON object; the first is 'hello'"),
        ("", 2, "has no events"),
    ],
)  # fmt: skip
def test_infer_reads_a_file(
    text: str, status: int, told: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    file = tmp_path / "events.txt"
    file.write_text(text)

    assert run(["infer", "--file", str(file)]) == status
    out = capsys.readouterr()
    assert told in out.out + out.err
    assert "Traceback" not in out.err


def test_infer_reads_standard_input(tmp_path: Path) -> None:
    done = subprocess.run(
        [sys.executable, "-m", "provision", "infer", "--file", "-", "--json"],
        input='{"device": "a", "t": 1}\n', capture_output=True, text=True, check=True, timeout=WAIT,
    )  # fmt: skip

    assert json.loads(done.stdout)["parameters"]["key"] == "device"


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (["infer", "--file", "-", "--seconds", "3"], "--seconds can't be used with --file"),
        (["infer", "--format", "csv"], "--format needs --file"),
        (["sub", "--rows", "--bundle", "classic"], "bundle classic has no parameter 'schema'"),
        (["sub", "--rows", "--param", "schema=device"], "schema: 'device' needs a type after 'device'"),
        (["sub", "--rows", "--param", "key=device"], "key=device: there is no column 'device'"),
        (["publish", "--id", "x", "--param", READINGS], "--id can't be used with --param"),
    ],
)
def test_what_does_not_fit_is_told_before_anybody_is_asked(
    words: list[str], message: str, netpie: Emulator, capsys: pytest.CaptureFixture[str]
) -> None:
    assert call(words[0], *words[1:]) == 2
    assert message in capsys.readouterr().err


def test_what_is_sent_as_it_stands_takes_the_topic_of_the_parameters(
    netpie: Emulator, capsys: pytest.CaptureFixture[str]
) -> None:
    assert call("publish", "--message", "25.3", "--param", READINGS, "--param", "topic=gh/1") == 0

    assert "published 1 events to /MyApp/gh/1" in capsys.readouterr().out


def test_a_fleet_sends_events_of_ones_own_form(netpie: Emulator, tmp_path: Path) -> None:
    application = load_application(file=tmp_path / "netpie.env")
    thing = OtherThing(application, tmp_path / "other", AuthServer(netpie.auth_url))
    messages = Listener(thing.login, ["/MyApp/metrics"], say=print).messages(Event(), WAIT)
    got: list[dict[str, Any]] = []

    def listen() -> None:
        got.extend(json.loads(next(messages).payload) for _ in range(4))

    thread = Thread(target=listen)
    thread.start()
    while thread.is_alive():
        assert call("publish", "--hosts", "2", "--count", "4", "--rate", "100", "--param", READINGS) == 0
    thread.join()

    assert {event["device"] for event in got} == {"device-0000", "device-0001"}
    assert all(isinstance(event["temperature"], float) for event in got)
