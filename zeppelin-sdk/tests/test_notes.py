import json
from pathlib import Path
from typing import Any

import pytest

from zeppelin_sdk import (
    Cron,
    InvalidNoteError,
    NoteExistsError,
    NoteInfo,
    NoteNotFoundError,
    NotZeppelinError,
    PermissionDeniedError,
    Permissions,
    SearchHit,
    ServerError,
    UnsupportedError,
    ZeppelinClient,
)
from zeppelin_sdk.testing import FakeZeppelin, ok, refused

PARAGRAPHS = [{"id": "paragraph_7", "text": "%md hello", "status": "READY"}]
NOTE_JSON = {"name": "old name", "path": "/old/path", "paragraphs": PARAGRAPHS}


def test_a_created_note_is_listed_at_its_path_in_every_generation(client: ZeppelinClient) -> None:
    note_id = client.create_note("/folder/name")
    assert client.list_notes() == [NoteInfo(note_id, "/folder/name")]


def test_a_note_is_found_by_its_path_with_or_without_the_first_slash(client: ZeppelinClient) -> None:
    note_id = client.create_note("/folder/name")
    assert client.find_note("/folder/name") == client.find_note("folder/name") == NoteInfo(note_id, "/folder/name")
    assert client.find_note("/folder") is None


def test_a_note_comes_with_its_paragraphs_in_order(client: ZeppelinClient) -> None:
    note_id = client.import_note(NOTE_JSON, "/n")
    client.add_paragraph(note_id, text="%md first", index=0)
    note = client.get_note(note_id)
    assert (note.id, note.path, note.name) == (note_id, "/n", "n")
    assert [p.text for p in note.paragraphs] == ["%md first", "%md hello"]
    assert note.paragraph("paragraph_7") == note.paragraphs[1]
    assert note.paragraph("paragraph_8") is None


@pytest.mark.parametrize("as_text", [False, True])
def test_an_imported_note_gets_the_path_asked_for_and_keeps_paragraph_ids(
    client: ZeppelinClient, as_text: bool
) -> None:
    note_id = client.import_note(json.dumps(NOTE_JSON) if as_text else NOTE_JSON, "/new/path")
    note = client.get_note(note_id)
    assert note.path == "/new/path"
    assert [p.id for p in note.paragraphs] == ["paragraph_7"]


BOM = "\ufeff"
TEXT = json.dumps({**NOTE_JSON, "title": "ä ☃ 😀"}, ensure_ascii=False)


@pytest.mark.parametrize(
    "note",
    [
        pytest.param(BOM + TEXT, id="text with a mark"),
        pytest.param(TEXT.encode(), id="UTF-8"),
        pytest.param(bytearray(TEXT.encode("utf-8-sig")), id="UTF-8 with a mark"),
        pytest.param(TEXT.encode("utf-16"), id="UTF-16 with a mark"),
        pytest.param((BOM + TEXT).encode("utf-16-be"), id="UTF-16, big end first, with a mark"),
        pytest.param(TEXT.encode("utf-16-le"), id="UTF-16"),
        pytest.param(TEXT.encode("utf-16-be"), id="UTF-16, big end first"),
        pytest.param(TEXT.encode("utf-32"), id="UTF-32 with a mark"),
        pytest.param(TEXT.replace(", ", ",\r\n").encode(), id="Windows line ends"),
    ],
)
def test_a_notes_file_is_imported_however_it_was_written(
    client: ZeppelinClient, fake: FakeZeppelin, note: str | bytes
) -> None:
    there = client.get_note(client.import_note(note, "/new/path"))
    assert (there.path, [p.text for p in there.paragraphs]) == ("/new/path", ["%md hello"])
    assert fake.asked("POST", "import")[0].json["title"] == "ä ☃ 😀"


@pytest.mark.parametrize(
    ("note", "path"),
    [
        ({"name": "mine", "path": "/folder/mine", "paragraphs": []}, "/mine"),
        ({"name": "folder/mine", "paragraphs": []}, "/folder/mine"),
        ({"path": "/folder/mine", "paragraphs": []}, "/folder/mine"),
        ({"name": "", "path": "/folder/mine", "paragraphs": []}, "/folder/mine"),
    ],
)
def test_without_a_path_a_note_goes_to_its_own_name(client: ZeppelinClient, note: dict[str, object], path: str) -> None:
    assert client.get_note(client.import_note(note)).path == path


