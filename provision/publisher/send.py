"""One run of publishing, with progress and a summary."""

import time
from collections.abc import Iterator
from concurrent.futures import Future, ThreadPoolExecutor, wait
from dataclasses import dataclass
from threading import Event

from provision.console import Console
from provision.errors import UnreachableError
from provision.publisher.publisher import Publisher, publish_all

REFRESH = 0.2  # seconds between progress updates on a terminal
PROGRESS = 10.0  # seconds between lines of progress without a terminal
LAST_EVENTS = 60.0  # seconds at the end for more of the waiting events to leave
LAST_EVENTS_INTERRUPTED = 2.0  # the same after Ctrl-C


@dataclass(frozen=True)
class Sent:
    """The result of one run, in events. At QoS 0 `published` are those that the broker has for certain; `unconfirmed`
    ones were on their way to it when a connection broke. `refused` ones are larger than MQTT or the broker takes.
    """

    topic: str
    published: int
    unconfirmed: int
    refused: int
    unsent: int
    reconnects: int
    seconds: float

    def to_json(self) -> dict[str, object]:
        """The keys of `publish --json`."""
        return {
            "published": self.published,
            "seconds": round(self.seconds, 3),
            "events_per_second": round(self.published / self.seconds, 3),
            "reconnects": self.reconnects,
            "unconfirmed": self.unconfirmed,
            "refused": self.refused,
            "unsent": self.unsent,
            "topic": self.topic,
        }

    def text(self) -> str:
        """The result in a line."""
        rate = self.published / self.seconds
        parts = [f"published {self.published} events to {self.topic} in {self.seconds:.1f} s ({rate:.1f}/s)"]
        if self.reconnects:
            parts.append(f"{self.reconnects} reconnects")
        if self.unconfirmed:
            parts.append(
                f"{self.unconfirmed} more were written and may be lost with a connection that broke "
                "(--qos 1 sends such again)"
            )
        if self.refused:
            parts.append(f"{self.refused} left out as too large")
        if self.unsent:
            parts.append(f"{self.unsent} not sent")
        return ", ".join(parts)


@dataclass(frozen=True)
class Run:
    """Events to publish, until they end, `stop` is set, or `count` events or `seconds` have passed."""

    batches: Iterator[list[bytes]]
    stop: Event
    count: int | None
    seconds: float | None


def send(console: Console, publisher: Publisher, run: Run) -> Sent:
    """Publish the events of `run` until they end, or until Ctrl-C, and return what was sent.

    Raises: UnreachableError when events could not be sent at the end, and what `publish_all` raises.
    """
    with publisher, ThreadPoolExecutor(1, thread_name_prefix="events") as pool:
        since = time.monotonic()
        work = pool.submit(publish_all, publisher, run.batches, stop=run.stop, count=run.count)
        try:
            _watch(console, publisher, work, None if run.seconds is None else since + run.seconds)
            run.stop.set()
            work.result()
            unsent, interrupted = _flush(publisher), False
        except KeyboardInterrupt:
            run.stop.set()
            wait([work])
            unsent, interrupted = publisher.flush(LAST_EVENTS_INTERRUPTED), True
        finally:
            run.stop.set()
        took = time.monotonic() - since
    if unsent and not interrupted:
        total = publisher.published + publisher.refused + unsent
        raise UnreachableError(
            f"{unsent} of {total} events could not be sent: the broker did not come back",
            next_step="check the broker, and send them again",
        )
    return Sent(
        topic=publisher.topic,
        published=publisher.published - publisher.unconfirmed,
        unconfirmed=publisher.unconfirmed,
        refused=publisher.refused,
        unsent=unsent,
        reconnects=publisher.reconnects,
        seconds=took,
    )


def _flush(publisher: Publisher) -> int:
    """Wait for the waiting events to leave, as long as more of them do, and return how many have not."""
    left = publisher.flush(LAST_EVENTS)
    while left and (now := publisher.flush(LAST_EVENTS)) < left:
        left = now
    return left


def _watch(console: Console, publisher: Publisher, work: Future[int], deadline: float | None) -> None:
    """Show progress until `work` is done or `deadline` (on the monotonic clock) has passed."""
    since = reported = time.monotonic()
    with console.err.status("publishing") as status:
        while not wait([work], REFRESH).done:
            now = time.monotonic()
            if deadline is not None and now >= deadline:
                return
            line = f"published {publisher.published} events, {publisher.published / (now - since):.1f}/s"
            status.update(line)
            if not console.err.is_terminal and now - reported >= PROGRESS:
                reported = now
                console.say(line)
