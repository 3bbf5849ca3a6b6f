"""NETPIE 2015's broker: messages stay inside their application and reach only the things they are meant for."""

import json
import logging
from collections import Counter

from amqtt.mqtt.connect import ConnectPacket

from netpie_emulator.admission import Admitted, admit, may_publish, may_subscribe
from netpie_emulator.broker import MqttBroker
from netpie_emulator.connack import Connack
from netpie_emulator.outbox import Message
from netpie_emulator.store import Store

logger = logging.getLogger(__name__)


class Netpie2015Broker(MqttBroker):
    """The broker of every application in `store`. A thing is known by its token."""

    def __init__(self, store: Store) -> None:
        super().__init__()
        self.published: Counter[str] = Counter()  # by APPID; read from other threads
        self._store = store
        self._admitted: dict[str, Admitted] = {}  # by token, of things that are or were connected

    def admitted(self, packet: ConnectPacket) -> str | Connack:
        """Return the thing's token, or the refusal."""
        judged = admit(self._store, packet.client_id or "", packet.username or "", packet.password or "")
        if isinstance(judged, Connack):
            return judged
        self._admitted[judged.thing.token] = judged
        return judged.thing.token

    def subscription_route(self, key: str, topic_filter: str) -> str | None:
        """Return the filter itself when it stays inside the application."""
        return topic_filter if may_subscribe(self._admitted[key], topic_filter) else None

    def may_publish(self, key: str, topic: str) -> bool:
        """Whether the topic is inside the application and not one of NETPIE's own."""
        return may_publish(self._admitted[key], topic)

    def received(self, key: str, message: Message) -> None:
        """Obey a command, or deliver a message to its subscribers."""
        sender = self._admitted[key]
        match message.topic.removeprefix(f"/{sender.app.appid}/").split("/", 1):
            case ["@setalias", alias]:
                self._store.set_alias(sender.thing.token, alias)
                sender.thing.alias = alias
            case [command, *_] if command.startswith("@"):
                logger.debug("%s is not part of the emulator", command)
            case ["gearname", alias]:
                self.deliver(message.topic, message)
                self._deliver_to_alias(sender, alias, message)
            case _:
                self.published[sender.app.appid] += 1
                self.deliver(message.topic, message)
                self.retain(message.topic, message)

    def arrived(self, key: str) -> None:
        """Announce a thing to its application."""
        self._announce("present", key)

    def left(self, key: str) -> None:
        """Announce that a thing has gone."""
        self._announce("absent", key)

    def _deliver_to_alias(self, sender: Admitted, alias: str, message: Message) -> None:
        """Deliver to the connected things of that name that have not subscribed to it."""
        for token, serving in self._serving.items():
            named = self._admitted[token]
            if serving.connection and named.app.appid == sender.app.appid and named.thing.alias == alias:
                session = serving.connection.session
                if not any(session is other for other, _ in self._subscriptions.get(message.topic, ())):
                    self._put(session, message.topic, Message(message.topic, message.data, 0))

    def _announce(self, event: str, token: str) -> None:
        who = self._admitted[token]
        said = {"event": event, "gearkey": who.app.appkey, "alias": who.thing.alias}
        topic = f"/{who.app.appid}/&{event}"
        self.deliver(topic, Message(topic, json.dumps(said).encode(), 0))
