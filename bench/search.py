"""Finds the highest rate that a side sustains, in few probes."""

import math
from collections.abc import Callable, Sequence
from typing import Protocol, TypeVar

GROWTH = 4.0
"""The most that a probe exceeds the highest rate sustained so far."""

MARGIN = 0.97
"""How far below the estimated limit a probe stays: a failed probe costs the stream a backlog."""


class Probed(Protocol):
    """The outcome of a probe; `load` is 1 where the side is as busy as it may be, `asked` is the probe's rate."""

    @property
    def asked(self) -> float: ...
    @property
    def rate(self) -> float: ...
    @property
    def load(self) -> float: ...
    @property
    def kept_up(self) -> bool: ...


Found = TypeVar("Found", bound=Probed)


def highest(probe: Callable[[float], Found], first: float, *, closeness: float = 1.15, most: int = 4) -> Found | None:
    """The outcome with the highest rate that was kept up with; None when there is none.

    Every next rate is where the line through the last two outcomes has a load of 1, between the highest rate that was
    kept up with and the lowest that was not. It ends when these two are within `closeness`, after `most` probes, or
    when no more than nine tenths of what was asked for could be sent.
    """
    outcomes: list[Found] = []
    rate: float | None = first
    while rate is not None and len(outcomes) < most:
        outcomes.append(probe(rate))
        rate = next_rate(outcomes, closeness)
    return max((each for each in outcomes if each.kept_up), key=lambda each: each.rate, default=None)


def next_rate(outcomes: Sequence[Probed], closeness: float) -> float | None:
    """The rate to try after these outcomes; None when the limit is known closely enough."""
    last = outcomes[-1]
    low = max((each.asked for each in outcomes if each.kept_up), default=0.0)
    high = min((each.asked for each in outcomes if not each.kept_up), default=math.inf)
    if last.kept_up and last.rate < 0.9 * last.asked:
        return None
    if low and high / low <= closeness:
        return None
    guess = _limit(outcomes) * MARGIN
    if math.isinf(high):
        return None if guess <= low * closeness else min(guess, low * GROWTH)
    if not low:
        return min(guess, high / 2) if guess > high / 10 else high / 4
    inside = low * math.sqrt(closeness) < guess < high / math.sqrt(closeness)
    return guess if inside else math.sqrt(low * high)


def _limit(outcomes: Sequence[Probed]) -> float:
    """Where the load would be 1: on the line through the last two outcomes, or through the last one and nought."""
    last = outcomes[-1]
    if len(outcomes) > 1:
        before = outcomes[-2]
        rise = (last.load - before.load) / (last.asked - before.asked)
        if rise > 0:
            return last.asked + (1 - last.load) / rise
    return last.asked / max(last.load, 0.01)
