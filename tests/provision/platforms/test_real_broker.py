"""A real Mosquitto: TLS with a password, with a client's certificate, and over websockets, command by command."""

import csv
import getpass
import json
import socket
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from pyspark_mqtt import LoginRefused
from pyspark_mqtt._listen import listened
from pyspark_mqtt._options import read_source
from pyspark_mqtt._rows import More, batches

from provision.bundles.bundle import load_bundle
from provision.bundles.render import render
from provision.cli import run
from provision.embedded.mosquitto import find_program
from provision.platforms.mqtt import PLATFORM
from provision.platforms.platform import Given
from provision.prepare import note_spec
from provision.waiting import wait_until
from sdk_support.certificates import make_certificates
from zeppelin_sdk import ServerVersion
from zeppelin_sdk.testing import FakeZeppelin

from ..rendering import code

PASSWORD = "pencil-of-ann"
CONFIG = """\
allow_anonymous false
password_file {folder}/users
user {user}
per_listener_settings false
listener {password} 127.0.0.1
cafile {folder}/ca.pem
certfile {folder}/server.pem
keyfile {folder}/server.key
listener {certificate} 127.0.0.1
cafile {folder}/ca.pem
certfile {folder}/server.pem
keyfile {folder}/server.key
require_certificate true
use_identity_as_username true
listener {websockets} 127.0.0.1
protocol websockets
cafile {folder}/ca.pem
certfile {folder}/server.pem
keyfile {folder}/server.key
listener {plain} 127.0.0.1
"""
LISTENERS = ("password", "certificate", "websockets", "plain")


@dataclass
class RealBroker:
    """Its ports by what they ask for; `folder` has `ca.pem`, and a client's `client.pem` with `client.key`."""

    ports: dict[str, int]
    folder: Path

    def url(self, listener: str) -> str:
        scheme = {"websockets": "wss", "plain": "mqtt"}.get(listener, "mqtts")
        return f"{scheme}://127.0.0.1:{self.ports[listener]}"

    def options(self, listener: str) -> list[str]:
        """Who comes to a listener, as its right options; the password is in the environment."""
        trusted = ["--mqtt-ca", str(self.folder / "ca.pem")] if listener != "plain" else []
        shown = ["--mqtt-certificate", str(self.folder / "client.pem"), "--mqtt-key", str(self.folder / "client.key")]
        who = shown if listener == "certificate" else ["--mqtt-user", "ann"]
        return ["--broker", self.url(listener), *trusted, *who]


@pytest.fixture(scope="module")
def broker(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RealBroker]:
    program = find_program("mosquitto")
    if program is None:
        pytest.skip("no mosquitto on the PATH: it comes with the distribution's package of that name")
    folder = tmp_path_factory.mktemp("mosquitto")
    make_certificates(folder)
    _client_certificate(folder)
    (folder / "users").write_text(f"ann:{PASSWORD}\n")
    subprocess.run([find_program("mosquitto_passwd") or "", "-U", "users"], cwd=folder, check=True)
    ports = dict(zip(LISTENERS, _free_ports(len(LISTENERS)), strict=True))
    (folder / "mosquitto.conf").write_text(CONFIG.format(folder=folder, user=getpass.getuser(), **ports))
    with (folder / "log").open("wb") as log:
        process = subprocess.Popen([program, "-c", str(folder / "mosquitto.conf")], stdout=log, stderr=log)
    try:
        wait_until(lambda: all(map(_listens, ports.values())) or process.poll() is not None, 30)
        assert process.poll() is None, (folder / "log").read_text()
        yield RealBroker(ports, folder)
    finally:
        process.terminate()
        process.wait(30)


