"""What a stop does to others: it restarts only what nothing else ends, and leaves alone what is not in its way."""

from dataclasses import replace

import pytest

from provision.streams import stop_note as stopping
from provision.streams.spark_page import SparkPage, StreamState
from provision.streams.stop_note import stop_if_running, stop_note
from provision.sync.provenance import PAGE, STARTED
from zeppelin_sdk import Paragraph, ParagraphStatus

from .test_run_note import CLASSIC, STATE, FakeClient, Said, paragraph

RUNNING, FINISHED, ABORT = ParagraphStatus.RUNNING, ParagraphStatus.FINISHED, ParagraphStatus.ABORT
STOP, START = paragraph("stop"), paragraph("start", status=FINISHED)
LONG_MD = Paragraph("own", title="own", text="%md\nslow", status=RUNNING)
LONG_SPARK = replace(LONG_MD, text="%spark\nThread.sleep(100000)")
SPARK_PAGE = "http://driver:4040"


@pytest.fixture(autouse=True)
def at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(stopping, "CANCEL_GRACE", 0)


def on_page(monkeypatch: pytest.MonkeyPatch, stream: StreamState | None, *, answers: bool = True) -> None:
    monkeypatch.setattr(SparkPage, "stream", lambda _page: stream)
    monkeypatch.setattr(SparkPage, "answers", lambda _page: answers)


def stopped(client: FakeClient) -> str:
    """Stop the note, and return what was said."""
    said = Said()
    stop_note(client, client.note, said)
    return "\n".join(said.lines)


@pytest.mark.parametrize("interpreter", ["%md", "%md.markdown", "  %sh", "%jdbc(x=1)", "%angular"])
def test_a_paragraph_of_another_interpreter_is_left_to_run(interpreter: str) -> None:
    client = FakeClient(STOP, START, replace(LONG_MD, text=f"{interpreter}\nslow"))
    stopped(client)
    assert client.did == ["run stop"]


@pytest.mark.parametrize("interpreter", ["%spark", "%spark.sql", "%sql", "%pyspark", "", "%spark(a=b)"])
def test_what_runs_in_spark_is_cancelled_and_restarted_is_nothing(interpreter: str) -> None:
    client = FakeClient(STOP, START, replace(LONG_MD, text=f"{interpreter}\nslow"))
    assert "cancelling 'own'" in stopped(client)
    assert client.did == ["cancel own", "run stop"]


def test_a_spark_paragraph_that_does_not_end_is_told_with_the_restart() -> None:
    client = FakeClient(STOP, START, LONG_SPARK)
    client.fake.stuck.add("own")
    assert "'own' does not end: restarting Spark's interpreter" in stopped(client)
    assert client.did == ["cancel own", "restart spark-id"]


def test_a_stop_paragraph_that_runs_already_is_waited_for() -> None:
    client = FakeClient(replace(STOP, status=RUNNING), START)
    stopped(client)
    assert client.did == []


def test_a_note_that_has_never_run_has_no_stream_to_restart_spark_for() -> None:
    client = FakeClient(*CLASSIC)
    assert stopped(client) == "no stream of this note runs"
    assert client.did == []


def test_a_note_whose_stream_spark_knows_to_have_ended_is_not_restarted_for(monkeypatch: pytest.MonkeyPatch) -> None:
    client = FakeClient(replace(CLASSIC[-1], status=ABORT, config=CLASSIC[-1].config | {PAGE: SPARK_PAGE}))
    on_page(monkeypatch, None)
    stopped(client)
    assert client.did == []
    on_page(monkeypatch, None, answers=False)  # then nobody can tell
    stopped(client)
    assert client.did == ["restart spark-id"]


def test_a_second_stop_restarts_spark_no_more(monkeypatch: pytest.MonkeyPatch) -> None:
    on_page(monkeypatch, None, answers=False)
    noted = {PAGE: SPARK_PAGE, STARTED: {"turn": 1, "finished": ""}}
    start = replace(CLASSIC[-1], status=RUNNING, date_started="8 PM", config=CLASSIC[-1].config | noted)
    client = FakeClient(start)
    stopped(client)
    stopped(client)
    assert client.did == ["cancel start", "restart spark-id", "page start as it was"]
    client.fake.notes["note"]["paragraphs"][0]["dateStarted"] = "9 PM"  # started and cancelled in Zeppelin's page
    stopped(client)
    assert client.did[3:] == ["restart spark-id", "page start as it was"]


@pytest.mark.parametrize("own", [LONG_MD, LONG_SPARK])
def test_a_person_s_own_paragraph_is_no_stream_to_stop(own: Paragraph) -> None:
    client = FakeClient(STOP, START, own)
    stop_if_running(client, client.note, Said())
    assert client.did == []


def test_a_note_that_is_being_started_is_stopped() -> None:
    client = FakeClient(STOP, replace(START, status=RUNNING), LONG_MD)
    stop_if_running(client, client.note, Said())
    assert client.did == ["cancel start", "run stop"]


def test_a_stream_on_spark_s_page_is_stopped(monkeypatch: pytest.MonkeyPatch) -> None:
    on_page(monkeypatch, STATE)
    client = FakeClient(STOP, replace(START, config=START.config | {PAGE: SPARK_PAGE}), LONG_MD)
    stop_if_running(client, client.note, Said())
    assert client.did == ["run stop"]


def test_the_blocking_paragraph_alone_is_cancelled_for_its_restart() -> None:
    client = FakeClient(replace(CLASSIC[-1], status=RUNNING), LONG_MD)
    stopped(client)
    assert client.did == ["cancel start", "restart spark-id"]
