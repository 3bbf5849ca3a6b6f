import itertools
import json
import threading
import time

import pytest
import websocket

from zeppelin_sdk import (
    LoginRequiredError,
    NoteNotFoundError,
    NotZeppelinError,
    OutputAppended,
    OutputUpdated,
    Paragraph,
    ParagraphChanged,
    PermissionDeniedError,
    Progress,
    ServerError,
    ServerUnreachableError,
    ZeppelinClient,
)
from zeppelin_sdk import _websocket as follower_module
from zeppelin_sdk.testing import Drop, FakeZeppelin, html, ok


@pytest.fixture
def note_id(fake: FakeZeppelin) -> str:
    note = fake.add_note("/n")
    note["paragraphs"] = [{"id": "p1", "text": "one"}, {"id": "p2", "text": "two"}]
    return str(note["id"])


@pytest.fixture
def heartbeat(monkeypatch: pytest.MonkeyPatch) -> float:
    monkeypatch.setattr(follower_module, "HEARTBEAT_SECONDS", 0.02)
    return 0.02


def test_a_note_is_followed_from_its_paragraphs_to_their_output(
    client: ZeppelinClient, fake: FakeZeppelin, note_id: str
) -> None:
    with client.follow(note_id) as follower:
        assert follower.read(5) == ParagraphChanged(Paragraph(id="p1", text="one"))
        assert follower.read(5) == ParagraphChanged(Paragraph(id="p2", text="two"))
        fake.tell("PARAGRAPH_APPEND_OUTPUT", noteId=note_id, paragraphId="p1", index=0, data="a line\n")
        fake.tell("PARAGRAPH_UPDATE_OUTPUT", noteId=note_id, paragraphId="p1", index=1.0, type="TABLE", data="x\ty")
        fake.tell("PROGRESS", id="p1", progress=40)
        assert follower.read(5) == OutputAppended("p1", 0, "a line\n")
        assert follower.read(5) == OutputUpdated("p1", 1, "TABLE", "x\ty")
        assert follower.read(5) == Progress("p1", 40)


def test_only_paragraphs_that_changed_are_told(client: ZeppelinClient, fake: FakeZeppelin, note_id: str) -> None:
    with client.follow(note_id) as follower:
        assert [follower.read(5), follower.read(5)]
        fake.notes[note_id]["paragraphs"][1]["text"] = "edited"
        fake.tell("NOTE", note=fake.notes[note_id])
        fake.tell("PARAGRAPH", paragraph={"id": "p2", "text": "edited"})
        fake.tell("PARAGRAPH", paragraph={"id": "p1", "text": "one", "status": "PENDING"})
        assert follower.read(5) == ParagraphChanged(Paragraph(id="p2", text="edited"))
        changed = follower.read(5)
        assert isinstance(changed, ParagraphChanged)
        assert (changed.paragraph.id, changed.paragraph.status) == ("p1", "PENDING")


def test_messages_about_other_things_are_passed_over(client: ZeppelinClient, fake: FakeZeppelin, note_id: str) -> None:
    with client.follow(note_id) as follower:
        assert [follower.read(5), follower.read(5)]
        fake.tell("NOTES_INFO", notes=[])
        fake.tell("NOTE", note={"id": "2OTHER", "paragraphs": [{"id": "p9"}]})
        for open_socket in fake.sockets:
            open_socket.send("no json")
            open_socket.send("[]")
        fake.tell("PROGRESS", id="p1", progress=1)
        assert follower.read(5) == Progress("p1", 1)


def test_a_read_ends_after_its_timeout(client: ZeppelinClient, note_id: str) -> None:
    with client.follow(note_id) as follower:
        assert [follower.read(5), follower.read(5)]
        begin = time.monotonic()
        assert follower.read(0.05) is None
        assert 0.04 < time.monotonic() - begin < 1


