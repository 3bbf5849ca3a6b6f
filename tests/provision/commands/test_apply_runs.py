"""`apply` runs a note whose stream does not run, or depends on what has changed; else nothing, and says so."""

from collections.abc import Sequence
from dataclasses import replace

import pytest

from provision.streams.spark_page import SparkPage

from ..streams.test_run_note import STATE
from .bench import CommandBench

NOTHING = "the stream runs, and nothing that it depends on has changed: nothing was run"


def printed(text: str) -> Sequence[str]:
    return ["Spark's own page: http://driver:4040"] if "ssc.start" in text else ["done"]


@pytest.fixture
def running(bench: CommandBench, monkeypatch: pytest.MonkeyPatch) -> CommandBench:
    """The note, applied and run on a server that is asked again at once."""
    monkeypatch.setattr("zeppelin_sdk._paragraphs.POLL_FIRST", 0.001)
    bench.zeppelin.interpreters = dict.fromkeys(("spark", "md"), printed)
    monkeypatch.setattr(SparkPage, "stream", lambda _page: replace(STATE, events=1, since="8 PM"))
    assert bench.run("apply") == 0, bench.said
    return bench


def ran(bench: CommandBench, *words: str) -> int:
    """How many paragraphs an apply runs."""
    del bench.zeppelin.requests[:]
    assert bench.run("apply", *words) == 0, bench.said
    return len(bench.zeppelin.asked("POST", "notebook/job/"))


def test_an_apply_that_changes_nothing_runs_nothing(running: CommandBench) -> None:
    assert ran(running) == 0
    assert NOTHING in running.said
    assert "--restart" in running.said
    assert {request.method for request in running.zeppelin.requests} <= {"GET", "PUT"}


def test_restart_runs_the_note_all_the_same(running: CommandBench) -> None:
    assert ran(running, "--restart") > 10
    assert NOTHING not in running.said


def test_a_changed_parameter_an_edit_and_new_credentials_start_the_stream_anew(running: CommandBench) -> None:
    assert ran(running, "--param", "window=120") > 10
    assert "started anew: paragraphs that it depends on have changed" in running.said
    assert ran(running) == 0
    (note,) = running.zeppelin.notes.values()
    outputs = next(p for p in note["paragraphs"] if p["title"] == "Outputs")
    outputs["text"] += "\n// mine"
    assert ran(running) > 10
    assert ran(running) == 0
    entry = next(iter(running.zeppelin.credentials.values()))
    entry["password"] = "another"  # what the stream was started with
    assert running.run("run", "MyApp metrics csv") == 0
    assert ran(running) > 10
    assert "started anew: its credentials have changed" in running.said


def test_what_was_written_without_a_run_is_run_by_the_next_apply(running: CommandBench) -> None:
    running.apply("--param", "window=120")
    assert ran(running) > 10


def test_a_stream_that_ended_is_started(running: CommandBench, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("provision.streams.last_run._is_live", lambda *_: False)
    assert ran(running) > 10


def test_restart_and_no_run_are_not_both_possible(bench: CommandBench) -> None:
    assert bench.run("apply", "--restart", "--no-run") == 2
    assert bench.run("apply", "--restart", "--each", __file__) == 2
