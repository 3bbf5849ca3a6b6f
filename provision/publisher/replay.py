"""Events from a file or standard input, as they come or at a rate."""

from collections.abc import Iterator
from itertools import chain, islice
from pathlib import Path
from threading import Event

from provision.errors import UsageError
from provision.publisher.event_file import STANDARD_INPUT, open_events, read_events, shown_name
from provision.publisher.pacing import BATCH, paced
from provision.publisher.tally import Tally

BATCH_BYTES = 1 << 20  # of events that are large


def replay(
    path: Path,
    *,
    rate: float | None = None,
    loop: bool = False,
    stop: Event,
    form: str = "auto",
    tally: Tally | None = None,
) -> Iterator[list[bytes]]:
    """Return the events of `path` in batches, from standard input for `-`.

    `form` is one of `event_file.FORMATS`; `lines` are sent byte for byte, without their ends, empty ones are skipped.
    `rate` is in events/s; without it they come as fast as they are sent. `loop` starts over at the end. Setting `stop`
    ends them. `tally` gets what was noticed.

    Raises: UsageError when there is no event or the file is not of that form, before the first batch; for standard
    input with it. OSError when it can't be read.
    """
    tally = tally or Tally()
    if path == STANDARD_INPUT:
        return _batches(_input(form, stop, tally), rate, stop, batch=1)  # none waits for the next
    noticed = Tally()
    if not path.is_file() or next(_read(path, form, Event(), noticed), None) is None:
        raise _no_events(path, noticed)
    events = _rounds(path, form, stop, tally) if loop else _read(path, form, stop, tally)
    return _batches(events, rate, stop)


def _batches(events: Iterator[bytes], rate: float | None, stop: Event, *, batch: int = BATCH) -> Iterator[list[bytes]]:
    if rate:
        for wanted in paced(rate, stop):
            part = list(islice(events, wanted))
            if not part or stop.is_set():
                return
            yield part
        return
    part, size = [], 0
    for event in events:
        part.append(event)
        size += len(event)
        if len(part) >= batch or size >= BATCH_BYTES:
            if stop.is_set():
                return
            yield part
            part, size = [], 0
    if part and not stop.is_set():
        yield part


def _input(form: str, stop: Event, tally: Tally) -> Iterator[bytes]:
    events = _read(STANDARD_INPUT, form, stop, tally)
    first = next(events, None)
    if first is None and not stop.is_set():
        raise _no_events(STANDARD_INPUT, tally)
    yield from chain([] if first is None else [first], events)


def _rounds(path: Path, form: str, stop: Event, tally: Tally) -> Iterator[bytes]:
    event: bytes | None = b""
    while event is not None:  # None: the file was emptied meanwhile
        event, tally.lines = None, 0
        for event in _read(path, form, stop, tally):
            yield event


def _read(path: Path, form: str, stop: Event, tally: Tally) -> Iterator[bytes]:
    with open_events(path) as file:
        yield from read_events(file, path, form, stop, tally)


def _no_events(path: Path, noticed: Tally) -> UsageError:
    why = "".join(f"; {warning}" for warning in noticed.warnings())
    return UsageError(f"{shown_name(path)} has no events{why}", next_step="give a file with a JSON object on each line")
