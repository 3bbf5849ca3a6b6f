"""Whether the count of `publish` is true, against brokers that misbehave in mid-stream."""

import json
import os
import socket
import struct
import sys
from collections.abc import Callable, Iterator
from contextlib import suppress
from pathlib import Path
from threading import Event, Thread

import pytest

from netpie_creds import AccessToken, write_cache
from provision.cli import run
from provision.mqtt.login import Login
from provision.publisher import Publisher, link, publish_all, publisher

TOPIC = "/App/metrics"
CONNECT, PUBLISH, UNSUBSCRIBE, PINGREQ, DISCONNECT = 1, 3, 10, 12, 14


class RawBroker:
    """A broker of few lines that keeps what it has read, and breaks off as told.

    `close_after`: it closes each connection after so many events, with what came behind them unread: the system then
    resets the connection, and acknowledgements on their way are lost with it. `limit`: it closes on a larger packet.
    `answers`: whether it answers UNSUBSCRIBE. `mute`: it acknowledges no event.
    """

    def __init__(self, *, close_after: int = 0, limit: int = 0, answers: bool = True, mute: bool = False) -> None:
        self.close_after, self.limit, self.answers, self.mute = close_after, limit, answers, mute
        self.got: list[bytes] = []
        self.connections = 0
        self._server = socket.create_server(("127.0.0.1", 0))
        self.port: int = self._server.getsockname()[1]
        Thread(target=self._accept, daemon=True).start()

    def close(self) -> None:
        self._server.shutdown(socket.SHUT_RDWR)
        self._server.close()

    def login(self) -> Login:
        return Login(f"tcp://127.0.0.1:{self.port}", "c", "u", "p")

    def _accept(self) -> None:
        with suppress(OSError):
            while True:
                connection, _ = self._server.accept()
                self.connections += 1
                Thread(target=self._serve, args=(connection,), daemon=True).start()

    def _serve(self, connection: socket.socket) -> None:
        seen = 0

        def read(size: int) -> bytes:
            return connection.recv(size, socket.MSG_WAITALL)

        with connection, suppress(OSError, IndexError, struct.error):
            while True:
                head, size, shift = read(1)[0], 0, 0
                while True:
                    byte = read(1)[0]
                    size |= (byte & 127) << shift
                    shift += 7
                    if not byte & 128:
                        break
                if self.limit and size > self.limit:
                    return
                body = read(size) if size else b""
                kind = head >> 4
                if kind == CONNECT:
                    connection.sendall(b"\x20\x02\0\0")
                elif kind == PUBLISH:
                    self._take(connection, head, body)
                    seen += 1
                    if self.close_after and seen >= self.close_after:
                        return
                elif kind == UNSUBSCRIBE and self.answers:
                    connection.sendall(b"\xb0\x02" + body[:2])
                elif kind == PINGREQ:
                    connection.sendall(b"\xd0\0")
                elif kind == DISCONNECT:
                    return

    def _take(self, connection: socket.socket, head: int, body: bytes) -> None:
        (length,) = struct.unpack(">H", body[:2])
        rest = body[2 + length :]
        if head >> 1 & 3:
            if not self.mute:
                connection.sendall(b"\x40\x02" + rest[:2])
            rest = rest[2:]
        self.got.append(rest)


@pytest.fixture
def broker() -> Iterator[Callable[..., RawBroker]]:
    made: list[RawBroker] = []

    def make(**how: object) -> RawBroker:
        made.append(RawBroker(**how))
        return made[-1]

    yield make
    for each in made:
        each.close()


