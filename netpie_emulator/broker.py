"""NETPIE's MQTT broker on loopback: amqtt's protocol and sessions, NETPIE's rules.

amqtt's plugins can refuse a client as not authorised, but not for an invalid token, and amqtt drops a session
before it knows who asks. So this module judges each CONNECT before amqtt sees it, and routes messages itself: inside
their application, at the lower of the two qualities of service, and only to the things they are meant for.
"""

import asyncio
import json
import logging
from collections import Counter
from dataclasses import dataclass, field
from typing import Any

from amqtt.broker import Broker, RetainedApplicationMessage
from amqtt.contexts import BrokerConfig, ListenerConfig, ListenerType
from amqtt.session import Session

from netpie_emulator.admission import Admitted, Connack, admit, may_publish, may_subscribe
from netpie_emulator.connection import (
    ClientConnection,
    Malformed,
    PromptWriter,
    ReplayingReader,
    connack,
    hang_up,
    read_connect,
)
from netpie_emulator.errors import PortError
from netpie_emulator.http_api import LOOPBACK
from netpie_emulator.outbox import Message, Outbox
from netpie_emulator.store import Store

LISTENER = "default"
MAX_QOS = 1
MAX_INFLIGHT = 20  # QoS 1 messages sent and not acknowledged: Mosquitto's default
MAX_QUEUED = 100_000  # messages waiting for one thing
STOP_TIMEOUT = 5.0  # seconds
TAKE_OVER_TIMEOUT = 1.0  # seconds
SUBSCRIPTION_REFUSED = 0x80

logger = logging.getLogger(__name__)


@dataclass
class _Serving:
    """An admitted thing's connection."""

    task: asyncio.Task[None]
    connection: ClientConnection | None = None
    ended: asyncio.Event = field(default_factory=asyncio.Event)


