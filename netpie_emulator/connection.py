"""One client's connection: reads and normalises its CONNECT packet, then receives and sends its messages."""

import asyncio
import struct
from collections.abc import Awaitable, Callable
from contextlib import suppress
from typing import Any

from amqtt.adapters import BufferReader, StreamReaderAdapter, StreamWriterAdapter
from amqtt.errors import AMQTTError, CodecError, MQTTError, NoDataError, ProtocolHandlerError
from amqtt.mqtt import packet_class
from amqtt.mqtt.connack import ConnackPacket
from amqtt.mqtt.connect import ConnectPacket
from amqtt.mqtt.constants import QOS_1, QOS_2
from amqtt.mqtt.packet import (
    CONNECT,
    DISCONNECT,
    PINGREQ,
    PUBACK,
    PUBCOMP,
    PUBLISH,
    PUBREC,
    PUBREL,
    SUBSCRIBE,
    UNSUBSCRIBE,
    MQTTFixedHeader,
)
from amqtt.mqtt.protocol.broker_handler import BrokerProtocolHandler
from amqtt.mqtt.puback import PubackPacket
from amqtt.mqtt.pubcomp import PubcompPacket
from amqtt.mqtt.publish import PublishPacket
from amqtt.mqtt.pubrec import PubrecPacket
from amqtt.mqtt.pubrel import PubrelPacket
from amqtt.mqtt.subscribe import SubscribePacket
from amqtt.mqtt.unsubscribe import UnsubscribePacket
from amqtt.plugins.manager import PluginManager
from amqtt.session import Session

from netpie_emulator.connack import Connack
from netpie_emulator.outbox import Message, Outbox

PROTOCOLS = (b"\x00\x04MQTT\x04", b"\x00\x04MQTT\x03", b"\x00\x06MQIsdp\x03")
MAX_CONNECT = 70_000  # bytes: a CONNECT has a few short strings and a will
CONNECT_TIMEOUT = 10.0  # seconds
PACKET_TIMEOUT = 30.0  # seconds for the rest of a packet that has begun
CLOSE_TIMEOUT = 2.0  # seconds

Receive = Callable[[Session, Message], bool]


class Malformed(Exception):
    """The first packet is not a CONNECT."""


class ProtocolViolation(Exception):
    """A client breaks the MQTT protocol."""


BROKEN = (
    AMQTTError,
    CodecError,
    MQTTError,
    NoDataError,
    ProtocolHandlerError,
    ProtocolViolation,
    OSError,
    EOFError,
    ValueError,
    TimeoutError,
    struct.error,
)