def test_heartbeats_go_out_while_nothing_comes_in(
    client: ZeppelinClient, fake: FakeZeppelin, note_id: str, heartbeat: float
) -> None:
    with client.follow(note_id) as follower:
        assert [follower.read(5), follower.read(5)]
        assert follower.read(heartbeat * 4) is None
        assert fake.wait_for_message("PING", count=2)


def test_a_message_that_arrives_in_pieces_across_a_timeout_is_whole(
    client: ZeppelinClient, fake: FakeZeppelin, note_id: str
) -> None:
    with client.follow(note_id) as follower:
        assert [follower.read(5), follower.read(5)]
        text = json.dumps({"op": "PROGRESS", "data": {"id": "p1", "progress": 7}})
        sender = threading.Thread(target=fake.sockets[0].send_in_pieces, args=(text, threading.Event(), 0.1))
        sender.start()
        events = [follower.read(0.02) for _ in range(20)]
        sender.join()
        assert [event for event in events if event] == [Progress("p1", 7)]


def test_iteration_goes_on_until_the_follower_is_closed(
    client: ZeppelinClient, fake: FakeZeppelin, note_id: str
) -> None:
    seen = []
    with client.follow(note_id) as follower:
        for event in follower:
            seen.append(event)
            if len(seen) == 2:
                follower.close()
    assert len(seen) == 2
    assert follower.read(1) is None


def test_closing_from_another_thread_ends_a_read_without_an_error(client: ZeppelinClient, note_id: str) -> None:
    with client.follow(note_id) as follower:
        assert [follower.read(5), follower.read(5)]
        timer = threading.Timer(0.05, follower.close)
        timer.start()
        assert follower.read(5) is None
        timer.join()


def test_closing_says_goodbye(client: ZeppelinClient, fake: FakeZeppelin, note_id: str) -> None:
    with client.follow(note_id) as follower:
        follower.read(5)
    assert fake.sockets[0].said_goodbye


def test_a_server_that_goes_away_is_unreachable(client: ZeppelinClient, fake: FakeZeppelin, note_id: str) -> None:
    with client.follow(note_id) as follower:
        assert [follower.read(5), follower.read(5)]
        fake.drop_connections()
        with pytest.raises(ServerUnreachableError, match="websocket was closed"):
            follower.read(5)


def test_a_server_that_says_goodbye_is_unreachable(client: ZeppelinClient, fake: FakeZeppelin, note_id: str) -> None:
    with client.follow(note_id) as follower:
        assert [follower.read(5), follower.read(5)]
        fake.sockets[0].close()
        with pytest.raises(ServerUnreachableError, match="websocket was closed"):
            follower.read(5)


def test_a_note_that_is_not_there_is_an_error(client: ZeppelinClient) -> None:
    with client.follow("2GONE") as follower, pytest.raises(NoteNotFoundError, match="no such note: 2GONE"):
        follower.read(5)


def test_another_complaint_is_a_server_error(client: ZeppelinClient, fake: FakeZeppelin, note_id: str) -> None:
    with client.follow(note_id) as follower:
        assert [follower.read(5), follower.read(5)]
        fake.tell("ERROR_INFO", info="Note is now running sequentially.\nmore")
        with pytest.raises(ServerError, match=rf"note {note_id}: Note is now running sequentially\.$"):
            follower.read(5)


def test_a_note_that_may_not_be_read_is_an_error(client: ZeppelinClient, fake: FakeZeppelin, note_id: str) -> None:
    with client.follow(note_id) as follower:
        assert [follower.read(5), follower.read(5)]
        fake.tell("AUTH_INFO", info="Insufficient privileges to READER note.\n\nAllowed: ann")
        with pytest.raises(PermissionDeniedError, match=r"Insufficient privileges to READER note\.$"):
            follower.read(5)


