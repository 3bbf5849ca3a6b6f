"""Events from a file, one a line, sent byte for byte."""

from collections.abc import Iterator
from itertools import islice, repeat
from pathlib import Path
from threading import Event

from provision.errors import UsageError
from provision.publisher.pacing import BATCH, paced


def replay(path: Path, *, rate: float | None = None, loop: bool = False, stop: Event) -> Iterator[list[bytes]]:
    """Return the lines of `path` in batches, without their line ends; empty lines are skipped.

    `rate` is in events/s; without it they come as fast as they are sent. `loop` starts over at the end.
    Setting `stop` ends them.

    Raises, before the first batch: UsageError when it has no line, OSError when it can't be read.
    """
    if not path.is_file() or next(_lines(path), None) is None:
        raise UsageError(f"{path} has no events", next_step="give a file with a JSON object on each line")
    return _batches(_rounds(path) if loop else _lines(path), rate, stop)


def _batches(lines: Iterator[bytes], rate: float | None, stop: Event) -> Iterator[list[bytes]]:
    for wanted in paced(rate, stop) if rate else repeat(BATCH):
        batch = list(islice(lines, wanted))
        if not batch or stop.is_set():
            return
        yield batch


def _rounds(path: Path) -> Iterator[bytes]:
    line: bytes | None = b""
    while line is not None:  # None: the file was emptied meanwhile
        line = None
        for line in _lines(path):
            yield line


def _lines(path: Path) -> Iterator[bytes]:
    with path.open("rb") as file:
        for line in file:
            if text := line.rstrip(b"\r\n"):
                yield text
