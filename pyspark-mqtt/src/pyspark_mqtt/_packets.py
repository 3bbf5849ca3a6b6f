"""Control packets of MQTT 3.1.1 (level 4) and 5 (level 5), built and read. PUBLISH in bulk is `_frames`."""

from __future__ import annotations

import struct
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Union

from pyspark_mqtt._errors import ProtocolError

CONNECT, CONNACK, PUBLISH, PUBACK, PUBREC, PUBREL, PUBCOMP = 1, 2, 3, 4, 5, 6, 7
SUBSCRIBE, SUBACK, UNSUBSCRIBE, UNSUBACK, PINGREQ, PINGRESP, DISCONNECT = 8, 9, 10, 11, 12, 13, 14

PING = b"\xc0\x00"
GOODBYE = b"\xe0\x00"

LONGEST = 268_435_455
"""Bytes that can follow a fixed header."""

REFUSALS_3: dict[int, str] = {
    1: "unacceptable protocol version",
    2: "identifier rejected",
    3: "server unavailable",
    4: "bad user name or password",
    5: "not authorized",
}

REASONS_5: dict[int, str] = {
    0x80: "unspecified error",
    0x81: "malformed packet",
    0x82: "protocol error",
    0x83: "implementation specific error",
    0x84: "unsupported protocol version",
    0x85: "client identifier not valid",
    0x86: "bad user name or password",
    0x87: "not authorized",
    0x88: "server unavailable",
    0x89: "server busy",
    0x8A: "banned",
    0x8B: "server shutting down",
    0x8C: "bad authentication method",
    0x8D: "keep alive timeout",
    0x8E: "session taken over",
    0x8F: "topic filter invalid",
    0x90: "topic name invalid",
    0x93: "receive maximum exceeded",
    0x94: "topic alias invalid",
    0x95: "packet too large",
    0x96: "message rate too high",
    0x97: "quota exceeded",
    0x98: "administrative action",
    0x99: "payload format invalid",
    0x9A: "retain not supported",
    0x9B: "QoS not supported",
    0x9C: "use another server",
    0x9D: "server moved",
    0x9E: "shared subscriptions not supported",
    0x9F: "connection rate exceeded",
    0xA0: "maximum connect time",
    0xA1: "subscription identifiers not supported",
    0xA2: "wildcard subscriptions not supported",
}
"""MQTT 5.0, 2.4."""

PASSING = frozenset({0x88, 0x89, 0x8B, 0x97, 0x9F})
"""Reasons of MQTT 5 that a later attempt may cure; 3.1.1's only one is 3."""

TAKEN_OVER = 0x8E

_BYTE, _TWO, _FOUR, _VARIABLE, _TEXT, _PAIR, _BINARY = range(7)

_PROPERTIES: dict[int, tuple[str, int]] = {
    0x01: ("payload_format", _BYTE),
    0x02: ("message_expiry", _FOUR),
    0x03: ("content_type", _TEXT),
    0x08: ("response_topic", _TEXT),
    0x09: ("correlation_data", _BINARY),
    0x0B: ("subscription_identifier", _VARIABLE),
    0x11: ("session_expiry", _FOUR),
    0x12: ("assigned_client_id", _TEXT),
    0x13: ("server_keep_alive", _TWO),
    0x15: ("authentication_method", _TEXT),
    0x16: ("authentication_data", _BINARY),
    0x17: ("request_problem_information", _BYTE),
    0x19: ("request_response_information", _BYTE),
    0x1A: ("response_information", _TEXT),
    0x1C: ("server_reference", _TEXT),
    0x1F: ("reason", _TEXT),
    0x21: ("receive_maximum", _TWO),
    0x22: ("topic_alias_maximum", _TWO),
    0x23: ("topic_alias", _TWO),
    0x24: ("maximum_qos", _BYTE),
    0x25: ("retain_available", _BYTE),
    0x26: ("user", _PAIR),
    0x27: ("maximum_packet_size", _FOUR),
    0x28: ("wildcard_available", _BYTE),
    0x29: ("subscription_identifiers_available", _BYTE),
    0x2A: ("shared_available", _BYTE),
}
"""MQTT 5.0, 2.2.2.2."""

Buffer = Union[bytes, bytearray, memoryview]


@dataclass
class Properties:
    """Properties of an MQTT 5 packet by name, and its user properties in order."""

    values: dict[str, int | str | bytes] = field(default_factory=dict)
    user: list[tuple[str, str]] = field(default_factory=list)

    def text(self, name: str) -> str | None:
        value = self.values.get(name)
        return value if isinstance(value, str) else None

    def number(self, name: str) -> int | None:
        value = self.values.get(name)
        return value if isinstance(value, int) else None

    def binary(self, name: str) -> bytes | None:
        value = self.values.get(name)
        return value if isinstance(value, bytes) else None


@dataclass(frozen=True)
class Connack:
    """The broker's answer to a CONNECT; `code` is 0 for an accepted one."""

    session_present: bool
    code: int
    reason: str
    passing: bool
    properties: Properties


def connect(
    level: int,
    client_id: str,
    *,
    clean: bool,
    keepalive: int,
    username: str | None = None,
    password: str | None = None,
    session_expiry: int = 0,
    receive_maximum: int = 65535,
) -> bytes:
    """A CONNECT. `session_expiry` (seconds) and `receive_maximum` (messages) go out at level 5 alone."""
    flags = clean << 1 | (username is not None) << 7 | (password is not None) << 6
    body = _text("MQTT") + struct.pack("!BBH", level, flags, keepalive)
    if level == 5:
        body += _sized(struct.pack("!BIBH", 0x11, session_expiry, 0x21, receive_maximum))
    body += _text(client_id)
    for credential in (username, password):
        if credential is not None:
            body += _text(credential)
    return _packet(CONNECT << 4, body)


