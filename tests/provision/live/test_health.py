"""Whether a stream is well, in a word and figures."""

from dataclasses import replace

import pytest

from provision.live.health import Tone, figures_of, health_of
from provision.live.history import History
from provision.streams.latest_windows import Counted
from provision.streams.spark_page import StreamState
from provision.streams.status import NoteStatus
from provision.streams.windows import Window
from zeppelin_sdk import Note

WELL = StreamState(
    batches=7, events=100, processing_ms=250, delay_ms=260, waiting_batches=1, receivers=1, last_error="",
    events_per_second=1.4, batch_ms=10_000,
)  # fmt: skip


def status(stream: StreamState | None, state: str = "streaming", **counts: int) -> NoteStatus:
    return NoteStatus(Note("2A", "/n"), state, "http://spark", True, stream, Counted(counts, "now"))


@pytest.mark.parametrize(
    ("stream", "level", "words"),
    [
        (WELL, Tone.GOOD, "All is well"),
        (replace(WELL, failure="ArithmeticException: / by zero"), Tone.BAD, "/ by zero"),
        (replace(WELL, last_error="Connection lost (5)"), Tone.WARN, "Connection lost (5)"),
        (
            replace(WELL, outputs=({"name": "parquet", "waiting": 3, "since": 1, "reason": "Permission denied"},)),
            Tone.WARN,
            "output parquet fails: Permission denied; 3 windows wait",
        ),
        (replace(WELL, waiting_batches=4), Tone.WARN, "4 batches wait"),
        (replace(WELL, processing_ms=11_000), Tone.WARN, "longer"),
        (replace(WELL, failed_batches=2), Tone.WARN, "2 batches"),
    ],
)
def test_a_stream_s_fault_is_told(stream: StreamState, level: Tone, words: str) -> None:
    health = health_of(status(stream))
    assert health.level is level
    assert words in health.sentence


@pytest.mark.parametrize(
    ("state", "level"), [("failed", Tone.BAD), ("stopped", Tone.OFF), ("not run", Tone.OFF), ("unknown", Tone.WARN)]
)
def test_a_note_without_a_stream_says_what_to_do(state: str, level: Tone) -> None:
    health = health_of(status(None, state))
    assert (health.word, health.level) == (state, level)
    assert health.sentence


def test_figures_tell_rate_lag_and_counts() -> None:
    history = History()
    history.add([Window(1_000_000, (), (("ant", "1"),), ("id", "cpu"))])
    found = {each.name: each for each in figures_of(status(WELL, malformed=3, late=0), history, 1_012.0)}
    assert found["events/s"].value == "1.4"
    assert found["lag"].value == "0.26 s"
    assert (found["malformed"].value, found["malformed"].level) == ("3", Tone.WARN)
    assert "12 s ago" in found["last window"].hint


def test_a_backlog_counts_to_the_lag() -> None:
    found = {each.name: each for each in figures_of(status(replace(WELL, waiting_batches=4)), History(), 0.0)}
    assert (found["lag"].value, found["lag"].level) == ("30.26 s", Tone.WARN)


def test_without_a_stream_there_are_no_figures() -> None:
    assert figures_of(status(None, "stopped"), History(), 0.0) == []
    assert figures_of(None, History(), 0.0) == []
