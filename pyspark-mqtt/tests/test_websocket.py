"""MQTT over websockets: frames, and the handshake before them."""

from __future__ import annotations

import base64
import hashlib
import re
import socket
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mqtt_support.mosquitto import mosquitto
from mqtt_support.publishing import publish
from pyspark_mqtt import LoginRefused, ProtocolError
from pyspark_mqtt._errors import Passing
from pyspark_mqtt._listen import listened
from pyspark_mqtt._options import read_sink, read_source
from pyspark_mqtt._publisher import Message, Publisher
from pyspark_mqtt._rows import More, batches
from pyspark_mqtt._stream import Stream, rows_of
from pyspark_mqtt._websocket import WebSocket, upgraded

BINARY, CONTINUED, TEXT, CLOSE, PING, PONG = 2, 0, 1, 8, 9, 10


def frame(kind: int, data: bytes) -> bytes:
    """As a server sends it."""
    size = len(data)
    length = size.to_bytes(1, "big") if size < 126 else b""
    if size > 125:
        length = b"\x7e" + size.to_bytes(2, "big") if size < 1 << 16 else b"\x7f" + size.to_bytes(8, "big")
    return bytes([kind | 0x80]) + length + data


def unmasked(data: bytes) -> list[tuple[int, bytes]]:
    """Kind and data of the frames that a client sent."""
    found = []
    while data:
        size, at = data[1] & 127, 2
        assert data[1] & 0x80
        if size > 125:
            at += 2 if size == 126 else 8
            size = int.from_bytes(data[2:at], "big")
        mask, body = data[at : at + 4], data[at + 4 : at + 4 + size]
        found.append((data[0] & 15, bytes(byte ^ mask[number % 4] for number, byte in enumerate(body))))
        data = data[at + 4 + size :]
    return found


class Link:
    """A socket that has these pieces, one at a call, and keeps what is sent."""

    def __init__(self, *pieces: bytes) -> None:
        self.pieces, self.sent = list(pieces), b""

    def recv_into(self, view: memoryview) -> int:
        piece = self.pieces.pop(0) if self.pieces else b""
        if len(piece) > len(view):
            self.pieces.insert(0, piece[len(view) :])
        view[: len(piece)] = piece[: len(view)]
        return min(len(piece), len(view))

    def sendall(self, data: bytes) -> None:
        self.sent += data

    def close(self) -> None:
        self.pieces = []


def of(link: Link, came: bytes = b"") -> WebSocket:
    return WebSocket(link, came)  # type: ignore[arg-type]


FRAMES = st.lists(
    st.one_of(
        st.tuples(st.sampled_from([BINARY, CONTINUED]), st.one_of(st.binary(max_size=300), st.just(bytes(1000)))),
        st.tuples(st.sampled_from([PING, PONG]), st.binary(max_size=125)),
    ),
    max_size=12,
)


@given(FRAMES, st.lists(st.integers(1, 5000), min_size=1, max_size=5), st.integers(1, 9000), st.booleans())
def test_what_comes_is_the_bytes_of_its_frames_however_it_is_cut(
    frames: list[tuple[int, bytes]], cuts: list[int], room: int, begins: bool
) -> None:
    raw, at, pieces = b"".join(frame(kind, data) for kind, data in frames), 0, []
    while at < len(raw):
        size = cuts[len(pieces) % len(cuts)]
        pieces.append(raw[at : at + size])
        at += size
    came = pieces.pop(0) if pieces and begins else b""
    link = Link(*pieces)
    web, found, buffer = of(link, came), b"", bytearray(room)
    while count := web.recv_into(buffer):
        found += buffer[:count]
    assert found == b"".join(data for kind, data in frames if kind in (BINARY, CONTINUED))
    assert unmasked(link.sent) == [(PONG, data) for kind, data in frames if kind == PING]


def test_a_frame_may_be_larger_than_what_is_read_at_once() -> None:
    data = bytes(number % 251 for number in range(600_000))
    web, found = of(Link(frame(BINARY, data) + frame(BINARY, b"next"))), b""
    while piece := web.recv(100_000):
        found += piece
    assert found == data + b"next"


@pytest.mark.parametrize("size", [0, 1, 125, 126, 65_535, 65_536, 200_000])
def test_what_is_sent_is_a_masked_frame(size: int) -> None:
    data, link = bytes(number % 251 for number in range(size)), Link()
    of(link).sendall(data)
    assert unmasked(link.sent) == [(BINARY, data)]
    assert size < 125 or data not in link.sent


def test_a_close_ends_it_after_what_came_before() -> None:
    link = Link(frame(BINARY, b"last") + frame(CLOSE, b"\x03\xe8"), frame(BINARY, b"never"))
    web = of(link)
    assert (web.recv(10), web.recv(10), web.recv(10)) == (b"last", b"", b"")
    web.close()
    assert unmasked(link.sent) == [(CLOSE, b"\x03\xe8")]


@pytest.mark.parametrize("wrong", [frame(TEXT, b"hello"), b"\x82\x84abcdMQTT", b"\x82\xfe\x00\x80"])
def test_what_no_broker_sends_is_told(wrong: bytes) -> None:
    with pytest.raises(ProtocolError, match="websocket"):
        of(Link(wrong)).recv(10)


