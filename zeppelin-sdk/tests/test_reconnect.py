import time

import pytest

from zeppelin_sdk import (
    ConnectionLost,
    ConnectionRestored,
    LoginRequiredError,
    NoteFollower,
    NoteNotFoundError,
    OutputAppended,
    Paragraph,
    ParagraphAdded,
    ParagraphChanged,
    ParagraphMoved,
    ParagraphRemoved,
    ZeppelinClient,
    _following,
)
from zeppelin_sdk.testing import Drop, FakeZeppelin, html


@pytest.fixture(autouse=True)
def quick_attempts(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(_following, "RECONNECT_FIRST", 0.01)
    monkeypatch.setattr(_following, "RECONNECT_MOST", 0.02)


@pytest.fixture
def note_id(fake: FakeZeppelin) -> str:
    note = fake.add_note("/n")
    note["paragraphs"] = [{"id": name, "text": name} for name in ("a", "b", "c")]
    return str(note["id"])


def started(follower: NoteFollower) -> None:
    assert [follower.read(5) for _ in range(3)]


def test_a_lost_connection_is_opened_again_and_output_goes_on(
    client: ZeppelinClient, fake: FakeZeppelin, note_id: str
) -> None:
    with client.follow(note_id, reconnect=True) as follower:
        started(follower)
        fake.drop_connections()
        assert isinstance(follower.read(5), ConnectionLost)
        assert follower.read(5) == ConnectionRestored()
        fake.wait_for_message("GET_NOTE", count=2)
        fake.tell("PARAGRAPH_APPEND_OUTPUT", noteId=note_id, paragraphId="a", index=0, data="more")
        assert follower.read(5) == OutputAppended("a", 0, "more")


def test_what_changed_meanwhile_is_told(client: ZeppelinClient, fake: FakeZeppelin, note_id: str) -> None:
    with client.follow(note_id, reconnect=True) as follower:
        started(follower)
        fake.notes[note_id]["paragraphs"] = [
            {"id": "c", "text": "c"},
            {"id": "new", "text": "new"},
            {"id": "a", "text": "edited"},
        ]
        fake.drop_connections()
        events = [follower.read(5) for _ in range(6)]
        assert events[2:] == [
            ParagraphRemoved("b"),
            ParagraphMoved("c", 0),
            ParagraphAdded(Paragraph(id="new", text="new"), 1),
            ParagraphChanged(Paragraph(id="a", text="edited")),
        ]
        assert follower.note
        assert [p.id for p in follower.note.paragraphs] == ["c", "new", "a"]


@pytest.mark.parametrize("fault", [Drop(), html(503, "starting"), html(404, "starting")], ids=["refused", "503", "404"])
def test_it_is_tried_until_the_server_is_back(
    client: ZeppelinClient, fake: FakeZeppelin, note_id: str, fault: Exception
) -> None:
    with client.follow(note_id, reconnect=True) as follower:
        started(follower)
        fake.websocket_fault = fault  # type: ignore[assignment]
        fake.drop_connections()
        assert isinstance(follower.read(5), ConnectionLost)
        begin = time.monotonic()
        assert follower.read(0.2) is None
        assert time.monotonic() - begin < 10
        fake.websocket_fault = None
        assert follower.read(5) == ConnectionRestored()


def test_closing_ends_the_attempts(client: ZeppelinClient, fake: FakeZeppelin, note_id: str) -> None:
    with client.follow(note_id, reconnect=True) as follower:
        started(follower)
        fake.websocket_fault = Drop()
        fake.drop_connections()
        assert isinstance(follower.read(5), ConnectionLost)
        follower.close()
        begin = time.monotonic()
        assert follower.read(5) is None
        assert time.monotonic() - begin < 4


def test_a_note_that_was_deleted_meanwhile_is_an_error(
    client: ZeppelinClient, fake: FakeZeppelin, note_id: str
) -> None:
    with client.follow(note_id, reconnect=True) as follower:
        started(follower)
        del fake.notes[note_id]
        fake.drop_connections()
        assert isinstance(follower.read(5), ConnectionLost)
        assert follower.read(5) == ConnectionRestored()
        with pytest.raises(NoteNotFoundError):
            follower.read(5)


@pytest.mark.parametrize("generation", ["0.8", "0.10", "0.12"])
def test_an_expired_session_is_renewed(generation: str) -> None:
    with (
        FakeZeppelin(generation, users={"ann": "secret"}) as fake,
        ZeppelinClient(fake.url, user="ann", password="secret") as ann,
    ):
        note_id = fake.add_note("/n")["id"]
        fake.notes[note_id]["paragraphs"] = [{"id": "a", "text": "one"}]
        with ann.follow(note_id, reconnect=True) as follower:
            assert follower.read(5)
            fake.expire_sessions()
            fake.tell("SESSION_LOGOUT", info="Your ticket is invalid")
            lost = follower.read(5)
            assert lost == ConnectionLost("Your ticket is invalid")
            assert follower.read(5) == ConnectionRestored()
            assert len(fake.asked("POST", "login")) == 2


def test_a_ticket_that_is_refused_again_at_once_is_an_error(
    client: ZeppelinClient, fake: FakeZeppelin, note_id: str
) -> None:
    with client.follow(note_id, reconnect=True) as follower:
        started(follower)
        fake.deaf_to = {"GET_NOTE"}
        fake.tell("SESSION_LOGOUT", info="Your ticket is invalid")
        assert isinstance(follower.read(5), ConnectionLost)
        assert follower.read(5) == ConnectionRestored()
        fake.wait_for_message("GET_NOTE", count=2)
        fake.tell("SESSION_LOGOUT", info="Your ticket is invalid")
        with pytest.raises(LoginRequiredError):
            follower.read(5)
