"""Messages out to a broker, in large pieces, each acknowledged before it counts. Runs in Spark's workers."""

from __future__ import annotations

import itertools
import select
import time
import uuid
from collections import deque
from collections.abc import Iterable, Iterator
from dataclasses import dataclass

from pyspark_mqtt import _packets as packets
from pyspark_mqtt._errors import ProtocolError, PublicationRefused, Unreachable
from pyspark_mqtt._frames import cut
from pyspark_mqtt._link import Link, Login, logged_in, opened
from pyspark_mqtt._options import SinkOptions

WINDOW = 20
"""Messages on their way at QoS 1 and 2, for a broker that doesn't say how many it takes: Mosquitto hangs up at more."""

_LARGEST_WINDOW = 1000

_PIECE = 1000
_LONGEST_PAUSE = 5.0


@dataclass(frozen=True)
class Message:
    """What is published: `qos` 0, 1 or 2."""

    topic: str
    value: bytes
    qos: int
    retain: bool


class Publisher:
    """One task's connection to the broker. What is unacknowledged when it breaks is sent again: at least once."""

    def __init__(self, options: SinkOptions, login: Login | None = None) -> None:
        self._options = options
        self._connection = options.connection
        self._login = login
        self._client = f"{self._connection.client_id or 'spark'}-{uuid.uuid4().hex[:12]}"
        self._under_way: dict[int, tuple[Message, bool]] = {}
        self._again: deque[Message] = deque()
        self._ids = itertools.cycle(range(1, 65536))
        self._window = WINDOW
        self._data = bytearray(1 << 16)
        self._fill = 0

    def publish(self, messages: Iterable[Message]) -> int:
        """Publish all; return how many, when the broker has acknowledged those of QoS 1 and 2 and read the others.

        Raises `Unreachable` when it can't be reached for `mqtt.connect.timeout`, `LoginRefused`, and
        `PublicationRefused` for a message that it doesn't take (MQTT 5; 3.1.1 has no word for that).
        """
        paced, sent = _Pace(iter(messages), self._options.rate), 0
        pause, failed_at = 0.1, 0.0
        while True:
            try:
                with self._connected() as link:
                    failed_at = 0.0
                    for count in self._pieces(link, paced):
                        sent, pause = sent + count, 0.1
                    link.sendall(packets.GOODBYE)
                    return sent
            except OSError as error:
                now = time.monotonic()
                failed_at = failed_at or now
                if now - failed_at > self._connection.connect_timeout:
                    raise Unreachable(f"{self._connection.broker}: {error.strerror or error}") from error
                self._again.extend(message for message, released in self._under_way.values() if not released)
                sent += sum(released for _, released in self._under_way.values())
                self._under_way.clear()
                time.sleep(pause)
                pause = min(pause * 2, _LONGEST_PAUSE)

    def _connected(self) -> Link:
        timeout = self._connection.connect_timeout
        link = opened(self._connection, timeout)
        try:
            answer = logged_in(link, self._connection, self._client, clean=True, make=self._login, timeout=timeout)
        except BaseException:
            link.close()
            raise
        self._window = self._allowed(answer)
        self._fill = 0
        link.settimeout(timeout)
        return link

    def _allowed(self, answer: packets.Connack) -> int:
        if self._connection.level == 4:
            return WINDOW
        return min(answer.properties.number("receive_maximum") or 65535, _LARGEST_WINDOW)

    def _pieces(self, link: Link, paced: _Pace) -> Iterator[int]:
        """Send and take acknowledgements until nothing is left; yield how many messages each turn finished."""
        while True:
            ready = self._next(paced)
            if ready:
                link.sendall(b"".join(self._encoded(message) for message in ready))
            finished = sum(message.qos == 0 for message in ready)
            if not ready and not self._under_way and paced.is_done and not self._again:
                self._ask_whether_read(link)
                return
            room = len(self._under_way) < self._window and (self._again or paced.is_due)
            if self._under_way and (not room or select.select([link], [], [], 0)[0]):
                finished += self._take(link)
            elif not ready and not paced.is_done:
                time.sleep(0.005)
            yield finished

    def _next(self, paced: _Pace) -> list[Message]:
        ready: list[Message] = []
        room = self._window - len(self._under_way)
        while len(ready) < _PIECE and room > 0:
            message = self._again.popleft() if self._again else paced.next()
            if message is None:
                break
            room -= message.qos > 0
            ready.append(message)
        return ready

    def _encoded(self, message: Message) -> bytes:
        number = 0
        if message.qos:
            number = next(number for number in self._ids if number not in self._under_way)
            self._under_way[number] = (message, False)
        level = self._connection.level
        return packets.publish(
            level, message.topic, message.value, qos=message.qos, packet_id=number, retain=message.retain, dup=False
        )

    def _take(self, link: Link) -> int:
        """Wait for acknowledgements and take them; return how many messages they finished."""
        count = link.recv_into(memoryview(self._data)[self._fill :])
        if not count:
            raise ConnectionError("the broker closed the connection")
        self._fill += count
        piece = cut(self._data, self._fill, self._connection.level, {})
        self._data[: self._fill - piece.consumed] = self._data[piece.consumed : self._fill]
        self._fill -= piece.consumed
        return sum(self._acknowledged(link, first >> 4, body) for first, body in piece.others)

    def _acknowledged(self, link: Link, kind: int, body: bytes) -> bool:
        if kind == packets.DISCONNECT:
            _, reason = packets.read_disconnect(self._connection.level, body)
            raise ConnectionError(f"the broker ended the connection: {reason}")
        if kind not in (packets.PUBACK, packets.PUBREC, packets.PUBCOMP):
            return False
        if len(body) < 2:
            raise ProtocolError("an acknowledgement is cut short")
        number = int.from_bytes(body[:2], "big")
        if number not in self._under_way:
            return False
        message, _ = self._under_way[number]
        if len(body) > 2 and body[2] >= 0x80:
            raise PublicationRefused(
                f"{self._connection.broker} refused a message to {self._connection.shown(message.topic)}: "
                f"{packets.REASONS_5.get(body[2], 'no reason given')}",
                "check the topic, and what this user may publish",
            )
        if kind == packets.PUBREC:
            self._under_way[number] = (message, True)
            link.sendall(packets.acknowledgement(packets.PUBREL, number))
            return False
        del self._under_way[number]
        return True

    def _ask_whether_read(self, link: Link) -> None:
        """Return when the broker has read all: it answers a ping behind the last message."""
        link.sendall(packets.PING)
        while True:
            count = link.recv_into(self._data)
            if not count:
                raise ConnectionError("the broker closed the connection")
            if packets.PINGRESP << 4 in self._data[:count]:
                return


class _Pace:
    """Messages one by one, at most `rate` a second."""

    def __init__(self, messages: Iterator[Message], rate: float) -> None:
        self._messages = messages
        self._rate = rate
        self._began = time.monotonic()
        self._given = 0
        self.is_done = False

    @property
    def is_due(self) -> bool:
        if self.is_done:
            return False
        return not self._rate or self._given <= (time.monotonic() - self._began) * self._rate

    def next(self) -> Message | None:
        if not self.is_due:
            return None
        message = next(self._messages, None)
        self.is_done = message is None
        self._given += 1
        return message
