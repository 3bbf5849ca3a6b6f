"""Takes an output's windows to it, in order, beside the stream: what fails is tried again until it succeeds."""

from __future__ import annotations

import threading
import time
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Protocol

from ._queue import Queue
from ._window import Window, iso

SHORTEST, LONGEST = 0.5, 10.0
"""Seconds between one attempt and the next."""


class Writer(Protocol):
    """An output. It may have `close()`, `remark()`, what else to tell of it, and `once`: see `Delivery`."""

    def write(self, window: Window) -> Any:
        """Take a window; raises for one that is to be given again."""


@dataclass(frozen=True)
class Told:
    """How an output does: `waiting` windows from `oldest` on, `reason` why it fails, empty for none. Times in ms."""

    name: str
    delivered: int
    waiting: int
    oldest: int
    since: int
    reason: str
    dropped: int
    remark: str

    def line(self) -> str:
        state = f"output {self.name}: {self.delivered} windows"
        if self.reason:
            state += f"; FAILS since {iso(self.since * 1000)}: {self.reason}"
        if self.waiting and self.reason:
            state += f"; {self.waiting} wait, from {iso(self.oldest * 1000)} on"
        if self.dropped:
            state += f"; {self.dropped} dropped, as too many waited"
        return f"{state}; {self.remark}" if self.remark else state


class Delivery(threading.Thread):
    """The thread of one output.

    `once`: the stream goes on where it was when it is started again, so that windows come in order. An output with
    `once = True`, which can't tell a window that it has had, then gets none again.
    """

    def __init__(self, name: str, writer: Writer, folder: Path, *, once: bool) -> None:
        super().__init__(name=f"output {name}", daemon=True)
        self.output, self._writer = name, writer
        self._queue = Queue(folder)
        self._once = once and getattr(writer, "once", False)
        self._wake, self._closed = threading.Event(), threading.Event()
        self._delivered, self._since, self._reason = 0, 0, ""
        self._turn = threading.Lock()
        if not self._once and getattr(writer, "once", False):  # it ended before it could forget the last one
            self._queue.drop(self._queue.last)
        self.start()

    def put(self, end: int, written: Path) -> None:
        """Deliver the window in this file, sooner or later."""
        if self._once and end <= self._queue.last:
            return
        self._queue.add(end, written)
        self._wake.set()

    def run(self) -> None:
        pause = SHORTEST
        while not self._closed.is_set():
            waiting = self._queue.waiting()
            if not waiting:
                self._wake.wait()
                self._wake.clear()
            elif self._deliver(waiting[0]):
                pause = SHORTEST
            else:
                self._closed.wait(pause)
                pause = min(2 * pause, LONGEST)

    def _deliver(self, end: int) -> bool:
        """Whether the window need not be tried again."""
        try:
            if not (self._once and end <= self._queue.last):
                try:
                    window = self._queue.read(end)
                except (ValueError, KeyError, TypeError):
                    self._queue.dropped += 1
                    self._queue.drop(end)
                    return True
                with self._turn:
                    self._writer.write(window)
            self._queue.delivered(end)
        except Exception as problem:  # noqa: BLE001 - whatever an output raises
            self._since = self._since or int(time.time() * 1000)
            self._reason = in_a_line(problem)
            return False
        self._delivered, self._since, self._reason = self._delivered + 1, 0, ""
        return True

    @property
    def carries(self) -> bool:
        """Whether the output carries messages."""
        return hasattr(self._writer, "send")

    def send(self, message: dict[str, Any]) -> None:
        """Send a message; raises what the output raises."""
        with self._turn:
            getattr(self._writer, "send")(message)  # noqa: B009 - some have none

    def told(self) -> Told:
        waiting = self._queue.waiting()
        remark = getattr(self._writer, "remark", str)()
        return Told(
            self.output, self._delivered, len(waiting), waiting[0] if waiting else 0, self._since, self._reason,
            self._queue.dropped, remark,
        )  # fmt: skip

    @property
    def is_idle(self) -> bool:
        """Whether nothing waits, or what waits fails."""
        return bool(self._reason) or not self._queue.waiting()

    def close(self, seconds: float = 15) -> None:
        """End, once the window that is under way is done; what waits stays on the disk."""
        self._closed.set()
        self._wake.set()
        self.join(seconds)
        getattr(self._writer, "close", int)()


def in_a_line(problem: BaseException) -> str:
    """What went wrong, without frames."""
    text = str(problem).strip() or type(problem).__name__
    return text.splitlines()[0][:300]
