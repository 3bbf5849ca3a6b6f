"""Messages still to be sent to a client. They belong to the session: a client that reconnects gets them."""

import asyncio
from collections import OrderedDict, deque
from dataclasses import dataclass

from amqtt.mqtt.constants import QOS_2
from amqtt.mqtt.publish import PublishPacket
from amqtt.mqtt.pubrel import PubrelPacket

BATCH = 500  # packets written to the socket in one go
MAX_PACKET_ID = 65_535


@dataclass(frozen=True)
class Message:
    """A message on its way to one client."""

    topic: str
    data: bytes
    qos: int
    retain: bool = False


class Outbox:
    """Messages in order: at most `window` of QoS 1 and 2 sent and not acknowledged, at most `limit` waiting."""

    def __init__(self, window: int, limit: int) -> None:
        self.ready = asyncio.Event()
        self.dropped = 0
        self._window = window
        self._limit = limit
        self._waiting: deque[Message] = deque()
        self._unacknowledged: OrderedDict[int, Message] = OrderedDict()
        self._released: set[int] = set()  # of QoS 2, received by the client
        self._packet_id = 0

    def put(self, message: Message) -> bool:
        """Add a message; False when the outbox is full and the message is dropped."""
        if len(self._waiting) >= self._limit:
            self.dropped += 1
            return False
        self._waiting.append(message)
        self.ready.set()
        return True

    def acknowledge(self, packet_id: int) -> None:
        """Forget a message that the client acknowledges."""
        if self._unacknowledged.pop(packet_id, None) is not None:
            self._released.discard(packet_id)
            self.ready.set()

    def release(self, packet_id: int) -> bool:
        """Note that the client has received a message of QoS 2; False when none has that number."""
        message = self._unacknowledged.get(packet_id)
        if message is None or message.qos < QOS_2:
            return False
        self._released.add(packet_id)
        return True

    def unacknowledged(self) -> list[bytes]:
        """Return the packets to send again to a client that reconnected, messages marked as duplicates."""
        return [
            bytes(PubrelPacket.build(packet_id).to_bytes())
            if packet_id in self._released
            else _packet(message, packet_id, dup=True)
            for packet_id, message in self._unacknowledged.items()
        ]

    def take(self) -> list[bytes]:
        """Return the packets that may be sent now; `ready` is cleared when there are none."""
        packets: list[bytes] = []
        while self._waiting and len(packets) < BATCH:
            message = self._waiting[0]
            if message.qos and len(self._unacknowledged) >= self._window:
                break
            self._waiting.popleft()
            packet_id = self._keep(message) if message.qos else None
            packets.append(_packet(message, packet_id))
        if not packets:
            self.ready.clear()
        return packets

    def left_behind(self) -> None:
        """Drop the waiting QoS 0 messages: their client has gone."""
        self._waiting = deque(message for message in self._waiting if message.qos)

    def _keep(self, message: Message) -> int:
        while True:
            self._packet_id = self._packet_id % MAX_PACKET_ID + 1
            if self._packet_id not in self._unacknowledged:
                break
        self._unacknowledged[self._packet_id] = message
        return self._packet_id


def _packet(message: Message, packet_id: int | None, dup: bool = False) -> bytes:
    packet = PublishPacket.build(message.topic, message.data, packet_id, dup, message.qos, message.retain)
    return bytes(packet.to_bytes())
