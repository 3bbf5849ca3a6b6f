"""What a server may do to a client: answers that trickle in, are huge, or are nested without end."""

import gzip
import json
import logging
import socket
import threading
import time
import tracemalloc
import zlib
from collections.abc import Iterator
from contextlib import contextmanager

import pytest
import requests

from zeppelin_sdk import (
    AnswerTooLargeError,
    NotZeppelinError,
    ServerUnreachableError,
    ZeppelinClient,
    _transport,
)
from zeppelin_sdk.testing import Answer, FakeZeppelin, ok

HEAD = b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: 100000\r\n\r\n"
UPGRADE = b"HTTP/1.1 101 Switching Protocols\r\nX-Padding: " + b"x" * 1000
MIB = 1024 * 1024
DEEP = "[" * 100_000


@pytest.fixture
def fake() -> Iterator[FakeZeppelin]:
    """One generation: what is tested here depends on none."""
    with FakeZeppelin() as server:
        yield server


@contextmanager
def trickling(at_once: bytes, then: bytes) -> Iterator[str]:
    """The URL of a server that sends `at_once`, and `then` a byte every hundredth of a second."""
    ended = threading.Event()

    def serve() -> None:
        connection, _ = server.accept()
        with connection:
            connection.recv(65536)
            connection.sendall(at_once)
            for byte in then:
                if ended.wait(0.01):
                    return
                try:
                    connection.sendall(bytes([byte]))
                except OSError:
                    return

    with socket.create_server(("127.0.0.1", 0)) as server:
        thread = threading.Thread(target=serve)
        thread.start()
        try:
            yield f"http://127.0.0.1:{server.getsockname()[1]}"
        finally:
            ended.set()
            thread.join()


@pytest.mark.parametrize(("at_once", "then"), [(HEAD, b" " * 2000), (b"", HEAD * 20)], ids=["body", "headers"])
def test_an_answer_that_trickles_in_ends_at_the_deadline(at_once: bytes, then: bytes) -> None:
    with trickling(at_once, then) as url, ZeppelinClient(url, timeout=5, total_timeout=0.3) as client:
        begin = time.monotonic()
        with pytest.raises(ServerUnreachableError, match=r"no complete answer within 0\.3 s$"):
            client.get_version()
    assert time.monotonic() - begin < 3


def test_a_body_that_trickles_in_through_a_callers_own_session_ends_too() -> None:
    with (
        trickling(HEAD, b" " * 2000) as url,
        requests.Session() as session,
        ZeppelinClient(url, session=session, timeout=5, total_timeout=0.3) as client,
    ):
        begin = time.monotonic()
        with pytest.raises(ServerUnreachableError, match="no complete answer"):
            client.get_version()
    assert time.monotonic() - begin < 3


def test_a_websockets_handshake_that_trickles_in_ends_at_the_deadline(
    fake: FakeZeppelin, monkeypatch: pytest.MonkeyPatch
) -> None:
    ticket = {"principal": "anonymous", "ticket": "anonymous", "roles": "[]"}
    with trickling(b"", UPGRADE) as url, ZeppelinClient(url, timeout=5, total_timeout=0.3) as client:
        monkeypatch.setattr(client._http, "mapping", lambda *_: ticket)
        begin = time.monotonic()
        with pytest.raises(ServerUnreachableError, match="no websocket connection: no complete answer"):
            client.follow("2A")
    assert time.monotonic() - begin < 3


