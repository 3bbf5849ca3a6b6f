"""One MQTT 3.1.1 connection to the broker, driven by the thread that uses it.

paho's network calls are made here one by one, not in its own thread. So it is known which events have left, and a
lost connection neither drops an event that could still be sent nor counts one twice.
"""

import math
import select
import time
from collections.abc import Callable
from typing import Any, NamedTuple, Protocol

from paho.mqtt.client import Client
from paho.mqtt.enums import MQTTErrorCode

from provision.mqtt.client import (
    CONNECT_TIMEOUT,
    check_answer,
    connect,
    new_client,
    no_answer,
    pending,
    refused_protocol,
    unreachable,
)
from provision.mqtt.login import Login

IN_FLIGHT = 100  # events sent at QoS 1 and not yet acknowledged
MOST_UNREAD = 10_000  # events written at QoS 0 of which it is not known that the broker has read them
ASK_EVERY = 0.25  # seconds between two questions whether the broker has read what was written
NO_ANSWER = 10.0  # seconds; a broker that leaves the first question open for so long answers none

_KEEP_ALIVE_TIMEOUT = 141


class Outgoing(NamedTuple):
    """An event on its way: its number in the run, from 1, and what is sent."""

    number: int
    payload: bytes


class HasFileno(Protocol):
    """Anything that `select` can wait for."""

    def fileno(self) -> int: ...


