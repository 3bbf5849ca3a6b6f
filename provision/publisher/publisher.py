"""A publisher that reconnects; events wait in a bounded queue until they have left."""

import random
import socket
import time
from collections import deque
from collections.abc import Callable, Iterable, Sequence
from contextlib import suppress
from threading import Condition, Event, Thread
from types import TracebackType
from typing import Self

from netpie_creds import MqttLogin, NetpieError
from provision.errors import ProvisionError, UnreachableError
from provision.publisher.link import Link, LoginRefusedError

QUEUE = 10_000  # events at most: while the broker is away the source waits, and memory stays bounded
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
    `say` gets a line about each lost connection, reconnection and new token.
    """

    def __init__(
        self,
        login: Callable[[], MqttLogin],
        topic: str,
        *,
        qos: int = 0,
        renew: Callable[[], object] | None = None,
        say: Callable[[str], None] = _silent,
    ) -> None:
        self.topic = topic
        self._login = login
        self._qos = qos
        self._renew = renew
        self._say = say
        self._queue: deque[bytes] = deque()
        self._accepted = 0
        self._published = 0
        self._reconnects = 0
        self._changed = Condition()
        self._closing = Event()
        self._ended = False
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
    def waiting(self) -> int:
        """How many accepted events have not left."""
        return self._accepted - self._published

    @property
    def reconnects(self) -> int:
        """How often the connection was lost and restored."""
        return self._reconnects

    def publish(self, payloads: Sequence[bytes], *, stop: Event | None = None) -> int:
        """Queue `payloads`, an event each; while the queue is full, wait for room or for `stop`.

        Returns: how many were queued, fewer than given only after `stop`.
        Raises: what ended the connection for good (RefusedError, …).
        """
        taken = 0
        while taken < len(payloads) and not (stop and stop.is_set()):
            with self._changed:
                self._check()
                part = payloads[taken : taken + max(QUEUE - self.waiting, 0)]
                if not part:
                    self._changed.wait(0.2)
                    continue
                self._queue.extend(part)
                self._accepted += len(part)
            taken += len(part)
            self._poke()
        return taken

    def flush(self, timeout: float) -> int:
        """Wait until every event has left, `timeout` seconds at most, and return how many have not."""
        with self._changed:
            self._changed.wait_for(lambda: self.waiting == 0 or self._ended, timeout)
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
        login = self._login()
        link = Link(login, self.topic, self._qos)
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
                steady = time.monotonic() - since > STEADY
                delay = FIRST_DELAY if steady else min(2 * delay, LONGEST_DELAY)
                if self._reconnects and not steady:
                    link.cause += " soon again, as for another client with the same token"
                link = self._next_link(link, delay)
        except (ProvisionError, NetpieError) as error:
            self._failure = error
        finally:
            if link:
                link.close(LAST_WORDS)
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
        self._queue.extendleft(reversed(link.unsent()))

    def _send_burst(self, link: Link) -> None:
        for _ in range(BURST):
            if not self._queue or not link.ready:
                return
            link.send(self._queue.popleft())

    def _count(self, link: Link) -> None:
        if left := link.take_published():
            with self._changed:
                self._published += left
                self._changed.notify_all()

    def _next_link(self, lost: Link, delay: float) -> Link | None:
        """Reconnect, for as long as it takes; None if this publisher is closed meanwhile."""
        self._say(f"broker {lost.where}: {lost.cause}; connecting again")
        since = time.monotonic()
        while not self._closing.wait(delay * random.uniform(0.8, 1.2)):  # noqa: S311 - spreads the tries
            delay = min(2 * delay, LONGEST_DELAY)
            try:
                link = self._new_link()
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
