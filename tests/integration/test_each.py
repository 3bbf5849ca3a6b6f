"""`provision apply --each` on the real server: a class of notes, and two of them running at once."""

from pathlib import Path

import pytest

from provision.embedded.application import demo_application
from provision.platforms.netpie2015 import entities
from provision.streams.interpreter import is_isolated, spark_setting
from zeppelin_sdk import ZeppelinClient

from .command import done, provision
from .conftest import Embedded

UNDO = ("undo", "--yes")


def people(folder: Path, *lines: str) -> Path:
    file = folder / "people.csv"
    file.write_text("\n".join(lines) + "\n")
    return file


def test_a_class_gets_its_notes_each_with_a_thing_of_its_own(embedded: Embedded, tmp_path: Path) -> None:
    rows = [f"Class/student {n},room{n},{tmp_path}/{n}" for n in range(12)]
    file = people(tmp_path, "note,topic,out", *rows)
    answer = done("apply", "--each", file, "--json").json
    assert answer["done"] == 12
    paths = {note.path for note in embedded.client.list_notes()}
    assert {f"/Class/student {n}" for n in range(12)} <= paths
    stored = {entry.entity: entry.user for entry in embedded.client.list_credentials()}
    key = demo_application().appkey
    assert len({stored[entities(key, f"/Class/student {n}")[0]] for n in range(12)}) == 12


def test_a_class_that_is_there_is_left_as_it_is_but_for_what_a_person_edited_and_the_file_changed(
    embedded: Embedded, tmp_path: Path
) -> None:
    file = people(tmp_path, "note,topic,window", "Again/a,a,60", "Again/b,b,60")
    done("apply", "--each", file)
    assert done("apply", "--each", file, "--json").json["same"] == 2
    edited = find(embedded.client, "/Again/a", "Sliding window")
    embedded.client.update_paragraph(*edited, text="%spark\nmy own window")
    outcome = provision("apply", "--each", people(tmp_path, "note,topic,window", "Again/a,a,120", "Again/b,b,120"))
    assert outcome.status == 3, outcome.err
    assert embedded.client.get_paragraph(*edited).text == "%spark\nmy own window"
    other = embedded.client.get_paragraph(*find(embedded.client, "/Again/b", "Sliding window"))
    assert "Seconds(120)" in other.text


def test_a_class_is_removed_and_brought_back_and_undone_run_by_run(embedded: Embedded, tmp_path: Path) -> None:
    there = {note.path for note in embedded.client.list_notes()}
    file = people(tmp_path, "note,topic,window", "Back/a,a,60", "Back/b,b,60", "Back/c,c,60")
    made = {"/Back/a", "/Back/b", "/Back/c"}
    assert done("apply", "--each", file, "--json").json["done"] == 3
    assert done("plan", "--each", file, "--json").json["same"] == 3
    assert done("remove", "--each", file, "--yes", "--json").json["done"] == 3
    assert {note.path for note in embedded.client.list_notes()} == there
    assert done("undo", "--each", file, "--json").json["done"] == 3
    assert {note.path for note in embedded.client.list_notes()} == there | made
    fewer = people(tmp_path, "note,topic,window", "Back/a,a,120", "Back/b,b,120")
    assert done("apply", "--each", fewer, "--json").json["done"] == 2
    done(*UNDO)
    assert {note.path for note in embedded.client.list_notes()} == there | made
    done(*UNDO)
    assert {note.path for note in embedded.client.list_notes()} == there


@pytest.mark.long
def test_two_notes_stream_at_once_when_each_has_its_own_spark(embedded: Embedded, tmp_path: Path) -> None:
    rows = [f"Own/{name},{name},{tmp_path}/{name},4,4,8" for name in "ab"]
    file = people(tmp_path, "note,topic,out,batch,slide,window", *rows)
    try:
        answer = done("apply", "--each", file, "--isolate", "--run", "--json").json
        assert answer["done"] == 2
        states = [done("status", f"Own/{name}", "--json").json for name in "ab"]
        assert [state["state"] for state in states] == ["streaming"] * 2
        assert len({state["page"] for state in states}) == 2
        assert done("apply", "--each", file, "--run", "--json").json["same"] == 2
        assert [row["state"] for row in done("status", "--each", file, "--json").json["rows"]] == ["streaming"] * 2
        assert done("stop", "--each", file, "--json").json["done"] == 2
        assert done("stop", "--each", file, "--json").json["same"] == 2
        assert [row["state"] for row in provision("status", "--each", file, "--json").json["rows"]] == ["stopped"] * 2
        assert done("run", "--each", file, "--json").json["done"] == 2
        assert done("status", "--each", file).status == 0
    finally:
        done("undo", "--yes")
    assert not [name for name in "ab" if embedded.client.find_note(f"/Own/{name}")]
    assert not is_isolated(spark_setting(embedded.client))


def find(client: ZeppelinClient, path: str, title: str) -> tuple[str, str]:
    """The ids of a note and of its paragraph with this title."""
    info = client.find_note(path)
    assert info is not None
    note = client.get_note(info.id)
    return note.id, next(paragraph.id for paragraph in note.paragraphs if paragraph.title == title)
