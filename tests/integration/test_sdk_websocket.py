"""A person at the web page of the real server, played through the websocket, and what others see of it."""

import random
import time
from collections.abc import Iterator

import pytest

from zeppelin_sdk import (
    Event,
    NoteFollower,
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
    ParagraphStatus,
    Repository,
    ServerError,
    UnsupportedError,
    ZeppelinClient,
)

from .conftest import Embedded


@pytest.fixture
def client(embedded: Embedded) -> ZeppelinClient:
    return embedded.client


@pytest.fixture
def note_id(client: ZeppelinClient) -> Iterator[str]:
    """A note with the paragraphs "one" and "two"."""
    paragraphs = [{"id": f"sdk_{name}", "title": name, "text": f"%md {name}"} for name in ("one", "two")]
    note_id = client.import_note({"name": "person", "paragraphs": paragraphs}, "/sdk/person")
    yield note_id
    client.delete_note(note_id)


@pytest.fixture
def person(client: ZeppelinClient, note_id: str) -> Iterator[NoteSession]:
    with client.open_note(note_id) as session:
        yield session


def live(client: ZeppelinClient, note_id: str) -> list[str]:
    return [paragraph.text for paragraph in client.get_note(note_id).paragraphs]


def events(follower: NoteFollower) -> list[Event]:
    """What has come in, until nothing more comes."""
    return [event for event in iter(lambda: follower.read(0.5), None) if not isinstance(event, OthersPresent)]


def test_a_commit_is_saved_with_title_config_and_params(
    client: ZeppelinClient, person: NoteSession, note_id: str
) -> None:
    committed = person.commit_paragraph("sdk_one", text="%md é 😀", title="new", config={"a": True}, params={"n": "1"})

    assert (committed.text, committed.title) == ("%md é 😀", "new")
    saved = client.get_paragraph(note_id, "sdk_one")
    assert (saved.text, saved.title, saved.settings["params"]) == ("%md é 😀", "new", {"n": "1"})
    assert saved.config["a"] is True
    assert person.commit_paragraph("sdk_one", config={"b": 1}).config.keys() >= {"a", "b"}


def test_patches_of_two_people_are_merged(client: ZeppelinClient, person: NoteSession, note_id: str) -> None:
    lines = [f"line {n}: some words" for n in range(30)]
    person.commit_paragraph("sdk_one", text="\n".join(lines))
    mine = ["LINE THREE: words" if line.startswith("line 3:") else line for line in lines]
    theirs = [*lines[:20], "😀 a + b, 100%\n@@ -1 +1 @@", *lines[25:]]
    with client.open_note(note_id) as other:
        other.patch_paragraph("sdk_one", "\n".join(theirs))
        merged = person.patch_paragraph("sdk_one", "\n".join(mine))
        assert merged.text == "\n".join([*mine[:20], *theirs[20:]])
        assert client.get_paragraph(note_id, "sdk_one").text == merged.text
        assert other.refresh().paragraphs[0].text == merged.text


def test_any_patch_that_is_made_here_is_understood_there(person: NoteSession) -> None:
    chance = random.Random(4)
    for _ in range(25):
        text = "".join(chance.choices("ab \n%+,@-é😀ß\t", k=chance.randrange(1, 120)))
        assert person.patch_paragraph("sdk_one", text).text == text


def test_a_patch_shows_at_once_to_whoever_follows(client: ZeppelinClient, person: NoteSession, note_id: str) -> None:
    with client.follow(note_id) as follower:
        events(follower)
        person.patch_paragraph("sdk_two", "%md two, edited")
        told = events(follower)
        assert [e.paragraph.text for e in told if isinstance(e, ParagraphChanged)] == ["%md two, edited"]


def test_paragraphs_are_inserted_moved_and_removed_for_all_to_see(
    client: ZeppelinClient, person: NoteSession, note_id: str
) -> None:
    with client.follow(note_id) as follower:
        events(follower)
        added = person.insert_paragraph(1, text="%md between", title="between")
        person.move_paragraph(added.id, 2)
        person.remove_paragraph("sdk_one")

        assert live(client, note_id) == ["%md two", "%md between"]
        told = [e for e in events(follower) if not isinstance(e, ParagraphChanged)]
        assert isinstance(told[0], ParagraphAdded)
        assert (told[0].paragraph.id, told[0].index) == (added.id, 1)
        assert told[1:] == [ParagraphMoved(added.id, 2), ParagraphRemoved("sdk_one")]
        assert follower.note
        assert [p.text for p in follower.note.paragraphs] == live(client, note_id)


