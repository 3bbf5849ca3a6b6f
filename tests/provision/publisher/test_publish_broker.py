"""The publisher against a real MQTT broker on loopback."""

import asyncio
import json
import signal
import socket
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from functools import partial
from itertools import count
from pathlib import Path
from threading import Event, Thread

import pytest
from amqtt.broker import Broker as AmqttBroker
from amqtt.plugins.base import BaseAuthPlugin, BasePlugin

from netpie_creds import AccessToken, Backoff, cache_path, get_credentials, write_cache
from provision.cli import run
from provision.errors import RefusedError, UnreachableError
from provision.mqtt.login import Login
from provision.platforms import netpie2015
from provision.publisher import Publisher, fleet, publish_all, publisher

TOPIC = "/App/metrics"
received: list[tuple[str, bytes]] = []
usernames: list[str] = []


class Recorder(BasePlugin):
    async def on_broker_message_broadcast(self, *, client_id, message) -> None:
        received.append((message.topic, bytes(message.data)))


class Doorman(BaseAuthPlugin):
    """Admits whoever has no wrong password, and notes the username."""

    async def authenticate(self, *, session) -> bool:
        usernames.append(session.username)
        return session.password != "wrong"


class Broker:
    """An MQTT broker in a thread; it can be stopped and started again on its port."""

    def __init__(self) -> None:
        self.port = free_port()
        self._loop = asyncio.new_event_loop()
        self._thread = Thread(target=self._loop.run_forever)
        self._thread.start()
        self._broker: AmqttBroker | None = None

    def start(self) -> None:
        async def start() -> None:
            config = {
                "listeners": {"default": {"type": "tcp", "bind": f"127.0.0.1:{self.port}"}},
                "plugins": {f"{__name__}.{plugin}": {} for plugin in ("Recorder", "Doorman")},
            }
            self._broker = AmqttBroker(config)
            await self._broker.start()

        self._call(start)

    def stop(self) -> None:
        if self._broker:
            self._call(self._broker.shutdown)
            self._broker = None

    def close(self) -> None:
        self.stop()
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join()
        self._loop.close()

    def login(self, password: str = "right") -> Callable[[], Login]:
        number = count(1)
        return lambda: Login(f"tcp://127.0.0.1:{self.port}", "publisher", f"KEY%{next(number)}", password)

    def _call(self, coroutine) -> None:
        asyncio.run_coroutine_threadsafe(coroutine(), self._loop).result(10)


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


@pytest.fixture
def broker() -> Iterator[Broker]:
    received.clear()
    usernames.clear()
    server = Broker()
    server.start()
    yield server
    server.close()


@pytest.fixture(autouse=True)
def _quick_tries(monkeypatch) -> None:
    monkeypatch.setattr(publisher, "FIRST_DELAY", 0.05)
    monkeypatch.setattr(publisher, "LONGEST_DELAY", 0.1)


def until(condition: Callable[[], bool], seconds: float = 10) -> None:
    deadline = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < deadline, "it did not happen in time"
        time.sleep(0.01)


def numbered(amount: int, size: int = 50) -> list[list[bytes]]:
    payloads = [b"%d" % number for number in range(amount)]
    return [payloads[start : start + size] for start in range(0, amount, size)]


@pytest.mark.parametrize("qos", [0, 1])
@pytest.mark.parametrize("topic", [TOPIC, """/App/it's "$x" """])
def test_every_event_arrives_once_in_order_and_is_counted(broker: Broker, qos: int, topic: str) -> None:
    with Publisher(broker.login(), topic, qos=qos) as sender:
        assert publish_all(sender, numbered(300), stop=Event()) == 300
        assert sender.flush(10) == 0
        assert sender.published == 300
    until(lambda: len(received) >= 300)
    assert received == [(topic, b"%d" % number) for number in range(300)]
    assert sender.reconnects == 0


def test_an_exact_number_of_events_can_be_asked_for(broker: Broker) -> None:
    stop = Event()
    with Publisher(broker.login(), TOPIC) as sender:
        assert publish_all(sender, fleet(10, 1000, seed=1, stop=stop), stop=stop, count=123) == 123
        assert sender.flush(10) == 0
    until(lambda: len(received) >= 123)
    assert len(received) == sender.published == 123


def test_setting_stop_ends_publishing_from_another_thread(broker: Broker) -> None:
    stop = Event()
    with Publisher(broker.login(), TOPIC) as sender:
        thread = Thread(target=publish_all, args=(sender, fleet(1, 1, stop=stop)), kwargs={"stop": stop})
        thread.start()
        until(lambda: sender.published == 1)
        stop.set()
        thread.join(30)
        assert not thread.is_alive()