class Link:
    """A connection that sends events to one topic; `alive` until it is lost or closed.

    At QoS 0 nothing is acknowledged. But a broker answers in order, even an UNSUBSCRIBE from a topic never subscribed
    (MQTT 3.1.1, 3.10.4): its answer tells that the broker has read all that was written before. Events that wait for
    such an answer are `unread`; how many may be grows with each answer.
    """

    def __init__(self, login: Login, topic: str, qos: int, *, in_flight: int = IN_FLIGHT) -> None:
        self.where = login.where
        self.cause = ""
        self.closed_by_broker = False
        self.largest = 0
        """Bytes of the largest event that the broker has acknowledged."""
        self.confirms = True
        """Whether the broker answers the questions; if it does not, nothing is known of what was written."""
        self._topic = topic
        self._qos = qos
        self._in_flight = in_flight
        self._open: dict[int, Outgoing] = {}  # not fully written (QoS 0), or not acknowledged (QoS 1)
        self._published = 0
        self._answer: int | None = None
        self._unread = 0  # written, and maybe not read by the broker
        self._asked = 0  # of these, how many the open question is about
        self._asked_at = 0.0
        self._window = 1
        self._client = self._new_client(login)

    def _new_client(self, login: Login) -> Client:
        client = new_client(login)
        client.max_inflight_messages = IN_FLIGHT
        client.on_connect = self._on_connect
        client.on_disconnect = self._on_disconnect
        client.on_unsubscribe = self._on_unsubscribe
        if self._qos:
            client.on_publish = self._on_acknowledged
        return client

    def open(self, login: Login) -> None:
        """Connect, and wait for the broker to accept the login.

        Raises: LoginRefusedError. UntrustedError, and UnreachableError when no broker answers in time.
        """
        connect(self._client, login)
        self._wait_until(lambda: self._answer is not None, CONNECT_TIMEOUT)
        if self._answer == 0:
            return
        self._client.disconnect()
        if self._answer is None:
            raise unreachable(self.where, no_answer(login, self.cause))
        check_answer(login, self._answer)

    @property
    def alive(self) -> bool:
        """Whether events can be sent, now or after `wait`."""
        return self._client.socket() is not None

    @property
    def ready(self) -> bool:
        """Whether an event can be sent at once: the system's buffer, or the count on their way, has room."""
        if self._qos:
            return self.alive and len(self._open) < self._in_flight
        return self.alive and not self._open and (self._unread < self._window or not self.confirms)

    @property
    def unread(self) -> int:
        """How many events were written at QoS 0 and are lost if the connection is: the broker may not have them."""
        return self._unread

    def send(self, event: Outgoing) -> None:
        """Send one event; only when `ready`."""
        info = self._client.publish(self._topic, event.payload, self._qos)
        if self._qos or info.rc != MQTTErrorCode.MQTT_ERR_SUCCESS or self._client.want_write():
            self._open[info.mid] = event
        else:
            self._wrote(1)

    def _wrote(self, events: int) -> None:
        self._published += events
        self._unread += events if self.confirms else 0

    def wait(self, timeout: float, *wakers: HasFileno) -> None:
        """Wait `timeout` seconds at most for the broker or one of `wakers`; handle what the broker sent."""
        timeout = min(timeout, self._ask())
        sock = self._client.socket()
        if sock is None:
            return
        writing = [sock] if self._client.want_write() else []
        waiting = pending(sock)
        readable, writable, _ = select.select([sock, *wakers], writing, [], 0 if waiting else timeout)
        if waiting or sock in readable:
            refused = refused_protocol(self._client.loop_read())
            self._answer = refused[0] if refused and self._answer is None else self._answer
        if writable:
            self._client.loop_write()
        self._client.loop_misc()
        if not self._qos and self.alive and not self._client.want_write():
            self._wrote(len(self._open))
            self._open.clear()

    def _ask(self, *, now: bool = False) -> float:
        """Ask the broker whether it has read what was written, if that is due, and return the seconds until it is."""
        if not self.confirms or not self._unread or not self.alive:
            return math.inf
        since = time.monotonic() - self._asked_at
        if self._asked:
            if self._window == 1 and since > NO_ANSWER:
                self.confirms = False
                self._unread = self._asked = 0
            return NO_ANSWER
        if since < ASK_EVERY and self._unread < self._window / 2 and not now:  # half: sending goes on meanwhile
            return ASK_EVERY - since
        self._asked, self._asked_at = self._unread, time.monotonic()
        self._client.unsubscribe(self._topic)
        return NO_ANSWER

    def take_published(self) -> int:
        """Return how many events have left since the last call: written at QoS 0, acknowledged at QoS 1."""
        taken, self._published = self._published, 0
        return taken

    def unsent(self) -> list[Outgoing]:
        """Return the events passed to `send` that were not written (QoS 0) or acknowledged (QoS 1), oldest first."""
        return list(self._open.values())

    def close(self, timeout: float) -> None:
        """Disconnect once the broker has read everything, `timeout` seconds from now at the latest.

        Closing without this can drop QoS 0 events on their way.
        """
        deadline = time.monotonic() + timeout
        while self._unread and self.alive and (left := deadline - time.monotonic()) > 0:
            self._ask(now=True)
            self.wait(left)
        self._client.disconnect()

    def _wait_until(self, done: Callable[[], bool], timeout: float) -> None:
        deadline = time.monotonic() + timeout
        while self.alive and not done() and (left := deadline - time.monotonic()) > 0:
            self.wait(left)

    def _on_connect(self, _client: Client, _data: Any, _flags: Any, reason: Any, _properties: Any) -> None:
        self._answer = reason.value

    def _on_disconnect(self, _client: Client, _data: Any, _flags: Any, reason: Any, _properties: Any) -> None:
        late = reason.value == _KEEP_ALIVE_TIMEOUT
        self.closed_by_broker = not late
        self.cause = "no sign of life from it" if late else "it closed the connection"

    def _on_unsubscribe(self, _client: Client, _data: Any, _mid: int, _reasons: Any, _properties: Any) -> None:
        self._unread -= self._asked
        self._asked = 0
        self._window = min(2 * self._window, MOST_UNREAD)

    def _on_acknowledged(self, _client: Client, _data: Any, mid: int, _reason: Any, _properties: Any) -> None:
        event = self._open.pop(mid, None)
        if event is not None:
            self._published += 1
            self.largest = max(self.largest, len(event.payload))
