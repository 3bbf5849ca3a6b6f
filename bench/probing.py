"""A side's stream under a changing load."""

import math
import time
from collections.abc import Callable, Sequence

from bench.batches import SHARE, Batch, Judgement, batches, judge
from bench.load import Load
from bench.mosquitto import Mosquitto
from bench.processes import say
from bench.shell import NotInTimeError, ShellError, Side
from bench.sides import MQTT_TOPIC, Times

CLEAR = 0.25
"""Of what processing may take: a slide with half its window full that takes no more is well within its limit."""

SLIDES = 2
"""Slides with a full window that a probe looks at."""

RECOVERY = 240
"""Seconds that a stream gets to work off the backlog of too high a rate."""


class NotRecoveredError(ShellError):
    """A stream that never worked off the backlog of too high a rate."""


class Probing:
    """Probes and holds rates against the stream in `shell`; `verdicts` are all so far. `stop` ends the load."""

    def __init__(self, side: str, shell: Side, broker: Mosquitto, times: Times) -> None:
        self._side, self._shell, self._broker, self._times = side, shell, broker, times
        self._load: Load | None = None
        self.verdicts: list[Judgement] = []
        shell.wait(lambda: bool(shell.heard("receiver")), "receiver", timeout=60)

    def probe(self, rate: float) -> Judgement:
        """Whether the stream keeps up with `rate`, after the window has filled with it; sooner if it is clear."""
        load = self._at(rate)
        full = load.began + self._times.window + self._times.slide
        done = self._slides(load, since=full, count=SLIDES, enough=self._is_clear)
        return self._verdict(load, done[-SLIDES:])

    def hold(self, rate: float, seconds: float) -> Judgement:
        """Whether the stream keeps up with `rate` for so long, the window being full with it from the start."""
        load = self._at(rate)
        full = load.began + self._times.window + self._times.slide
        count = math.ceil(seconds / self._times.slide)
        done = self._slides(load, since=max(time.time(), full), count=count, enough=lambda _: False)
        return self._verdict(load, done[-count:])

    def fill(self, rate: float) -> Load:
        """Fill the window at `rate`; the load goes on."""
        load = self._at(rate)
        full = load.began + self._times.window + self._times.slide
        self._slides(load, since=full, count=1, enough=lambda _: False)
        return load

    def _at(self, rate: float) -> Load:
        if self._load is None or self._load.rate != rate:
            self.stop()
            if self.verdicts and not self.verdicts[-1].kept_up:
                self._recover()
            self._load = Load(self._broker.port, MQTT_TOPIC, rate)
        return self._load

    def _slides(
        self, load: Load, *, since: float, count: int, enough: Callable[[Sequence[Batch]], bool]
    ) -> list[Batch]:
        """The slides wholly at this load, once `count` of them end after `since`; sooner when one is far too late."""
        slide = self._times.slide

        def done() -> list[Batch]:
            load.check()
            return [batch for batch in batches(self._shell) if batch.at - slide >= load.began]

        def over() -> bool:
            found = done()
            return sum(batch.at >= since for batch in found) >= count or _is_late(found, slide) or enough(found)

        patience = max(since - time.time(), 0) + (3 * count + 5) * slide + 60
        self._shell.wait(over, f"batches at {load.rate:g} events/s", timeout=patience)
        return done()

    def _is_clear(self, done: Sequence[Batch]) -> bool:
        half = self._times.window / self._times.slide / 2
        return len(done) > half and all(batch.processing < CLEAR * SHARE * self._times.slide for batch in done[-2:])

    def _verdict(self, load: Load, done: Sequence[Batch]) -> Judgement:
        slide = self._times.slide
        sent = load.sent_by(done[-1].at) - load.sent_by(done[0].at - slide)
        verdict = judge(done, slide, load.rate, sent)
        self.verdicts.append(verdict)
        say(f"{self._side}: {verdict}")
        return verdict

    def _recover(self) -> None:
        """Wait, without a load, until the batches are on time again."""
        slide, since = self._times.slide, time.time()

        def on_time() -> bool:
            return any(batch.at > since and batch.delay < slide / 2 for batch in batches(self._shell))

        try:
            self._shell.wait(on_time, "batch that is on time again", timeout=RECOVERY)
        except NotInTimeError as error:
            raise NotRecoveredError(f"not on time again {RECOVERY} s after a rate that was too high") from error

    def stop(self) -> None:
        """End the load."""
        if self._load is not None:
            self._load.stop()
            self._load = None


def _is_late(done: Sequence[Batch], slide: float) -> bool:
    """Whether a batch has waited longer than a slide: the next ones only get later."""
    return any(batch.delay > slide for batch in done)