@pytest.mark.parametrize(
    ("note", "cause"),
    [
        ("", "it is empty"),
        (BOM, "it is empty"),
        (b"", "it is empty"),
        ("<html>", r"no JSON \(line 1, column 1\)"),
        ('{"paragraphs": [', "no JSON"),
        ("\n{,}", r"no JSON \(line 2, column 2\)"),
        (b'{"name": "\xff"}', "no text in UTF-8 or UTF-16"),
        (b"\xff\xfe{", "no text in UTF-8 or UTF-16"),
        (b"PK\x03\x04\x14\x00", "no JSON"),
        ("[" * 100_000, "nested too deeply"),
        ('{"paragraphs": ' + "9" * 5000 + "}", "no JSON"),
        ("[]", "a list, no object"),
        ("null", "null, no object"),
        ("3.5", "a number, no object"),
        ("true", "true or false, no object"),
        ('"text"', "a string, no object"),
        (None, "null, no object"),
        ([], "a list, no object"),
        (Path("note.zpln"), "PosixPath, no object"),
        ({}, "it has no paragraphs"),
        ('{"name": "n"}', "it has no paragraphs"),
        ({"cells": [], "nbformat": 4}, "a Jupyter notebook"),
        ({"status": "OK", "message": "", "body": "{}"}, "an answer of Zeppelin's API"),
        ({"paragraphs": {}}, "no list of objects"),
        ({"paragraphs": ["text"]}, "no list of objects"),
        ({"paragraphs": None}, "it has no paragraphs"),
        ({"name": "n", "paragraphs": [], "x": {1, 2}}, "a value that JSON has not"),
        ({"name": "n", "paragraphs": [], "x": float("nan")}, "a value that JSON has not"),
    ],
)
def test_what_is_no_note_is_refused_before_anything_is_sent(
    client: ZeppelinClient, fake: FakeZeppelin, note: Any, cause: str
) -> None:
    with pytest.raises(InvalidNoteError, match=f"^this is no note: .*{cause}") as caught:
        client.import_note(note, "/new/path")
    assert caught.value.next_step
    assert "\n" not in caught.value.message
    assert fake.requests == []


@pytest.mark.parametrize("name", [{}, {"name": ""}, {"name": None}, {"name": 7}, {"name": "/", "path": " "}])
def test_a_note_without_a_name_needs_a_path(client: ZeppelinClient, name: dict[str, object]) -> None:
    with pytest.raises(InvalidNoteError, match="it has no name") as caught:
        client.import_note({"paragraphs": [], **name})
    assert "path" in caught.value.next_step


def test_an_import_names_its_path_where_each_generation_looks_for_it(
    client: ZeppelinClient, fake: FakeZeppelin
) -> None:
    client.import_note(NOTE_JSON, "/new/path")
    request = fake.asked("POST", "import")[0]
    assert (request.query["notePath"], request.json["name"]) == ("/new/path", "/new/path")


def test_an_import_leaves_the_callers_dictionary_alone(client: ZeppelinClient) -> None:
    note = dict(NOTE_JSON)
    client.import_note(note, "/new/path")
    assert note == NOTE_JSON


def test_an_exported_note_can_be_imported_again(client: ZeppelinClient) -> None:
    exported = client.export_note(client.import_note(NOTE_JSON, "/a"))
    kept = [{key: paragraph[key] for key in PARAGRAPHS[0]} for paragraph in exported["paragraphs"]]
    assert kept == PARAGRAPHS
    assert client.get_note(client.import_note(exported, "/b")).paragraphs[0].text == "%md hello"


def test_a_clone_is_another_note_with_the_same_paragraphs(client: ZeppelinClient) -> None:
    note_id = client.import_note(NOTE_JSON, "/a")
    clone = client.get_note(client.clone_note(note_id, "/b"))
    assert clone.id != note_id
    assert clone.path == "/b"
    assert [p.text for p in clone.paragraphs] == ["%md hello"]


@pytest.mark.parametrize("fake", ["0.10", "0.12"], indirect=True)
def test_a_renamed_note_keeps_its_id(client: ZeppelinClient) -> None:
    note_id = client.create_note("/a")
    client.rename_note(note_id, "/b")
    assert client.find_note("/b") == NoteInfo(note_id, "/b")


@pytest.mark.parametrize("fake", ["0.8"], indirect=True)
def test_a_call_that_an_old_server_lacks_names_the_server_and_the_call(client: ZeppelinClient) -> None:
    note_id = client.create_note("/a")
    with pytest.raises(ServerError, match=r"Zeppelin 0\.8\.2 .* has no such call: PUT .*/rename"):
        client.rename_note(note_id, "/b")


def test_a_deleted_note_is_gone(client: ZeppelinClient) -> None:
    note_id = client.create_note("/a")
    client.delete_note(note_id)
    assert client.list_notes() == []


@pytest.mark.parametrize("call", ["create", "import", "clone", "rename"])
@pytest.mark.parametrize("fake", ["0.10", "0.12"], indirect=True)
def test_a_path_that_is_taken_is_one_error_however_the_server_says_it(client: ZeppelinClient, call: str) -> None:
    client.create_note("/taken")
    other = client.create_note("/other")
    calls = {
        "create": lambda: client.create_note("taken"),
        "import": lambda: client.import_note(NOTE_JSON, "/taken"),
        "clone": lambda: client.clone_note(other, "/taken"),
        "rename": lambda: client.rename_note(other, "/taken"),
    }
    with pytest.raises(NoteExistsError, match="/taken"):
        calls[call]()