@pytest.mark.parametrize("qos", [0, 1])
def test_events_wait_for_the_broker_to_come_back_and_the_password_is_new(broker: Broker, qos: int) -> None:
    said: list[str] = []
    with Publisher(broker.login(), TOPIC, qos=qos, say=said.append) as sender:
        sender.publish([b"before"])
        assert sender.flush(10) == 0
        until(lambda: len(received) == 1)
        broker.stop()
        until(lambda: len(said) == 1)
        sender.publish([b"1", b"2", b"3"])
        assert sender.waiting == 3
        broker.start()
        assert sender.flush(10) == 0
        until(lambda: len(received) >= 4)
    assert [payload for _, payload in received] == [b"before", b"1", b"2", b"3"]
    assert sender.published == 4
    assert sender.reconnects == 1
    assert usernames[0] == "KEY%1"
    assert usernames[-1] not in usernames[:-1]
    where = f"broker 127.0.0.1:{broker.port}"
    assert said == [
        f"{where}: it closed the connection; connecting again",
        f"{where}: connected again after 0 s, 3 events to send",
    ]


def test_a_connection_that_is_closed_again_and_again_is_told_with_the_likely_cause() -> None:
    def admit_and_close(connection: socket.socket) -> None:
        connection.recv(1000)
        connection.sendall(b"\x20\x02\x00\x00")

    said: list[str] = []
    with answering(admit_and_close) as port:
        login = Login(f"tcp://127.0.0.1:{port}", "c", "u", "p")
        with Publisher(lambda: login, TOPIC, say=said.append):
            until(lambda: len(said) >= 3)
    assert "another client" not in said[0]
    assert "another client with the same token" in said[2]


def test_what_waits_for_a_lost_broker_is_bounded(broker: Broker, monkeypatch) -> None:
    monkeypatch.setattr(publisher, "QUEUE", 100)
    said: list[str] = []
    stop = Event()
    with Publisher(broker.login(), TOPIC, say=said.append) as sender:
        broker.stop()
        until(lambda: len(said) == 1)
        taken: list[int] = []
        thread = Thread(target=lambda: taken.append(publish_all(sender, numbered(1000), stop=stop)))
        thread.start()
        until(lambda: sender.waiting == 100)
        time.sleep(0.1)
        assert sender.waiting == 100
        stop.set()
        thread.join(30)
        assert taken == [100]
        assert sender.flush(0.01) == 100


def test_what_was_not_acknowledged_is_sent_again() -> None:
    with acknowledging_nothing() as (port, payloads):
        login = Login(f"tcp://127.0.0.1:{port}", "c", "u", "p")
        with Publisher(lambda: login, TOPIC, qos=1) as sender:
            sender.publish([b"once"])
            until(lambda: payloads.count(b"once") == 2)
            assert sender.published == 0
            assert sender.waiting == 1


@contextmanager
def acknowledging_nothing() -> Iterator[tuple[int, list[bytes]]]:
    """A broker that closes the connection in place of acknowledging a PUBLISH."""
    payloads: list[bytes] = []

    def serve(connection: socket.socket) -> None:
        connection.recv(1000)
        connection.sendall(b"\x20\x02\x00\x00")
        payloads.append(connection.recv(1000)[-4:])

    with answering(serve) as port:
        yield port, payloads


@contextmanager
def answering(serve: Callable[[socket.socket], None]) -> Iterator[int]:
    """A server that handles one connection after the other by `serve`."""
    server = socket.create_server(("127.0.0.1", 0))

    def run() -> None:
        with suppress(OSError):
            while True:
                connection, _ = server.accept()
                with connection:
                    connection.settimeout(5)
                    serve(connection)

    thread = Thread(target=run)
    thread.start()
    try:
        yield server.getsockname()[1]
    finally:
        server.shutdown(socket.SHUT_RDWR)
        server.close()
        thread.join(60)


@pytest.mark.parametrize("code", [2, 4, 5])
def test_a_login_that_is_refused_is_told_at_once_without_its_password(code: int) -> None:
    logins = count()

    def login() -> Login:
        next(logins)
        return Login(f"tcp://127.0.0.1:{port}", "c", "u", "the-password")

    def refuse(connection: socket.socket) -> None:
        connection.recv(1000)
        connection.sendall(bytes([0x20, 2, 0, code]))

    with answering(refuse) as port, pytest.raises(RefusedError, match=f"CONNACK {code}") as caught:
        Publisher(login, TOPIC).__enter__()
    assert "the-password" not in str(caught.value)
    assert next(logins) == 1


