"""The cost of a stream's batches, as reported by the listener in its shell, and whether they keep up."""

from collections.abc import Sequence
from dataclasses import dataclass
from statistics import fmean

from bench.shell import ShellError, Side

SHARE = 0.8
"""The share of the slide that processing may take on average."""

COMPLETE = 0.99
"""The share of the events sent in some intervals that their batches must hold."""


@dataclass(frozen=True)
class Batch:
    """One batch: the end of its interval (epoch seconds), its events, and seconds."""

    at: float
    events: int
    processing: float
    delay: float


def batches(shell: Side) -> list[Batch]:
    """The batches done so far, in order; raises `ShellError` if one has failed."""
    failures = shell.heard("failure")
    if failures:
        raise ShellError(f"a batch failed: {failures[0]}")
    rows = (list(map(int, text.split())) for text in shell.heard("batch"))
    return [Batch(at / 1000, events, took / 1000, delay / 1000) for at, events, took, delay in rows]


@dataclass(frozen=True)
class Judgement:
    """Whether a side kept up with a rate, and why not.

    `rate` is what was really sent, `received` what was in the batches, both in events/s; times are in seconds.
    """

    asked: float
    rate: float
    received: float
    processing: float
    delay: float
    load: float
    why: str = ""

    @property
    def kept_up(self) -> bool:
        return not self.why

    def __str__(self) -> str:
        end = f"falls behind: {self.why}" if self.why else "keeps up"
        return f"{self.rate:,.0f} events/s: a slide takes {self.processing:.2f} s, {end}"


def judge(done: Sequence[Batch], slide: float, asked: float, sent: float) -> Judgement:
    """The verdict over some batches in a row; `sent` is how many events were sent in their intervals."""
    seconds = slide * len(done)
    processing, received = fmean(batch.processing for batch in done), sum(batch.events for batch in done)
    delay = done[-1].delay
    why = ""
    if processing >= SHARE * slide:
        why = f"processing takes {processing:.1f} s of a slide of {slide:g} s"
    elif delay > SHARE * slide or delay - done[0].delay > slide / 5:
        why = f"the delay has grown to {delay:.1f} s"
    elif received < COMPLETE * sent:
        why = f"{received / sent:.1%} of what was sent is in the batches"
    load = processing / (SHARE * slide)
    return Judgement(asked, sent / seconds, received / seconds, processing, delay, load, why)
