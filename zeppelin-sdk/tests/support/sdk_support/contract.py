"""What holds of every Zeppelin server from 0.10 on, the double as well as a real one; of 0.8 most of it.

A module of tests runs these by importing all of them beside the fixtures `client`, of a server without users,
and `quiet_spark`, after which its Spark runs nothing.
"""

import random
import time
from collections.abc import Iterator

import pytest

from zeppelin_sdk import (
    Event,
    InterpreterError,
    NoteExistsError,
    NoteFollower,
    NoteNotFoundError,
    NoteRunningError,
    NoteSession,
    NotFoundError,
    OthersPresent,
    OutputAppended,
    OutputUpdated,
    Paragraph,
    ParagraphAdded,
    ParagraphChanged,
    ParagraphError,
    ParagraphMoved,
    ParagraphNotFoundError,
    ParagraphRemoved,
    ParagraphStatus,
    Repository,
    ServerError,
    UnsupportedError,
    ZeppelinClient,
)

PATH = "/sdk/note"


@pytest.fixture
def empty_note(client: ZeppelinClient) -> Iterator[str]:
    note_id = client.create_note(PATH)
    for paragraph in client.get_note(note_id).paragraphs:  # 0.8 puts one into a new note
        client.delete_paragraph(note_id, paragraph.id)
    yield note_id
    for paragraph in client.get_note(note_id).paragraphs:
        client.delete_paragraph(note_id, paragraph.id)
    client.delete_note(note_id)


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
    committed = person.update_paragraph("sdk_one", text="%md é 😀", title="new", config={"a": True}, params={"n": "1"})

    assert (committed.text, committed.title) == ("%md é 😀", "new")
    saved = client.get_paragraph(note_id, "sdk_one")
    assert (saved.text, saved.title, saved.settings["params"]) == ("%md é 😀", "new", {"n": "1"})
    assert saved.config["a"] is True
    assert person.update_paragraph("sdk_one", config={"b": 1}).config.keys() >= {"a", "b"}


def test_patches_of_two_people_are_merged(client: ZeppelinClient, person: NoteSession, note_id: str) -> None:
    lines = [f"line {n}: some words" for n in range(30)]
    person.update_paragraph("sdk_one", text="\n".join(lines))
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
        added = person.add_paragraph(1, text="%md between", title="between")
        person.move_paragraph(added.id, 2)
        person.delete_paragraph("sdk_one")

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
    started = person.submit_paragraph("sdk_two", text="%md *ran*")

    assert started.status is not ParagraphStatus.READY
    assert "<em>ran</em>" in client.wait_paragraph(note_id, "sdk_two", timeout=60).output
    assert [p.title for p in client.get_note(note_id).paragraphs] == ["one", "two", ""]
    assert person.clear_paragraph_output("sdk_two").results == ()


def test_while_all_is_run_nothing_else_is_changed(client: ZeppelinClient, person: NoteSession, note_id: str) -> None:
    person.update_paragraph("sdk_two", text="%sh sleep 1")
    person.submit_note()

    with pytest.raises(NoteRunningError):
        person.update_paragraph("sdk_one", text="%md other")

    def done(paragraph: Paragraph | None) -> bool:
        return paragraph is not None and paragraph.status.is_completed

    while not (done(person.note.paragraph("sdk_two")) and not person.note.is_running):
        assert person.read(60)
    assert person.update_paragraph("sdk_one", text="%md other").text == "%md other"


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
    person.set_params({"city": "Rome"})
    assert client.get_note(note_id).params == {"city": "Rome"}
    person.delete_form("city")
    assert client.get_note(note_id).params == {}


def test_what_is_not_there_is_an_error(client: ZeppelinClient, person: NoteSession, note_id: str) -> None:
    with pytest.raises(ParagraphNotFoundError):
        person.update_paragraph("gone", text="x")
    with pytest.raises(NoteNotFoundError):
        client.open_note("2GONE")
    with pytest.raises(ServerError):
        person.move_paragraph("sdk_one", 9)
    with pytest.raises(ServerError):
        client.restore_revision(note_id, "gone")
    assert live(client, note_id) == ["%md one", "%md two"]


def test_the_server_says_what_it_can_do(client: ZeppelinClient, note_id: str) -> None:
    assert client.get_capabilities().revisions is True
    assert client.get_configurations("zeppelin.server.port").keys() == {"zeppelin.server.port"}
    with pytest.raises(UnsupportedError, match="Cron is not enabled"):
        client.get_cron(note_id)


