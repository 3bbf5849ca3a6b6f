"""Waiting, with a deadline, for what nobody announces."""

import time
from collections.abc import Callable
from typing import TypeVar

Answer = TypeVar("Answer")


def wait_until(answer: Callable[[], Answer], timeout: float, every: float = 0.1) -> Answer:
    """Call `answer` every `every` seconds until it is true, `timeout` seconds at most; returns the last one.

    It is called once at least. What it raises ends the wait.
    """
    deadline = time.monotonic() + timeout
    while not (last := answer()) and (left := deadline - time.monotonic()) > 0:
        time.sleep(min(every, left))
    return last