def subscribe(level: int, packet_id: int, topics: Sequence[str], qos: int) -> bytes:
    """A SUBSCRIBE. At level 5 the broker sends what is retained for a new subscription only."""
    options = qos | (0x10 if level == 5 else 0)
    topics_of = b"".join(_text(topic) + bytes([options]) for topic in topics)
    return _packet(SUBSCRIBE << 4 | 2, struct.pack("!H", packet_id) + _nothing(level) + topics_of)


def unsubscribe(level: int, packet_id: int, topics: Sequence[str]) -> bytes:
    return _packet(
        UNSUBSCRIBE << 4 | 2,
        struct.pack("!H", packet_id) + _nothing(level) + b"".join(_text(topic) for topic in topics),
    )


def publish(level: int, topic: str, payload: bytes, *, qos: int, packet_id: int, retain: bool, dup: bool) -> bytes:
    number = struct.pack("!H", packet_id) if qos else b""
    first = PUBLISH << 4 | dup << 3 | qos << 1 | retain
    return _packet(first, _text(topic) + number + _nothing(level) + payload)


def acknowledgement(kind: int, packet_id: int) -> bytes:
    """PUBACK, PUBREC, PUBREL or PUBCOMP: success."""
    return bytes([kind << 4 | (2 if kind == PUBREL else 0), 2]) + struct.pack("!H", packet_id)


def read_connack(level: int, body: bytes) -> Connack:
    if len(body) < 2:
        raise ProtocolError("the broker's answer to CONNECT is cut short")
    code = body[1]
    properties = read_properties(body, 2)[0] if level == 5 and len(body) > 2 else Properties()
    if level == 5 and code not in REFUSALS_3:  # a broker without MQTT 5 answers as it knows
        reason, passing = REASONS_5.get(code, f"reason {code:#04x}"), code in PASSING
    else:
        reason, passing = REFUSALS_3.get(code, f"code {code}"), code == 3
    said = properties.text("reason")
    return Connack(bool(body[0] & 1), code, f"{reason}: {said}" if said else reason, passing, properties)


def read_suback(level: int, body: bytes) -> tuple[int, bytes]:
    """Packet id and a code for each topic: below 0x80 the QoS that was granted."""
    if len(body) < 3:
        raise ProtocolError("a SUBACK is cut short")
    start = read_properties(body, 2)[1] if level == 5 else 2
    return int.from_bytes(body[:2], "big"), body[start:]


def read_disconnect(level: int, body: bytes) -> tuple[int, str]:
    """Code and reason of a DISCONNECT that the broker sent."""
    if level != 5 or not body:
        return 0, "no reason given"
    said = read_properties(body, 1)[0].text("reason") if len(body) > 1 else None
    reason = REASONS_5.get(body[0], f"reason {body[0]:#04x}")
    return body[0], f"{reason}: {said}" if said else reason


def read_properties(data: Buffer, start: int) -> tuple[Properties, int]:
    """The properties that begin with their length at `start`, and where they end."""
    length, position = read_length(data, start)
    end = position + length
    if end > len(data):
        raise ProtocolError("the properties of a packet are longer than the packet")
    found = Properties()
    while position < end:
        known = _PROPERTIES.get(data[position])
        if known is None:
            raise ProtocolError(f"a packet has the property {data[position]:#04x}, which MQTT 5 does not know")
        name, form = known
        value, position = _read_value(data, position + 1, form)
        if position > end:
            raise ProtocolError(f"the property {name} is cut short")
        if isinstance(value, tuple):
            found.user.append(value)
        else:
            found.values[name] = value
    return found, end


def read_length(data: Buffer, position: int) -> tuple[int, int]:
    """A number of one to four bytes at `position`, and where it ends."""
    value = 0
    for shift in (0, 7, 14, 21):
        if position >= len(data):
            raise ProtocolError("a packet is cut short")
        byte = data[position]
        position += 1
        value |= (byte & 127) << shift
        if byte < 128:
            return value, position
    raise ProtocolError("a length has more than four bytes")


def _read_value(data: Buffer, position: int, form: int) -> tuple[int | str | bytes | tuple[str, str], int]:
    if form == _PAIR:
        key, position = _read_value(data, position, _TEXT)
        value, position = _read_value(data, position, _TEXT)
        return (str(key), str(value)), position
    if form == _VARIABLE:
        return read_length(data, position)
    if form in (_TEXT, _BINARY):
        end = position + 2 + int.from_bytes(data[position : position + 2], "big")
        raw = bytes(data[position + 2 : end])
        return (raw.decode("utf-8", "replace") if form == _TEXT else raw), end
    size = {_BYTE: 1, _TWO: 2, _FOUR: 4}[form]
    return int.from_bytes(data[position : position + size], "big"), position + size


def _packet(first: int, body: bytes) -> bytes:
    if len(body) > LONGEST:
        raise ProtocolError(f"a packet of {len(body)} bytes is more than MQTT carries ({LONGEST})")
    return bytes([first]) + length_of(len(body)) + body


def length_of(number: int) -> bytes:
    """A remaining length, as MQTT writes it."""
    encoded = bytearray()
    while number > 127:
        encoded.append(number & 127 | 128)
        number >>= 7
    encoded.append(number)
    return bytes(encoded)


def _text(text: str) -> bytes:
    data = text.encode()
    if len(data) > 65535:
        raise ProtocolError(f"a text of {len(data)} bytes is more than MQTT carries (65535)")
    return struct.pack("!H", len(data)) + data


def _sized(properties: bytes) -> bytes:
    return length_of(len(properties)) + properties


def _nothing(level: int) -> bytes:
    """No properties, which level 5 says in a byte."""
    return b"\x00" if level == 5 else b""