def test_repeats_count_toward_the_deadline(
    client: ZeppelinClient, fake: FakeZeppelin, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(_transport, "BACKOFF", (5.0, 5.0))
    fake.fail_next("GET", Answer(503, "starting"))
    client._http.total_timeout = 1.0
    begin = time.monotonic()
    with pytest.raises(ServerUnreachableError, match="answers 503"):
        client.list_notes()
    assert time.monotonic() - begin < 3


@pytest.fixture(scope="module")
def bomb() -> bytes:
    """600 MiB of zeros, compressed."""
    compressor = zlib.compressobj(9, zlib.DEFLATED, zlib.MAX_WBITS | 16)
    return b"".join(compressor.compress(bytes(MIB)) for _ in range(600)) + compressor.flush()


@pytest.mark.parametrize("status", [200, 302, 500])
def test_a_bomb_is_refused_with_little_memory(fake: FakeZeppelin, bomb: bytes, status: int) -> None:
    headers = {"Content-Encoding": "gzip", "Location": "/"}
    fake.fail_next("GET", Answer(status, bomb, headers))
    with ZeppelinClient(fake.url, max_answer_bytes=8 * MIB) as client:
        tracemalloc.start()
        with pytest.raises(AnswerTooLargeError, match=f"more than {8 * MIB} bytes") as caught:
            client.get_version()
        most = tracemalloc.get_traced_memory()[1]
        tracemalloc.stop()
    assert caught.value.next_step
    assert most < 32 * MIB


def test_a_plain_answer_has_the_limit_too(fake: FakeZeppelin) -> None:
    note = fake.add_note("/n")
    fake.add_paragraph(note, {"text": "x" * 2000})
    with ZeppelinClient(fake.url, max_answer_bytes=2000) as client:
        assert [found.path for found in client.list_notes()] == ["/n"]
        with pytest.raises(AnswerTooLargeError):
            client.get_note(note["id"])


@pytest.mark.parametrize("pack", [gzip.compress, zlib.compress], ids=["gzip", "deflate"])
def test_compressed_answers_are_read(client: ZeppelinClient, fake: FakeZeppelin, pack: object) -> None:
    body = ok([{"id": "2A", "path": f"/{n}"} for n in range(5000)]).body
    assert callable(pack)
    packed = gzip.compress(body[:1000]) + gzip.compress(body[1000:]) if pack is gzip.compress else pack(body)
    fake.fail_next("GET", Answer(200, packed, {"Content-Encoding": "gzip"}))
    assert len(client.list_notes()) == 5000
    assert fake.requests[-1].headers["accept-encoding"] == "gzip"


def test_what_is_not_compressed_as_it_says_is_no_answer(client: ZeppelinClient, fake: FakeZeppelin) -> None:
    fake.fail_next("GET", Answer(200, "plain", {"Content-Encoding": "gzip"}))
    with pytest.raises(ServerUnreachableError):
        client.list_notes()


@pytest.mark.parametrize("status", [200, 404, 500])
def test_json_nested_without_end_is_no_answer_of_zeppelin(fake: FakeZeppelin, status: int) -> None:
    with ZeppelinClient(fake.url) as client:
        for deep in (DEEP, '{"a":' * 300 + "1" + "}" * 300):
            fake.fail_next("GET", Answer(status, deep))
            kind = NotZeppelinError if status < 500 else _transport.ZeppelinError
            with pytest.raises(kind):
                client.get_version()


def test_an_export_nested_without_end_is_no_note(client: ZeppelinClient, fake: FakeZeppelin) -> None:
    fake.fail_next("GET", ok(DEEP))
    with pytest.raises(NotZeppelinError, match="as no JSON"):
        client.export_note("2A")


def test_a_connection_is_kept_for_the_next_call(client: ZeppelinClient, fake: FakeZeppelin) -> None:
    for _ in range(3):
        client.list_notes()
    assert len(fake.connections) == 1


def test_a_websockets_message_has_the_limit_too(fake: FakeZeppelin) -> None:
    note = fake.add_note("/n")
    with ZeppelinClient(fake.url, timeout=5, max_answer_bytes=20_000) as client:
        with client.follow(note["id"]) as follower:
            for _ in range(5):  # more than the limit, but in messages below it
                fake.wait_for_message("GET_NOTE")
                fake.tell("PROGRESS", id="p", progress=1, padding="x" * 10_000)
                assert follower.read(5)
            fake.tell("PROGRESS", id="p", progress=1, padding="x" * 30_000)
            with pytest.raises(AnswerTooLargeError):
                follower.read(5)
        assert fake.sockets


def test_a_websockets_message_that_trickles_in_does_not_hold_a_read(fake: FakeZeppelin) -> None:
    note = fake.add_note("/n")
    with ZeppelinClient(fake.url, timeout=5) as client, client.follow(note["id"]) as follower:
        assert follower.read(0.2) is None
        text = json.dumps({"op": "PROGRESS", "data": {"id": "p", "progress": 7}, "padding": "x" * 50})
        sender = threading.Thread(target=fake.sockets[0].send_by_the_byte, args=(text, 0.01))
        sender.start()
        begin = time.monotonic()
        assert follower.read(0.1) is None
        assert time.monotonic() - begin < 0.5
        sender.join()
        assert follower.read(5)


def test_a_websockets_message_nested_without_end_is_not_zeppelins(fake: FakeZeppelin) -> None:
    note = fake.add_note("/n")
    with ZeppelinClient(fake.url, timeout=5) as client, client.follow(note["id"]) as follower:
        assert follower.read(0.2) is None
        fake.sockets[0].send(DEEP)
        with pytest.raises(NotZeppelinError):
            follower.read(5)


def test_calls_are_logged_without_what_is_secret(fake: FakeZeppelin, caplog: pytest.LogCaptureFixture) -> None:
    fake.users = {"ann": "secret-password"}
    with (
        caplog.at_level(logging.DEBUG, "zeppelin_sdk"),
        ZeppelinClient(fake.url, user="ann", password="secret-password", timeout=5) as ann,
    ):
        note_id = ann.create_note("/n")
        ann.set_credential("mine", "user", "stored-password")
        ann.search_notes("secret-query")
        with ann.open_note(note_id):
            pass
    text = caplog.text
    assert f"POST {fake.url}/api/notebook: 200, " in text
    assert "sent GET_NOTE" in text
    assert "received NOTE, " in text
    assert not [word for word in ("secret", "stored-password", "ticket-of-ann") if word in text]
