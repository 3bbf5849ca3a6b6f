"""An MQTT broker on loopback: amqtt's protocol and sessions, the rules of a platform.

amqtt's plugins can refuse a client as not authorised, but not for an invalid token, and amqtt drops a session
before it knows who asks. So this module judges each CONNECT before amqtt sees it, and routes messages itself, at the
lower of the two qualities of service. A platform's subclass says who may connect and which topics are whose.
"""

import asyncio
import logging
import ssl
from abc import abstractmethod
from dataclasses import dataclass, field, replace
from typing import Any, ClassVar

from amqtt.broker import Broker
from amqtt.contexts import BrokerConfig, ListenerConfig, ListenerType
from amqtt.mqtt.connect import ConnectPacket
from amqtt.session import Session

from netpie_emulator.connack import Connack
from netpie_emulator.connection import (
    PROTOCOLS,
    ClientConnection,
    Malformed,
    PromptWriter,
    ReplayingReader,
    connack,
    hang_up,
    read_connect,
)
from netpie_emulator.errors import PortError
from netpie_emulator.http_server import LOOPBACK
from netpie_emulator.outbox import Message, Outbox

LISTENER = "default"
MAX_INFLIGHT = 20  # messages sent and not acknowledged: Mosquitto's default
MAX_QUEUED = 100_000  # messages waiting for one client
STOP_TIMEOUT = 5.0  # seconds
TAKE_OVER_TIMEOUT = 1.0  # seconds
SUBSCRIPTION_REFUSED = 0x80
SHARED = "$share/"  # $share/NAME/FILTER: one of NAME's subscribers gets each message

logger = logging.getLogger(__name__)


@dataclass
class _Serving:
    """An admitted client's connection."""

    task: asyncio.Task[None]
    connection: ClientConnection | None = None
    ended: asyncio.Event = field(default_factory=asyncio.Event)


