"""A running note, the events published to it, and which of them Spark took into which batch.

No clock decides that: events arrive in the order in which they were published, and Spark's page counts them per batch.
"""

import contextlib
import json
import threading
import time
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import requests

from netpie_creds import AuthServer
from provision.embedded.application import demo_application
from provision.embedded.stack import Stack
from provision.home import private_dir
from provision.platforms.netpie2015 import OtherThing, full_topic
from provision.publisher import Publisher
from provision.streams.windows import Window, read_windows
from provision.sync.provenance import PAGE, by_key
from provision.waiting import wait_until
from zeppelin_sdk import Note, Paragraph, ZeppelinClient

TOPIC = 'it\'s "5$" ${x} {y.user} a\\b ไทย☃'  # what could break out of Scala, of a Zeppelin form, of a credential
FOLDERS = {"greenhouse": str(Path(__file__).parents[2] / "examples" / "greenhouse")}
"""Where bundles are that do not come with the tool."""
PATIENCE = 120.0  # seconds for what takes a few batches on an idle machine


@dataclass(frozen=True)
class Lengths:
    """A stream's batch, which is its slide too, and its window, in seconds."""

    batch: int
    window: int


LENGTHS = {
    "structured": Lengths(4, 8),
    "streaming": Lengths(3, 6),
    "greenhouse": Lengths(3, 6),
    "classic": Lengths(4, 8),
}
"""As short as two busy cores bear: the document's code takes seconds for a window, however few events it has."""


def parameters(bundle: str, **others: object) -> list[str]:
    """The options that make a note with short windows."""
    lengths = LENGTHS[bundle]
    values = {"batch": lengths.batch, "slide": lengths.batch, "window": lengths.window, **others}
    return [word for name, value in values.items() for word in ("--param", f"{name}={value}")]


@contextlib.contextmanager
def publisher(stack: Stack, folder: Path, topic: str, qos: int = 0) -> Iterator[Publisher]:
    """A publisher to `topic` of the stack's application, with its own thing in `folder`."""
    application = demo_application()
    thing = OtherThing(application, private_dir(folder), AuthServer(stack.netpie.auth))
    with Publisher(thing.login, full_topic(application.appid, topic), qos=qos, renew=thing.renew) as link:
        yield link


def wait_for(what: str, condition: Any, timeout: float = PATIENCE) -> Any:
    """The first true value of `condition()`."""
    value = wait_until(condition, timeout)
    assert value, f"{what}: not in {timeout:.0f} s"
    return value


@dataclass
class Stream:
    """A note whose stream runs; `sent` are the events published to it, in order."""

    client: ZeppelinClient
    note_id: str
    bundle: str
    out: Path
    publisher: Publisher
    sent: list[bytes] = field(default_factory=list)

    @property
    def lengths(self) -> Lengths:
        return LENGTHS[self.bundle]

    @property
    def note(self) -> Note:
        return self.client.get_note(self.note_id)

    def paragraph(self, key: str) -> Paragraph:
        return by_key(self.note)[key]

    def batches(self, *, done: bool = True) -> dict[int, int]:
        """End (ms since the epoch) -> number of events, of every completed batch (of every one), oldest first."""
        batches = self._ask(f"{self.application()}/streaming/batches")
        listed = [batch for batch in batches if not done or batch["status"] == "COMPLETED"]
        return {batch["batchId"]: batch["inputSize"] for batch in sorted(listed, key=lambda batch: batch["batchId"])}

    def application(self) -> str:
        """The id of the Spark application that the stream runs in."""
        return str(self._ask("")[0]["id"])

    def executors(self) -> list[dict[str, Any]]:
        """What Spark's page says of the driver and its executors."""
        return list(self._ask(f"{self.application()}/executors"))

    def receivers(self) -> list[dict[str, Any]]:
        """What Spark's page says of the receivers that run, and where."""
        listed = self._ask(f"{self.application()}/streaming/receivers")
        return [receiver for receiver in listed if receiver["isActive"]]

    def _ask(self, path: str) -> Any:
        page = next(p.config[PAGE] for p in self.note.paragraphs if p.config.get(PAGE))
        with requests.Session() as session:
            session.trust_env = False
            answer = session.get(f"{page}/api/v1/applications/{path}", timeout=10)
        answer.raise_for_status()
        return answer.json()

    def publish(self, lines: Iterable[bytes | str]) -> None:
        """Publish a group of events and wait until Spark has put all of it into a batch, or into several."""
        group = [line.encode() if isinstance(line, str) else line for line in lines]
        self.sent += group
        self.publisher.publish(group)
        assert self.publisher.flush(PATIENCE) == 0
        wait_for("a batch with all events", lambda: sum(self.batches(done=False).values()) >= len(self.sent))

    def process(self) -> None:
        """Wait until all that was published has been processed."""
        wait_for("processed batches", lambda: sum(self.batches().values()) >= len(self.sent))

    def drain(self) -> int:
        """Wait until a window without events has been processed, unless none ever came; returns the last one's end."""
        last = max((end for end, size in self.batches(done=False).items() if size), default=None)
        if last is None:
            return 0
        return wait_for(
            "an empty window",
            lambda: (end := max(self.batches(), default=0)) > last + 1000 * self.lengths.window and end,
        )

    def taken(self) -> dict[int, list[bytes]]:
        """The events of each completed batch."""
        batches = self.batches()
        assert sum(batches.values()) == len(self.sent), "Spark counted other events than were published"
        events = iter(self.sent)
        return {end: [next(events) for _ in range(size)] for end, size in batches.items()}

    def expected(self) -> dict[int, list[bytes]]:
        """The events of each window, by its end, of all completed batches."""
        taken = self.taken()
        reach = range(1000 * (self.lengths.batch - self.lengths.window), 1, 1000 * self.lengths.batch)
        return {end: [line for back in reach for line in taken.get(end + back, [])] for end in taken}

    def windows(self) -> list[Window]:
        return read_windows(self.out)

    def latest(self) -> str:
        """What the streaming note's paragraph of the latest windows prints now."""
        return self.client.execute_paragraph(self.note_id, self.paragraph("latest").id).output

    def counts(self) -> dict[str, int]:
        """What the streaming note counts: events, late, malformed, windows."""
        line = next(line for line in self.latest().splitlines() if line.startswith("counts: "))
        return {name: int(number) for name, number in (pair.split("=") for pair in line.split()[1:])}


def event(ts: str, id: str, loadavg: float = 1.0, cpu: float = 50.0, mem: float = 25.0) -> str:
    """The document's event."""
    return json.dumps({"ts": ts, "id": id, "loadavg": loadavg, "cpu": cpu, "mem": mem}, ensure_ascii=False)


@contextlib.contextmanager
def publishing(publish: Callable[[int], None], seconds: float = 3) -> Iterator[None]:
    """Events keep coming, 200 a second; the first of them have been coming for so long."""
    ending = threading.Event()

    def keep_publishing() -> None:
        while not ending.wait(0.05):
            publish(10)

    thread = threading.Thread(target=keep_publishing)
    thread.start()
    try:
        time.sleep(seconds)
        yield
    finally:
        ending.set()
        thread.join()
