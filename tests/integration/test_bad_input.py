"""What goes wrong, from the command line to the real servers: one line, the right status, nothing half done."""

import socket
from collections.abc import Iterator
from dataclasses import dataclass
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from threading import Thread

import pytest

import netpie_creds
from netpie_emulator import Emulator
from netpie_emulator.http_api import EmulatedAuthServer

from .command import Outcome, provision
from .conftest import Embedded
from .streams import parameters

NOTE = "/bad/input"


@dataclass(frozen=True)
class Netpie:
    """A NETPIE of a test's own, and the options that name its application to a command."""

    emulator: Emulator
    cache: Path

    def options(self, *, appkey: str = "", auth: str = "") -> list[str]:
        app = self.emulator.application
        return ["--appid", app.appid, "--appkey", appkey or app.appkey, "--auth", auth or self.emulator.auth_url,
                "--cache-dir", str(self.cache)]  # fmt: skip


@pytest.fixture
def netpie(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Netpie]:
    with Emulator("APP", state=tmp_path / "emulator") as emulator:
        monkeypatch.setenv("NETPIE_APPSECRET", emulator.application.appsecret)
        cache = tmp_path / "cache"
        cache.mkdir(mode=0o700)
        yield Netpie(emulator, cache)


@pytest.fixture
def closed_port() -> Iterator[int]:
    """A port that nobody listens on, and nobody else can take meanwhile."""
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        yield taken.getsockname()[1]


@pytest.fixture
def untouched(embedded: Embedded) -> Iterator[None]:
    """The server has the same notes and credentials afterwards."""

    def seen() -> tuple[object, object]:
        return sorted(note.path for note in embedded.client.list_notes()), embedded.client.list_credentials()

    before = seen()
    yield
    assert seen() == before


def apply(embedded: Embedded, *options: str) -> Outcome:
    return provision("apply", "--zeppelin", embedded.stack.url, "--note", NOTE, *options)


def check(outcome: Outcome, status: int, *words: str) -> None:
    assert outcome.status == status, outcome.err
    assert outcome.out == ""
    assert len(outcome.errors) == 1
    assert outcome.err.splitlines()[-1] == outcome.errors[0]
    assert "Traceback" not in outcome.err
    for word in words:
        assert word in outcome.errors[0]


# --- credentials ---


def test_a_wrong_appkey_is_refused(embedded: Embedded, netpie: Netpie, untouched: None) -> None:
    check(apply(embedded, *netpie.options(appkey="NOSUCHKEY000000")), 5, "NOSUCHKEY000000", "; ")
    assert list(netpie.cache.iterdir()) == []


def test_a_wrong_appsecret_is_refused(
    embedded: Embedded, netpie: Netpie, untouched: None, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("NETPIE_APPSECRET", "WRONGSECRET")
    outcome = apply(embedded, *netpie.options())
    check(outcome, 5, "; ")
    assert "WRONGSECRET" not in outcome.err
    assert list(netpie.cache.iterdir()) == []


def test_an_auth_server_that_is_down_is_told(
    embedded: Embedded, netpie: Netpie, untouched: None, closed_port: int
) -> None:
    check(apply(embedded, *netpie.options(auth=f"http://127.0.0.1:{closed_port}")), 4, str(closed_port), "; ")


def test_a_broker_that_is_down_is_told_before_anything_is_written_where_that_is_asked(
    embedded: Embedded, netpie: Netpie, untouched: None, closed_port: int
) -> None:
    auth = EmulatedAuthServer(netpie.emulator.store, 0, dict)
    auth.endpoint = f"pie://127.0.0.1:{closed_port}"
    auth.start()
    try:
        options = [*netpie.options(auth=auth.url), "--check-broker"]
        check(apply(embedded, *options), 4, f"broker 127.0.0.1:{closed_port}", "; ")
    finally:
        auth.stop()


def test_a_token_that_the_broker_refuses_leaves_no_stream_behind(embedded: Embedded, netpie: Netpie) -> None:
    app = netpie.emulator.application
    application = netpie_creds.Application(app.appid, app.appkey, app.appsecret)
    auth = netpie_creds.AuthServer(netpie.emulator.auth_url)
    kept = netpie_creds.get_credentials(application, netpie.cache, auth)
    auth.revoke(kept.token)  # by another machine: the cache here still has it

    outcome = apply(embedded, *netpie.options(), *parameters("streaming"),
                    "--param", f"mqtt_jars={embedded.stack.runtime.paho_jar}")  # fmt: skip
    check(outcome, 5, "CONNACK 4", "creds refresh")
    assert provision("status", NOTE, "--zeppelin", embedded.stack.url, "--json").json["state"] == "stopped"


# --- servers ---


class SomethingElse(BaseHTTPRequestHandler):
    def do_GET(self) -> None:
        self.send_response(200)
        self.end_headers()
        self.wfile.write(b"<html>hello</html>")

    def log_message(self, *_: object) -> None:
        """Say nothing."""


def test_a_server_that_is_no_zeppelin_is_told(netpie: Netpie) -> None:
    with ThreadingHTTPServer(("127.0.0.1", 0), SomethingElse) as server:
        thread = Thread(target=server.serve_forever)
        thread.start()
        try:
            url = f"http://127.0.0.1:{server.server_port}"
            check(provision("apply", "--zeppelin", url, *netpie.options()), 4, url, "Zeppelin", "; ")
        finally:
            server.shutdown()
            thread.join()


def test_a_server_that_does_not_answer_is_told(netpie: Netpie, closed_port: int) -> None:
    url = f"http://127.0.0.1:{closed_port}"
    check(provision("apply", "--zeppelin", url, *netpie.options()), 4, url, "; ")


@pytest.mark.parametrize("url", ["nonsense", "ftp://host:8080", "http://", "http://host:port", "http://[::1"])
def test_an_address_that_is_none_is_wrong_usage(netpie: Netpie, url: str) -> None:
    check(provision("apply", "--zeppelin", url, *netpie.options()), 2, "address", "; ")


# --- words ---


@pytest.mark.parametrize(
    ("options", "word"),
    [
        (["--param", "batch=0"], "batch=0"),
        (["--param", "batch=ten"], "batch='ten'"),
        (["--param", "window=16"], "window=16"),
        (["--param", "colour=red"], "colour"),
        (["--param", "topic"], "--param topic"),
        (["--param", "topic=a#"], "a#"),
        (["--param", "out=relative/folder"], "relative/folder"),
        (["--bundle", "nosuchbundle"], "nosuchbundle"),
        (["--nosuchoption"], "--nosuchoption"),
    ],
)
def test_wrong_words_are_wrong_usage(
    embedded: Embedded, netpie: Netpie, untouched: None, options: list[str], word: str
) -> None:
    check(apply(embedded, *netpie.options(), *options), 2, word, "; ")


@pytest.mark.parametrize("command", ["run", "stop", "status"])
def test_a_note_that_is_not_there_is_wrong_usage(embedded: Embedded, untouched: None, command: str) -> None:
    check(provision(command, "nosuchnote", "--zeppelin", embedded.stack.url), 2, "nosuchnote", "; ")
