"""What counts as keeping up."""

import pytest

from bench.batches import Batch, judge

SLIDE = 10.0


def slides(*processing: float, delay: tuple[float, ...] = (), events: int = 10_000) -> list[Batch]:
    delays = delay or (0.0,) * len(processing)
    return [Batch(SLIDE * i, events, *pair) for i, pair in enumerate(zip(processing, delays, strict=True))]


def test_a_stream_on_time_that_has_everything_keeps_up() -> None:
    verdict = judge(slides(5, 9, 7), SLIDE, 1000, 30_000)
    assert verdict.kept_up
    assert (verdict.rate, verdict.received, verdict.processing) == (1000, 1000, 7)
    assert verdict.load == pytest.approx(7 / 8)


@pytest.mark.parametrize(
    ("done", "sent", "why"),
    [
        (slides(8, 8, 8), 30_000, "processing takes 8.0 s"),
        (slides(7, 7, 7, delay=(0, 1.5, 3)), 30_000, "the delay has grown to 3.0 s"),
        (slides(7, 7, 7, delay=(9, 9, 9)), 30_000, "the delay has grown to 9.0 s"),
        (slides(7, 7, 7), 30_400, "98.7% of what was sent"),
    ],
)
def test_why_it_does_not_is_said(done: list[Batch], sent: float, why: str) -> None:
    verdict = judge(done, SLIDE, 1000, sent)
    assert not verdict.kept_up
    assert why in verdict.why
