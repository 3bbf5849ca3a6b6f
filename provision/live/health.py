"""Whether a stream is well, in a word, a sentence and figures. Pure."""

import time
from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import Any

from provision.live.history import History
from provision.streams.measures import shown_number
from provision.streams.spark_page import StreamState
from provision.streams.status import NoteStatus


class Tone(StrEnum):
    """How good a thing is: the page has a colour for each."""

    GOOD = "good"
    WARN = "warn"
    BAD = "bad"
    OFF = "off"


@dataclass(frozen=True)
class Health:
    """`word` is the note's state as `provision status` has it; `sentence` says what is wrong, or that nothing is."""

    level: Tone
    word: str
    sentence: str


@dataclass(frozen=True)
class Figure:
    """A number of the page; `hint` says what it is."""

    name: str
    value: str
    hint: str
    level: Tone = Tone.GOOD


_SENTENCES = {
    "failed": "A paragraph ended in an error: its output says why.",
    "stopped": "No stream of this note runs. Start it here, or with `provision run`.",
    "not run": "This note has not been run. Start it here, or with `provision run`.",
    "running": "A paragraph runs, and Spark shows no stream of this note yet.",
    "unknown": "It has been run, and Spark's page can't be reached from here: no figures.",
}


def health_of(status: NoteStatus | None) -> Health:
    """How the note's stream is."""
    if status is None:
        return Health(Tone.OFF, "…", "Reading the note.")
    stream = status.stream
    if stream is None or not stream.receivers:
        level = Tone.BAD if status.state == "failed" else Tone.WARN if status.state == "unknown" else Tone.OFF
        return Health(level, status.state, _SENTENCES.get(status.state, ""))
    if stream.failure:
        return Health(Tone.BAD, status.state, f"The newest batch failed: {stream.failure}")
    if stream.last_error:
        return Health(Tone.WARN, status.state, f"The receiver reports: {stream.last_error}")
    if stream.outputs:
        return Health(Tone.WARN, status.state, f"It goes on; {'; '.join(map(_failing, stream.outputs))}.")
    if stream.waiting_batches > 1:
        return Health(Tone.WARN, status.state, f"It falls behind: {stream.waiting_batches} batches wait.")
    if stream.batch_ms and stream.processing_ms > stream.batch_ms:
        return Health(Tone.WARN, status.state, "A batch takes longer than the time that it covers.")
    if stream.failed_batches:
        return Health(Tone.WARN, status.state, f"It goes on; {stream.failed_batches} batches before the newest failed.")
    return Health(Tone.GOOD, status.state, "All is well.")


def _failing(output: Mapping[str, Any]) -> str:
    number = output.get("waiting")
    waiting = f"{number} window waits" if number == 1 else f"{number} windows wait"
    return f"output {output.get('name')} fails: {output.get('reason')}; {waiting}"


def figures_of(status: NoteStatus | None, history: History, now: float) -> list[Figure]:
    """The figures to show, in the order of their weight; `now` in seconds since the epoch."""
    stream = status.stream if status else None
    found = _of_stream(stream) if stream else []
    newest = history.newest
    if newest:
        until = time.strftime("%H:%M:%S", time.localtime(newest.end / 1000))
        age = max(0, round(now - newest.end / 1000))
        found.append(Figure("last window", until, f"when the newest window ended, {_age(age)} ago by this clock"))
    counts = status.counted.counts if status else {}
    hints = {"malformed": "events that the query could not read", "late": "events that came after their windows"}
    found += [
        Figure(name, f"{counts[name]:,}", hint, Tone.WARN if counts[name] else Tone.GOOD)
        for name, hint in hints.items()
        if name in counts
    ]
    return found


def _of_stream(stream: StreamState) -> list[Figure]:
    behind = Tone.WARN if stream.waiting_batches > 1 else Tone.GOOD
    failed = Tone.BAD if stream.failure else Tone.WARN if stream.failed_batches else Tone.GOOD
    return [
        Figure("events/s", shown_number(stream.events_per_second), "mean of the batches that Spark remembers"),
        Figure("events", f"{stream.events:,}", "since the stream's start"),
        Figure("batches", f"{stream.batches:,}", "that have ended since the stream's start"),
        Figure("batch time", f"{shown_number(stream.processing_ms / 1000)} s", "mean time to process a batch"),
        Figure("lag", f"{shown_number(stream.lag_s)} s", "from the end of a batch to its result", behind),
        Figure("waiting", str(max(0, stream.waiting_batches - 1)), "batches that wait for their turn", behind),
        Figure("failed", str(stream.failed_batches), "of the batches that Spark remembers", failed),
    ]


def _age(seconds: int) -> str:
    return f"{seconds} s" if seconds < 120 else f"{seconds // 60} min" if seconds < 7200 else f"{seconds // 3600} h"
