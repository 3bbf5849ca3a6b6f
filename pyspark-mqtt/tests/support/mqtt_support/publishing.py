"""Numbered messages out to a broker, by paho, which is not ours."""

from __future__ import annotations

import threading
import time
from collections import deque

from paho.mqtt import client as paho
from paho.mqtt.enums import CallbackAPIVersion, MQTTErrorCode

UNDER_WAY = 200
"""Most messages that were published and not acknowledged."""

UNSURE = 1.0
"""Seconds. Mosquitto acknowledges a message before it saves it: what it acknowledged so shortly before it was killed is
published again."""


class Numbered:
    """Publishes the numbers below `count` through kills of the broker. `again` are those that it published twice."""

    def __init__(self, port: int, topic: str, count: int, qos: int) -> None:
        self._port, self._topic, self._qos = port, topic, qos
        self._to_send = deque(range(count))
        self._under_way: deque[tuple[int, paho.MQTTMessageInfo]] = deque()
        self._acknowledged: deque[tuple[float, int]] = deque()
        self._broke_at = 0.0
        self._halt = threading.Event()
        self._thread = threading.Thread(target=self._run, daemon=True)
        self.sent = 0
        self.again: set[int] = set()
        self.done = threading.Event()

    def __enter__(self) -> Numbered:
        return self

    def __exit__(self, *_: object) -> None:
        self._halt.set()
        if self._thread.is_alive():
            self._thread.join()

    def start(self) -> None:
        self._thread.start()

    def _run(self) -> None:
        client = self._connected()
        while not self._halt.is_set():
            self._take_answers()
            if self._broke_at:
                client.loop_stop()
                self._doubt()
                client = self._connected()
            while self._to_send and len(self._under_way) < UNDER_WAY:
                number = self._to_send.popleft()
                self._under_way.append((number, client.publish(self._topic, str(number), self._qos)))
                self.sent = max(self.sent, number + 1)
            if not self._under_way and not self._to_send:
                self.done.set()
            time.sleep(0.005)
        client.on_disconnect = None
        client.disconnect()
        client.loop_stop()

    def _connected(self) -> paho.Client:
        """A client of its own for each connection: one that goes on where another ended has more under way than
        Mosquitto allows, and Mosquitto hangs up on it.
        """
        self._broke_at = 0.0
        client = paho.Client(CallbackAPIVersion.VERSION2)
        client.max_inflight_messages_set(20)
        client.max_queued_messages_set(0)
        client.on_disconnect = self._broke
        while not self._halt.is_set():
            try:
                client.connect("127.0.0.1", self._port)
                break
            except OSError:
                time.sleep(0.05)
        client.loop_start()
        return client

    def _broke(self, *_: object) -> None:
        self._broke_at = time.monotonic()

    def _take_answers(self) -> None:
        while self._under_way and self._under_way[0][1].is_published():
            self._acknowledged.append((time.monotonic(), self._under_way.popleft()[0]))
        while self._acknowledged and self._acknowledged[0][0] < time.monotonic() - 60:
            self._acknowledged.popleft()

    def _doubt(self) -> None:
        """Send again what the broker may have acknowledged and lost, and what it has not acknowledged."""
        unsure = [number for at, number in self._acknowledged if at > self._broke_at - UNSURE]
        unsure += [number for number, _ in self._under_way]
        self.again.update(unsure)
        self._to_send.extendleft(reversed(unsure))
        self._acknowledged.clear()
        self._under_way.clear()


def publish(port: int, topic: str, values: list[str], qos: int, *, retain: bool = False) -> None:
    """Publish all; return when the broker has acknowledged them."""
    client = paho.Client(CallbackAPIVersion.VERSION2)
    client.max_inflight_messages_set(20)
    connected = threading.Event()
    client.on_connect = lambda *_: connected.set()
    client.connect("127.0.0.1", port)
    client.loop_start()
    assert connected.wait(60)
    sent = [client.publish(topic, value, qos, retain) for value in values]
    for one in sent:
        one.wait_for_publish(30)
        assert one.rc == MQTTErrorCode.MQTT_ERR_SUCCESS
    client.disconnect()
    client.loop_stop()
