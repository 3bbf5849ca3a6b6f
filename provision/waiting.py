"""Polls for a condition until a deadline."""

import time
from collections.abc import Callable
from typing import TypeVar

Answer = TypeVar("Answer")


def wait_until(answer: Callable[[], Answer], timeout: float, every: float = 0.1) -> Answer:
    """Call `answer` every `every` seconds until it returns something true, for `timeout` seconds at most.

    Returns the last answer. Calls at least once; exceptions of `answer` propagate.
    """
    deadline = time.monotonic() + timeout
    while not (last := answer()) and (left := deadline - time.monotonic()) > 0:
        time.sleep(min(every, left))
    return last