async def read_connect(reader: asyncio.StreamReader, protocols: tuple[bytes, ...] = PROTOCOLS) -> ConnectPacket | None:
    """Return the CONNECT packet, rewritten as MQTT 3.1.1; None for another level of MQTT.

    NETPIE 2015's clients come as "MQTT" level 4 (python), "MQTT" level 3 (JS) and "MQIsdp" level 3 (older ones);
    their packets are otherwise the same to a broker. The keep-alive becomes one and a half times what
    the client asked for: the silence after which a broker hangs up (3.1.1, 3.1.2.10).

    Raises: Malformed.
    """
    try:
        header = await asyncio.wait_for(MQTTFixedHeader.from_stream(StreamReaderAdapter(reader)), CONNECT_TIMEOUT)
        if header is None or header.packet_type != CONNECT or header.remaining_length > MAX_CONNECT:
            raise Malformed
        body = await asyncio.wait_for(reader.readexactly(header.remaining_length), CONNECT_TIMEOUT)
        if not body.startswith(protocols):
            return None
        packet = await ConnectPacket.from_stream(BufferReader(body), header)
    except BROKEN as error:
        raise Malformed from error
    packet.variable_header.proto_name = "MQTT"
    packet.variable_header.proto_level = 4
    packet.variable_header.keep_alive = min(65_535, packet.variable_header.keep_alive * 3 // 2)
    return packet


def connack(code: Connack) -> bytes:
    """Return the packet that refuses a client."""
    return bytes(ConnackPacket.build(0, int(code)).to_bytes())


class ReplayingReader(StreamReaderAdapter):  # type: ignore[misc]
    """A stream that replays its first bytes, which were read already."""

    def __init__(self, first: bytes, reader: asyncio.StreamReader) -> None:
        super().__init__(reader)
        self._first = first

    async def read(self, n: int = -1) -> bytes:
        """Return `n` bytes: the replayed ones first, then the stream's."""
        if not self._first:
            return bytes(await super().read(n))
        taken, self._first = self._first[:n], self._first[n:]
        if len(taken) < n:
            taken += await super().read(n - len(taken))
        return taken


class PromptWriter(StreamWriterAdapter):  # type: ignore[misc]
    """A stream that closes without waiting for a client that does not read."""

    is_closed: bool

    async def close(self) -> None:
        """Send what can be sent, and close."""
        if not self.is_closed:
            self.is_closed = True
            self._writer.close()


async def hang_up(writer: asyncio.StreamWriter) -> None:
    """Close a connection for good, whatever the client does."""
    writer.close()
    try:
        with suppress(OSError, TimeoutError):
            await asyncio.wait_for(writer.wait_closed(), CLOSE_TIMEOUT)
    finally:
        writer.transport.abort()


class ClientConnection(BrokerProtocolHandler):  # type: ignore[misc]
    """amqtt's protocol handler, with the session's outbox and messages handed straight to `receive`.

    amqtt sends a message of QoS 1 once, waits five seconds and forgets it, also when the client leaves. Here it
    stays in the outbox until it is acknowledged and is sent again to a client that comes back.
    """

    def __init__(self, plugins: PluginManager, outbox: Outbox, unreleased: set[int], receive: Receive) -> None:
        super().__init__(plugins)
        self._outbox = outbox
        self._unreleased = unreleased
        self._receive = receive
        self._sender: asyncio.Task[None] | None = None
        self._acknowledged = asyncio.Event()

    async def start(self) -> None:
        """Begin to read and to send."""
        await super().start()
        self._sender = asyncio.create_task(self._send())

    async def stop(self) -> None:
        """Stop reading and sending, and close the stream."""
        if self._sender is not None and self._sender is not asyncio.current_task():
            self._sender.cancel()
        await super().stop()

    async def handle_publish(self, publish_packet: PublishPacket) -> None:
        """Hand on a message and acknowledge it.

        Raises: ProtocolViolation when its topic is invalid (MQTT 3.1.1, 3.3.2.1).
        """
        qos, packet_id = publish_packet.qos, publish_packet.packet_id
        if qos < QOS_2 or packet_id not in self._unreleased:
            message = Message(
                publish_packet.topic_name, bytes(publish_packet.data or b""), qos, publish_packet.retain_flag
            )
            if not self._receive(self.session, message):
                raise ProtocolViolation
        if qos == QOS_1:
            await self._send_packet(PubackPacket.build(packet_id))
        elif qos == QOS_2:
            self._unreleased.add(packet_id)
            await self._send_packet(PubrecPacket.build(packet_id))

    async def handle_pubrel(self, pubrel: PubrelPacket) -> None:
        """Complete a message of QoS 2: its number may be used again."""
        self._unreleased.discard(pubrel.packet_id)
        await self._send_packet(PubcompPacket.build(pubrel.packet_id))

    async def handle_puback(self, puback: PubackPacket) -> None:
        """Forget the message that the client acknowledges."""
        self._outbox.acknowledge(puback.variable_header.packet_id)

    async def handle_pubrec(self, pubrec: PubrecPacket) -> None:
        """Release a message of QoS 2 that the client has received.

        Raises: ProtocolViolation when none was sent under that number.
        """
        packet_id = pubrec.packet_id
        if not self._outbox.release(packet_id):
            raise ProtocolViolation
        await self._send_packet(PubrelPacket.build(packet_id))

    async def handle_pubcomp(self, pubcomp: PubcompPacket) -> None:
        """Forget a message of QoS 2: it was delivered once."""
        self._outbox.acknowledge(pubcomp.packet_id)

    async def handle_subscribe(self, subscribe: SubscribePacket) -> None:
        """Subscribe before the next packet is read: it may depend on the subscription."""
        self._acknowledged.clear()
        await super().handle_subscribe(subscribe)
        await self._acknowledged.wait()

    async def handle_unsubscribe(self, unsubscribe: UnsubscribePacket) -> None:
        """Unsubscribe before the next packet is read."""
        self._acknowledged.clear()
        await super().handle_unsubscribe(unsubscribe)
        await self._acknowledged.wait()

    async def mqtt_acknowledge_subscription(self, packet_id: int, return_codes: list[int]) -> None:
        """Tell the client what it was granted."""
        await super().mqtt_acknowledge_subscription(packet_id, return_codes)
        self._acknowledged.set()

    async def mqtt_acknowledge_unsubscription(self, packet_id: int) -> None:
        """Tell the client that it is unsubscribed."""
        await super().mqtt_acknowledge_unsubscription(packet_id)
        self._acknowledged.set()

    async def _reader_loop(self) -> None:
        """Read packets until the client leaves, falls silent or breaks the protocol.

        amqtt goes on reading in the middle of a packet that it could not decode.
        """
        self._reader_ready.set()
        try:
            while (packet := await self._packet()) is not None:
                await HANDLERS[packet.fixed_header.packet_type](self, packet)
        except BROKEN as error:
            self.logger.debug("connection ended: %s", type(error).__name__)
        finally:
            await self.handle_connection_closed()
            self._reader_stopped.set()

    async def _packet(self) -> Any:
        async with asyncio.timeout(self.session.keep_alive or None):
            header = await MQTTFixedHeader.from_stream(self.reader)
        if header is None:
            return None
        if header.packet_type not in HANDLERS:
            raise ProtocolViolation
        async with asyncio.timeout(PACKET_TIMEOUT):
            return await packet_class(header).from_stream(self.reader, fixed_header=header)

    async def _send(self) -> None:
        packets = self._outbox.unacknowledged()
        while True:
            if packets:
                try:
                    async with self._write_lock:
                        self.writer.write(b"".join(packets))
                        await self.writer.drain()
                except OSError:
                    await self.handle_connection_closed()
                    return
            packets = self._outbox.take()
            if not packets:
                await self._outbox.ready.wait()


HANDLERS: dict[int, Callable[[ClientConnection, Any], Awaitable[None]]] = {
    PUBLISH: ClientConnection.handle_publish,
    PUBACK: ClientConnection.handle_puback,
    PUBREL: ClientConnection.handle_pubrel,
    PUBREC: ClientConnection.handle_pubrec,
    PUBCOMP: ClientConnection.handle_pubcomp,
    SUBSCRIBE: ClientConnection.handle_subscribe,
    UNSUBSCRIBE: ClientConnection.handle_unsubscribe,
    PINGREQ: ClientConnection.handle_pingreq,
    DISCONNECT: ClientConnection.handle_disconnect,
}
