"""`provision status NOTE`: a stream that runs, that has ended, that can't be seen; and the live view."""

import json
import math
from collections.abc import Iterator
from dataclasses import replace
from types import SimpleNamespace

import pytest

from provision.cli import run
from provision.commands import status as command
from provision.streams.latest_windows import Latest
from provision.streams.spark_page import SparkPage, StreamState
from provision.streams.status import status_of
from provision.sync.provenance import MARK, PAGE
from zeppelin_sdk import Note, Paragraph, ParagraphStatus, ResultMessage, _transport
from zeppelin_sdk.testing import Drop, FakeZeppelin

STREAM = StreamState(
    batches=7, events=100, processing_ms=250.4, delay_ms=260, waiting_batches=1, receivers=1, last_error="",
    events_per_second=1.44,
)  # fmt: skip
COUNTED = ResultMessage("TEXT", "counts: events=99 malformed=2 windows=5\n")


@pytest.fixture
def zeppelin(monkeypatch: pytest.MonkeyPatch, tmp_path) -> Iterator[FakeZeppelin]:
    monkeypatch.setenv("PROVISION_HOME", str(tmp_path))
    with FakeZeppelin("0.10") as server:
        monkeypatch.setenv("ZEPPELIN_URL", server.url)
        note = server.add_note("/A/b")
        server.add_paragraph(note, {"title": "Start", "text": "%spark\n1", "config": {PAGE: "http://driver:4040"}})
        yield server


def spark_says(monkeypatch: pytest.MonkeyPatch, stream: StreamState | None, *, answers: bool = True) -> None:
    monkeypatch.setattr(SparkPage, "stream", lambda page: stream)
    monkeypatch.setattr(SparkPage, "answers", lambda page: answers)


def note(*paragraphs: Paragraph) -> Note:
    return Note("n", "/n", (Paragraph("s", config={PAGE: "http://driver:4040"}), *paragraphs))


def lines(of: Note) -> dict[str, str]:
    return dict(status_of(of).stream_lines())


def test_a_stream_s_rate_and_times_are_told(monkeypatch: pytest.MonkeyPatch) -> None:
    spark_says(monkeypatch, STREAM)
    assert lines(note()) == {
        "stream": "100 events (1.4/s) in 7 batches; 250 ms to process one, 260 ms from its end to its result (now)"
    }


def test_what_the_connector_has_counted_is_told(monkeypatch: pytest.MonkeyPatch) -> None:
    spark_says(monkeypatch, replace(STREAM, messages={"received": 100, "stored": 90, "reconnects": 2}))
    assert lines(note())["messages"] == "100 received, 90 stored, 0 acknowledged; 2 reconnects (up to 10 s ago)"

    spark_says(monkeypatch, replace(STREAM, messages={"received": 9, "stored": 9, "acknowledged": 9, "redelivered": 4}))
    told = "9 received, 9 stored, 9 acknowledged; 0 reconnects; 4 may be there twice (up to 10 s ago)"
    assert lines(note())["messages"] == told


def test_a_receiver_s_error_and_waiting_batches_are_told(monkeypatch: pytest.MonkeyPatch) -> None:
    spark_says(monkeypatch, StreamState(1, 0, 0, 0, waiting_batches=4, receivers=0, last_error="CONNACK 5"))
    told = lines(note())
    assert told["receiver"] == "CONNACK 5"
    assert "4 batches wait" in told["stream"]
    assert "no receiver runs" in told["stream"]


def test_a_page_out_of_reach_is_one_line(monkeypatch: pytest.MonkeyPatch) -> None:
    spark_says(monkeypatch, None, answers=False)
    assert list(lines(note())) == ["stream"]
    assert "http://driver:4040 can't be reached from here" in lines(note())["stream"]


def test_a_stream_that_has_ended_and_a_note_that_never_ran_have_nothing_to_tell(monkeypatch) -> None:
    spark_says(monkeypatch, None)
    assert lines(note()) == {}
    assert lines(Note("n", "/n", (Paragraph("p"),))) == {}


def test_what_the_note_has_counted_is_told_with_its_time(monkeypatch: pytest.MonkeyPatch) -> None:
    spark_says(monkeypatch, None)
    latest = Paragraph("l", config={MARK: {"key": "latest"}}, results=(COUNTED,), date_finished="Nov 22, 8 PM")
    told = "99 events, 2 malformed, 5 windows (by the note, until Nov 22, 8 PM on the server's clock)"
    assert lines(note(latest)) == {"counted": told}


def test_the_json_answer_has_figures_counts_and_the_page(zeppelin: FakeZeppelin, capsys, monkeypatch) -> None:
    spark_says(monkeypatch, STREAM)
    assert run(["status", "b", "--json"]) == 0
    answer = json.loads(capsys.readouterr().out)
    assert answer["state"] == "streaming"
    assert answer["stream"]["events_per_s"] == 1.44
    assert (answer["counts"], answer["counted"]) == (None, None)
    assert (answer["page"], answer["page_in_reach"]) == ("http://driver:4040", True)