@contextmanager
def server(answer: Callable[[str], bytes]) -> Iterator[socket.socket]:
    """A connection to a server that gives this answer to a handshake, and closes."""
    with socket.create_server(("127.0.0.1", 0)) as listener:

        def serve() -> None:
            link, _ = listener.accept()
            with link, suppress(OSError):
                asked = b""
                while b"\r\n\r\n" not in asked:
                    asked += link.recv(4096)
                link.sendall(answer(asked.decode()))

        thread = threading.Thread(target=serve, daemon=True)
        thread.start()
        with socket.create_connection(listener.getsockname(), 10) as link:
            yield link
        thread.join(10)


def accepted(asked: str) -> bytes:
    key = re.search(r"^Sec-WebSocket-Key: (\S+)\r$", asked, re.MULTILINE)
    assert key
    made = hashlib.sha1(f"{key[1]}258EAFA5-E914-47DA-95CA-C5AB0DC85B11".encode()).digest()
    return (
        b"HTTP/1.1 101 Switching Protocols\r\nupgrade: websocket\r\nconnection: Upgrade\r\nsec-websocket-accept: "
        + base64.b64encode(made)
    )


def test_a_handshake_asks_for_mqtt_and_what_comes_with_its_answer_is_kept() -> None:
    seen: list[str] = []

    def answer(asked: str) -> bytes:
        seen.append(asked)
        return accepted(asked) + b"\r\n\r\n" + frame(BINARY, b"first")

    with server(answer) as link:
        assert upgraded(link, "h:80", "/a/mqtt?x=1", 10).recv(5) == b"first"
    assert seen[0].startswith("GET /a/mqtt?x=1 HTTP/1.1\r\nHost: h:80\r\n")
    assert "\r\nSec-WebSocket-Protocol: mqtt\r\n" in seen[0]


@pytest.mark.parametrize(
    ("answer", "error", "said"),
    [
        (b"HTTP/1.1 404 Not Found\r\n\r\n", ProtocolError, "h:80/mqtt answers 404 Not Found; check port and path"),
        (b"HTTP/1.1 401 Unauthorized\r\n\r\n", LoginRefused, "answers 401 Unauthorized"),
        (b"HTTP/1.1 503 Busy\r\n\r\n", Passing, "answers 503 Busy"),
        (b"HTTP/1.1 101 Yes\r\nSec-WebSocket-Accept: other\r\n\r\n", ProtocolError, "answers 101"),
        (b"\x20\x02\x00\x05\r\n\r\n", ProtocolError, "does not answer as a server of websockets does"),
        (b"HTTP/1.1 200", ConnectionError, "closed the connection in the handshake"),
    ],
)
def test_an_answer_that_is_another_is_told(answer: bytes, error: type[Exception], said: str) -> None:
    with server(lambda _: answer) as link, pytest.raises(error, match=said):
        upgraded(link, "h:80", "/mqtt", 10)


@contextmanager
def with_websockets(folder: Path, more: str = "") -> Iterator[tuple[int, str]]:
    """A Mosquitto: its port, and the address of its websocket, which has further lines of configuration."""
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = int(free.getsockname()[1])
    with mosquitto(folder, f"listener {port} 127.0.0.1\nprotocol websockets\n{more}") as broker:
        yield broker.port, f"{'wss' if more else 'ws'}://127.0.0.1:{port}/mqtt"


@pytest.mark.parametrize("qos", [0, 1, 2])
@pytest.mark.parametrize("version", ["3.1.1", "5"])
def test_messages_come_from_mosquitto_over_its_websocket(tmp_path: Path, version: str, qos: int) -> None:
    with with_websockets(tmp_path / "broker") as (port, url):
        given = {"mqtt.broker.url": url, "mqtt.version": version, "mqtt.qos": str(qos), "subscribe": "a/+"}
        stream = Stream(read_source({**given, "journalLocation": str(tmp_path / "journal")}, streaming=True))
        try:
            start, found = stream.initial(), list[str]()
            publish(port, "a/b", [f"{number} {'x' * (number % 300)}" for number in range(2000)], qos)
            while len(found) < 2000:
                end = stream.latest()
                for part in stream.parts(start, end):
                    found += [value.decode() for batch in rows_of(part) for value in batch.column(0).to_pylist()]
                stream.commit(end)
                start = end
        finally:
            stream.stop()
    assert found == [f"{number} {'x' * (number % 300)}" for number in range(2000)]


@pytest.mark.parametrize("encrypted", [False, True])
def test_what_is_published_over_a_websocket_is_there(
    tmp_path: Path, certificate: tuple[Path, Path], encrypted: bool
) -> None:
    chain, key = certificate
    lines = f"certfile {chain}\nkeyfile {key}\n" if encrypted else ""
    with with_websockets(tmp_path / "broker", lines) as (_, url):
        given = {"mqtt.broker.url": url, **({"mqtt.ssl.ca": str(chain)} if encrypted else {})}
        sent = [Message(f"c/{number}", str(number).encode(), number % 3, True) for number in range(300)]
        assert Publisher(read_sink(given)).publish(sent) == 300
        options = read_source({**given, "subscribe": "c/#", "duration": "0.5"}, streaming=False)
        rows = [row for batch in batches(listened(options, None), 0, 1000, More()) for row in batch.to_pylist()]
    assert {row["topic"]: row["value"] for row in rows} == {message.topic: message.value for message in sent}