def test_a_wrong_password_is_refused(broker: Broker) -> None:
    with pytest.raises(RefusedError, match="refused the login"):
        Publisher(broker.login("wrong"), TOPIC).__enter__()


def test_a_broker_that_is_down_is_given_up_after_a_few_tries() -> None:
    port = free_port()
    tries = count()

    def login() -> Login:
        next(tries)
        return Login(f"tcp://127.0.0.1:{port}", "c", "u", "p")

    with pytest.raises(UnreachableError, match=f"127.0.0.1:{port}"):
        Publisher(login, TOPIC).__enter__()
    assert next(tries) == publisher.FIRST_TRIES


def test_a_server_that_is_no_broker_is_out_of_reach() -> None:
    def talk_http(connection: socket.socket) -> None:
        connection.recv(1000)
        connection.sendall(b"HTTP/1.1 400 Bad Request\r\n\r\n")

    with answering(talk_http) as port, pytest.raises(UnreachableError, match=f"127.0.0.1:{port}"):
        Publisher(lambda: Login(f"tcp://127.0.0.1:{port}", "c", "u", "p"), TOPIC).__enter__()


@pytest.mark.parametrize(("code", "ends"), [(4, True), (5, False)])
def test_a_later_refusal_ends_publishing_unless_netpie_means_try_again(code: int, ends: bool) -> None:
    logins = count()

    def admit_once(connection: socket.socket) -> None:
        first = next(logins) == 0
        connection.recv(1000)
        connection.sendall(bytes([0x20, 2, 0, 0 if first else code]))

    said: list[str] = []
    with answering(admit_once) as port:
        login = Login(f"tcp://127.0.0.1:{port}", "c", "u", "p")
        with Publisher(lambda: login, TOPIC, say=said.append) as sender:
            if ends:
                with pytest.raises(RefusedError, match=r"CONNACK 4"):
                    until(lambda: sender.flush(0) < 0)
            else:
                until(lambda: len(said) > 2)
                assert sender.publish([b"it waits"]) == 1


def test_a_token_that_is_not_valid_any_more_is_replaced_by_another() -> None:
    tokens = ["old"]
    clients: list[bytes] = []

    def admit_the_new(connection: socket.socket) -> None:
        asked = connection.recv(1000)
        clients.append(asked)
        connection.sendall(bytes([0x20, 2, 0, 0 if b"new" in asked else 4]))
        connection.recv(1000)

    said: list[str] = []
    with answering(admit_the_new) as port:
        sender = Publisher(
            lambda: Login(f"tcp://127.0.0.1:{port}", tokens[-1], "u", "p"),
            TOPIC,
            renew=lambda: tokens.append("new"),
            say=said.append,
        )
        with sender:
            assert tokens == ["old", "new"]
    assert len(said) == 1
    assert said[0].endswith("getting another token")
    assert len(clients) == 2


@pytest.fixture
def account(broker: Broker, tmp_path: Path, monkeypatch) -> Path:
    """An application in the environment, and a publisher's token in the folder that is returned."""
    monkeypatch.setenv("PROVISION_HOME", str(tmp_path / "home"))
    monkeypatch.setenv("NETPIE_AUTH", f"http://127.0.0.1:{free_port()}")
    for name, value in {"APPID": "App", "APPKEY": "KEY", "APPSECRET": "hidden-appsecret"}.items():
        monkeypatch.setenv(f"NETPIE_{name}", value)
    folder = tmp_path / "home" / "state" / "netpie" / "publisher"
    write_cache(folder, "KEY", AccessToken("token", "hidden-secret", f"pie://127.0.0.1:{broker.port}", "code"))
    return folder


def test_the_command_publishes_this_hosts_metrics(account: Path, capsys) -> None:
    assert run(["publish", "--count", "2", "--every", "0.1", "--json", "--id", "my host"]) == 0
    answer = json.loads(capsys.readouterr().out)
    assert (answer["published"], answer["topic"], answer["reconnects"]) == (2, TOPIC, 0)
    assert answer["events_per_second"] == pytest.approx(2 / answer["seconds"], rel=0.01)
    until(lambda: len(received) == 2)
    assert {json.loads(payload)["id"] for _, payload in received} == {"my host"}
    assert usernames[0].startswith("KEY%")


