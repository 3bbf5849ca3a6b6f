"""A publisher that reconnects; events wait in a bounded queue until they have left."""

import random
import socket
import time
from collections import deque
from collections.abc import Callable, Iterable, Sequence
from contextlib import suppress
from threading import Condition, Event, Thread
from types import TracebackType
from typing import Any, Self

from netpie_creds import NetpieError
from provision.errors import ProvisionError, UnreachableError
from provision.mqtt.client import LoginRefusedError, UntrustedError
from provision.mqtt.login import Login
from provision.publisher.link import IN_FLIGHT, Link, Outgoing
from provision.publisher.too_large import TooLarge

QUEUE = 10_000  # events at most: while the broker is away the source waits, and memory stays bounded
QUEUE_BYTES = 64 * 1024 * 1024  # the same in bytes, beside one batch
MOST_BYTES = 268_435_455  # of a packet after its first bytes: MQTT 3.1.1, 2.2.3
BURST = 250  # events sent between two reads from the broker
FIRST_TRIES = 4
FIRST_DELAY, LONGEST_DELAY = 0.25, 30.0  # seconds between tries to connect, doubled at each
STEADY = 10.0  # seconds; a shorter connection does not count as a recovery
LAST_WORDS = 5.0  # seconds for the broker to read what was sent before the connection is closed
INVALID_TOKEN = 4  # CONNACK; NETPIE's clients drop the token then and get another
NOT_AUTHORISED = 5  # CONNACK; they retry with the same token then, slowly


def _silent(_text: str) -> None:
    """Say nothing."""


