import socket
from collections.abc import Callable

import pytest
import requests

from zeppelin_sdk import ServerError, ServerUnreachableError, ZeppelinClient
from zeppelin_sdk.testing import Answer, Drop, FakeZeppelin, html

WRITES: dict[str, tuple[str, Callable[[ZeppelinClient], object]]] = {
    "create": ("POST", lambda client: client.create_note("/a")),
    "run": ("POST", lambda client: client.submit_paragraph("2A", "p")),
    "update": ("PUT", lambda client: client.update_paragraph("2A", "p", text="x")),
    "restart": ("PUT", lambda client: client.stop_interpreter("spark")),
    "delete": ("DELETE", lambda client: client.delete_note("2A")),
}


@pytest.mark.parametrize("name", WRITES)
@pytest.mark.parametrize("fake", ["0.10"], indirect=True)
def test_a_write_whose_connection_was_cut_is_not_sent_again(
    client: ZeppelinClient, fake: FakeZeppelin, name: str
) -> None:
    method, call = WRITES[name]
    fake.fail_next(method, Drop())
    with pytest.raises(ServerUnreachableError, match="may have been carried out"):
        call(client)
    assert len(fake.asked(method)) == 1


@pytest.mark.parametrize("name", WRITES)
@pytest.mark.parametrize("fake", ["0.10"], indirect=True)
def test_a_write_that_a_gateway_failed_is_not_sent_again(client: ZeppelinClient, fake: FakeZeppelin, name: str) -> None:
    method, call = WRITES[name]
    fake.fail_next(method, html(503, "unavailable"))
    with pytest.raises(ServerUnreachableError, match="answers 503"):
        call(client)
    assert len(fake.asked(method)) == 1


@pytest.mark.parametrize("fault", [Drop(), html(502, ""), html(503, ""), html(504, "")], ids=repr)
def test_a_read_is_sent_again(client: ZeppelinClient, fake: FakeZeppelin, fault: Exception) -> None:
    fake.fail_next("GET", fault, fault)
    assert client.list_notes() == []
    assert len(fake.asked("GET")) == 3


def test_a_read_gives_up_after_three_times(client: ZeppelinClient, fake: FakeZeppelin) -> None:
    fake.fail_next("GET", *[html(503, "unavailable") for _ in range(3)])
    with pytest.raises(ServerUnreachableError, match="answers 503"):
        client.list_notes()
    assert len(fake.asked("GET")) == 3


def test_a_read_that_the_server_refused_is_not_sent_again(client: ZeppelinClient, fake: FakeZeppelin) -> None:
    fake.fail_next("GET", Answer(500, "{}"))
    with pytest.raises(ServerError):
        client.list_notes()
    assert len(fake.asked("GET")) == 1


def test_a_read_that_timed_out_is_not_sent_again() -> None:
    with socket.socket() as server:
        server.bind(("127.0.0.1", 0))
        server.listen()
        url = f"http://127.0.0.1:{server.getsockname()[1]}"
        with ZeppelinClient(url, timeout=0.05) as client, pytest.raises(ServerUnreachableError):
            client.list_notes()
        server.accept()[0].close()
        server.setblocking(False)
        with pytest.raises(BlockingIOError):
            server.accept()


def test_a_write_is_tried_again_while_no_connection_was_made(
    client: ZeppelinClient, fake: FakeZeppelin, monkeypatch: pytest.MonkeyPatch
) -> None:
    refusals = [ConnectionRefusedError(111, "Connection refused")] * 2
    connect = socket.socket.connect

    def refuse_at_first(self: socket.socket, address: tuple[str, int]) -> None:
        if refusals:
            raise refusals.pop()
        connect(self, address)

    monkeypatch.setattr(socket.socket, "connect", refuse_at_first)
    note_id = client.create_note("/a")
    assert list(fake.notes) == [note_id]


def test_every_call_is_json_and_names_no_origin(client: ZeppelinClient, fake: FakeZeppelin) -> None:
    note_id = client.create_note("/a")
    client.submit_note(note_id)
    client.cancel_note(note_id)
    assert {r.headers["content-type"] for r in fake.requests} == {"application/json"}
    assert all("origin" not in r.headers for r in fake.requests)


def test_a_callers_own_session_is_used_and_left_open(fake: FakeZeppelin) -> None:
    with requests.Session() as session:
        session.headers["X-Mine"] = "yes"
        closed: list[bool] = []
        session.close = lambda: closed.append(True)  # type: ignore[method-assign]
        with ZeppelinClient(fake.url, session=session) as client:
            client.get_version()
        assert closed == []
        assert fake.requests[0].headers["x-mine"] == "yes"
        del session.close