def test_settings_and_repositories_come_and_go(client: ZeppelinClient) -> None:
    made = client.create_interpreter_setting("md_sdk", "md", properties={"markdown.parser.type": "pegdown"})
    try:
        assert client.get_interpreter_setting("md_sdk").properties == {"markdown.parser.type": "pegdown"}
    finally:
        client.delete_interpreter_setting(made.id)
    repository = Repository("sdk", "http://127.0.0.1:9/maven2/")
    client.add_repository(repository)
    assert repository in client.list_repositories()
    client.delete_repository("sdk")
    assert repository not in client.list_repositories()


def test_outputs_are_cleared(client: ZeppelinClient, note_id: str) -> None:
    assert client.execute_paragraph(note_id, "sdk_one", timeout=60).results
    client.clear_note_output(note_id)
    assert client.get_paragraph(note_id, "sdk_one").results == ()


def test_a_new_note_is_found_by_its_words(client: ZeppelinClient) -> None:
    paragraphs = [{"id": "sdk_found", "text": "%md uniquewordofthistest"}]
    note_id = client.import_note({"name": "found", "paragraphs": paragraphs}, "/sdk/found")
    try:
        deadline = time.monotonic() + 60
        while not (hits := client.search_notes("uniquewordofthistest")) and time.monotonic() < deadline:
            time.sleep(0.2)  # the server indexes a new note by and by
        assert [(hit.note_id, hit.paragraph_id) for hit in hits] == [(note_id, "sdk_found")]
    finally:
        client.delete_note(note_id)


def test_a_note_is_found_renamed_copied_exported_imported_and_deleted(client: ZeppelinClient, empty_note: str) -> None:
    original = client.add_paragraph(empty_note, text="%md\nhello ☃", title="Title")
    client.execute_paragraph(empty_note, original)
    client.rename_note(empty_note, "/sdk/renamed")
    assert client.find_note(PATH) is None
    assert client.get_note(empty_note).path == "/sdk/renamed"

    copies = [
        client.clone_note(empty_note, "/sdk/copy"),
        client.import_note(client.export_note(empty_note), "/sdk/imported"),
    ]
    for copy in copies:
        (paragraph,) = client.get_note(copy).paragraphs
        assert (paragraph.title, paragraph.text, paragraph.id) == ("Title", "%md\nhello ☃", original)
        assert (paragraph.status, paragraph.date_started) == (ParagraphStatus.READY, "")
        client.delete_note(copy)
    assert not {note.id for note in client.list_notes()} & set(copies)


def test_paragraphs_are_inserted_moved_changed_and_deleted(client: ZeppelinClient, empty_note: str) -> None:
    first = client.add_paragraph(empty_note, text="%md\nfirst")
    third = client.add_paragraph(empty_note, text="%md\nthird")
    second = client.add_paragraph(empty_note, text="%md\nsecond", index=1, config={"a": "1", "b": {"c": [1, "x"]}})
    assert [p.id for p in client.get_note(empty_note).paragraphs] == [first, second, third]

    client.move_paragraph(empty_note, third, 0)
    client.update_paragraph(empty_note, second, text="%md\nchanged", title="T")
    client.update_paragraph_config(empty_note, second, {"a": "2", "d": True})
    client.delete_paragraph(empty_note, first)

    there = client.get_note(empty_note).paragraphs
    assert [p.id for p in there] == [third, second]
    assert (there[1].title, there[1].text) == ("T", "%md\nchanged")
    assert {key: there[1].config[key] for key in "abd"} == {"a": "2", "b": {"c": [1, "x"]}, "d": True}


def test_a_run_ends_with_its_output_or_with_the_error(client: ZeppelinClient, empty_note: str) -> None:
    good = client.add_paragraph(empty_note, text="%md\n# hello")
    bad = client.add_paragraph(empty_note, text="%nonsense\nx")

    assert "<h1>hello</h1>" in client.execute_paragraph(empty_note, good).output
    with pytest.raises(ParagraphError, match="nonsense"):
        client.execute_paragraph(empty_note, bad, timeout=60)
    assert [p.status for p in client.query_note_result(empty_note).paragraphs] == [
        ParagraphStatus.FINISHED, ParagraphStatus.ERROR,
    ]  # fmt: skip


def test_a_follower_hears_what_a_running_paragraph_prints(
    client: ZeppelinClient, empty_note: str, quiet_spark: None
) -> None:
    text = '%spark\nfor (i <- 1 to 3) { println("line " + i); Thread.sleep(700) }'
    paragraph = client.add_paragraph(empty_note, text=text)
    heard = ""
    with client.follow(empty_note) as follower:
        client.submit_paragraph(empty_note, paragraph)
        while "line 3" not in heard:
            event = follower.read(timeout=60)
            assert event is not None
            if isinstance(event, OutputAppended | OutputUpdated) and event.paragraph_id == paragraph:
                heard += event.text
            if "line 1" in heard and "line 2" not in heard:
                status = client.get_paragraph(empty_note, paragraph).status  # a busy server's lags behind
                assert status in {ParagraphStatus.PENDING, ParagraphStatus.RUNNING}
    client.wait_paragraph(empty_note, paragraph, timeout=60)


