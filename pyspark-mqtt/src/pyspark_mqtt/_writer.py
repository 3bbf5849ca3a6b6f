"""A process that makes files of a journal's rows: one Python has one core, and the reader's is busy with what comes."""

from __future__ import annotations

import os
import pickle
import signal
import subprocess
import sys
from contextlib import suppress
from pathlib import Path
from typing import IO, cast

import pyarrow as pa
import pyarrow.parquet as parquet

from pyspark_mqtt._errors import JournalError
from pyspark_mqtt._stream import Part, rows_of

_CHILD = (
    "import pickle, sys\nsys.path[:] = pickle.load(sys.stdin.buffer)\nfrom pyspark_mqtt._writer import serve\nserve()\n"
)

_ENDED = (OSError, EOFError, pickle.UnpicklingError)
"""What asking a process that has ended raises."""


class Writer:
    """Writes files in a process of its own, which ends with this one, however that ends. For one thread at a time."""

    def __init__(self) -> None:
        self._child: _Child | None = None

    def write(self, path: Path, parts: list[Part]) -> bool:
        """Make a file of the rows, on the disk when this returns; whether there are any. Raises what went wrong.

        A process that was killed meanwhile is started again, once.
        """
        try:
            problem, written = self._ask(path, parts)
        except _ENDED:
            self.close()
            try:
                problem, written = self._ask(path, parts)
            except _ENDED as error:
                self.close()
                raise JournalError("the process that writes files has ended twice", "see what kills it") from error
        if problem is not None:
            raise problem
        return written

    def close(self) -> None:
        child, self._child = self._child, None
        if child is not None:
            child.end()

    def _ask(self, path: Path, parts: list[Part]) -> tuple[Exception | None, bool]:
        self._child = self._child or _Child()
        return self._child.ask(path, parts)


class _Child:
    def __init__(self) -> None:
        pipe = subprocess.PIPE
        self._process = subprocess.Popen([sys.executable, "-c", _CHILD], stdin=pipe, stdout=pipe)
        self._to, self._from = cast("IO[bytes]", self._process.stdin), cast("IO[bytes]", self._process.stdout)
        pickle.dump(sys.path, self._to)

    def ask(self, path: Path, parts: list[Part]) -> tuple[Exception | None, bool]:
        pickle.dump((str(path), parts), self._to)
        self._to.flush()
        problem, written = pickle.load(self._from)  # noqa: S301 - of a process of our own
        return problem, written

    def end(self) -> None:
        with suppress(OSError):  # it has ended
            self._to.close()
        self._process.wait()
        self._from.close()


def put(path: Path, rows: pa.Table) -> None:
    """A file, on the disk."""
    with path.open("wb") as file:
        parquet.write_table(rows, file, compression="snappy")
        file.flush()
        os.fsync(file.fileno())


def serve() -> None:
    """Write the files that are asked for, until nobody asks any more."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # a Ctrl-C is the other process's to deal with
    answers, sys.stdout = sys.stdout.buffer, sys.stderr
    while True:
        try:
            path, parts = pickle.load(sys.stdin.buffer)  # noqa: S301 - of the process that started this one
        except EOFError:
            return
        problem, written = None, False
        try:
            batches = [batch for part in parts for batch in rows_of(part)]
            if batches:
                put(Path(path), pa.Table.from_batches(batches))
                written = True
        except Exception as error:  # noqa: BLE001 - it is raised where the file was asked for
            problem = error
        pickle.dump((problem, written), answers)
        answers.flush()
