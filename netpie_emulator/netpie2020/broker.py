"""NETPIE 2020's broker: who may connect, and what their topics do.

MQTT 3.1.1 only. A wrong client id, token, secret or key is answered with 5, which is what NETPIE's MicroPython client
explains so; so is a device that is disabled or banned. Here, another level of MQTT is answered with 1, and everything
with 3 once the quota of messages is used up.
"""

import asyncio
import hashlib
import json

from amqtt.mqtt.connect import ConnectPacket
from amqtt.session import Session

from netpie_emulator.broker import MqttBroker
from netpie_emulator.connack import Connack
from netpie_emulator.netpie2020.devices import Device
from netpie_emulator.netpie2020.platform import Netpie2020, RequestRefused
from netpie_emulator.netpie2020.shadow import parsed
from netpie_emulator.netpie2020.topics import (
    BATCH_ANSWER,
    SHADOW_ANSWER,
    STATUS_ANSWER,
    Order,
    device_filter,
    device_order,
    flow_filter,
    flow_order,
    flow_route,
    group_route,
    own_route,
    shown_to_device,
    shown_to_flow,
)
from netpie_emulator.outbox import Message

FLOW = "flow "  # what a FlowChannel's client is known by begins so


class Netpie2020Broker(MqttBroker):
    """The broker of an account. A device is known by its client id."""

    protocols = (b"\x00\x04MQTT\x04",)
    max_qos = 2

    def __init__(self, platform: Netpie2020) -> None:
        super().__init__()
        self._platform = platform
        self._account = platform.account
        self._routes: dict[str, dict[str, str]] = {}  # by key, of each filter that was granted
        self._endings: set[asyncio.Task[None]] = set()
        platform.deliver = lambda route, data: self.deliver(route, Message(route, data, self.max_qos))
        platform.halt = self._halt

    def admitted(self, packet: ConnectPacket) -> str | Connack:
        """Return the key of a device or of a FlowChannel's client, or the refusal."""
        client_id, username, password = packet.client_id or "", packet.username or "", packet.password or ""
        device = self._account.opened(client_id, username)
        if device is None:
            known = self._account.flowchannel(username, password) is not None
            key = _flow_key(username, client_id)
        else:
            known = device.has_secret(password) and device.enabled and not device.banned
            key = device.client_id
        if not known:
            return Connack.NOT_AUTHORISED
        return key if self._platform.spend_messages() else Connack.UNAVAILABLE

    def subscription_route(self, key: str, topic_filter: str) -> str | None:
        """Return the route of a device's topic, or of a FlowChannel's; None when it is another's."""
        if key.startswith(FLOW):
            return flow_filter(key, topic_filter, self._account.opened)
        return device_filter(self._account.devices[key], topic_filter)

    def may_publish(self, key: str, topic: str) -> bool:
        """Whether there is such a topic for the client."""
        return self._order(key, topic) is not None

    def shown(self, key: str, route: str) -> str:
        """Return the topic as the client knows it."""
        return shown_to_flow(route) if key.startswith(FLOW) else shown_to_device(route)

    def arrived(self, key: str) -> None:
        """Tell that a device is online."""
        self._came_or_went(key, online=True)

    def left(self, key: str) -> None:
        """Tell that a device is offline."""
        self._came_or_went(key, online=False)

    def handed_over(self, key: str, message: Message) -> None:
        """Count a delivery."""
        self._platform.spend_message(message.data)

    def received(self, key: str, message: Message) -> None:
        """Do what a publish asks for."""
        order = self._order(key, message.topic)
        if order is None or not self._platform.spend_message(message.data):
            return
        device = order.device
        match order.verb:
            case "message":
                self._to_group(order, message)
            case "private":
                self._platform.private(device, order.topic, message.data)
            case "push":
                self._platform.push(device, message.data)
            case "update":
                self._update(key, device, message.data)
            case "get":
                self._answer_shadow(key, device)
            case "status":
                self._answer(key, STATUS_ANSWER, self._platform.status(device))

    def set_enabled(self, device: Device, enabled: bool) -> None:
        """Enable or disable a device; one that is connected is hung up on."""
        device.enabled = enabled
        if enabled or device.client_id not in self._serving:
            self._platform.status_changed(device)
        else:
            self._end(device.client_id)

    async def add_subscription(self, subscription: tuple[str, int], session: Session) -> int:
        """Subscribe; 0x80 when the filter is not allowed or the quota is used up."""
        if not self._platform.spend_messages():
            return 0x80
        granted: int = await super().add_subscription(subscription, session)
        route = self._subscribed(session.client_id, subscription[0])
        if route is not None and granted <= self.max_qos:
            self._routes.setdefault(session.client_id, {})[subscription[0]] = route
        return granted

    def subscribers(self, route: str) -> list[tuple[Session, int]]:
        """Return each session once, at the highest QoS of its filters: thirty taps of a group are one message."""
        best: dict[str, tuple[Session, int]] = {}
        for session, granted in super().subscribers(route):
            known = best.get(session.client_id)
            if known is None or known[1] < granted:
                best[session.client_id] = (session, granted)
        return list(best.values())

    def _del_subscription(self, a_filter: str, session: Session) -> int:
        """Unsubscribe, unless another filter of the client has the same route."""
        routes = self._routes.get(session.client_id, {})
        route = routes.pop(a_filter, None)
        return 0 if route is not None and route in routes.values() else super()._del_subscription(a_filter, session)

    async def _delete_session(self, client_id: str) -> None:
        self._routes.pop(client_id, None)
        await super()._delete_session(client_id)

    def _order(self, key: str, topic: str) -> Order | None:
        if key.startswith(FLOW):
            return flow_order(topic, self._account.opened)
        return device_order(self._account.devices[key], topic)

    def _to_group(self, order: Order, message: Message) -> None:
        route = group_route(order.device, order.topic)
        self.deliver(route, message)
        self.retain(route, message)

    def _update(self, key: str, device: Device, data: bytes) -> None:
        content = parsed(data)
        batch = isinstance(content, dict) and "batch" in content
        try:
            answer = self._platform.update(device, content)
        except RequestRefused as refused:
            if batch:
                self._answer(key, BATCH_ANSWER, refused.content)
            return
        if batch and "ackid" in answer:
            self._answer(key, BATCH_ANSWER, answer)

    def _answer_shadow(self, key: str, device: Device) -> None:
        try:
            answer = self._platform.read_shadow(device)
        except RequestRefused as refused:
            answer = refused.content
        self._answer(key, SHADOW_ANSWER, answer)

    def _answer(self, key: str, topic: str, content: object) -> None:
        device = self._account.devices.get(key)
        route = own_route(device, topic) if device else flow_route(key, topic)
        self._platform.deliver(route, json.dumps(content, separators=(",", ":")).encode())

    def _came_or_went(self, key: str, online: bool) -> None:
        device = self._account.devices.get(key)
        if device is not None:
            (self._platform.online.add if online else self._platform.online.discard)(key)
            self._platform.status_changed(device)

    def _halt(self) -> None:
        for key in list(self._serving):
            self._end(key)

    def _end(self, key: str) -> None:
        ending = asyncio.get_running_loop().create_task(self.end_connection(key))
        self._endings.add(ending)
        ending.add_done_callback(self._endings.discard)


def _flow_key(username: str, client_id: str) -> str:
    digest = hashlib.sha256(client_id.encode()).hexdigest()  # the client chooses its id, of any length
    return f"{FLOW}{username} {digest}"
