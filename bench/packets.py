"""The few MQTT 3.1.1 packets that a load needs, built and parsed without a client library."""

from collections.abc import Iterator
from dataclasses import dataclass

CONNACK, PUBLISH, PUBACK, SUBACK = 2, 3, 4, 9
_CLEAN_SESSION, _DUP = 0x02, 0x08


class PacketError(ValueError):
    """The bytes are not an MQTT packet."""


@dataclass(frozen=True)
class Packet:
    """A received packet: its kind (the first byte's upper half), its flags and its body."""

    kind: int
    flags: int
    body: bytes

    @property
    def qos(self) -> int:
        """Of a PUBLISH."""
        return self.flags >> 1 & 3

    @property
    def packet_id(self) -> int:
        """Of a PUBACK, a SUBACK, or a PUBLISH at QoS 1 or 2."""
        start = 2 + int.from_bytes(self.body[:2], "big") if self.kind == PUBLISH else 0
        return int.from_bytes(self.body[start : start + 2], "big")

    @property
    def payload(self) -> bytes:
        """Of a PUBLISH."""
        start = 2 + int.from_bytes(self.body[:2], "big")
        return self.body[start + 2 * (self.qos > 0) :]


def connect(client_id: str, *, clean: bool = True) -> bytes:
    """A CONNECT without login, will or keep-alive."""
    return _packet(0x10, _text("MQTT") + bytes([4, _CLEAN_SESSION * clean, 0, 0]) + _text(client_id))


def subscribe(packet_id: int, topic: str, qos: int) -> bytes:
    return _packet(0x82, packet_id.to_bytes(2, "big") + _text(topic) + bytes([qos]))


def publish(topic: str, payload: bytes, *, packet_id: int = 0, dup: bool = False) -> bytes:
    """A PUBLISH: at QoS 1 with a `packet_id`, else at QoS 0."""
    number = packet_id.to_bytes(2, "big") if packet_id else b""
    return _packet(0x30 | bool(packet_id) << 1 | _DUP * dup, _text(topic) + number + payload)


def puback(packet_id: int) -> bytes:
    return _packet(0x40, packet_id.to_bytes(2, "big"))


def disconnect() -> bytes:
    return _packet(0xE0, b"")


def packets(buffer: bytearray) -> Iterator[Packet]:
    """Take the complete packets out of `buffer`, which keeps the beginning of the next one."""
    position = 0
    try:
        while (head := _head(buffer, position)) is not None and position + sum(head) <= len(buffer):
            size, length = head
            body = bytes(buffer[position + size : position + size + length])
            first = buffer[position]
            position += size + length
            yield Packet(first >> 4, first & 15, body)
    finally:
        del buffer[:position]


def take_publishes(buffer: bytearray) -> int:
    """Take the complete packets out of `buffer` and return how many of them were PUBLISH.

    Packets of one size in a row are counted by one look at their headers, which costs far less than a turn for each.
    """
    position = count = 0
    while (head := _head(buffer, position)) is not None and position + sum(head) <= len(buffer):
        size, length = head
        alike = _alike(buffer, position, size, length)
        count += alike * (buffer[position] >> 4 == PUBLISH)
        position += alike * (size + length)
    del buffer[:position]
    return count


def _alike(buffer: bytearray, position: int, size: int, length: int) -> int:
    """How many whole packets from `position` on have the header that the first one has: at least 1."""
    whole = size + length
    room = (len(buffer) - position) // whole
    for at in range(position, position + size):
        column = buffer[at : at + (room - 1) * whole + 1 : whole]
        room = len(column) - len(column.lstrip(column[:1]))
    return room


def _head(buffer: bytearray, position: int) -> tuple[int, int] | None:
    """Bytes of the fixed header at `position` and of what follows it; None while the header is incomplete."""
    length = 0
    for count in range(1, 5):
        if position + count >= len(buffer):
            return None
        byte = buffer[position + count]
        length |= (byte & 127) << 7 * (count - 1)
        if byte < 128:
            return count + 1, length
    raise PacketError("a remaining length of more than four bytes")


def _packet(first: int, body: bytes) -> bytes:
    length, encoded = len(body), bytearray()
    while length > 127:
        encoded.append(length & 127 | 128)
        length >>= 7
    encoded.append(length)
    return bytes([first]) + bytes(encoded) + body


def _text(text: str) -> bytes:
    data = text.encode()
    return len(data).to_bytes(2, "big") + data