def test_what_is_not_there_is_told(client: ZeppelinClient, empty_note: str) -> None:
    with pytest.raises(NoteExistsError):
        client.create_note(PATH)
    with pytest.raises(NoteExistsError):
        client.import_note({"paragraphs": []}, PATH)
    for call in (client.get_note, client.delete_note, client.export_note):
        with pytest.raises(NoteNotFoundError):
            call("2NOSUCHID")
    with pytest.raises(NotFoundError):
        client.get_paragraph(empty_note, "paragraph_1_2")
    with pytest.raises(InterpreterError, match="it has: "):
        client.get_interpreter_setting("nonsense")


def test_an_interpreter_setting_is_changed_and_ready_again(client: ZeppelinClient) -> None:
    before = client.get_interpreter_setting("md")
    changed = client.update_interpreter_setting(before.with_properties({"x.y": "1"}))
    client.stop_interpreter(changed.id)
    with pytest.raises(NoteNotFoundError):
        client.stop_interpreter(changed.id, note_id="2NOSUCHID")
    try:
        assert client.wait_interpreter_ready(changed.id).properties["x.y"] == "1"
    finally:
        client.update_interpreter_setting(changed.with_properties({"x.y": None}))
    assert client.wait_interpreter_ready(before.id).properties == before.properties


def test_credentials_are_stored_and_deleted(client: ZeppelinClient) -> None:
    client.set_credential("sdk-test", "user☃", 'p"a&s\\s')
    stored = {credential.entity: credential for credential in client.list_credentials()}["sdk-test"]
    client.delete_credential("sdk-test")

    assert (stored.user, stored.password) == ("user☃", 'p"a&s\\s')
    assert "sdk-test" not in {credential.entity for credential in client.list_credentials()}
    with pytest.raises(NotFoundError):
        client.delete_credential("sdk-test")


def test_a_config_s_numbers_become_floats_and_its_nulls_go(client: ZeppelinClient, empty_note: str) -> None:
    mine = {"n": 1, "deep": {"list": [2, {"m": 3}]}, "none": None, "text": "1"}
    paragraph = client.add_paragraph(empty_note, text="%md x", config=mine)
    client.update_paragraph_config(empty_note, paragraph, {"later": 4, "gone": None})
    config = client.get_paragraph(empty_note, paragraph).config

    numbers = (config["n"], config["deep"]["list"][0], config["deep"]["list"][1]["m"], config["later"])
    assert [repr(number) for number in numbers] == ["1.0", "2.0", "3.0", "4.0"]
    assert not {"none", "gone"} & config.keys()
    assert config["text"] == "1"


def test_imported_paragraphs_keep_their_ids_and_configs_or_get_an_id(client: ZeppelinClient) -> None:
    paragraphs = [{"id": "mine", "title": "T", "text": "%md x", "config": {"n": 1}}, {"text": "%md y"}]
    note_id = client.import_note({"name": "n", "paragraphs": paragraphs}, "/sdk/imported")
    try:
        first, second = client.get_note(note_id).paragraphs
        assert (first.id, first.title, first.text, repr(first.config["n"])) == ("mine", "T", "%md x", "1.0")
        assert second.id not in ("", "mine")
        assert {p.status for p in (first, second)} == {ParagraphStatus.READY}
    finally:
        client.delete_note(note_id)


def test_an_update_keeps_the_title_unless_it_is_given(client: ZeppelinClient, empty_note: str) -> None:
    paragraph = client.add_paragraph(empty_note, text="one", title="T")
    client.update_paragraph(empty_note, paragraph, text="two")
    there = client.get_paragraph(empty_note, paragraph)
    assert (there.text, there.title) == ("two", "T")


def test_an_index_that_is_not_there_is_refused(client: ZeppelinClient, empty_note: str) -> None:
    paragraph = client.add_paragraph(empty_note, text="one")
    with pytest.raises(ServerError):
        client.move_paragraph(empty_note, paragraph, 5)
    with pytest.raises(ServerError):
        client.add_paragraph(empty_note, text="two", index=5)
    assert live(client, empty_note) == ["one"]


def test_what_only_a_name_says_is_not_found(client: ZeppelinClient, empty_note: str) -> None:
    for call in (client.delete_paragraph, client.cancel_paragraph, client.submit_paragraph):
        with pytest.raises(NotFoundError):
            call(empty_note, "paragraph_1_2")
    with pytest.raises(NotFoundError):
        client.update_paragraph(empty_note, "paragraph_1_2", text="x")
    for call_of_note in (client.clear_note_output, client.submit_note, client.cancel_note):
        with pytest.raises(NoteNotFoundError):
            call_of_note("2NOSUCHID")
