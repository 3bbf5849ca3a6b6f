"""The connection, against a broker that does what each test says."""

from __future__ import annotations

import ssl
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

import pytest

from mqtt_support.scripted import Gone, Peer, hold, scripted
from mqtt_support.waiting import wait_for
from pyspark_mqtt import LoginRefused, MqttError, OptionError, SubscriptionRefused, TakenOver, Unreachable, _receiver
from pyspark_mqtt import _packets as packets
from pyspark_mqtt._files import File, Folder
from pyspark_mqtt._journal import Journal
from pyspark_mqtt._link import Login
from pyspark_mqtt._options import read_source
from pyspark_mqtt._receiver import Receiver
from pyspark_mqtt._records import rows_in
from pyspark_mqtt._rows import More, batches


@pytest.fixture(autouse=True)
def quick(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(_receiver, "_FIRST_PAUSE", 0.01)
    monkeypatch.setattr(_receiver, "_LONGEST_PAUSE", 0.02)


@contextmanager
def receiving(
    folder: Folder | Path, port: int, *, login: Login | None = None, scheme: str = "tcp", **more: str
) -> Iterator[tuple[Receiver, Journal]]:
    given = {"mqtt.broker.url": f"{scheme}://127.0.0.1:{port}", "subscribe": "t", "mqtt.connect.timeout": "5"}
    named = {name.replace("_", "."): value for name, value in more.items()}
    options = read_source({**given, "journalLocation": "x", **named}, streaming=True)
    journal = Journal(Folder(folder) if isinstance(folder, Path) else folder, now=lambda: 0.0)
    receiver = Receiver(options, journal, "me", login)
    receiver.start()
    try:
        yield receiver, journal
    finally:
        receiver.stop()
        journal.close()


def values(journal: Journal) -> list[str]:
    spans = journal.spans(journal.first, journal.end)
    found = [batch for span in spans for batch in batches(rows_in(span), 0, journal.end, More())]
    return [row["value"].decode() for batch in found for row in batch.to_pylist()]


def ended(receiver: Receiver) -> MqttError:
    wait_for(lambda: receiver.error is not None)
    with pytest.raises(MqttError):
        receiver.wait_until_subscribed()
    assert receiver.error is not None
    return receiver.error


def message(text: str, qos: int = 0, number: int = 0, *, dup: bool = False, level: int = 4) -> bytes:
    return packets.publish(level, "t", text.encode(), qos=qos, packet_id=number, retain=False, dup=dup)


class SlowFile(File):
    """A file whose `sync` waits for the test."""

    may = threading.Event()

    def sync(self) -> None:
        assert self.may.wait(60)
        super().sync()


class SlowFolder(Folder):
    def append(self, name: str) -> File:
        return SlowFile(self.path / name)


def test_nothing_is_acknowledged_before_it_is_on_the_disk(tmp_path: Path) -> None:
    SlowFile.may.set()
    early: list[int] = []

    def script(peer: Peer) -> None:
        peer.welcome()
        time.sleep(0.2)  # until the state that the SUBACK changed is saved
        SlowFile.may.clear()
        peer.send(message("a", 1, 5))
        peer.link.settimeout(0.5)
        with suppress(Gone):
            early.append(peer.packet()[0])
        SlowFile.may.set()
        peer.link.settimeout(10)
        assert peer.expect(packets.PUBACK) == b"\x00\x05"
        hold(peer)

    with scripted(script) as broker, receiving(SlowFolder(tmp_path), broker.port) as (receiver, journal):
        wait_for(lambda: receiver.metrics().acknowledged == 1)
        assert not early
        assert values(journal) == ["a"]


@pytest.mark.parametrize("level", [4, 5])
def test_acknowledgements_of_a_piece_are_in_order(tmp_path: Path, level: int) -> None:
    def script(peer: Peer) -> None:
        peer.welcome(level, qos=2)
        peer.send(message("a", 1, 7, level=level), message("b", level=level), message("c", 2, 8, level=level))
        assert peer.expect(packets.PUBACK) == b"\x00\x07"
        assert peer.expect(packets.PUBREC) == b"\x00\x08"
        peer.send(packets.acknowledgement(packets.PUBREL, 8))
        assert peer.expect(packets.PUBCOMP) == b"\x00\x08"
        hold(peer)

    version = {4: "3.1.1", 5: "5"}[level]
    with (
        scripted(script) as broker,
        receiving(tmp_path, broker.port, mqtt_version=version, mqtt_qos="2") as (one, journal),
    ):
        wait_for(lambda: one.metrics().acknowledged == 2 and not journal.unreleased)
        assert values(journal) == ["a", "b", "c"]


@pytest.mark.parametrize(
    ("version", "answer", "reason"),
    [
        ("3.1.1", b"\x20\x02\x00\x05", "not authorized"),
        ("3.1.1", b"\x20\x02\x00\x04", "bad user name or password"),
        ("3.1.1", b"\x20\x02\x00\x01", "unacceptable protocol version"),
        ("5", b"\x20\x02\x00\x01", "unacceptable protocol version"),  # of a broker that has no MQTT 5
        ("5", b"\x20\x03\x00\x8a\x00", "banned"),
        ("5", b"\x20\x0a\x00\x87\x07\x1f\x00\x04mine", "not authorized: mine"),
    ],
)
def test_a_refused_login_ends_it_with_the_broker_s_reason(
    tmp_path: Path, version: str, answer: bytes, reason: str
) -> None:
    def script(peer: Peer) -> None:
        peer.expect(packets.CONNECT)
        peer.send(answer)

    secret = {"mqtt_username": "u", "mqtt_password": "geheim"}
    with scripted(script) as broker, receiving(tmp_path, broker.port, mqtt_version=version, **secret) as (receiver, _):
        error = ended(receiver)
        assert isinstance(error, LoginRefused)
        assert reason in str(error)
        assert "geheim" not in str(error)
        assert broker.connections == 1


@pytest.mark.parametrize(("version", "answer"), [("3.1.1", b"\x20\x02\x00\x03"), ("5", b"\x20\x03\x00\x89\x00")])
def test_a_broker_that_is_busy_is_tried_again(tmp_path: Path, version: str, answer: bytes) -> None:
    def busy(peer: Peer) -> None:
        peer.expect(packets.CONNECT)
        peer.send(answer)

    def ready(peer: Peer) -> None:
        peer.welcome(5 if version == "5" else 4)
        hold(peer)

    with scripted(busy, busy, ready) as broker, receiving(tmp_path, broker.port, mqtt_version=version) as (receiver, _):
        receiver.wait_until_subscribed()
        assert broker.connections == 3


def test_nobody_there_is_told_after_the_timeout(tmp_path: Path) -> None:
    with scripted(hold) as broker:
        port = broker.port
    with receiving(tmp_path, port, mqtt_connect_timeout="0.3") as (receiver, _):
        error = ended(receiver)
        assert isinstance(error, Unreachable)
        assert "Connection refused" in str(error)


def test_something_else_than_a_broker_is_told(tmp_path: Path) -> None:
    def web(peer: Peer) -> None:
        peer.send(b"HTTP/1.1 400 Bad Request\r\n\r\n" + bytes(200))

    with scripted(web) as broker, receiving(tmp_path, broker.port) as (receiver, _):
        assert "mqtt.broker.url" in str(ended(receiver))


def test_a_session_that_is_there_is_not_subscribed_again(tmp_path: Path) -> None:
    """Else the broker would send what is retained once more."""

    def first(peer: Peer) -> None:
        assert peer.welcome()[7] & 2 == 0  # the session is to be kept
        peer.send(message("a", 1, 1))
        peer.expect(packets.PUBACK)

    def second(peer: Peer) -> None:
        peer.welcome(present=True)
        peer.send(message("b", 1, 2))
        peer.expect(packets.PUBACK)

    def forgot(peer: Peer) -> None:
        peer.welcome(present=False)
        peer.send(message("c", 1, 3))
        peer.expect(packets.PUBACK)
        hold(peer)

    with scripted(first, second, forgot) as broker, receiving(tmp_path, broker.port) as (receiver, journal):
        wait_for(lambda: receiver.metrics().acknowledged == 3)
        assert values(journal) == ["a", "b", "c"]
        assert receiver.metrics().reconnects == 2


def test_topics_that_changed_are_subscribed_and_the_others_left(tmp_path: Path) -> None:
    def first(peer: Peer) -> None:
        peer.welcome()
        hold(peer)

    def second(peer: Peer) -> None:
        peer.expect(packets.CONNECT)
        peer.send(b"\x20\x02\x01\x00")
        assert peer.expect(packets.UNSUBSCRIBE).endswith(b"\x00\x01t")
        assert peer.expect(packets.SUBSCRIBE).endswith(b"\x00\x01u\x01")
        peer.send(b"\x90\x03\x00\x01\x01")
        hold(peer)

    with scripted(first, second) as broker:
        with receiving(tmp_path, broker.port) as (receiver, _):
            receiver.wait_until_subscribed()
        with receiving(tmp_path, broker.port, subscribe="u") as (receiver, journal):
            receiver.wait_until_subscribed()
            assert journal.state.subscribed == ["1 u"]


def test_qos_2_that_is_sent_again_is_there_once(tmp_path: Path) -> None:
    def first(peer: Peer) -> None:
        peer.welcome(qos=2)
        peer.send(message("a", 2, 1), message("b", 2, 2))
        peer.expect(packets.PUBREC)  # and gone, before it could hear of the second

    def second(peer: Peer) -> None:
        peer.welcome(present=True)
        peer.send(packets.acknowledgement(packets.PUBREL, 1), message("b", 2, 2, dup=True), message("c", 2, 3))
        assert [peer.expect(kind) for kind in (packets.PUBCOMP, packets.PUBREC, packets.PUBREC)] == [
            b"\x00\x01",
            b"\x00\x02",
            b"\x00\x03",
        ]
        peer.send(message("a new message of id 1", 2, 1))
        peer.expect(packets.PUBREC)
        hold(peer)

    with scripted(first, second) as broker, receiving(tmp_path, broker.port, mqtt_qos="2") as (receiver, journal):
        wait_for(lambda: receiver.metrics().acknowledged == 5)
        assert values(journal) == ["a", "b", "c", "a new message of id 1"]
        assert receiver.metrics().repeated == 1


def test_ids_of_a_session_that_the_broker_forgot_mean_nothing(tmp_path: Path) -> None:
    def first(peer: Peer) -> None:
        peer.welcome(qos=2)
        peer.send(message("a", 2, 1))
        peer.expect(packets.PUBREC)

    def second(peer: Peer) -> None:
        peer.welcome(present=False, qos=2)
        peer.send(message("another", 2, 1))
        peer.expect(packets.PUBREC)
        hold(peer)

    with scripted(first, second) as broker, receiving(tmp_path, broker.port, mqtt_qos="2") as (_, journal):
        wait_for(lambda: journal.end == 2)
        assert values(journal) == ["a", "another"]


def test_a_client_id_that_was_taken_over_is_told_by_mqtt_5(tmp_path: Path) -> None:
    def script(peer: Peer) -> None:
        peer.welcome(5)
        peer.send(b"\xe0\x02\x8e\x00")

    with scripted(script) as broker, receiving(tmp_path, broker.port, mqtt_version="5") as (receiver, _):
        assert isinstance(ended(receiver), TakenOver)
        assert broker.connections == 1


def test_a_client_id_that_was_taken_over_is_guessed_with_mqtt_3(tmp_path: Path) -> None:
    def script(peer: Peer) -> None:
        peer.welcome(present=broker.connections > 1)
        time.sleep(0.02)

    with scripted(script) as broker, receiving(tmp_path, broker.port) as (receiver, _):
        error = ended(receiver)
        assert isinstance(error, TakenOver)
        assert "another client has the same id" in str(error)


def test_a_broker_that_shuts_down_is_waited_for(tmp_path: Path) -> None:
    def leaves(peer: Peer) -> None:
        peer.welcome(5)
        peer.send(b"\xe0\x02\x8b\x00")

    def back(peer: Peer) -> None:
        peer.welcome(5, present=True)
        peer.send(message("a", level=5))
        hold(peer)

    with scripted(leaves, back) as broker, receiving(tmp_path, broker.port, mqtt_version="5") as (_, journal):
        wait_for(lambda: journal.end == 1)


@pytest.mark.parametrize(("code", "said"), [(0x80, "refused the topic 't'"), (0, "grants QoS 0")])
def test_a_refused_topic_and_a_lower_qos_end_it(tmp_path: Path, code: int, said: str) -> None:
    def script(peer: Peer) -> None:
        peer.welcome(qos=code)
        hold(peer)

    with scripted(script) as broker, receiving(tmp_path, broker.port) as (receiver, _):
        error = ended(receiver)
        assert isinstance(error, SubscriptionRefused)
        assert said in str(error)


@pytest.mark.parametrize("code", [0x80, 0])
def test_a_refused_topic_that_holds_a_secret_is_not_named(tmp_path: Path, code: int) -> None:
    def script(peer: Peer) -> None:
        peer.welcome(qos=code)
        hold(peer)

    options = {"subscribe": "flow/token-1", "showTopics": "false"}
    with scripted(script) as broker, receiving(tmp_path, broker.port, **options) as (receiver, _):
        error = ended(receiver)
        assert isinstance(error, SubscriptionRefused)
        assert "the topic (not shown)" in str(error)


def test_it_stops_reading_when_spark_is_behind_and_goes_on_when_it_is_not(tmp_path: Path) -> None:
    sent = threading.Event()

    def script(peer: Peer) -> None:
        peer.welcome()
        peer.link.settimeout(None)
        peer.send(*[message("x" * 10_000)] * 2000)
        sent.set()
        hold(peer)

    options = {"maxJournalBytes": "2m", "mqtt_keepalive": "1"}
    with scripted(script) as broker, receiving(tmp_path, broker.port, **options) as (receiver, journal):
        wait_for(lambda: journal.waiting > 2 << 20)
        time.sleep(2.2)  # more than the keep-alive: the connection has to stay
        assert journal.waiting < 4 << 20
        assert not sent.is_set()
        while journal.end < 2000:
            assert receiver.metrics().waiting_bytes < 4 << 20
            journal.commit(journal.end)
            time.sleep(0.01)
        assert broker.connections == 1


def test_a_silent_broker_is_left(tmp_path: Path) -> None:
    pinged = []

    def silent(peer: Peer) -> None:
        peer.welcome()
        pinged.append(peer.packet()[0])
        hold(peer)

    def back(peer: Peer) -> None:
        peer.welcome(present=True)
        hold(peer)

    with scripted(silent, back) as broker, receiving(tmp_path, broker.port, mqtt_keepalive="1") as (_, _journal):
        wait_for(lambda: broker.connections == 2)
        assert pinged == [packets.PINGREQ]


def test_a_password_is_made_afresh_at_each_connect(tmp_path: Path) -> None:
    made, heard = iter(["one", "two"]), []

    def first(peer: Peer) -> None:
        heard.append(peer.welcome())

    def second(peer: Peer) -> None:
        heard.append(peer.welcome(present=True))
        hold(peer)

    login = lambda: ("user", next(made))  # noqa: E731
    with scripted(first, second) as broker, receiving(tmp_path, broker.port, login=login):
        wait_for(lambda: len(heard) == 2)
    assert [body.endswith(b"\x00\x04user\x00\x03" + word) for body, word in zip(heard, [b"one", b"two"])] == [
        True,
        True,
    ]


def test_a_command_makes_the_password(tmp_path: Path) -> None:
    heard = []

    def script(peer: Peer) -> None:
        heard.append(peer.welcome())
        hold(peer)

    command = {"mqtt_username": "u", "mqtt_password_command": "printf '%s\\n' 'p w'"}
    with scripted(script) as broker, receiving(tmp_path, broker.port, **command) as (receiver, _):
        receiver.wait_until_subscribed()
    assert heard[0].endswith(b"\x00\x01u\x00\x03p w")


@pytest.mark.parametrize(
    ("command", "said"), [("false", "ended with 1"), ("no-such-command", "can't be run"), ("true", "0 lines")]
)
def test_a_command_that_makes_no_password_ends_it(tmp_path: Path, command: str, said: str) -> None:
    with scripted(hold) as broker, receiving(tmp_path, broker.port, mqtt_password_command=command) as (receiver, _):
        assert said in str(ended(receiver))


def test_it_says_goodbye(tmp_path: Path) -> None:
    left = []

    def script(peer: Peer) -> None:
        peer.welcome()
        left.append(peer.packet()[0])

    with scripted(script) as broker:
        with receiving(tmp_path, broker.port) as (receiver, _):
            receiver.wait_until_subscribed()
        wait_for(lambda: left == [packets.DISCONNECT])


def test_a_message_larger_than_the_buffer_comes_whole(tmp_path: Path) -> None:
    large = "x" * (5 << 20)

    def script(peer: Peer) -> None:
        peer.welcome()
        peer.send(message("a"), message(large), message("b", 1, 1))
        peer.expect(packets.PUBACK)
        hold(peer)

    with scripted(script) as broker, receiving(tmp_path, broker.port) as (receiver, journal):
        wait_for(lambda: receiver.metrics().acknowledged == 1)
        assert [len(value) for value in values(journal)] == [1, len(large), 1]


def test_tls_checks_the_broker_s_certificate(tmp_path: Path, certificate: tuple[Path, Path]) -> None:
    def script(peer: Peer) -> None:
        peer.welcome()
        hold(peer)

    chain, key = certificate
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(chain, key)
    with scripted(script, context=context) as broker:
        with receiving(tmp_path / "1", broker.port, scheme="ssl", mqtt_ssl_ca=str(chain)) as (receiver, _):
            receiver.wait_until_subscribed()
        with receiving(tmp_path / "2", broker.port, scheme="ssl") as (receiver, _):
            error = ended(receiver)
            assert isinstance(error, LoginRefused)
            assert "mqtt.ssl.ca" in str(error)
        with receiving(tmp_path / "3", broker.port, scheme="ssl", mqtt_ssl_ca="/no/such/file") as (receiver, _):
            assert isinstance(ended(receiver), OptionError)


def test_tls_shows_the_client_s_certificate(tmp_path: Path, certificate: tuple[Path, Path]) -> None:
    shown = []

    def script(peer: Peer) -> None:
        assert isinstance(peer.link, ssl.SSLSocket)
        shown.append(peer.link.getpeercert(binary_form=True))
        peer.welcome()
        hold(peer)

    chain, key = certificate
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(chain, key)
    context.load_verify_locations(chain)
    context.verify_mode = ssl.CERT_REQUIRED
    given = {"mqtt_ssl_ca": str(chain), "mqtt_ssl_cert": str(chain), "mqtt_ssl_key": str(key)}
    with (
        scripted(script, context=context) as broker,
        receiving(tmp_path, broker.port, scheme="ssl", **given) as (receiver, _),
    ):
        receiver.wait_until_subscribed()
    assert shown == [ssl.PEM_cert_to_DER_cert(chain.read_text())]
