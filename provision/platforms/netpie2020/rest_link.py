"""Events over HTTP, in the place of a publisher's MQTT connection: a device connects once, and that is the note's."""

import json
import select
import time
from collections.abc import Collection, Iterable, Iterator
from typing import Any

from provision.errors import ProvisionError, UnreachableError, UsageError
from provision.platforms.netpie2020.api import MAX_BATCH, Api
from provision.platforms.netpie2020.groups import check_group
from provision.platforms.netpie2020.topics import BATCH, SHADOW

FULL = 1.0  # seconds that a batch waits for more events


class RestLink:
    """What `Publisher` needs of a connection: each event is a request, or a part of one of at most 100 writes.

    An event for the shadow is a JSON object; its fields become the shadow's, and `timestamp` or `ts`, if it has one,
    when it is from (epoch ms, or ms from now if it is small). `group` is the one that the device must be in; without
    it, one of `heard`, the groups (PROJECT/GROUP) that notes hear, as far as is known.
    """

    closed_by_broker = False
    largest = 0
    confirms = True
    unread = 0

    def __init__(self, api: Api, topic: str, group: str = "", heard: Collection[str] = ()) -> None:
        self.where = api.address
        self.cause = ""
        self.alive = False
        self._api = api
        self._topic = topic
        self._group = group
        self._heard = heard
        self._waiting: list[Any] = []
        self._since = 0.0
        self._published = 0

    def open(self) -> None:
        """Ask whether the device may publish. Raises: RefusedError, UnreachableError, UsageError for a wrong group."""
        scope = self._api.usable().scope
        if self._topic not in (SHADOW, BATCH):
            check_group(self._api.device.client_id, scope, wanted=self._group, heard=self._heard)
        self.alive = True

    @property
    def ready(self) -> bool:
        """Whether an event can be sent now."""
        return self.alive and len(self._waiting) < MAX_BATCH

    def send(self, event: Any) -> None:
        """Send one event, or keep it for a batch. Raises: what the API does, but for a server out of reach."""
        if not self._waiting:
            self._since = time.monotonic()
        self._waiting.append(event)
        if self._topic != BATCH or len(self._waiting) == MAX_BATCH:
            self._write()

    def wait(self, timeout: float, *wakers: Any) -> None:
        """Wait for one of `wakers`, or for a batch to be old enough to go."""
        if self._waiting and self.alive:
            timeout = min(timeout, max(0.0, self._since + FULL - time.monotonic()))
        select.select(wakers, [], [], timeout)
        if self._waiting and self.alive and time.monotonic() >= self._since + FULL:
            self._write()

    def take_published(self) -> int:
        """Return how many events NETPIE has taken since the last call."""
        taken, self._published = self._published, 0
        return taken

    def unsent(self) -> list[Any]:
        """Return the events that NETPIE has not taken, oldest first."""
        return list(self._waiting)

    def close(self, timeout: float) -> None:
        """Send what waits for its batch to fill; `timeout` is the connection's own."""
        if self._waiting and self.alive:
            self._write()
        self.alive = False

    def _write(self) -> None:
        try:
            self._ask()
        except UnreachableError as error:
            self.alive, self.cause = False, error.message
            return
        except ProvisionError:
            self.alive = False
            raise
        self._published += len(self._waiting)
        self._waiting.clear()

    def _ask(self) -> None:
        if self._topic == BATCH:
            for batch in batches_of([event.payload for event in self._waiting]):
                ackid = batch.get("ackid", self._waiting[-1].number)
                self._api.write_batch(batch["batch"], ackid, merged=batch.get("merged") is not False)
        elif self._topic == SHADOW:
            for event in self._waiting:
                write = write_of(event.payload, "timestamp")
                self._api.write_shadow(write["data"], write.get("timestamp"))
        else:
            for event in self._waiting:
                self._api.message(self._topic, event.payload)


def batches_of(payloads: Iterable[bytes]) -> Iterator[dict[str, Any]]:
    """Return events as batches, in their order: one that is a batch, `{"batch": […]}`, as it is, the others together.

    Raises: UsageError for no JSON object.
    """
    together: list[dict[str, Any]] = []
    for payload in payloads:
        write = write_of(payload, "ts")
        if not isinstance(write["data"].get("batch"), list):
            together.append(write)
            continue
        if together:
            yield {"batch": together}
        yield write["data"]
        together = []
    if together:
        yield {"batch": together}


def write_of(payload: bytes, name: str) -> dict[str, Any]:
    """Return an event as a write of the shadow, its time under `name`. Raises: UsageError for no JSON object."""
    try:
        content = json.loads(payload)
    except ValueError:
        content = None
    if not isinstance(content, dict):
        raise UsageError(
            "an event for the shadow is no JSON object", next_step="publish objects, or to a topic of @msg/"
        )
    if isinstance(content.get("data"), dict):
        data, given = content["data"], content.get("timestamp", content.get("ts"))
    else:
        data, given = content, content.get("timestamp")
    if not isinstance(given, int | float) or isinstance(given, bool):
        return {"data": data}
    fields = {field: value for field, value in data.items() if field != "timestamp"} if data is content else data
    return {"data": fields, name: given}
