"""`provision apply --each` on the real server: a class of notes, and two of them running at once."""

import re
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path

import psutil
import pytest

from provision.embedded import processes
from provision.embedded.application import demo_application
from provision.platforms.netpie2015 import entities
from provision.streams.interpreter import PYTHON, is_isolated, setting_of, spark_setting
from zeppelin_sdk import ZeppelinClient

from .command import done, provision
from .conftest import Embedded
from .streams import event, publisher, wait_for
from .tables import table

UNDO = ("undo", "--yes")
IN_PYTHON, IN_SCALA = ("--bundle", "structured"), ("--bundle", "streaming")
AT = "2018-10-29T09:53:36+0700"


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
    done("apply", "--each", file, *IN_SCALA)
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
        answer = done("apply", "--each", file, *IN_SCALA, "--isolate", "--run", "--json").json
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


@pytest.mark.long
def test_two_notes_in_python_stream_at_once_when_each_has_its_own(embedded: Embedded, tmp_path: Path) -> None:
    file = people(
        tmp_path, "note,topic,out,slide,window", *(f"Py/{name},{name},{tmp_path}/{name},4,8" for name in "ab")
    )
    try:
        assert done("apply", "--each", file, *IN_PYTHON, "--isolate", "--run", "--json").json["done"] == 2
        assert len({done("status", f"Py/{name}", "--json").json["page"] for name in "ab"}) == 2
        with publishing_to_both(embedded, tmp_path) as publish:
            publish("first")
            for name in "ab":
                wait_for(f"the events of {name}", lambda name=name: ids(tmp_path / name) == {f"first {name}"})
            assert results("apply", file, *IN_PYTHON, "--run") == ["same", "same"]
            kill_python(embedded, "Py/b")
            wait_for("its end", lambda: states(file) == ["streaming", "stopped"])
            publish("second")
            wait_for("the events of a", lambda: ids(tmp_path / "a") == {"first a", "second a"})
            assert results("apply", file, *IN_PYTHON, "--run") == ["same", "done"]
            publish("third")
            wait_for("the events of b", lambda: ids(tmp_path / "b") == {"first b", "third b"})
        assert results("stop", file) == ["done", "done"]
        assert results("run", file) == ["done", "done"]
        assert states(file) == ["streaming", "streaming"]
        assert results("remove", file, "--yes") == ["done", "done"]
        assert not pythons(embedded)
        assert results("undo", file) == ["done", "done"]
        assert results("apply", file, *IN_PYTHON, "--run") == ["done", "done"]
        assert states(file) == ["streaming", "streaming"]
    finally:
        done("undo", "--yes")
    assert not [name for name in "ab" if embedded.client.find_note(f"/Py/{name}")]
    assert not pythons(embedded)
    assert not is_isolated(setting_of(embedded.client, PYTHON))


def results(verb: str, file: Path, *options: str) -> list[str]:
    """What has become of each row."""
    return [row["result"] for row in done(verb, "--each", file, *options, "--json").json["rows"]]


def states(file: Path) -> list[str]:
    return [row["state"] for row in provision("status", "--each", file, "--json").json["rows"]]


def ids(out: Path) -> set[str]:
    """The ids of all events in a note's files."""
    return {row[1] for window in table(out) for row in window.rows}


@contextmanager
def publishing_to_both(embedded: Embedded, folder: Path) -> Iterator[Callable[[str], None]]:
    """Publishes an event to each of the two notes, by the word and the note's name."""
    with ExitStack() as exits:
        links = {name: exits.enter_context(publisher(embedded.stack, folder / f"thing-{name}", name)) for name in "ab"}

        def publish(word: str) -> None:
            for name, link in links.items():
                link.publish([event(AT, f"{word} {name}").encode()])
                assert link.flush(30) == 0

        yield publish


def kill_python(embedded: Embedded, path: str) -> None:
    """Kill the Python that a note has of its own."""
    note = embedded.client.find_note(f"/{path}")
    assert note is not None
    (server,) = [each for each in pythons(embedded) if f"python-{note.id}" in command_line(each)]
    (python,) = [each for each in server.children() if "zeppelin_python.py" in command_line(each)]
    python.kill()
    psutil.wait_procs([python], timeout=30)


def pythons(embedded: Embedded) -> list[psutil.Process]:
    """The processes of Zeppelin's Python interpreter."""
    every = processes.marked(embedded.stack.mark)
    return [each for each in every if re.search(r"RemoteInterpreterServer .* python-", command_line(each))]


def command_line(process: psutil.Process) -> str:
    try:
        return " ".join(process.cmdline())
    except psutil.Error:
        return ""


def find(client: ZeppelinClient, path: str, title: str) -> tuple[str, str]:
    """The ids of a note and of its paragraph with this title."""
    info = client.find_note(path)
    assert info is not None
    note = client.get_note(info.id)
    return note.id, next(paragraph.id for paragraph in note.paragraphs if paragraph.title == title)
