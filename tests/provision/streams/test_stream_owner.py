"""Whose stream it is, of notes that share one Spark and its page."""

from dataclasses import replace
from typing import Any, cast

import pytest

from provision.streams.last_run import started
from provision.streams.spark_page import SparkPage, StreamState
from provision.streams.status import own_status
from provision.streams.stop_note import stop_note
from provision.streams.stream_owner import driver_page, later_on_its_page
from provision.sync.provenance import MARK, PAGE, STARTED
from zeppelin_sdk import Note, Paragraph, ParagraphStatus, ZeppelinClient

from ..notes_in_memory import NotesInMemory
from .test_run_note import Said

STREAM = StreamState(
    batches=7, events=100, processing_ms=1, delay_ms=1, waiting_batches=0, receivers=1, last_error=""
)  # fmt: skip


@pytest.fixture
def server(monkeypatch: pytest.MonkeyPatch) -> NotesInMemory:
    """A server with two notes on one page, of which "late" was run after "early"."""
    made = NotesInMemory()
    monkeypatch.setattr(SparkPage, "stream", lambda _page: None)
    for name in ("early", "late"):
        made.notes[name] = Note(name, f"/{name}", ())
        config = started(cast(ZeppelinClient, made), made.notes[name], "http://driver:4040", "8 PM")
        starts = Paragraph(f"start of {name}", status=ParagraphStatus.FINISHED, config=config, date_finished="8 PM")
        made.notes[name] = Note(name, f"/{name}", (Paragraph(f"own of {name}"), starts))
    made.notes["never"] = Note("never", "/never", (Paragraph("p"),))
    return made


def later(server: NotesInMemory, name: str) -> str | None:
    found = later_on_its_page(cast(ZeppelinClient, server), server.notes[name])
    return found.id if found else None


def change(server: NotesInMemory, name: str, **changes: Any) -> None:
    server.swap(name, replace(server.notes[name].paragraphs[1], **changes))


def test_of_the_notes_on_a_page_the_one_that_was_run_last_has_the_stream(server: NotesInMemory) -> None:
    assert [later(server, name) for name in ("early", "late", "never")] == ["late", None, None]


@pytest.mark.parametrize(
    "changes",
    [{"date_finished": "9 PM"}, {"status": ParagraphStatus.RUNNING}, {"config": {PAGE: "http://driver:4040"}}],
    ids=["run by hand since", "running now", "run by an older version"],
)
def test_where_it_can_not_be_told_no_other_note_has_it(server: NotesInMemory, changes: dict[str, Any]) -> None:
    change(server, "early", **changes)
    assert later(server, "early") is None


def noting(server: NotesInMemory, name: str, **noted: Any) -> None:
    change(server, name, config={PAGE: "http://driver:4040", STARTED: noted})


@pytest.fixture
def copied(server: NotesInMemory, request: pytest.FixtureRequest) -> Note:
    """A note that was made of "late" in Zeppelin's page: it has all the marks of the original."""
    change(server, "late", config=server.notes["late"].paragraphs[1].config | {MARK: {"key": "s", "role": "start"}})
    if request.param == "cloned":
        return server.get_note(server.clone_note("late", "/copied"))
    return server.get_note(server.import_note(server.export_note("late"), "/copied"))


both_copies = pytest.mark.parametrize("copied", ["cloned", "exported and imported"], indirect=True)


@both_copies
def test_a_copy_of_a_note_has_no_stream_of_its_own(
    server: NotesInMemory, copied: Note, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(SparkPage, "stream", lambda _page: STREAM)
    states = {note.id: own_status(cast(ZeppelinClient, server), note).state for note in (copied, server.notes["late"])}
    assert states == {copied.id: "not run", "late": "streaming"}


@both_copies
def test_a_stop_of_a_copy_leaves_the_original_s_stream_alone(server: NotesInMemory, copied: Note) -> None:
    server.put(copied.id, 0, Paragraph("stop", text="%spark\nstop", config={MARK: {"key": "e", "role": "stop"}}))
    said = Said()
    stop_note(cast(ZeppelinClient, server), server.get_note(copied.id), said)
    assert said.lines == ["no stream of this note runs"]
    assert all(p.status is ParagraphStatus.READY for p in server.notes[copied.id].paragraphs)


@both_copies
def test_a_copy_that_has_been_run_by_hand_has_its_own_stream(server: NotesInMemory, copied: Note) -> None:
    run = replace(copied.paragraphs[1], status=ParagraphStatus.FINISHED, date_started="8 PM", date_finished="9 PM")
    server.swap(copied.id, run)
    assert driver_page(server.notes[copied.id]) == "http://driver:4040"
    assert later(server, copied.id) is None


@pytest.mark.parametrize("ahead", [3600, -3600])
def test_the_clocks_of_the_machines_that_ran_them_do_not_count(server: NotesInMemory, ahead: int) -> None:
    noting(server, "early", turn=1, at=1_700_000_000 + ahead, finished="8 PM")
    noting(server, "late", turn=2, at=1_700_000_000, finished="8 PM")
    assert [later(server, name) for name in ("early", "late")] == ["late", None]


def test_notes_that_an_older_version_ran_are_not_told_apart_by_the_clocks_of_its_machines(
    server: NotesInMemory,
) -> None:
    noting(server, "early", at=1_700_003_600, finished="8 PM")
    noting(server, "late", at=1_700_000_000, finished="8 PM")
    said = Said()
    stop_note(cast(ZeppelinClient, server), server.notes["late"], said)
    assert [later(server, name) for name in ("early", "late")] == [None, None]
    assert not any("was started after it" in line for line in said.lines)


def test_a_note_that_is_run_again_has_the_stream(server: NotesInMemory) -> None:
    config = started(cast(ZeppelinClient, server), server.notes["early"], "http://driver:4040", "8 PM")
    change(server, "early", config=config)
    assert [later(server, name) for name in ("early", "late")] == [None, "early"]


def test_notes_on_other_pages_have_streams_of_their_own(server: NotesInMemory) -> None:
    change(server, "late", config=server.notes["late"].paragraphs[1].config | {PAGE: "http://driver:4041"})
    assert later(server, "early") is None


def test_the_status_of_a_note_tells_no_stream_of_another(
    server: NotesInMemory, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(SparkPage, "stream", lambda _page: STREAM)
    looks = [own_status(cast(ZeppelinClient, server), server.notes[name]) for name in ("early", "late")]
    assert [(look.state, look.stream) for look in looks] == [("stopped", None), ("streaming", STREAM)]


def test_stopping_a_note_leaves_the_stream_of_another_alone(server: NotesInMemory) -> None:
    said = Said()
    stop_note(cast(ZeppelinClient, server), server.notes["early"], said)
    assert said.lines == ["no stream of this note: /late was started after it in the same Spark"]
    assert server.writes == []