def _client_certificate(folder: Path) -> None:
    """One that the authority has signed, of a client that is called ann."""
    key = ("-newkey", "rsa:2048", "-nodes", "-keyout", "client.key")
    request = ("req", *key, "-out", "client.csr", "-subj", "/CN=ann")
    signed = ("-CA", "ca.pem", "-CAkey", "ca.key", "-CAcreateserial", "-days", "2", "-out", "client.pem")
    for arguments in (request, ("x509", "-req", "-in", "client.csr", *signed)):
        subprocess.run(["openssl", *arguments], cwd=folder, check=True, capture_output=True)


def _free_ports(count: int) -> list[int]:
    held = [socket.create_server(("127.0.0.1", 0)) for _ in range(count)]
    ports = [each.getsockname()[1] for each in held]
    for each in held:
        each.close()
    return ports


def _listens(port: int) -> bool:
    with socket.socket() as tried:
        return tried.connect_ex(("127.0.0.1", port)) == 0


@pytest.fixture(autouse=True)
def home(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("PROVISION_HOME", str(tmp_path / "home"))
    monkeypatch.setenv("MQTT_PASSWORD", PASSWORD)


@pytest.mark.parametrize("listener", LISTENERS)
def test_what_is_published_is_heard(broker: RealBroker, listener: str, monkeypatch, capsys, tmp_path: Path) -> None:
    if listener == "certificate":
        monkeypatch.delenv("MQTT_PASSWORD")
    options = broker.options(listener)
    with sending(broker, listener):
        assert run(["sub", *options, "--topic", f"as/{listener}", "--count", "1", "--seconds", "60"]) == 0
    assert '{"t": 1.5}' in capsys.readouterr().out
    assert run(["doctor", *options, "--json"]) in (0, 1, 4)  # there is no Zeppelin here
    checks = json.loads(capsys.readouterr().out)["checks"]
    assert [(each["level"], each["message"]) for each in checks if each["part"] == "broker"] == [
        ("ok", f"127.0.0.1:{broker.ports[listener]} takes this login, and speaks MQTT 5")
    ]


def test_events_over_tls_are_inferred(broker: RealBroker, capsys) -> None:
    with sending(broker, "password"):
        options = [*broker.options("password"), "--topic", "as/password", "--count", "2", "--seconds", "60"]
        assert run(["infer", *options, "--json"]) == 0
    assert json.loads(capsys.readouterr().out)["parameters"]["schema"] == "t double"


@pytest.mark.parametrize("listener", ["password", "certificate"])
def test_the_source_of_a_note_in_python_hears_it_over_mqtt_5(broker: RealBroker, listener: str, monkeypatch) -> None:
    if listener == "certificate":
        monkeypatch.delenv("MQTT_PASSWORD")
    options = broker.options(listener)
    with sending(broker, listener):
        first = heard_by_note(options, topic=f"as/{listener}")
    assert first == (f"as/{listener}", b'{"t": 1.5}')
    connected = [line for line in (broker.folder / "log").read_text().splitlines() if " as zeppelin-" in line]
    assert all("(p5," in line for line in connected)
    assert connected


def test_why_mqtt_5_refuses_a_note_in_python_is_said(broker: RealBroker) -> None:
    with pytest.raises(LoginRefused, match="not authorized"):
        heard_by_note([*broker.options("password"), "--mqtt-user", "bob"], topic="a")


def heard_by_note(options: list[str], topic: str) -> tuple[str, bytes]:
    """The first that comes to the source that the paragraph `stream` of a note in Python makes."""
    named = {"--broker": "broker", "--mqtt-user": "username", "--mqtt-ca": "ca"}
    named |= {"--mqtt-certificate": "certificate", "--mqtt-key": "key"}
    pairs = zip(options[::2], options[1::2], strict=True)
    account = PLATFORM.account(Given({named[option]: value for option, value in pairs}))
    given = [f"topic={topic}", "mqtt_version=5", "receive_maximum=100", "secrets=inline"]
    spec = note_spec(load_bundle("structured"), given, account.place)
    connection = account.client().connection(spec.values, spec.path)
    made = render(spec.bundle, spec.values, connection, zeppelin=ServerVersion(0, 10), scala="2.12", path=spec.path)
    defined: dict[str, Any] = {"Messages": lambda options, login=None: (options, login)}
    exec(code(made, "stream"), defined)
    said, login = defined["messages"]
    texts = {name: str(value) for name, value in said.items() if value != ""}
    messages = listened(read_source({**texts, "duration": "60"}, streaming=False), login)
    rows = [row for batch in batches([next(messages)], 0, 1, More()) for row in batch.to_pylist()]
    messages.close()
    return rows[0]["topic"], rows[0]["value"]


@contextmanager
def sending(broker: RealBroker, listener: str) -> Iterator[None]:
    """A process publishes to a listener's topic meanwhile."""
    (broker.folder / "events.jsonl").write_text('{"t": 1.5}\n')
    words = ["--topic", f"as/{listener}", "--file", str(broker.folder / "events.jsonl"), "--loop", "--rate", "5"]
    command = [sys.executable, "-m", "provision", "publish", *broker.options(listener), *words]
    process = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    try:
        yield
    finally:
        process.terminate()
        process.wait(30)


@pytest.mark.parametrize(
    ("listener", "more", "told", "status"),
    [
        ("password", ["--mqtt-user", "bob"], "refused the login: not authorised (CONNACK 5)", 5),
        ("websockets", ["--mqtt-user", "bob"], "refused the login: not authorised (CONNACK 5)", 5),
        ("plain", ["--mqtt-user", "bob"], "refused the login: not authorised (CONNACK 5)", 5),
        ("password", None, "its authority is not trusted", 4),
        ("certificate", None, "its authority is not trusted", 4),
    ],
)
def test_what_it_refuses_is_one_line(broker: RealBroker, listener, more, told, status, monkeypatch, capsys) -> None:
    options = broker.options(listener)
    if listener == "certificate":
        monkeypatch.delenv("MQTT_PASSWORD")
    if more is None:
        at = options.index("--mqtt-ca")
        options = [*options[:at], *options[at + 2 :]]
    assert run(["publish", *options, *(more or []), "--message", "{}"]) == status
    said = capsys.readouterr().err.strip()
    assert told in said
    assert len(said.splitlines()) == 1
    assert PASSWORD not in said


def test_a_client_of_no_certificate_is_refused(broker: RealBroker, capsys, monkeypatch) -> None:
    monkeypatch.delenv("MQTT_PASSWORD")
    options = broker.options("certificate")[:4]
    assert run(["publish", *options, "--message", "{}"]) in (4, 5)
    said = capsys.readouterr().err.strip()
    assert "certificate" in said
    assert len(said.splitlines()) == 1


def test_a_class_has_a_note_each_at_its_broker(broker: RealBroker, monkeypatch, tmp_path: Path, capsys) -> None:
    monkeypatch.delenv("MQTT_PASSWORD")
    rows = [
        {"note": f"class/{name}", "broker": broker.url("password"), "username": name, "password": PASSWORD,
         "ca": str(broker.folder / "ca.pem")}
        for name in ("ann", "bob")
    ]  # fmt: skip
    file = tmp_path / "class.csv"
    with file.open("w", newline="") as written:
        table = csv.DictWriter(written, list(rows[0]))
        table.writeheader()
        table.writerows(rows)
    with FakeZeppelin("0.10") as server:
        monkeypatch.setenv("ZEPPELIN_URL", server.url)
        options = ["--each", str(file), "--check-broker", "--param", "mqtt_jars=/paho.jar", "--json"]
        assert run(["apply", *options]) == 1
        out, err = capsys.readouterr()

        said = {row["note"]: row["error"] for row in json.loads(out)["rows"]}
        assert said["/class/ann"] is None
        assert "CONNACK 5" in said["/class/bob"]["message"]
        assert len(server.notes) == 1
        assert PASSWORD not in out + err + json.dumps([note["paragraphs"] for note in server.notes.values()])
