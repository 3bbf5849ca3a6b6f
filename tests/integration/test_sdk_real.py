"""`zeppelin_sdk` against a real server."""

from collections.abc import Iterator

import pytest

from zeppelin_sdk import (
    InterpreterError,
    NoteExistsError,
    NoteNotFoundError,
    NotFoundError,
    OutputAppended,
    OutputUpdated,
    ParagraphError,
    ParagraphStatus,
    ZeppelinClient,
)

from .conftest import Embedded

PATH = "/sdk/note"


@pytest.fixture
def client(embedded: Embedded) -> ZeppelinClient:
    return embedded.client


@pytest.fixture
def note_id(client: ZeppelinClient) -> Iterator[str]:
    note_id = client.create_note(PATH)
    yield note_id
    for paragraph in client.get_note(note_id).paragraphs:
        client.delete_paragraph(note_id, paragraph.id)
    client.delete_note(note_id)


def test_a_note_is_found_renamed_copied_exported_imported_and_deleted(client: ZeppelinClient, note_id: str) -> None:
    client.add_paragraph(note_id, text="%md\nhello ☃", title="Title")
    client.rename_note(note_id, "/sdk/renamed")
    assert client.find_note(PATH) is None
    assert client.get_note(note_id).path == "/sdk/renamed"

    copies = [
        client.clone_note(note_id, "/sdk/copy"),
        client.import_note(client.export_note(note_id), "/sdk/imported"),
    ]
    for copy in copies:
        assert [(p.title, p.text) for p in client.get_note(copy).paragraphs] == [("Title", "%md\nhello ☃")]
        client.delete_note(copy)
    assert not {note.id for note in client.list_notes()} & set(copies)


def test_paragraphs_are_inserted_moved_changed_and_deleted(client: ZeppelinClient, note_id: str) -> None:
    first = client.add_paragraph(note_id, text="%md\nfirst")
    third = client.add_paragraph(note_id, text="%md\nthird")
    second = client.add_paragraph(note_id, text="%md\nsecond", index=1, config={"a": "1", "b": {"c": [1, "x"]}})
    assert [p.id for p in client.get_note(note_id).paragraphs] == [first, second, third]

    client.move_paragraph(note_id, third, 0)
    client.update_paragraph(note_id, second, text="%md\nchanged", title="T")
    client.update_paragraph_config(note_id, second, {"a": "2", "d": True})
    client.delete_paragraph(note_id, first)

    there = client.get_note(note_id).paragraphs
    assert [p.id for p in there] == [third, second]
    assert (there[1].title, there[1].text) == ("T", "%md\nchanged")
    assert {key: there[1].config[key] for key in "abd"} == {"a": "2", "b": {"c": [1, "x"]}, "d": True}


def test_a_run_ends_with_its_output_or_with_the_error(client: ZeppelinClient, note_id: str) -> None:
    good = client.add_paragraph(note_id, text="%md\n# hello")
    bad = client.add_paragraph(note_id, text="%nonsense\nx")

    assert "<h1>hello</h1>" in client.execute_paragraph(note_id, good).output
    with pytest.raises(ParagraphError, match="nonsense"):
        client.execute_paragraph(note_id, bad, timeout=60)
    assert [p.status for p in client.note_job(note_id).paragraphs] == [
        ParagraphStatus.FINISHED, ParagraphStatus.ERROR,
    ]  # fmt: skip


def test_a_follower_hears_what_a_running_paragraph_prints(
    client: ZeppelinClient, note_id: str, quiet_spark: None
) -> None:
    text = '%spark\nfor (i <- 1 to 3) { println("line " + i); Thread.sleep(700) }'
    paragraph = client.add_paragraph(note_id, text=text)
    heard = ""
    with client.follow(note_id) as follower:
        client.run_paragraph(note_id, paragraph)
        while "line 3" not in heard:
            event = follower.read(timeout=60)
            assert event is not None
            if isinstance(event, OutputAppended | OutputUpdated) and event.paragraph_id == paragraph:
                heard += event.text
            if "line 1" in heard and "line 2" not in heard:
                assert client.get_paragraph(note_id, paragraph).status is ParagraphStatus.RUNNING
    client.wait_paragraph(note_id, paragraph, timeout=60)


def test_what_is_not_there_is_told(client: ZeppelinClient, note_id: str) -> None:
    with pytest.raises(NoteExistsError):
        client.create_note(PATH)
    with pytest.raises(NoteExistsError):
        client.import_note({"paragraphs": []}, PATH)
    for call in (client.get_note, client.delete_note, client.export_note):
        with pytest.raises(NoteNotFoundError):
            call("2NOSUCHID")
    with pytest.raises(NotFoundError):
        client.get_paragraph(note_id, "paragraph_1_2")
    with pytest.raises(InterpreterError, match="it has: "):
        client.interpreter_setting("nonsense")


def test_an_interpreter_setting_is_changed_and_ready_again(client: ZeppelinClient) -> None:
    before = client.interpreter_setting("md")
    changed = client.update_interpreter_setting(before.with_properties({"x.y": "1"}))
    client.restart_interpreter(changed.id)
    try:
        assert client.wait_interpreter_ready(changed.id).properties["x.y"] == "1"
    finally:
        client.update_interpreter_setting(changed.with_properties({"x.y": None}))
    assert client.wait_interpreter_ready(before.id).properties == before.properties


def test_credentials_are_stored_and_deleted(client: ZeppelinClient) -> None:
    client.put_credential("sdk-test", "user☃", 'p"a&s\\s')
    stored = {credential.entity: credential for credential in client.list_credentials()}["sdk-test"]
    client.delete_credential("sdk-test")

    assert (stored.user, stored.password) == ("user☃", 'p"a&s\\s')
    assert "sdk-test" not in {credential.entity for credential in client.list_credentials()}
    with pytest.raises(NotFoundError):
        client.delete_credential("sdk-test")
