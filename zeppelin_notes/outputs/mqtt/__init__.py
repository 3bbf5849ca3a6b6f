"""Windows back to a broker, a message of JSON for each row."""

from __future__ import annotations

import json
import socket
import time
from typing import Any

from .._window import Window

SHADOW = "@shadow/data/update"
"""NETPIE 2020's topic for a device's shadow, whose messages have the values in `data`."""
TIMEOUT = 10.0
"""Seconds that the broker has for an answer."""


class Mqtt:
    """Publishes to `topic`, at most `rate` messages a second.

    What a window has more than `slide` seconds are enough for is dropped, and counted. It connects for each window, as
    `client_id`; an empty one is made up.
    """

    once = True

    def __init__(
        self, broker: str, topic: str, *, client_id: str = "", user: str = "", password: str = "", ca: str = "",
        qos: int = 1, retain: bool = False, rate: float = 10, slide: float = 10,
    ) -> None:  # fmt: skip
        from pyspark_mqtt._options import read_sink

        options = {
            "mqtt.broker.url": broker, "topic": topic, "mqtt.client.id": client_id, "mqtt.ssl.ca": ca,
            "mqtt.username": user, "mqtt.password": password,
        }  # fmt: skip
        self._connection = read_sink({name: value for name, value in options.items() if value}).connection
        self._client_id = client_id or f"outputs-{abs(hash((broker, topic, time.time()))):x}"[:20]
        self._topic, self._qos, self._retain = topic, qos, retain
        self._pause, self._most = 1 / rate, max(1, int(rate * slide))
        self._dropped = 0

    def write(self, window: Window) -> None:
        records = window.records()
        self._publish([self._document(each) for each in records[: self._most]])
        self._dropped += len(records[self._most :])

    def send(self, message: dict[str, Any]) -> None:
        """Publish what an alert says."""
        self._publish([self._document(message)])

    def remark(self) -> str:
        return f"{self._dropped} rows dropped, more than the rate allows" if self._dropped else ""

    def _document(self, record: dict[str, Any]) -> bytes:
        document = {"data": record} if self._topic == SHADOW else record
        return json.dumps(document, ensure_ascii=False).encode()

    def _publish(self, documents: list[bytes]) -> None:
        """Return when the broker has them all."""
        from pyspark_mqtt import _packets as packets
        from pyspark_mqtt._link import logged_in, opened

        if not documents:
            return
        link = opened(self._connection, TIMEOUT)
        try:
            logged_in(link, self._connection, self._client_id, clean=True, make=None, timeout=TIMEOUT)
            link.settimeout(TIMEOUT)
            for number, document in enumerate(documents, 1):
                if number > 1:
                    time.sleep(self._pause)
                self._one(link, packets, number % 65535 or 65535, document)
            link.sendall(packets.PING)
            _await(link, packets.PINGRESP)
            link.sendall(packets.GOODBYE)
        finally:
            link.close()

    def _one(self, link: socket.socket, packets: Any, number: int, document: bytes) -> None:
        link.sendall(
            packets.publish(
                self._connection.level,
                self._topic,
                document,
                qos=self._qos,
                packet_id=number,
                retain=self._retain,
                dup=False,
            )  # fmt: skip
        )
        if self._qos:
            reason = _await(link, packets.PUBACK)[2:3]
            if reason and reason[0] >= 0x80:
                raise OSError(
                    f"the broker refused a message to {self._topic}: {packets.REASONS_5.get(reason[0], reason[0])}"
                )


def _await(link: socket.socket, kind: int) -> bytes:
    """The body of the next packet of this kind; others are passed over."""
    from pyspark_mqtt._link import _packet

    while True:
        first, body = _packet(link)
        if first >> 4 == kind:
            return body
