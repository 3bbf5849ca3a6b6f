"""A note's recorded Spark page may become that of another server's Spark: its stream is none of the note's."""

from collections.abc import Iterator
from dataclasses import replace
from typing import Any, cast

import pytest

from provision.streams.last_run import needed, started
from provision.streams.latest_windows import Latest
from provision.streams.listing import list_note, list_notes
from provision.streams.log import StreamWatch
from provision.streams.note_state import driver_of, note_state, stream_state
from provision.streams.status import own_status
from provision.streams.stop_note import stop_if_running, stop_note
from provision.sync.provenance import MARK
from zeppelin_sdk import Note, Paragraph, ParagraphStatus, ZeppelinClient

from ..notes_in_memory import NotesInMemory
from .test_run_note import Said
from .test_spark_page import RECEIVER, STATISTICS, FakePage

MINE = {"key": "start", "bundle": "mine", "role": "start"}
FAILED = [{"batchId": 1, "status": "COMPLETED", "numFailedOutputOps": 1, "firstFailureReason": "theirs"}]


def another_spark(page: FakePage) -> None:
    """Another Spark has the page now, and a stream that fails in it."""
    mine, theirs = "/applications/local-1/", "/applications/local-2/"
    page.answers = {path.replace(mine, theirs): answer for path, answer in page.answers.items()}
    page.answers["/api/v1/applications"] = [{"id": "local-2", "name": "Zeppelin"}]
    page.answers["/api/v1/applications/local-2/streaming/batches"] = FAILED


@pytest.fixture
def page() -> Iterator[FakePage]:
    fake = FakePage()
    fake.stream(STATISTICS, [RECEIVER])
    yield fake
    fake.close()


@pytest.fixture
def server(page: FakePage) -> NotesInMemory:
    """A server with a note that was run in the Spark of `page`, and has no paragraph that stops it."""
    made = NotesInMemory()
    start = Paragraph(
        "start", text="ssc.start", status=ParagraphStatus.FINISHED, config={MARK: MINE}, date_finished="8 PM"
    )
    made.notes["mine"] = Note("mine", "/mine", (start,))
    config = start.config | started(client(made), made.notes["mine"], page.url, "8 PM")
    made.swap("mine", replace(start, config=config))
    return made


def client(server: NotesInMemory) -> ZeppelinClient:
    return cast(ZeppelinClient, server)


def states(server: NotesInMemory) -> list[str]:
    note = server.notes["mine"]
    return [
        own_status(client(server), note).state,
        list_note(client(server), note).state,
        note_state(note, stream_state(note)),
        *(each.state for each in list_notes(client(server), lambda: client(server))),
    ]


def test_the_stream_in_the_note_s_own_spark_is_the_note_s(server: NotesInMemory) -> None:
    assert states(server) == ["streaming"] * 4


def test_the_stream_of_another_spark_on_its_page_is_not(server: NotesInMemory, page: FakePage) -> None:
    another_spark(page)
    assert states(server) == ["stopped"] * 4
    assert own_status(client(server), server.notes["mine"]).stream is None


def test_nothing_is_stopped_for_it(server: NotesInMemory, page: FakePage) -> None:
    another_spark(page)
    said = Said()
    for stop in (stop_note, stop_if_running):
        stop(client(server), server.notes["mine"], said)
    assert said.lines == ["no stream of this note runs"]
    assert server.writes == []


def test_an_apply_runs_the_note_and_does_not_take_that_stream_for_its_own(
    server: NotesInMemory, page: FakePage
) -> None:
    assert not needed(client(server), server.notes["mine"]).whole
    another_spark(page)
    assert needed(client(server), server.notes["mine"]).whole


def test_its_failures_are_not_told_and_no_windows_asked_for(server: NotesInMemory, page: FakePage) -> None:
    another_spark(page)
    driver = driver_of(server.notes["mine"])
    assert list(StreamWatch(driver.url, driver.application).news()) == []
    assert not Latest(client(server), "mine", driver.url, "start", 0, driver.application).ask()
    assert server.writes == []


@pytest.mark.parametrize(
    "changes", [{"date_finished": "9 PM"}, {"status": ParagraphStatus.RUNNING}], ids=["run by hand since", "running"]
)
def test_where_a_person_may_have_started_it_there_the_stream_is_the_note_s(
    server: NotesInMemory, page: FakePage, changes: dict[str, Any]
) -> None:
    another_spark(page)
    server.swap("mine", replace(server.notes["mine"].paragraphs[0], **changes))
    assert states(server) == ["failing"] * 4