@pytest.fixture(autouse=True)
def _quick_tries(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(publisher, "FIRST_DELAY", 0.02)
    monkeypatch.setattr(publisher, "LONGEST_DELAY", 0.05)


@pytest.fixture
def publish(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys) -> Callable[..., tuple[int, dict, str]]:
    """Run `provision publish --json` at a broker; return the status, the answer and standard error."""
    monkeypatch.setenv("PROVISION_HOME", str(tmp_path / "home"))
    for name, value in {"APPID": "App", "APPKEY": "KEY", "APPSECRET": "S"}.items():
        monkeypatch.setenv(f"NETPIE_{name}", value)

    def call(at: RawBroker, *arguments: str) -> tuple[int, dict, str]:
        folder = tmp_path / "home" / "state" / "netpie" / "publisher"
        write_cache(folder, "KEY", AccessToken("t", "s", f"pie://127.0.0.1:{at.port}", "r"))
        status = run(["publish", "--json", *arguments])
        out, err = capsys.readouterr()
        return status, json.loads(out), err

    return call


def events_file(tmp_path: Path, *events: str) -> str:
    (tmp_path / "events.jsonl").write_text("".join(f"{event}\n" for event in events))
    return str(tmp_path / "events.jsonl")


def numbered(amount: int) -> list[str]:
    return [json.dumps({"n": number}) for number in range(amount)]


def test_events_that_a_broker_may_not_have_read_are_not_counted_as_published(broker, publish, tmp_path: Path) -> None:
    at = broker(close_after=50)
    status, answer, err = publish(at, "--file", events_file(tmp_path, *numbered(300)))
    assert status == 0
    assert 0 < answer["published"] <= len(at.got) < 300
    assert answer["published"] + answer["unconfirmed"] == 300
    assert answer["unsent"] == 0
    assert "events on their way to it that may be lost: " in err
    assert len(set(at.got)) == len(at.got)


def test_a_summary_for_people_says_what_may_be_lost(broker, publish, tmp_path: Path, capsys) -> None:
    at = broker(close_after=50)
    publish(at, "--file", events_file(tmp_path, *numbered(3)))
    assert run(["publish", "--file", events_file(tmp_path, *numbered(300))]) == 0
    said = capsys.readouterr().out
    assert "may be lost with a connection that broke (--qos 1 sends such again)" in said


def test_at_qos_1_every_event_arrives_and_is_counted_once(broker, publish, tmp_path: Path) -> None:
    at = broker(close_after=50)
    status, answer, _ = publish(at, "--file", events_file(tmp_path, *numbered(300)), "--qos", "1")
    assert (status, answer["published"], answer["unconfirmed"]) == (0, 300, 0)
    assert {json.loads(payload)["n"] for payload in at.got} == set(range(300))
    assert at.connections <= 15  # six at best; some 25 while each connection sent a hundred at once


def test_events_are_waited_for_at_the_end_as_long_as_some_still_leave(
    broker, publish, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sys.modules["provision.publisher.send"], "LAST_EVENTS", 1.0)
    monkeypatch.setattr(publisher, "LONGEST_DELAY", 0.3)
    at = broker(close_after=1)
    status, answer, _ = publish(at, "--file", events_file(tmp_path, *numbered(12)), "--qos", "1")
    assert (status, answer["published"]) == (0, 12)
    assert answer["seconds"] > 1


def test_with_a_broker_that_stays_every_event_is_confirmed(broker, publish, tmp_path: Path) -> None:
    at = broker()
    status, answer, err = publish(at, "--file", events_file(tmp_path, *numbered(5000)))
    assert (status, answer["published"], answer["unconfirmed"], len(at.got)) == (0, 5000, 0, 5000)
    assert "lost" not in err


def test_a_broker_that_answers_no_unsubscribe_takes_events_all_the_same_and_that_is_told(
    broker, publish, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(link, "NO_ANSWER", 0.3)
    at = broker(answers=False)
    status, answer, err = publish(at, "--file", events_file(tmp_path, *numbered(300)))
    assert (status, answer["published"]) == (0, 300)
    assert err.count("count as published when they are written") == 1


@pytest.mark.parametrize("place", [0, 2, 4])
def test_an_event_too_large_for_the_broker_is_told_and_does_not_stop_those_behind_it(
    broker, publish, tmp_path: Path, place: int
) -> None:
    at = broker(limit=10_000)
    events = numbered(5)
    events[place] = json.dumps({"x": "x" * 20_000})
    status, answer, err = publish(at, "--file", events_file(tmp_path, *events), "--qos", "1")
    assert status == 1
    assert (answer["published"], answer["refused"], answer["unsent"]) == (4, 1, 0)
    assert {event.decode() for event in at.got} == set(events) - {events[place]}
    assert f"event {place + 1} of 20,009 bytes is left out: the broker closes each connection on it" in err


def test_several_events_too_large_are_each_left_out(broker, publish, tmp_path: Path) -> None:
    large = json.dumps({"x": "x" * 20_000})
    at = broker(limit=10_000)
    status, answer, _ = publish(at, "--file", events_file(tmp_path, large, *numbered(3), large, large), "--qos", "1")
    assert (status, answer["published"], answer["refused"]) == (1, 3, 3)


def test_connections_that_close_for_another_reason_lose_no_event_at_qos_1(broker) -> None:
    at = broker(close_after=1, mute=True)
    said: list[str] = []
    stop = Event()
    with Publisher(at.login, TOPIC, qos=1, say=said.append) as sender:
        publish_all(sender, [[event.encode() for event in numbered(3)]], stop=stop)
        assert sender.flush(1.5) == 3
        assert sender.refused == 0
    assert at.connections > 5


def test_an_event_that_no_packet_can_hold_is_left_out(broker, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(publisher, "MOST_BYTES", 1000)
    at = broker()
    said: list[str] = []
    with Publisher(at.login, TOPIC, say=said.append) as sender:
        assert sender.publish([b"one", b"x" * 2000, b"two"]) == 3
        assert sender.flush(10) == 0
        assert (sender.published, sender.refused) == (2, 1)
    assert at.got == [b"one", b"two"]
    assert said == ["event 2 of 2,000 bytes is left out: MQTT takes 984 at most"]


def test_what_waits_is_bounded_in_bytes_too(broker, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(publisher, "QUEUE_BYTES", 10_000)
    at = broker(mute=True)
    stop = Event()
    taken: list[int] = []
    with Publisher(at.login, TOPIC, qos=1) as sender:
        batches = [[b"x" * 1000] * 50 for _ in range(20)]
        thread = Thread(target=lambda: taken.append(publish_all(sender, batches, stop=stop)))
        thread.start()
        thread.join(0.5)
        assert thread.is_alive()
        stop.set()
        thread.join(30)
    assert taken[0] < 1000


def test_one_message_is_published(broker, publish) -> None:
    at = broker()
    status, answer, err = publish(at, "--message", '{"temp": 25.3}', "--qos", "1")
    assert (status, answer["published"], answer["not_objects"], at.got) == (0, 1, 0, [b'{"temp": 25.3}'])
    assert "warning" not in err


def test_a_message_that_is_no_object_is_published_with_a_warning(broker, publish) -> None:
    at = broker()
    status, answer, err = publish(at, "--message", "25.3")
    assert (status, answer["published"], answer["not_objects"], at.got) == (0, 1, 1, [b"25.3"])
    assert "warning: 1 of 1 events are no JSON objects; they are sent as they stand" in err


def test_lines_that_are_no_events_warn_once_with_a_count(broker, publish, tmp_path: Path) -> None:
    at = broker()
    status, answer, err = publish(at, "--file", events_file(tmp_path, '{"a": 1}', *["oops"] * 50))
    assert (status, answer["published"], answer["not_objects"], len(at.got)) == (0, 51, 50, 51)
    assert err.count("warning") == 1


def test_a_table_is_told_as_what_it_is_taken_for(broker, publish, tmp_path: Path) -> None:
    at = broker()
    (tmp_path / "e.csv").write_text("temp,humid\n25.3,60\n1,2,3\n")
    status, answer, err = publish(at, "--file", str(tmp_path / "e.csv"), "--qos", "1")
    assert (status, answer["published"], answer["left_out"]) == (1, 1, 1)
    assert at.got == [b'{"temp": 25.3, "humid": 60}']
    assert "a table with the columns temp, humid" in err
    assert "--format lines" in err


def test_standard_input_is_published(broker, publish) -> None:
    at = broker()
    reading, writing = os.pipe()
    saved = os.dup(0)
    os.dup2(reading, 0)
    try:
        os.write(writing, b'{"a": 1}\n{"a": 2}\n')
        os.close(writing)
        status, answer, _ = publish(at, "--file", "-")
    finally:
        os.dup2(saved, 0)
        os.close(saved)
        os.close(reading)
    assert (status, answer["published"], at.got) == (0, 2, [b'{"a": 1}', b'{"a": 2}'])


def test_a_duration_may_have_a_unit(broker, publish) -> None:
    at = broker()
    status, answer, _ = publish(at, "--hosts", "1", "--rate", "50", "--seconds", "0.005m")
    assert status == 0
    assert 0 < answer["published"] <= 25


@pytest.mark.parametrize("duration", ["5 minutes", "5w", "m", "1:00", "nan", "inf", "-1", "0"])
def test_a_wrong_duration_is_refused(broker, publish, duration: str) -> None:
    status, answer, _ = publish(broker(), "--seconds", duration)
    assert status == 2
    assert "--seconds" in answer["error"]["message"]


@pytest.mark.parametrize(
    "arguments",
    [
        ["--message", ""],
        ["--message", "x", "--hosts", "2"],
        ["--message", "x", "--file", "-"],
        ["--message", "x", "--id", "me"],
        ["--message", "x", "--every", "1"],
        ["--message", "x", "--loop"],
        ["--file", "-", "--loop"],
        ["--format", "csv"],
        ["--file", "-", "--format", "xml"],
    ],
)
def test_options_that_exclude_each_other_are_wrong_usage(broker, publish, arguments: list[str]) -> None:
    at = broker()
    status, answer, _ = publish(at, *arguments)
    assert status == 2
    assert answer["error"]["message"]
    assert at.got == []
