"""A note that is open as in a browser, in every generation."""

import json
import time
from collections.abc import Iterator

import pytest

from zeppelin_sdk import (
    NoteNotFoundError,
    NoteRunningError,
    NoteSession,
    OthersPresent,
    Paragraph,
    ParagraphAdded,
    ParagraphChanged,
    ParagraphMoved,
    ParagraphNotFoundError,
    ParagraphRemoved,
    PermissionDeniedError,
    ServerError,
    ServerUnreachableError,
    UnsupportedError,
    WaitTimeoutError,
    ZeppelinClient,
)
from zeppelin_sdk.testing import FakeZeppelin

NEWER = pytest.mark.parametrize("fake", ["0.10", "0.11", "0.12"], indirect=True)
OLD = pytest.mark.parametrize("fake", ["0.8"], indirect=True)


@pytest.fixture
def note_id(fake: FakeZeppelin) -> str:
    note = fake.add_note("/n")
    for name in ("one", "two"):
        fake.add_paragraph(note, {"text": f"%md {name}", "title": name, "config": {"editorHide": True}})["id"] = name
    return str(note["id"])


@pytest.fixture
def note(client: ZeppelinClient, note_id: str) -> Iterator[NoteSession]:
    with client.open_note(note_id) as session:
        yield session


def texts(fake: FakeZeppelin, note_id: str) -> list[str]:
    return [p["text"] for p in fake.notes[note_id]["paragraphs"]]


def read_until_text(note: NoteSession, text: str) -> None:
    """Read what the server tells until the first paragraph has this text."""
    end = time.monotonic() + 30
    while note.note.paragraphs[0].text != text:
        assert time.monotonic() < end, note.note.paragraphs[0].text
        note.read(0.2)


def test_an_open_note_is_known_at_once(note: NoteSession) -> None:
    assert (note.note.path, [p.text for p in note.note.paragraphs]) == ("/n", ["%md one", "%md two"])


def test_a_note_that_is_not_there_is_an_error_in_every_generation(client: ZeppelinClient) -> None:
    with pytest.raises(NoteNotFoundError, match="no such note: 2GONE"):
        client.open_note("2GONE")


def test_a_commit_sends_what_it_leaves_out_as_the_page_does(
    note: NoteSession, fake: FakeZeppelin, note_id: str
) -> None:
    committed = note.update_paragraph("one", text="%md edited", config={"fontSize": 12})
    assert (committed.text, committed.title, committed.config) == (
        "%md edited",
        "one",
        {"editorHide": True, "fontSize": 12},
    )
    assert note.note.paragraph("one") == committed
    assert fake.wait_for_message("COMMIT_PARAGRAPH")[0]["data"] == {
        "id": "one",
        "noteId": note_id,
        "title": "one",
        "paragraph": "%md edited",
        "config": {"editorHide": True, "fontSize": 12},
        "params": {},
    }


def test_a_commit_returns_when_its_own_answer_is_there(note: NoteSession, fake: FakeZeppelin) -> None:
    fake.tell("PARAGRAPH", paragraph={"id": "one", "text": "%md somebody else's"})
    assert note.update_paragraph("one", text="%md mine", params={"n": 1}).settings["params"] == {"n": 1}


@NEWER
def test_a_patch_changes_the_text_and_is_told_to_the_others(
    client: ZeppelinClient, note: NoteSession, note_id: str
) -> None:
    with client.open_note(note_id) as other:
        assert note.patch_paragraph("one", "%md one and more").text == "%md one and more"
        assert note.patch_paragraph("one", "%md one and more").text == "%md one and more"
        read_until_text(other, "%md one and more")


@NEWER
def test_a_patch_that_does_not_fit_what_is_known_makes_the_note_be_read_again(
    client: ZeppelinClient, fake: FakeZeppelin, note: NoteSession, note_id: str
) -> None:
    fake.notes[note_id]["paragraphs"][0]["text"] = "%md changed behind our back"
    fake.tell("PATCH_PARAGRAPH", paragraphId="one", patch="@@ -1,3 +1,3 @@\n-xyz\n+abc\n")
    read_until_text(note, "%md changed behind our back")


@pytest.mark.parametrize("fake", ["0.8", "0.10"], indirect=True)
def test_a_server_that_takes_no_patches_is_an_error_that_names_the_version(
    note: NoteSession, fake: FakeZeppelin, note_id: str
) -> None:
    fake.takes_patches = False
    with pytest.raises(UnsupportedError, match="took no patch") as caught:
        note.patch_paragraph("one", "%md other")
    assert (caught.value.needs, texts(fake, note_id)[0]) == ("0.9", "%md one")


def test_paragraphs_are_inserted_moved_and_removed(note: NoteSession, fake: FakeZeppelin, note_id: str) -> None:
    last = note.add_paragraph(text="%md last", title="three", config={"a": 1})
    assert (last.text, last.title, last.config) == ("%md last", "three", {"a": 1})
    note.add_paragraph(0)
    note.move_paragraph(last.id, 1)
    note.delete_paragraph("one")
    assert texts(fake, note_id) == [None, "%md last", "%md two"]
    assert [p.text for p in note.note.paragraphs] == ["", "%md last", "%md two"]