@pytest.mark.parametrize("generation", ["0.8", "0.10", "0.12"])
def test_a_logged_in_user_follows_with_cookie_ticket_and_prefix(generation: str) -> None:
    users = {"ann": "secret"}
    with (
        FakeZeppelin(generation, prefix="/zeppelin", users=users) as fake,
        ZeppelinClient(fake.url, user="ann", password="secret") as ann,
    ):
        note_id = fake.add_note("/n")["id"]
        fake.notes[note_id]["paragraphs"] = [{"id": "p1", "text": "one"}]
        with ann.follow(note_id) as follower:
            assert follower.read(5) == ParagraphChanged(Paragraph(id="p1", text="one"))
            fake.tell("SESSION_LOGOUT", info="Your ticket is invalid")
            with pytest.raises(LoginRequiredError, match="Your ticket is invalid"):
                follower.read(5)
        assert fake.socket_messages[0]["principal"] == "ann"


def test_a_ticket_is_not_shown_by_repr(client: ZeppelinClient) -> None:
    ticket = client.get_ticket()
    assert (ticket.principal, ticket.ticket) == ("anonymous", "anonymous")
    assert repr(ticket) == "Ticket(principal='anonymous', roles='[]')"


def test_a_websocket_that_wants_a_login_is_an_error(fake: FakeZeppelin, client: ZeppelinClient, note_id: str) -> None:
    fake.users = {"ann": "secret"}
    fake.fail_next("GET", ok({"principal": "anonymous", "ticket": "anonymous", "roles": "[]"}))
    with pytest.raises(LoginRequiredError, match="refused the websocket"):
        client.follow(note_id)


def test_a_proxy_that_passes_no_websocket_on_is_named(client: ZeppelinClient, fake: FakeZeppelin, note_id: str) -> None:
    fake.websocket_fault = html(404, "Not Found")
    with pytest.raises(NotZeppelinError, match=r"no websocket at /ws \(404\)"):
        client.follow(note_id)


def test_a_redirected_websocket_takes_no_ticket_elsewhere(
    client: ZeppelinClient, fake: FakeZeppelin, note_id: str
) -> None:
    with FakeZeppelin() as elsewhere:
        target = elsewhere.url.replace("http:", "ws:") + "/ws"
        fake.websocket_fault = html(302, "", {"Location": target})
        with pytest.raises(LoginRequiredError):
            client.follow(note_id)
        assert elsewhere.requests == []


def test_a_websocket_that_cannot_be_opened_is_unreachable(
    client: ZeppelinClient, fake: FakeZeppelin, note_id: str
) -> None:
    fake.websocket_fault = Drop()
    with pytest.raises(ServerUnreachableError, match="no websocket connection"):
        client.follow(note_id)


@pytest.mark.parametrize("fake", ["0.12"], indirect=True)
def test_the_fake_closes_a_websocket_without_its_own_origin_as_0_12_does(fake: FakeZeppelin) -> None:
    url = fake.url.replace("http:", "ws:") + "/ws"
    stranger = websocket.create_connection(url, origin="http://elsewhere.example", timeout=30)
    assert stranger.recv() == ""
    stranger.shutdown()


@pytest.mark.parametrize("fake", ["0.12"], indirect=True)
@pytest.mark.parametrize("reconnect", [False, True])
def test_a_server_that_closes_every_websocket_at_once_is_an_error_that_names_the_setting(
    client: ZeppelinClient, fake: FakeZeppelin, note_id: str, monkeypatch: pytest.MonkeyPatch, reconnect: bool
) -> None:
    monkeypatch.setattr(fake, "allows", lambda origin: False)
    with (
        client.follow(note_id, reconnect=reconnect) as follower,
        pytest.raises(ServerUnreachableError, match="closed before its first message") as caught,
    ):
        list(itertools.islice(follower, 100))
    assert f"add http://localhost:{fake.url.rpartition(':')[2]} to the server's zeppelin" in caught.value.next_step


@pytest.mark.parametrize("fake", ["0.12"], indirect=True)
def test_a_server_on_loopback_allows_its_client_a_websocket_without_a_setting(
    client: ZeppelinClient, fake: FakeZeppelin, note_id: str
) -> None:
    assert fake.url.startswith("http://127.0.0.1:")
    with client.follow(note_id) as follower:
        assert follower.read(5) is not None
