"""The one loop that waits with a deadline."""

import time

import pytest

from provision.waiting import wait_until


def test_the_first_true_answer_ends_the_wait() -> None:
    answers = iter([None, "", "there", "later"])
    assert wait_until(lambda: next(answers), timeout=60, every=0.001) == "there"


def test_at_the_deadline_the_last_answer_comes_back() -> None:
    calls: list[float] = []
    began = time.monotonic()
    assert wait_until(lambda: calls.append(time.monotonic()), timeout=0.2, every=0.05) is None
    assert time.monotonic() - began >= 0.2
    assert len(calls) > 1


def test_it_asks_once_when_there_is_no_time() -> None:
    assert wait_until(lambda: "there", timeout=0) == "there"


def test_a_last_pause_does_not_go_beyond_the_deadline() -> None:
    began = time.monotonic()
    assert wait_until(lambda: False, timeout=0.05, every=30) is False
    assert time.monotonic() - began < 10


def test_an_error_ends_the_wait() -> None:
    def answer() -> bool:
        raise LookupError

    with pytest.raises(LookupError):
        wait_until(answer, timeout=60)
