"""The search finds a side's limit in few probes, whatever the shape of its cost."""

from collections.abc import Callable
from dataclasses import dataclass

import pytest

from bench.search import highest


@dataclass(frozen=True)
class Outcome:
    asked: float
    rate: float
    load: float

    @property
    def kept_up(self) -> bool:
        return self.load < 1


@dataclass
class Side:
    """A side whose load at a rate is known."""

    load: Callable[[float], float]
    most: float = 1e9

    def __post_init__(self) -> None:
        self.asked: list[float] = []

    def probe(self, rate: float) -> Outcome:
        self.asked.append(rate)
        sent = min(rate, self.most)
        return Outcome(rate, sent, self.load(sent))


SHAPES = {
    "in proportion": lambda rate: rate / 1000,
    "with a fixed part": lambda rate: 0.5 + rate / 2000,
    "curved": lambda rate: (rate / 1000) ** 1.5,
    "a wall": lambda rate: 0.2 if rate < 1000 else 2.0,
}


@pytest.mark.parametrize("shape", SHAPES)
@pytest.mark.parametrize("first", [10, 100, 900, 1100, 5000, 40_000])
def test_the_limit_is_found_from_any_start(shape: str, first: float) -> None:
    side = Side(SHAPES[shape])
    found = highest(side.probe, first, closeness=1.1, most=14)
    assert found is not None
    assert 850 < found.rate < 1000
    assert found.asked in side.asked


def test_it_stops_at_what_can_be_sent() -> None:
    side = Side(lambda rate: rate / 100_000, most=40_000)
    found = highest(side.probe, 20_000, most=10)
    assert found is not None
    assert found.rate == 40_000
    assert len(side.asked) == 2


def test_a_side_that_keeps_up_with_nothing_has_no_limit() -> None:
    side = Side(lambda _: 2.0)
    assert highest(side.probe, 1000, most=5) is None
    assert len(side.asked) == 5
    assert side.asked == sorted(side.asked, reverse=True)