@pytest.mark.parametrize("fake", ["0.10", "0.12"], indirect=True)
def test_another_500_on_create_stays_a_server_error(client: ZeppelinClient, fake: FakeZeppelin) -> None:
    fake.fail_next("POST", fake.failed("IOException", "disk full"))
    with pytest.raises(ServerError) as caught:
        client.create_note("/a")
    assert caught.value.status == 500


@pytest.mark.parametrize("call", ["get", "export", "clone", "rename", "delete", "add_paragraph", "run", "stop"])
@pytest.mark.parametrize("fake", ["0.10", "0.12"], indirect=True)
def test_a_note_that_is_not_there_is_one_error(client: ZeppelinClient, call: str) -> None:
    calls = {
        "get": lambda: client.get_note("2GONE"),
        "export": lambda: client.export_note("2GONE"),
        "clone": lambda: client.clone_note("2GONE", "/b"),
        "rename": lambda: client.rename_note("2GONE", "/b"),
        "delete": lambda: client.delete_note("2GONE"),
        "add_paragraph": lambda: client.add_paragraph("2GONE", text="x"),
        "run": lambda: client.submit_note("2GONE"),
        "stop": lambda: client.cancel_note("2GONE"),
    }
    with pytest.raises(NoteNotFoundError):
        calls[call]()


def test_an_old_servers_missing_note_is_the_same_error(client: ZeppelinClient) -> None:
    for call in (client.get_note, client.export_note):
        with pytest.raises(NoteNotFoundError):
            call("2GONE")


def test_an_export_that_is_no_note_is_an_error(client: ZeppelinClient, fake: FakeZeppelin) -> None:
    fake.fail_next("GET", ok("not json"))
    with pytest.raises(NotZeppelinError, match="no JSON"):
        client.export_note("2A")


def test_permissions_that_may_not_be_seen_are_an_error(client: ZeppelinClient, fake: FakeZeppelin) -> None:
    fake.fail_next("GET", refused(403, "FORBIDDEN", "Only authenticated user can set the permission."))
    with pytest.raises(PermissionDeniedError, match="Only authenticated user"):
        client.get_permissions("2A")


def test_permissions_go_there_and_back_with_all_four_lists() -> None:
    permissions = Permissions(owners=frozenset({"ann"}), readers=frozenset({"bob", "ann"}))
    with (
        FakeZeppelin(users={"ann": "secret"}) as fake,
        ZeppelinClient(fake.url, user="ann", password="secret") as ann,
    ):
        note_id = ann.create_note("/a")
        assert ann.get_permissions(note_id) == Permissions()
        ann.set_permissions(note_id, permissions)
        assert ann.get_permissions(note_id) == permissions


def test_a_notes_cron_is_set_read_and_removed(client: ZeppelinClient) -> None:
    note_id = client.create_note("/a")
    assert client.get_cron(note_id) is None
    client.set_cron(note_id, Cron("0 0 2 * * ?", release_resource=True))
    assert client.get_cron(note_id) == Cron("0 0 2 * * ?", release_resource=True)
    client.delete_cron(note_id)
    assert client.get_cron(note_id) is None


def test_a_wrong_cron_expression_is_refused(client: ZeppelinClient) -> None:
    with pytest.raises(ServerError, match="wrong cron expressions"):
        client.set_cron(client.create_note("/a"), Cron("daily"))


def test_a_server_with_cron_off_says_so(client: ZeppelinClient, fake: FakeZeppelin) -> None:
    note_id = client.create_note("/a")
    fake.cron_enabled = False
    with pytest.raises(UnsupportedError, match="Cron is not enabled") as caught:
        client.set_cron(note_id, Cron("0 0 2 * * ?"))
    assert "zeppelin.notebook.cron.enable" in caught.value.next_step


def test_a_search_finds_paragraphs(client: ZeppelinClient) -> None:
    note_id = client.import_note(NOTE_JSON, "/a")
    assert client.search_notes("hello") == [SearchHit(note_id, "paragraph_7", "n", "%md hello", "")]
    assert client.search_notes("nothing") == []


def test_the_output_of_all_paragraphs_is_cleared(client: ZeppelinClient) -> None:
    results = {"code": "SUCCESS", "msg": [{"type": "TEXT", "data": "x"}]}
    note = {"name": "n", "paragraphs": [{"id": "p1", "text": "t", "results": results}]}
    note_id = client.import_note(note, "/a")
    client.clear_note_output(note_id)
    assert client.get_note(note_id).paragraphs[0].results == ()


def test_a_notes_own_forms_are_read(client: ZeppelinClient, fake: FakeZeppelin) -> None:
    note_id = client.create_note("/a")
    fake.notes[note_id] |= {"noteForms": {"city": {"name": "city"}}, "noteParams": {"city": "Rome"}}
    note = client.get_note(note_id)
    assert (note.forms, note.params) == ({"city": {"name": "city"}}, {"city": "Rome"})