class Looks:
    """Stands in for the pause between looks, and is Ctrl-C after some."""

    def __init__(self, number: int) -> None:
        self.left = number

    def __call__(self, _seconds: float) -> None:
        self.left -= 1
        if self.left == 0:
            raise KeyboardInterrupt


@pytest.mark.parametrize("as_json", [False, True])
def test_watching_without_a_terminal_is_a_line_a_look_until_ctrl_c(
    zeppelin: FakeZeppelin, capsys, monkeypatch: pytest.MonkeyPatch, as_json: bool
) -> None:
    spark_says(monkeypatch, STREAM)
    monkeypatch.setattr(command, "time", SimpleNamespace(sleep=Looks(3)))
    assert run(["status", "--watch", "b", *["--json"] * as_json]) == 0
    told = capsys.readouterr().out.splitlines()
    assert len(told) == 3
    assert all((json.loads(line)["state"] == "streaming") if as_json else ("100 events" in line) for line in told)


def test_watching_outlasts_a_server_that_restarts(zeppelin: FakeZeppelin, capsys, monkeypatch) -> None:
    spark_says(monkeypatch, STREAM)

    class Restart(Looks):
        def __call__(self, seconds: float) -> None:
            if self.left == 3:
                zeppelin.fail_next("GET", *[Drop()] * 3)
            super().__call__(seconds)

    monkeypatch.setattr(command, "time", SimpleNamespace(sleep=Restart(3)))
    monkeypatch.setattr(_transport, "BACKOFF", (0.0, 0.0))
    assert run(["status", "--watch", "b"]) == 0
    assert len(capsys.readouterr().out.splitlines()) == 2


def test_watching_needs_a_note(zeppelin: FakeZeppelin) -> None:
    assert run(["status", "--watch"]) == 2


def test_a_watched_note_is_asked_for_its_counts_once_a_slide(zeppelin: FakeZeppelin, monkeypatch) -> None:
    spark_says(monkeypatch, STREAM)
    fake = server()
    asked = Latest(fake.client(), "n", "http://driver:4040", "p", every=1000)
    assert asked.ask()
    assert not asked.ask()
    assert [request.path for request in fake.asked("POST")] == ["/api/notebook/job/n/p"]


def test_a_latest_paragraph_that_fails_or_waits_is_not_run_again(monkeypatch: pytest.MonkeyPatch) -> None:
    spark_says(monkeypatch, STREAM)
    for status in (ParagraphStatus.ERROR, ParagraphStatus.PENDING, ParagraphStatus.RUNNING):
        asked = Latest(server(status).client(), "n", "http://driver:4040", "p", every=0)
        assert not asked.ask()


def server(status: ParagraphStatus = ParagraphStatus.FINISHED) -> FakeZeppelin:
    fake = FakeZeppelin(pace=math.inf)
    fake.notes["n"] = {"id": "n", "paragraphs": [{"id": "p", "status": str(status), "settings": {"params": {}}}]}
    return fake


def test_a_stream_that_fails_in_its_newest_batch_is_not_well(zeppelin: FakeZeppelin, capsys, monkeypatch) -> None:
    failing = replace(STREAM, failed_batches=3, failure="AnalysisException: cannot resolve 'ts'")
    spark_says(monkeypatch, failing)
    assert run(["status", "b", "--json"]) == 1
    assert json.loads(capsys.readouterr().out)["state"] == "failing"
    assert run(["status", "b"]) == 1
    assert "the newest too: AnalysisException: cannot resolve 'ts'" in " ".join(capsys.readouterr().out.split())


def test_a_stream_that_is_not_there_is_told_by_the_exit_status(zeppelin: FakeZeppelin, capsys, monkeypatch) -> None:
    spark_says(monkeypatch, None)
    assert run(["status", "b", "--json"]) == 1
    assert json.loads(capsys.readouterr().out)["state"] == "stopped"


@pytest.mark.parametrize(
    ("page", "answers", "state"),
    [
        ("http://driver:4040", True, "stopped"),
        ("http://driver:4040", False, "unknown"),
        ("http://127.0.0.1:4040", False, "stopped"),
    ],
)
def test_a_note_on_a_page_that_this_machine_can_not_reach_may_stream(
    zeppelin: FakeZeppelin, capsys, monkeypatch, page: str, answers: bool, state: str
) -> None:
    for each in zeppelin.notes.values():
        each["paragraphs"][0]["config"][PAGE] = page
    spark_says(monkeypatch, None, answers=answers)
    assert run(["status", "b", "--json"]) == 1
    assert json.loads(capsys.readouterr().out)["state"] == state