def test_the_command_publishes_a_fleet_and_counts_it_in_a_line(account: Path, capsys) -> None:
    arguments = ["publish", "--hosts", "3", "--rate", "500", "--count", "60", "--qos", "1", "--topic", "a/b"]
    assert run(arguments) == 0
    assert capsys.readouterr().out.startswith("published 60 events to /App/a/b in ")
    until(lambda: len(received) == 60)
    names = [json.loads(payload)["id"] for _, payload in received]
    assert names == [f"host-000{turn % 3}" for turn in range(60)]


def test_the_command_replays_a_file(account: Path, tmp_path: Path, capsys) -> None:
    file = tmp_path / "events.jsonl"
    file.write_bytes(b'{"a": 1}\nno json\n')
    assert run(["publish", "--file", str(file), "--loop", "--rate", "1000", "--count", "5"]) == 0
    until(lambda: len(received) == 5)
    assert [payload for _, payload in received] == [b'{"a": 1}', b"no json"] * 2 + [b'{"a": 1}']


def test_the_command_stops_after_the_seconds_asked_for(account: Path, capsys) -> None:
    assert run(["publish", "--hosts", "1", "--rate", "20", "--seconds", "0.5", "--json"]) == 0
    answer = json.loads(capsys.readouterr().out)
    assert 0 < answer["published"] <= 20
    until(lambda: len(received) == answer["published"])


def test_ctrl_c_ends_the_command_with_the_count(account: Path, capsys) -> None:
    def interrupt() -> None:
        until(lambda: len(received) >= 3)
        signal.raise_signal(signal.SIGINT)

    thread = Thread(target=interrupt)
    thread.start()
    status = run(["publish", "--hosts", "1", "--rate", "50", "--json"])
    thread.join()
    assert status == 0
    answer = json.loads(capsys.readouterr().out)
    assert answer["published"] >= 3
    assert answer["unsent"] == 0
    until(lambda: len(received) == answer["published"])


@pytest.mark.parametrize(
    "arguments",
    [
        ["--topic", "/metrics"],
        ["--topic", "a/#"],
        ["--topic", ""],
        ["--qos", "2"],
        ["--rate", "5"],
        ["--hosts", "2", "--rate", "nan"],
        ["--hosts", "2", "--rate", "0"],
        ["--hosts", "0"],
        ["--hosts", "2", "--file", "EMPTY"],
        ["--hosts", "2", "--id", "me"],
        ["--hosts", "2", "--rate", "1", "--every", "1"],
        ["--seed", "1"],
        ["--loop"],
        ["--every", "inf"],
        ["--count", "0"],
        ["--file", "EMPTY"],
        ["--file", "MISSING"],
    ],
)
def test_wrong_usage_ends_with_status_2_before_anything_is_done(
    account: Path, tmp_path: Path, capsys, arguments: list[str]
) -> None:
    (tmp_path / "EMPTY").touch()
    arguments = [str(tmp_path / word) if word.isupper() else word for word in arguments]
    assert run(["publish", "--json", *arguments]) == 2
    captured = capsys.readouterr()
    assert json.loads(captured.out)["error"]["message"]
    assert len(captured.err.strip().splitlines()) == 1
    assert usernames == received == []


def test_a_broker_that_is_down_ends_the_command_with_status_4(account: Path, broker: Broker, capsys) -> None:
    broker.stop()
    assert run(["publish", "--count", "1"]) == 4
    error = capsys.readouterr().err
    assert error.startswith(f"error: broker 127.0.0.1:{broker.port}: ")
    assert len(error.splitlines()) == 1


def test_an_auth_server_that_is_down_ends_the_command_with_status_4(account: Path, monkeypatch, capsys) -> None:
    cache_path(account, "KEY").unlink()
    monkeypatch.setattr(netpie2015, "get_credentials", partial(get_credentials, backoff=Backoff(attempts=1)))
    assert run(["publish", "--count", "1"]) == 4
    assert usernames == []


def test_a_refused_login_ends_the_command_with_status_5_and_shows_no_secret(account: Path, capsys) -> None:
    def refuse(connection: socket.socket) -> None:
        connection.recv(1000)
        connection.sendall(b"\x20\x02\x00\x05")

    with answering(refuse) as port:
        write_cache(account, "KEY", AccessToken("token", "hidden-secret", f"pie://127.0.0.1:{port}", "code"))
        assert run(["publish", "--count", "1", "--json"]) == 5
    captured = capsys.readouterr()
    assert json.loads(captured.out)["error"]["kind"] == "refused"
    assert "hidden" not in captured.out + captured.err