class NetpieBroker(Broker):  # type: ignore[misc]
    """The broker of every application in `store`. Made, started and stopped inside one event loop."""

    def __init__(self, store: Store) -> None:
        listener = ListenerConfig(type=ListenerType.EXTERNAL, bind=LISTENER)
        super().__init__(BrokerConfig(listeners={LISTENER: listener}, plugins={}))
        self.published: Counter[str] = Counter()  # by APPID; read from other threads
        self._store = store
        self._listener: asyncio.Server | None = None
        self._clients: set[asyncio.Task[None]] = set()
        self._admitted: dict[str, Admitted] = {}  # by token, of things that are or were connected
        self._outboxes: dict[str, Outbox] = {}  # by token, of sessions that exist
        self._serving: dict[str, _Serving] = {}  # by token, of things that are connected

    async def listen(self, port: int) -> int:
        """Start, listen on loopback and return the port.

        Raises: PortError when `port` can't be listened on.
        """
        await self.start()
        try:
            self._listener = await asyncio.start_server(self._connected, LOOPBACK, port)
        except OSError as error:
            await self.shutdown()
            cause = "it is in use" if port else error.strerror
            raise PortError(f"port {port}: {cause}", next_step="choose another port, or 0") from error
        bound: int = self._listener.sockets[0].getsockname()[1]
        return bound

    async def close(self) -> None:
        """Hang up on every client, stop, and give the port back."""
        if self._listener is not None:
            self._listener.close()
        await self.shutdown()
        for client in list(self._clients):
            client.cancel()
        if self._clients:
            await asyncio.wait(self._clients, timeout=STOP_TIMEOUT)

    async def _connected(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.current_task()
        assert task is not None  # noqa: S101
        self._clients.add(task)
        try:
            await self._serve(reader, writer, task)
        except Malformed:
            logger.debug("a first packet is not a CONNECT")
        except asyncio.CancelledError:
            logger.debug("a connection was ended by the broker")
        finally:
            try:
                await hang_up(writer)
            finally:
                self._clients.discard(task)

    async def _serve(
        self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter, task: asyncio.Task[None]
    ) -> None:
        packet = await read_connect(reader)
        if packet is None:
            writer.write(connack(Connack.WRONG_PROTOCOL))
            return
        judged = admit(self._store, packet.client_id or "", packet.username or "", packet.password or "")
        if isinstance(judged, Connack):
            writer.write(connack(judged))
            return
        token = judged.thing.token
        await self._take_over(token)
        serving = self._serving[token] = _Serving(task)
        self._admitted[token] = judged
        try:
            replay = ReplayingReader(bytes(packet.to_bytes()), reader)
            await self.external_connected(replay, PromptWriter(writer), LISTENER)
        finally:
            del self._serving[token]
            serving.ended.set()

    async def _take_over(self, token: str) -> None:
        """End the thing's earlier connection: a token connects once (MQTT 3.1.1, 3.1.4)."""
        while (serving := self._serving.get(token)) is not None:
            if serving.connection is None:
                serving.task.cancel()
            else:
                await serving.connection.handle_connection_closed()
            try:
                await asyncio.wait_for(serving.ended.wait(), TAKE_OVER_TIMEOUT)
            except TimeoutError:
                serving.task.cancel()

    async def _handle_client_session(
        self, reader: Any, writer: Any, client_session: Session, handler: Any, server: Any, listener_name: str
    ) -> None:
        token = client_session.client_id
        if client_session.parent == 0:
            self._outboxes[token] = Outbox(MAX_INFLIGHT, MAX_QUEUED)
        if client_session.will_flag and not may_publish(self._admitted[token], client_session.will_topic):
            client_session.will_flag = False
        unreleased = client_session.attributes.setdefault("netpie.unreleased", set())
        connection = ClientConnection(self.plugins_manager, self._outboxes[token], unreleased, self._receive)
        connection.attach(client_session, reader, writer)
        self._sessions[token] = (client_session, connection)
        client_session.transitions.connect()
        try:
            await connection.mqtt_connack_authorize(True)
            await connection.start()
            self._serving[token].connection = connection
            await self._client_message_loop(client_session, connection)
        finally:
            client_session.transitions.disconnect()
            self._outboxes[token].left_behind()
            if client_session.clean_session:
                await self._delete_session(token)
                del self._outboxes[token]
            await self._stop_handler(connection)

    async def _client_message_loop(self, client_session: Session, handler: ClientConnection) -> None:
        self._announce("present", client_session.client_id)
        try:
            await super()._client_message_loop(client_session, handler)
        finally:
            self._announce("absent", client_session.client_id)

    async def _broadcast_message(
        self, session: Session | None, topic: str | None, data: bytes | None, force_qos: int | None = None
    ) -> None:
        if session is not None:  # a will
            self._receive(session, Message(topic or "", bytes(data or b""), force_qos or 0))

    async def add_subscription(self, subscription: tuple[str, int], session: Session) -> int:
        """Subscribe inside the application, at QoS 1 at most; 0x80 when the filter is not allowed."""
        topic_filter, qos = subscription
        if not may_subscribe(self._admitted[session.client_id], topic_filter):
            return SUBSCRIPTION_REFUSED
        self._del_subscription(topic_filter, session)  # a second subscription replaces the first
        granted: int = await super().add_subscription((topic_filter, min(qos, MAX_QOS)), session)
        return granted

    async def _publish_retained_messages_for_subscription(
        self, subscription: tuple[str, int], session: Session
    ) -> None:
        topic_filter, qos = subscription
        outbox = self._outboxes[session.client_id]
        for topic, kept in self._retained_messages.items():
            if self._matches(topic, topic_filter):
                outbox.put(Message(topic, bytes(kept.data), min(qos, kept.qos or 0), retain=True))

    def _receive(self, session: Session, message: Message) -> bool:
        """Take a message from a thing; False when its topic is invalid and the connection must end."""
        topic = message.topic
        if not topic or "#" in topic or "+" in topic:
            return False
        sender = self._admitted[session.client_id]
        if not may_publish(sender, topic):
            return True  # MQTT 3.1.1 has no way of refusing a message
        match topic.removeprefix(f"/{sender.app.appid}/").split("/", 1):
            case ["@setalias", alias]:
                self._store.set_alias(sender.thing.token, alias)
                sender.thing.alias = alias
            case [command, *_] if command.startswith("@"):
                logger.debug("%s is not part of the emulator", command)
            case ["gearname", alias]:
                self._deliver(message)
                self._deliver_to_alias(sender, alias, message)
            case _:
                self.published[sender.app.appid] += 1
                self._deliver(message)
                self._retain(message)
        return True

    def _retain(self, message: Message) -> None:
        if not message.retain:
            return
        self._retained_messages.pop(message.topic, None)
        if message.data:
            kept = RetainedApplicationMessage(None, message.topic, message.data, message.qos)
            self._retained_messages[message.topic] = kept

    def _deliver(self, message: Message) -> None:
        for topic_filter, subscribers in self._subscriptions.items():
            if self._matches(message.topic, topic_filter):
                for session, granted in subscribers:
                    self._put(session, Message(message.topic, message.data, min(message.qos, granted)))

    def _deliver_to_alias(self, sender: Admitted, alias: str, message: Message) -> None:
        """Deliver to the connected things of that name that have not subscribed to it."""
        for token, serving in self._serving.items():
            named = self._admitted[token]
            if serving.connection and named.app.appid == sender.app.appid and named.thing.alias == alias:
                session = serving.connection.session
                if not any(session is other for other, _ in self._subscriptions.get(message.topic, ())):
                    self._put(session, Message(message.topic, message.data, 0))

    def _announce(self, event: str, token: str) -> None:
        who = self._admitted[token]
        said = {"event": event, "gearkey": who.app.appkey, "alias": who.thing.alias}
        self._deliver(Message(f"/{who.app.appid}/&{event}", json.dumps(said).encode(), 0))

    def _put(self, session: Session, message: Message) -> None:
        away = session.transitions.state != "connected"
        if away and (session.clean_session or message.qos == 0):
            return
        outbox = self._outboxes[session.client_id]
        if not outbox.put(message) and outbox.dropped == 1:
            logger.warning("a subscriber is too slow: messages to it are dropped beyond %d", MAX_QUEUED)