class Publisher:
    """A context manager that sends events to one topic from its own thread; used from one other thread.

    `login` is called at every connection: NETPIE's password is bound to a time. `topic` is the full one,
    `/APPID/…`. `renew` is called when the broker refuses the token as invalid, and makes `login` use another.
    `link`
    makes another connection than MQTT's. `say` gets a line about each lost connection, reconnection and new token.
    """

    def __init__(
        self,
        login: Callable[[], Login],
        topic: str,
        *,
        qos: int = 0,
        renew: Callable[[], object] | None = None,
        link: Callable[[], Any] | None = None,
        say: Callable[[str], None] = _silent,
    ) -> None:
        self.topic = topic
        self._login = login
        self._qos = qos
        self._renew = renew
        self._other_link = link
        self._say = say
        self._queue: deque[Outgoing] = deque()
        self._queued_bytes = 0
        self._accepted = 0
        self._published = 0
        self._lost = 0
        self._unread = 0
        self._refused = 0
        self._too_large = TooLarge()
        self._in_flight = IN_FLIGHT
        self._reconnects = 0
        self._changed = Condition()
        self._closing = Event()
        self._ended = False
        self._told_no_answer = False
        self._failure: ProvisionError | NetpieError | None = None
        self._thread: Thread | None = None

    def __enter__(self) -> Self:
        """Connect.

        Raises: RefusedError, UnreachableError after a few tries, and what `login` raises.
        """
        link = self._first_link()
        self._wake, self._waker = socket.socketpair()
        self._wake.setblocking(False)
        self._waker.setblocking(False)
        self._thread = Thread(target=self._run, args=(link,), name="publisher", daemon=True)
        self._thread.start()
        return self

    def __exit__(
        self, _kind: type[BaseException] | None, _error: BaseException | None, _trace: TracebackType | None
    ) -> None:
        """Disconnect. Waiting events are dropped: `flush` first."""
        self._closing.set()
        self._poke()
        if self._thread:
            self._thread.join()
        self._wake.close()
        self._waker.close()

    @property
    def published(self) -> int:
        """How many events have left: written out at QoS 0, acknowledged by the broker at QoS 1."""
        return self._published

    @property
    def unconfirmed(self) -> int:
        """How many of the events that have left the broker may not have: those on their way when a connection broke,
        and those on their way now.
        """
        return self._lost + self._unread

    @property
    def refused(self) -> int:
        """How many events were left out because they are larger than MQTT or the broker takes."""
        return self._refused

    @property
    def waiting(self) -> int:
        """How many accepted events have not left."""
        return self._accepted - self._published - self._refused

    @property
    def reconnects(self) -> int:
        """How often the connection was lost and restored."""
        return self._reconnects

    def publish(self, payloads: Sequence[bytes], *, stop: Event | None = None) -> int:
        """Queue `payloads`, an event each; while the queue is full, wait for room or for `stop`.

        An event that no MQTT packet can hold is left out, and told.

        Returns: how many were queued or left out, fewer than given only after `stop`.
        Raises: what ended the connection for good (RefusedError, …).
        """
        taken = 0
        while taken < len(payloads) and not (stop and stop.is_set()):
            with self._changed:
                self._check()
                room = QUEUE - self.waiting if self._queued_bytes < QUEUE_BYTES else 0
                part = payloads[taken : taken + max(room, 0)]
                if not part:
                    self._changed.wait(0.2)
                    continue
                self._enqueue(part)
            taken += len(part)
            self._poke()
        return taken

    def _enqueue(self, payloads: Sequence[bytes]) -> None:
        most = MOST_BYTES - len(self.topic.encode()) - 4  # the topic's length and the packet's number have two each
        for payload in payloads:
            self._accepted += 1
            if len(payload) > most:
                self._refuse(Outgoing(self._accepted, payload), f"MQTT takes {most:,} at most")
            else:
                self._queue.append(Outgoing(self._accepted, payload))
                self._queued_bytes += len(payload)

    def _refuse(self, event: Outgoing, cause: str) -> None:
        self._refused += 1
        self._say(f"event {event.number} of {len(event.payload):,} bytes is left out: {cause}")

    def flush(self, timeout: float) -> int:
        """Wait until the broker has every event, `timeout` seconds at most, and return how many have not left."""
        with self._changed:
            self._changed.wait_for(lambda: self.waiting + self._unread == 0 or self._ended, timeout)
            self._check()
            return self.waiting

    def _check(self) -> None:
        if self._failure:
            raise self._failure
        if self._ended:
            raise ProvisionError("the publisher has ended", next_step="run it again")

    def _poke(self) -> None:
        with suppress(BlockingIOError):  # full: the thread has been woken already
            self._waker.send(b"\0")

    def _first_link(self) -> Link:
        for last in range(FIRST_TRIES):
            try:
                return self._new_link()
            except UntrustedError:
                raise
            except UnreachableError:
                if last == FIRST_TRIES - 1:
                    raise
                time.sleep(FIRST_DELAY * 2**last)
        raise AssertionError("unreachable: the last try returns or raises")

    def _new_link(self) -> Link:
        try:
            return self._open_link()
        except LoginRefusedError as error:
            if error.code != INVALID_TOKEN or not self._renew:
                raise
            self._say(f"{error.message}; getting another token")
        self._renew()
        return self._open_link()

    def _open_link(self) -> Link:
        if self._other_link:
            other: Link = self._other_link()  # has what a Link has, as far as it is used here
            other.open()  # type: ignore[call-arg]
            return other
        login = self._login()
        link = Link(login, self.topic, self._qos, in_flight=1 if self._too_large.suspected else self._in_flight)
        link.open(login)
        return link

    def _run(self, link: Link | None) -> None:
        delay = FIRST_DELAY
        try:
            while link:
                since = time.monotonic()
                self._pump(link)
                if self._closing.is_set():
                    break
                if self._drop_too_large(link):
                    delay = FIRST_DELAY / 2  # the connection is not what is wrong
                steady = time.monotonic() - since > STEADY
                # what a broker acknowledged and then broke off on may not have come: fewer at a time get further
                self._in_flight = IN_FLIGHT if steady else max(self._in_flight // 2, 1)
                delay = FIRST_DELAY if steady else min(2 * delay, LONGEST_DELAY)
                if self._reconnects and not steady:
                    link.cause += " soon again, as for another client with the same token"
                link = self._next_link(link, delay)
        except (ProvisionError, NetpieError) as error:
            self._failure = error
        finally:
            if link:
                link.close(LAST_WORDS)
                self._count(link)
            with self._changed:
                self._ended = True
                self._changed.notify_all()

    def _pump(self, link: Link) -> None:
        """Send what waits until the connection is lost, or this publisher is closed."""
        while link.alive and not self._closing.is_set():
            self._send_burst(link)
            self._count(link)
            link.wait(0 if self._queue and link.ready else 1.0, self._wake)
            with suppress(BlockingIOError):
                self._wake.recv(4096)
            self._count(link)
        self._count(link)
        if not link.confirms and not self._told_no_answer:
            self._told_no_answer = True
            self._say(
                f"broker {link.where}: it answers no UNSUBSCRIBE; events count as published when they are written"
            )
        if not link.alive:
            self._take_back(link)

    def _take_back(self, link: Link) -> None:
        """Queue again what a lost connection did not send, and count what may be lost with it."""
        unsent = link.unsent()
        with self._changed:
            self._queue.extendleft(reversed(unsent))
            self._queued_bytes += sum(len(event.payload) for event in unsent)
            self._lost += link.unread
            self._unread = 0
            self._changed.notify_all()

    def _drop_too_large(self, link: Link) -> bool:
        """Leave the oldest event out if the broker closes each connection on it; return whether it was left out."""
        with self._changed:
            sent = {event.number for event in link.unsent()}
            head = self._queue[0] if self._queue and self._queue[0].number in sent else None
            if not self._qos or not link.closed_by_broker or not self._too_large.closed_on(head, link.largest):
                return False
            self._queue.popleft()
            self._queued_bytes -= len(head.payload) if head else 0
            if head:
                self._refuse(head, "the broker closes each connection on it, as on events larger than it takes")
            self._changed.notify_all()
            return True

    def _send_burst(self, link: Link) -> None:
        for _ in range(BURST):
            if not self._queue or not link.ready:
                return
            event = self._queue.popleft()
            self._queued_bytes -= len(event.payload)
            link.send(event)

    def _count(self, link: Link) -> None:
        left = link.take_published()
        if left or self._unread != link.unread:
            with self._changed:
                self._published += left
                self._unread = link.unread
                self._changed.notify_all()

    def _next_link(self, lost: Link, delay: float) -> Link | None:
        """Reconnect, for as long as it takes; None if this publisher is closed meanwhile."""
        at_risk = f"; events on their way to it that may be lost: {lost.unread}" if lost.unread else ""
        self._say(f"broker {lost.where}: {lost.cause}{at_risk}; connecting again")
        since = time.monotonic()
        while not self._closing.wait(delay * random.uniform(0.8, 1.2)):  # noqa: S311 - spreads the tries
            delay = min(2 * delay, LONGEST_DELAY)
            try:
                link = self._new_link()
            except UntrustedError:
                raise
            except UnreachableError:
                continue
            except LoginRefusedError as error:
                if error.code != NOT_AUTHORISED:
                    raise
                self._say(f"{error.message}; trying again in {LONGEST_DELAY:.0f} s")
                delay = LONGEST_DELAY
                continue
            self._reconnects += 1
            away = time.monotonic() - since
            self._say(f"broker {link.where}: connected again after {away:.0f} s, {self.waiting} events to send")
            return link
        return None


def publish_all(
    publisher: Publisher, batches: Iterable[Sequence[bytes]], *, stop: Event, count: int | None = None
) -> int:
    """Publish the events of `batches` until they end, `stop` is set, or `count` events were queued.

    Returns: how many were queued. `Publisher.flush` waits until they have left.
    """
    taken = 0
    for batch in batches:
        wanted = batch if count is None else batch[: count - taken]
        taken += publisher.publish(wanted, stop=stop)
        if stop.is_set() or taken == count:
            break
    return taken
