"""Windows back to a broker, a message of JSON for each row, or for each window to a shadow or a feed of NETPIE's."""

from __future__ import annotations

import base64
import hashlib
import hmac
import json
import math
import time
from dataclasses import replace
from typing import Any

from .._window import Window
from ._forms import SHADOW, allowed, documents

TIMEOUT = 10.0
"""Seconds that the broker has for an answer."""


class Mqtt:
    """Publishes to `topic`, at most `rate` messages a second; 0: as many as the topic's platform allows.

    What `slide` seconds are too short for is dropped, and counted in rows. It connects for each window, as `client_id`;
    an empty one is made up. With `appkey` it is a thing of NETPIE 2015: `user` is its token, and `password` the key
    TOKENSECRET&APPSECRET, which signs each login. `keys` tell devices apart in a shadow or a feed.
    """

    once = True

    def __init__(
        self, broker: str, topic: str, *, client_id: str = "", user: str = "", password: str = "", appkey: str = "",
        ca: str = "", qos: int = 1, retain: bool = False, rate: float = 0, slide: float = 10,
        keys: list[str] | None = None,
    ) -> None:  # fmt: skip
        from pyspark_mqtt._options import read_sink

        self._client_id = client_id or (appkey and user)
        options = {
            "mqtt.broker.url": broker, "topic": topic, "mqtt.client.id": self._client_id, "mqtt.ssl.ca": ca,
            "mqtt.username": user, "mqtt.password": password,
        }  # fmt: skip
        self._connection = read_sink({name: value for name, value in options.items() if value}).connection
        self._client_id = self._client_id or f"outputs-{abs(hash((broker, topic, time.time()))):x}"[:20]
        self._appkey, self._key = appkey, password
        self._topic, self._qos, self._retain = topic, qos, retain
        self._pause, self._slide, self._keys = 1 / (rate or allowed(topic)), slide, keys or []
        self._next, self._dropped = 0.0, 0

    def write(self, window: Window) -> None:
        made = documents(self._topic, window, self._keys)
        count = self._count(time.monotonic())
        self._publish(made[:count])
        if len(made) > count:
            self._dropped += (len(made) - count) * len(window.rows) // len(made)

    def _count(self, now: float) -> int:
        """How many messages the rate allows until the next window."""
        left = self._slide - max(0.0, self._next - now)
        return max(0, math.ceil(round(left / self._pause, 6)))

    def send(self, message: dict[str, Any]) -> None:
        """Publish what an alert says."""
        self._publish([{"data": message} if self._topic == SHADOW else message])

    def remark(self) -> str:
        return f"{self._dropped} rows dropped, more than the rate allows" if self._dropped else ""

    def _publish(self, messages: list[dict[str, Any]]) -> None:
        """Return when the broker has them all. Raises OSError, in which a thing's token is not shown."""
        if not messages:
            return
        try:
            self._send_all(messages)
        except Exception as problem:  # noqa: BLE001 - whatever it is, it may name the client
            text = str(problem).replace(self._client_id, "the thing") if self._appkey else str(problem)
            raise OSError(text or type(problem).__name__) from None

    def _send_all(self, messages: list[dict[str, Any]]) -> None:
        from pyspark_mqtt import _packets as packets
        from pyspark_mqtt._link import logged_in, opened

        link = opened(self._connection, TIMEOUT)
        try:
            logged_in(link, self._signed(), self._client_id, clean=True, make=None, timeout=TIMEOUT)
            link.settimeout(TIMEOUT)
            for number, message in enumerate(messages, 1):
                time.sleep(max(0.0, self._next - time.monotonic()))
                self._next = time.monotonic() + self._pause
                self._one(link, packets, number % 65535 or 65535, json.dumps(message, ensure_ascii=False).encode())
            link.sendall(packets.PING)
            _await(link, packets.PINGRESP)
            link.sendall(packets.GOODBYE)
        finally:
            link.close()

    def _signed(self) -> Any:
        """The connection; at NETPIE 2015 with a password of this time."""
        if not self._appkey:
            return self._connection
        user = f"{self._appkey}%{int(time.time())}"
        signed = hmac.new(self._key.encode(), f"{self._client_id}%{user}".encode(), hashlib.sha1)
        return replace(self._connection, username=user, password=base64.b64encode(signed.digest()).decode())

    def _one(self, link: Any, packets: Any, number: int, document: bytes) -> None:
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


def _await(link: Any, kind: int) -> bytes:
    """The body of the next packet of this kind; others are passed over."""
    from pyspark_mqtt._link import _packet

    while True:
        first, body = _packet(link)
        if first >> 4 == kind:
            return body
