"""PUBLISH and PUBREL packets as paho encodes them: an encoder that is not ours."""

from __future__ import annotations

from typing import Any

from paho.mqtt import client as paho
from paho.mqtt.enums import CallbackAPIVersion, MessageType, MQTTErrorCode, MQTTProtocolVersion
from paho.mqtt.packettypes import PacketTypes
from paho.mqtt.properties import Properties

LEVELS = {4: MQTTProtocolVersion.MQTTv311, 5: MQTTProtocolVersion.MQTTv5}


class _Encoder(paho.Client):
    def __init__(self, level: int) -> None:
        super().__init__(CallbackAPIVersion.VERSION2, protocol=LEVELS[level])
        self.packets: list[bytes] = []

    def _packet_queue(self, command: int, packet: Any, mid: int, qos: int, info: Any = None) -> MQTTErrorCode:
        self.packets.append(bytes(packet))
        return MQTTErrorCode.MQTT_ERR_SUCCESS


def properties(user: list[tuple[str, str]], **others: Any) -> Properties:
    found = Properties(PacketTypes.PUBLISH)
    if user:
        found.UserProperty = user
    for name, value in others.items():
        setattr(found, name, value)
    return found


def publish(
    level: int,
    topic: str,
    payload: bytes,
    *,
    qos: int = 0,
    packet_id: int = 0,
    retain: bool = False,
    dup: bool = False,
    having: Properties | None = None,
) -> bytes:
    encoder = _Encoder(level)
    encoder._sock = object()  # type: ignore[assignment] # it encodes for a connection only
    encoder._send_publish(packet_id, topic.encode(), payload, qos, retain, dup, properties=having)
    encoder._sock = None
    return encoder.packets[0]


def pubrel(level: int, packet_id: int) -> bytes:
    encoder = _Encoder(level)
    encoder._send_command_with_mid(MessageType.PUBREL | 2, packet_id, False)
    return encoder.packets[0]