def test_a_run_saves_what_was_typed_and_adds_a_paragraph_below_the_last(
    client: ZeppelinClient, person: NoteSession, note_id: str
) -> None:
    started = person.run_paragraph("sdk_two", text="%md *ran*")

    assert started.status is not ParagraphStatus.READY
    assert "<em>ran</em>" in client.wait_paragraph(note_id, "sdk_two", timeout=60).output
    assert [p.title for p in client.get_note(note_id).paragraphs] == ["one", "two", ""]
    assert person.clear_paragraph_output("sdk_two").results == ()


def test_while_all_is_run_nothing_else_is_changed(client: ZeppelinClient, person: NoteSession, note_id: str) -> None:
    person.commit_paragraph("sdk_two", text="%sh sleep 1")
    person.run_all()

    with pytest.raises(NoteRunningError):
        person.commit_paragraph("sdk_one", text="%md other")

    def done(paragraph: Paragraph | None) -> bool:
        return paragraph is not None and paragraph.status.is_completed

    while not (done(person.note.paragraph("sdk_two")) and not person.note.is_running):
        assert person.read(60)
    assert person.commit_paragraph("sdk_one", text="%md other").text == "%md other"


def test_revisions_are_saved_read_and_restored(client: ZeppelinClient, note_id: str) -> None:
    revision = client.checkpoint_note(note_id, "as it came")
    assert revision
    assert client.checkpoint_note(note_id, "nothing new") is None
    client.update_paragraph(note_id, "sdk_one", text="%md edited")
    client.checkpoint_note(note_id, "edited")

    assert [r.message for r in client.list_revisions(note_id)] == ["edited", "as it came"]
    assert client.get_revision(note_id, revision).paragraphs[0].text == "%md one"
    client.restore_revision(note_id, revision)
    assert live(client, note_id) == ["%md one", "%md two"]


def test_a_notes_own_params_are_saved_and_removed(client: ZeppelinClient, person: NoteSession, note_id: str) -> None:
    person.save_params({"city": "Rome"})
    assert client.get_note(note_id).params == {"city": "Rome"}
    person.remove_form("city")
    assert client.get_note(note_id).params == {}


def test_what_is_not_there_is_an_error(client: ZeppelinClient, person: NoteSession, note_id: str) -> None:
    with pytest.raises(ParagraphNotFoundError):
        person.commit_paragraph("gone", text="x")
    with pytest.raises(NoteNotFoundError):
        client.open_note("2GONE")
    with pytest.raises(ServerError):
        person.move_paragraph("sdk_one", 9)
    with pytest.raises(ServerError):
        client.restore_revision(note_id, "gone")
    assert live(client, note_id) == ["%md one", "%md two"]


def test_the_server_says_what_it_can_do(client: ZeppelinClient, note_id: str) -> None:
    assert client.capabilities().revisions is True
    assert client.configurations("zeppelin.server.port").keys() == {"zeppelin.server.port"}
    with pytest.raises(UnsupportedError, match="Cron is not enabled"):
        client.get_cron(note_id)


def test_settings_and_repositories_come_and_go(client: ZeppelinClient) -> None:
    made = client.create_interpreter_setting("md_sdk", "md", properties={"markdown.parser.type": "pegdown"})
    try:
        assert client.interpreter_setting("md_sdk").properties == {"markdown.parser.type": "pegdown"}
    finally:
        client.delete_interpreter_setting(made.id)
    repository = Repository("sdk", "http://127.0.0.1:9/maven2/")
    client.add_repository(repository)
    assert repository in client.list_repositories()
    client.remove_repository("sdk")
    assert repository not in client.list_repositories()


def test_outputs_are_cleared(client: ZeppelinClient, note_id: str) -> None:
    assert client.execute_paragraph(note_id, "sdk_one", timeout=60).results
    client.clear_output(note_id)
    assert client.get_paragraph(note_id, "sdk_one").results == ()


def test_a_new_note_is_found_by_its_words(client: ZeppelinClient) -> None:
    paragraphs = [{"id": "sdk_found", "text": "%md uniquewordofthistest"}]
    note_id = client.import_note({"name": "found", "paragraphs": paragraphs}, "/sdk/found")
    try:
        deadline = time.monotonic() + 10
        while not (hits := client.search_notes("uniquewordofthistest")) and time.monotonic() < deadline:
            time.sleep(0.2)  # the server indexes a new note by and by
        assert [(hit.note_id, hit.paragraph_id) for hit in hits] == [(note_id, "sdk_found")]
    finally:
        client.delete_note(note_id)
