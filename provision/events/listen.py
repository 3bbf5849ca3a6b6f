"""Messages of a subscription as they come, over a connection of its own that reconnects."""

import time
from collections import deque
from collections.abc import Callable, Generator, Sequence
from dataclasses import dataclass, field
from threading import Event
from typing import Any

from paho.mqtt.client import Client, MQTTMessage

from provision.errors import RefusedError, UnreachableError
from provision.mqtt.client import (
    CONNECT_TIMEOUT,
    LoginRefusedError,
    UntrustedError,
    check_answer,
    connect,
    new_client,
    no_answer,
    refused_protocol,
    unreachable,
)
from provision.mqtt.login import Login
from provision.publisher.publisher import INVALID_TOKEN

TICK = 0.2  # seconds between two looks whether to stop
FIRST_DELAY, LONGEST_DELAY = 0.5, 30.0  # seconds between tries to connect again, doubled at each
_FAILED = 128  # SUBACK, MQTT 3.1.1, 3.9.3


@dataclass(frozen=True)
class Arrived:
    """A message; `arrival` is in seconds since 1970. `retained`: the broker had it before the subscription."""

    topic: str
    payload: bytes = field(repr=False)
    arrival: float
    retained: bool = False


class Listener:
    """Subscribes to `topics` and yields what comes. `login` is called at each connection; `renew` replaces a login
    that the broker refuses as no longer valid. `shown` is what each topic is called, where one holds a secret. `say`
    gets a line about each lost connection, and each new one.
    """

    def __init__(
        self,
        login: Callable[[], Login],
        topics: Sequence[str],
        *,
        shown: Sequence[str] = (),
        renew: Callable[[], object] | None = None,
        say: Callable[[str], None],
    ) -> None:
        self._login, self._topics, self._renew, self._say = login, list(topics), renew, say
        self._shown = list(shown or topics)
        self._come: deque[Arrived] = deque()

    def messages(self, stop: Event, seconds: float | None = None) -> Generator[Arrived]:
        """Each message as it comes, until `stop` is set or so many seconds have passed since the subscription.

        Raises: RefusedError and UnreachableError when the first connection fails, RefusedError when a later one is
        refused.
        """
        link = self._first()
        deadline = None if seconds is None else time.monotonic() + seconds
        try:
            while not stop.is_set() and (deadline is None or time.monotonic() < deadline):
                if not link.alive:
                    link.close()
                    link = self._again(link, stop, deadline) or link
                link.wait(TICK if deadline is None else max(0.0, min(TICK, deadline - time.monotonic())))
                while self._come:
                    yield self._come.popleft()
        finally:
            link.close()

    def _first(self) -> "_Subscription":
        try:
            return self._open()
        except LoginRefusedError as error:
            if error.code != INVALID_TOKEN or self._renew is None:
                raise
            self._renew()
            return self._open()

    def _again(self, lost: "_Subscription", stop: Event, deadline: float | None) -> "_Subscription | None":
        """A new connection; None when it is time to stop."""
        self._say(f"broker {lost.where}: {lost.cause or 'the connection is lost'}; connecting again")
        delay = FIRST_DELAY
        while not stop.wait(delay) and (deadline is None or time.monotonic() < deadline):
            try:
                link = self._first()
            except UntrustedError:
                raise
            except UnreachableError:
                delay = min(2 * delay, LONGEST_DELAY)
                continue
            self._say(f"broker {link.where}: connected again; what came meanwhile is missing here")
            return link
        return None

    def _open(self) -> "_Subscription":
        login = self._login()
        link = _Subscription(login, self._topics, self._shown, self._come)
        try:
            link.open(login)
        except BaseException:
            link.close()
            raise
        return link


class _Subscription:
    """One connection, driven by the thread that uses it; `alive` until it is lost or closed."""

    def __init__(self, login: Login, topics: Sequence[str], shown: Sequence[str], come: deque[Arrived]) -> None:
        self.where = login.where
        self.cause = ""
        self._topics = topics
        self._shown = shown
        self._come = come
        self._answer: int | None = None
        self._granted: list[int] | None = None
        self._client = new_client(login)
        self._client.on_connect = self._on_connect
        self._client.on_disconnect = self._on_disconnect
        self._client.on_subscribe = self._on_subscribe
        self._client.on_message = self._on_message

    def open(self, login: Login) -> None:
        """Connect and subscribe. Raises: RefusedError, for a topic too, and UnreachableError."""
        connect(self._client, login)
        self._wait_until(lambda: self._answer is not None)
        if self._answer is None:
            raise unreachable(self.where, no_answer(login, self.cause))
        check_answer(login, self._answer)
        self._client.subscribe([(topic, 0) for topic in self._topics])
        self._wait_until(lambda: self._granted is not None)
        if self._granted is None:
            raise unreachable(self.where, self.cause or "no answer to the subscription")
        refused = [topic for topic, code in zip(self._shown, self._granted, strict=False) if code >= _FAILED]
        if refused:
            raise RefusedError(
                f"broker {self.where} refuses a subscription to {refused[0]}",
                next_step="check the topic, and what this login may read",
            )

    @property
    def alive(self) -> bool:
        return self._client.socket() is not None

    def wait(self, timeout: float) -> None:
        """Wait `timeout` seconds at most for messages, which `come` gets."""
        if self.alive:
            refused = refused_protocol(self._client.loop(timeout))
            self._answer = refused[0] if refused and self._answer is None else self._answer

    def close(self) -> None:
        self._client.disconnect()

    def _wait_until(self, done: Callable[[], bool]) -> None:
        deadline = time.monotonic() + CONNECT_TIMEOUT
        while self.alive and not done() and time.monotonic() < deadline:
            self.wait(TICK)

    def _on_connect(self, _client: Client, _data: Any, _flags: Any, reason: Any, _properties: Any) -> None:
        self._answer = reason.value

    def _on_disconnect(self, _client: Client, _data: Any, _flags: Any, reason: Any, _properties: Any) -> None:
        self.cause = "it closed the connection" if reason.value else ""

    def _on_subscribe(self, _client: Client, _data: Any, _mid: int, reasons: Any, _properties: Any) -> None:
        self._granted = [reason.value for reason in reasons]

    def _on_message(self, _client: Client, _data: Any, message: MQTTMessage) -> None:
        self._come.append(Arrived(message.topic, bytes(message.payload), time.time(), message.retain))
