from collections.abc import Iterator

import pytest

from zeppelin_sdk import NoteNotFoundError, NotFoundError, Revision, ServerError, ZeppelinClient
from zeppelin_sdk.testing import FakeZeppelin


@pytest.fixture(params=["0.8", "0.10", "0.11", "0.12"])
def fake(request: pytest.FixtureRequest) -> Iterator[FakeZeppelin]:
    with FakeZeppelin(request.param) as server:
        yield server


@pytest.fixture
def note_id(client: ZeppelinClient) -> str:
    return client.import_note({"name": "n", "paragraphs": [{"id": "p1", "text": "first"}]}, "/n")


def test_a_note_is_saved_changed_and_restored(client: ZeppelinClient, note_id: str) -> None:
    assert client.list_revisions(note_id) == []
    first = client.checkpoint_note(note_id, "as it came")
    client.update_paragraph(note_id, "p1", text="second")
    second = client.checkpoint_note(note_id, "edited")
    assert first
    assert second
    assert [(r.id, r.message) for r in client.list_revisions(note_id)] == [(second, "edited"), (first, "as it came")]
    assert client.get_revision(note_id, first).paragraphs[0].text == "first"
    client.restore_revision(note_id, first)
    assert client.get_note(note_id).paragraphs[0].text == "first"


def test_nothing_new_makes_no_revision(client: ZeppelinClient, note_id: str) -> None:
    assert client.checkpoint_note(note_id, "one")
    assert client.checkpoint_note(note_id, "two") is None


def test_a_revision_that_is_not_there_is_an_error(client: ZeppelinClient, note_id: str) -> None:
    with pytest.raises(NotFoundError, match="no revision gone"):
        client.get_revision(note_id, "gone")
    with pytest.raises(ServerError):
        client.restore_revision(note_id, "gone")


def test_a_note_that_is_not_there_is_an_error(client: ZeppelinClient) -> None:
    for call in (client.list_revisions, lambda note: client.checkpoint_note(note, "x")):
        with pytest.raises(NoteNotFoundError):
            call("2GONE")


def test_the_websocket_is_used_only_where_rest_has_no_revisions(
    client: ZeppelinClient, fake: FakeZeppelin, note_id: str
) -> None:
    client.list_revisions(note_id)
    assert bool(fake.sockets) is (fake.generation in ("0.8", "0.10"))


def test_a_revision_has_an_id_a_message_and_a_time() -> None:
    assert Revision.from_json({"id": "abc", "message": "m", "time": 5.0}) == Revision("abc", "m", 5)