class MqttBroker(Broker):  # type: ignore[misc]
    """A broker whose subclass knows the platform. Made, started and stopped inside one event loop.

    A client has a key, by which its session is known. A route is a topic as the broker knows it: a platform whose
    topics are relative to a client makes them absolute there.
    """

    protocols: ClassVar[tuple[bytes, ...]] = PROTOCOLS
    max_qos: ClassVar[int] = 1

    def __init__(self) -> None:
        listener = ListenerConfig(type=ListenerType.EXTERNAL, bind=LISTENER)
        super().__init__(BrokerConfig(listeners={LISTENER: listener}, plugins={}))
        self._listeners: list[asyncio.Server] = []
        self._clients: set[asyncio.Task[None]] = set()
        self._outboxes: dict[str, Outbox] = {}  # by key, of sessions that exist
        self._serving: dict[str, _Serving] = {}  # by key, of clients that are connected
        self._retained: dict[str, Message] = {}  # by route
        self._turns: dict[str, int] = {}  # by shared subscription: whose turn it is

    @abstractmethod
    def admitted(self, packet: ConnectPacket) -> str | Connack:
        """Return the key of the client that connects, or the refusal."""

    @abstractmethod
    def subscription_route(self, key: str, topic_filter: str) -> str | None:
        """Return the filter of routes that a client's filter stands for; None when it is refused."""

    @abstractmethod
    def may_publish(self, key: str, topic: str) -> bool:
        """Whether what a client publishes to `topic` is taken."""

    @abstractmethod
    def received(self, key: str, message: Message) -> None:
        """Take a message from a client that may publish it."""

    def shown(self, key: str, route: str) -> str:
        """Return the topic under which a client gets what was sent to `route`."""
        return route

    def arrived(self, key: str) -> None:
        """A client has connected."""

    def left(self, key: str) -> None:
        """A client has gone."""

    def handed_over(self, key: str, message: Message) -> None:
        """A message is on its way to a client."""

    async def listen(self, port: int, tls: ssl.SSLContext | None = None) -> int:
        """Listen on loopback, with TLS if a context is given, and return the port; the first call starts the broker.

        Raises: PortError when `port` can't be listened on; nothing is left running.
        """
        if not self._listeners:
            await self.start()
        try:
            listener = await asyncio.start_server(self._connected, LOOPBACK, port, ssl=tls)
        except OSError as error:
            await self.close()
            cause = "it is in use" if port else error.strerror
            raise PortError(f"port {port}: {cause}", next_step="choose another port, or 0") from error
        self._listeners.append(listener)
        bound: int = listener.sockets[0].getsockname()[1]
        return bound

    async def close(self) -> None:
        """Hang up on every client, stop, and give the ports back."""
        for listener in self._listeners:
            listener.close()
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
        packet = await read_connect(reader, self.protocols)
        if packet is None:
            writer.write(connack(Connack.WRONG_PROTOCOL))
            return
        judged = self.admitted(packet)
        if isinstance(judged, Connack):
            writer.write(connack(judged))
            return
        await self.end_connection(judged)  # a client connects once (MQTT 3.1.1, 3.1.4)
        serving = self._serving[judged] = _Serving(task)
        packet.client_id = judged
        try:
            replay = ReplayingReader(bytes(packet.to_bytes()), reader)
            await self.external_connected(replay, PromptWriter(writer), LISTENER)
        finally:
            del self._serving[judged]
            serving.ended.set()

    async def end_connection(self, key: str) -> None:
        """Hang up on a client; returns once it is gone."""
        while (serving := self._serving.get(key)) is not None:
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
        key = client_session.client_id
        if client_session.parent == 0:
            self._outboxes[key] = Outbox(MAX_INFLIGHT, MAX_QUEUED)
        if client_session.will_flag and not self.may_publish(key, client_session.will_topic):
            client_session.will_flag = False
        unreleased = client_session.attributes.setdefault("netpie.unreleased", set())
        connection = ClientConnection(self.plugins_manager, self._outboxes[key], unreleased, self._receive)
        connection.attach(client_session, reader, writer)
        self._sessions[key] = (client_session, connection)
        client_session.transitions.connect()
        try:
            await connection.mqtt_connack_authorize(True)
            await connection.start()
            self._serving[key].connection = connection
            await self._client_message_loop(client_session, connection)
        finally:
            client_session.transitions.disconnect()
            self._outboxes[key].left_behind()
            if client_session.clean_session:
                await self._delete_session(key)
                del self._outboxes[key]
            await self._stop_handler(connection)

    async def _client_message_loop(self, client_session: Session, handler: ClientConnection) -> None:
        self.arrived(client_session.client_id)
        try:
            await super()._client_message_loop(client_session, handler)
        finally:
            self.left(client_session.client_id)

    async def _broadcast_message(
        self, session: Session | None, topic: str | None, data: bytes | None, force_qos: int | None = None
    ) -> None:
        if session is not None:  # a will
            self._receive(session, Message(topic or "", bytes(data or b""), force_qos or 0, bool(session.will_retain)))

    async def add_subscription(self, subscription: tuple[str, int], session: Session) -> int:
        """Subscribe, at `max_qos` at most; 0x80 when the filter is not allowed."""
        topic_filter, qos = subscription
        route = self._subscribed(session.client_id, topic_filter)
        if route is None:
            return SUBSCRIPTION_REFUSED
        self._unsubscribe(route, session)  # a second subscription replaces the first
        granted: int = await super().add_subscription((route, min(qos, self.max_qos)), session)
        return granted

    def _subscribed(self, key: str, topic_filter: str) -> str | None:
        """Return the route of a filter, which may be a shared one; None when it is refused."""
        if not topic_filter.startswith(SHARED):
            return self.subscription_route(key, topic_filter)
        name, _, inner = topic_filter.removeprefix(SHARED).partition("/")
        route = self.subscription_route(key, inner) if name and inner else None
        return route and f"{SHARED}{name}/{route}"

    def _unsubscribe(self, route: str, session: Session) -> None:
        super()._del_subscription(route, session)

    def _del_subscription(self, a_filter: str, session: Session) -> int:
        """Unsubscribe from a filter, as the client names it; amqtt ends sessions by routes."""
        if a_filter not in self._subscriptions:
            a_filter = self._subscribed(session.client_id, a_filter) or a_filter
        removed: int = super()._del_subscription(a_filter, session)
        return removed

    async def _publish_retained_messages_for_subscription(
        self, subscription: tuple[str, int], session: Session
    ) -> None:
        topic_filter, qos = subscription
        route = self._subscribed(session.client_id, topic_filter)
        if route is None or route.startswith(SHARED):
            return
        for kept_route, kept in self._retained.items():
            if self._matches(kept_route, route):
                self._put(session, kept_route, replace(kept, qos=min(qos, kept.qos, self.max_qos)))

    def _receive(self, session: Session, message: Message) -> bool:
        """Take a message from a client; False when its topic is invalid and the connection must end."""
        topic = message.topic
        if not topic or "#" in topic or "+" in topic:
            return False
        if self.may_publish(session.client_id, topic):  # MQTT 3.1.1 has no way of refusing a message
            self.received(session.client_id, message)
        return True

    def retain(self, route: str, message: Message) -> None:
        """Keep a message for later subscribers if it asks for that; an empty one removes what is kept."""
        if not message.retain:
            return
        self._retained.pop(route, None)
        if message.data:
            self._retained[route] = message

    def deliver(self, route: str, message: Message) -> None:
        """Send a message to every subscriber of `route`, and to one of each shared subscription."""
        message = replace(message, retain=False)
        for session, granted in self.subscribers(route):
            self._put(session, route, replace(message, qos=min(message.qos, granted)))

    def subscribers(self, route: str) -> list[tuple[Session, int]]:
        """Return the sessions that get what is sent to `route`, each with its granted QoS, once for each filter."""
        found: list[tuple[Session, int]] = []
        for wanted, subscribers in self._subscriptions.items():
            if not wanted.startswith(SHARED):
                if self._matches(route, wanted):
                    found.extend(subscribers)
            elif self._matches(route, wanted.split("/", 2)[2]) and (chosen := self._next(wanted)):
                found.append(chosen)
        return found

    def _next(self, shared: str) -> tuple[Session, int] | None:
        present: list[tuple[Session, int]] = [
            entry for entry in self._subscriptions[shared] if entry[0].transitions.state == "connected"
        ]
        if not present:
            return None
        turn = self._turns[shared] = self._turns.get(shared, -1) + 1
        return present[turn % len(present)]

    def _put(self, session: Session, route: str, message: Message) -> None:
        away = session.transitions.state != "connected"
        if away and (session.clean_session or message.qos == 0):
            return
        key = session.client_id
        outbox = self._outboxes[key]
        if outbox.put(replace(message, topic=self.shown(key, route))):
            self.handed_over(key, message)
        elif outbox.dropped == 1:
            logger.warning("a subscriber is too slow: messages to it are dropped beyond %d", MAX_QUEUED)
