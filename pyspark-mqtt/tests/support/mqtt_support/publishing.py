"""Numbered messages out to a broker, by paho, which is not ours."""

from __future__ import annotations

import threading

from paho.mqtt import client as paho
from paho.mqtt.enums import CallbackAPIVersion, MQTTErrorCode


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