def test_what_one_does_the_other_hears(
    client: ZeppelinClient, note: NoteSession, fake: FakeZeppelin, note_id: str
) -> None:
    with client.follow(note_id) as follower:
        if fake.generation != "0.8":
            assert follower.read(5) == OthersPresent(True, frozenset({"anonymous"}))
        assert [type(follower.read(5)) for _ in "12"] == [ParagraphChanged] * 2
        added = note.add_paragraph(0)
        note.move_paragraph(added.id, 2)
        note.delete_paragraph(added.id)
        assert follower.read(5) == ParagraphAdded(added, 0)
        assert follower.read(5) == ParagraphMoved(added.id, 2)
        assert follower.read(5) == ParagraphRemoved(added.id)
        assert follower.note
        assert [p.id for p in follower.note.paragraphs] == ["one", "two"]


def test_a_run_saves_and_starts_a_paragraph(note: NoteSession, fake: FakeZeppelin, note_id: str) -> None:
    started = note.submit_paragraph("one", text="%md run", params={"n": 1})
    assert (started.status, texts(fake, note_id)[0]) == ("PENDING", "%md run")
    note.cancel_paragraph("one")
    while note.note.paragraphs[0].status != "ABORT":
        assert note.read(5)


def test_all_paragraphs_are_run_with_what_they_hold(note: NoteSession, fake: FakeZeppelin, note_id: str) -> None:
    note.submit_note()
    sent = json.loads(fake.wait_for_message("RUN_ALL_PARAGRAPHS")[0]["data"]["paragraphs"])
    assert [(p["id"], p["paragraph"]) for p in sent] == [("one", "%md one"), ("two", "%md two")]


@NEWER
def test_a_note_that_is_being_run_takes_no_changes(note: NoteSession, fake: FakeZeppelin, note_id: str) -> None:
    fake.notes[note_id]["info"]["isRunning"] = True
    with pytest.raises(NoteRunningError):
        note.update_paragraph("one", text="%md other")
    assert texts(fake, note_id)[0] == "%md one"


def test_output_is_cleared(note: NoteSession, fake: FakeZeppelin, note_id: str) -> None:
    fake.notes[note_id]["paragraphs"][0]["results"] = {"code": "SUCCESS", "msg": [{"type": "TEXT", "data": "x"}]}
    assert note.clear_paragraph_output("one").results == ()


def test_a_notes_own_forms_are_saved_and_removed(note: NoteSession, fake: FakeZeppelin, note_id: str) -> None:
    fake.notes[note_id]["noteForms"] = {"city": {"name": "city"}}
    saved = note.set_params({"city": "Rome"})
    assert (saved.forms, saved.params) == ({"city": {"name": "city"}}, {"city": "Rome"})
    assert note.delete_form("city").forms == {}


def test_a_paragraph_that_is_not_there_is_an_error(note: NoteSession) -> None:
    for call in (note.update_paragraph, note.delete_paragraph, note.submit_paragraph, note.clear_paragraph_output):
        with pytest.raises(ParagraphNotFoundError, match="has no paragraph gone"):
            call("gone")


def test_a_paragraph_that_is_new_is_found_by_asking_again(note: NoteSession, fake: FakeZeppelin, note_id: str) -> None:
    fake.add_paragraph(fake.notes[note_id], {"text": "%md new"})["id"] = "new"
    assert note.update_paragraph("new", text="%md newer") == Paragraph.from_json(fake.paragraph(note_id, "new"))


@NEWER
def test_what_the_server_refuses_is_an_error(note: NoteSession) -> None:
    with pytest.raises(ServerError, match="Index 9 out of bounds"):
        note.add_paragraph(9)
    with pytest.raises(ServerError, match="400"):
        note.move_paragraph("one", 9)
    assert note.update_paragraph("one", text="%md still open").text == "%md still open"


def test_what_the_user_may_not_do_is_an_error(note: NoteSession, fake: FakeZeppelin) -> None:
    fake.deaf_to = {"COMMIT_PARAGRAPH"}
    fake.tell("AUTH_INFO", info="Insufficient privileges to WRITER note.\nmore")
    with pytest.raises(PermissionDeniedError, match="WRITER"):
        note.update_paragraph("one", text="%md other")


def test_a_server_that_does_not_answer_is_an_error(fake: FakeZeppelin, note_id: str) -> None:
    fake.deaf_to = {"COMMIT_PARAGRAPH"}
    with (
        ZeppelinClient(fake.url, timeout=0.1) as client,
        client.open_note(note_id) as note,
        pytest.raises(WaitTimeoutError, match="COMMIT_PARAGRAPH within 0.1 s"),
    ):
        note.update_paragraph("one", text="%md other")


def test_a_change_whose_connection_was_lost_may_have_been_made_and_is_not_sent_again(
    client: ZeppelinClient, fake: FakeZeppelin, note_id: str
) -> None:
    fake.deaf_to = {"COMMIT_PARAGRAPH"}
    with client.open_note(note_id, reconnect=True) as note:
        note._connected().send("COMMIT_PARAGRAPH", {})
        fake.wait_for_message("COMMIT_PARAGRAPH")
        fake.sockets[0].close()
        with pytest.raises(ServerUnreachableError):
            note.update_paragraph("one", text="%md other")
        fake.deaf_to = set()
        assert note.update_paragraph("one", text="%md other").text == "%md other"
        assert len(fake.sockets) == 2


def test_own_changes_are_events_too(note: NoteSession) -> None:
    changed = note.update_paragraph("one", text="%md edited")
    while event := note.read(30):
        if event == ParagraphChanged(changed):
            return
    pytest.fail("the change was no event")


@OLD
def test_0_8_keeps_a_notes_only_paragraph(fake: FakeZeppelin, note_id: str) -> None:
    with ZeppelinClient(fake.url, timeout=0.1) as client, client.open_note(note_id) as note:
        note.delete_paragraph("one")
        with pytest.raises(WaitTimeoutError):
            note.delete_paragraph("two")
