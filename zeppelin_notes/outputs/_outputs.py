"""All outputs of a note: what its stream calls with the rows of each window."""

from __future__ import annotations

import fcntl
import json
import os
import shutil
import time
from pathlib import Path
from typing import IO, Any, Callable

from ._delivery import Delivery, Told, Writer, in_a_line
from ._window import Window, window_of

Function = Callable[[Any, int], Any]
"""Called with a data frame and the window's end."""

_FAILING = "outputs: "
"""What the description of a job begins with that says which outputs fail; `provision status` reads it."""


class Outputs:
    """The outputs of a note, whose windows wait in `folder` until they are delivered.

    `keep`: the stream goes on where it was when it is started again. `context` is Spark's, which tells of what fails.
    `check` raises where another note than theirs would change them: notes may share a Python.
    """

    def __init__(
        self, folder: str, keep: bool = False, context: Any = None, check: Callable[[], None] = lambda: None
    ) -> None:
        check()
        self._check = check
        self._folder, self._keep, self._context = Path(folder), keep, context
        self._folder.mkdir(parents=True, exist_ok=True)
        self._lock = _locked(self._folder)
        self._functions: dict[str, Function] = {}
        self._deliveries: dict[str, Delivery] = {}
        self._said = "[]"
        self._known = False

    def to(self, name: str, output: Any) -> None:
        """Give windows to this output too, in place of the one of that name.

        It is an object that can `write` them, or a function that gets rows and end while the stream waits.
        """
        self.without(name)
        if hasattr(output, "write"):
            writer: Writer = output
            self._deliveries[name] = Delivery(name, writer, self._folder / name, once=self._keep)
        else:
            self._functions[name] = output

    def without(self, name: str) -> None:
        """Give windows to this output no more."""
        self._check()
        self._end(name)

    def _end(self, name: str) -> None:
        self._functions.pop(name, None)
        if name in self._deliveries:
            self._deliveries.pop(name).close()

    def __call__(self, rows: Any, end: int) -> None:
        """Give them the rows of the window that ends then (ms since 1970); at the end raises what one raised."""
        problem = None
        writers = [lambda rows, end: self.put(window_of(rows, end))] if self._deliveries else []
        for function in [*writers, *self._functions.values()]:  # the writers' threads go on beside the functions
            try:
                function(rows, end)
            except Exception as error:  # noqa: BLE001 - one stops no other
                problem = problem or error
        self._tell_spark()
        if problem:
            raise problem

    def put(self, window: Window) -> None:
        """Have every output that can write windows take this one, sooner or later."""
        if not self._known:
            self._forget_others()
        written = self._folder / f".{os.getpid()}.json"
        with open(written, "w", encoding="utf-8") as file:
            file.write(window.to_json())
            if self._keep:
                file.flush()
                os.fsync(file.fileno())
        for delivery in list(self._deliveries.values()):
            delivery.put(window.end, written)
        written.unlink()

    def _forget_others(self) -> None:
        """Delete what waits for outputs that the note no longer has."""
        for path in self._folder.iterdir():
            if path.is_dir() and path.name not in self._deliveries:
                shutil.rmtree(path, ignore_errors=True)
        self._known = True

    def carriers(self) -> list[str]:
        """The outputs that carry messages."""
        return [name for name, delivery in self._deliveries.items() if delivery.carries]

    def send(self, name: str, message: dict[str, Any]) -> None:
        """Send a message by this output; raises what it raises, and LookupError where there is none."""
        if name not in self.carriers():
            raise LookupError(f"no output {name} that carries messages")
        self._deliveries[name].send(message)

    def told(self) -> list[Told]:
        return [delivery.told() for delivery in list(self._deliveries.values())]

    def show(self) -> None:
        """A line for each output, for people and for `provision status`."""
        for told in self.told():
            print(told.line())

    def _tell_spark(self) -> None:
        """Spark's page has no place for words but in the description of a job."""
        failing = [
            {"name": told.name, "waiting": told.waiting, "since": told.since, "reason": told.reason}
            for told in self.told()
            if told.reason
        ]
        said = json.dumps(failing)
        if self._context is None or (not failing and self._said == said):
            return
        self._said = said
        self._context.setJobDescription(_FAILING + said)
        try:
            self._context.parallelize([0], 1).count()
        finally:
            self._context.setJobDescription(None)

    def drain(self, seconds: float = 30) -> None:
        """Wait until all is delivered but what fails."""
        patience = time.monotonic() + seconds
        while time.monotonic() < patience and not all(each.is_idle for each in list(self._deliveries.values())):
            time.sleep(0.05)

    def close(self) -> None:
        """Give windows to no output any more; what waits stays on the disk for the next run."""
        for name in [*self._deliveries, *self._functions]:
            self._end(name)
        self._lock.close()


def _locked(folder: Path, seconds: float = 30) -> IO[str]:
    """Hold the folder for this process: two that deliver the same windows would deliver them twice."""
    file = open(folder / "lock", "w", encoding="utf-8")  # noqa: SIM115 - held until `close`
    patience = time.monotonic() + seconds
    while True:
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
            return file
        except OSError as error:
            if time.monotonic() > patience:
                file.close()
                raise RuntimeError(
                    f"{folder}: another run of this note still delivers windows ({in_a_line(error)}): stop it"
                ) from None
            time.sleep(0.2)
