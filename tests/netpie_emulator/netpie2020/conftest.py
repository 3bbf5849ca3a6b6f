"""A running NETPIE 2020 with three devices of a group and one of another, MQTT clients of theirs, and its REST."""

import json
import queue
from collections.abc import Callable, Iterator
from contextlib import suppress
from dataclasses import dataclass, field
from typing import Any

import paho.mqtt.client as mqtt
import pytest
import requests

from netpie_emulator.netpie2020 import Account, Device, Emulator2020, FlowChannel
from netpie_emulator.netpie2020.devices import new_device

WAIT = 20.0  # seconds
CONNACKS = {0: 0, 132: 1, 134: 4, 135: 5, 136: 3}  # by paho's name for each, which is MQTT 5's
FLOW_KEY = "FWAG0123456789:" + "f" * 32


@dataclass
class Client:
    """A paho client whose callbacks are queues to wait on."""

    paho: mqtt.Client
    messages: "queue.Queue[mqtt.MQTTMessage]" = field(default_factory=queue.Queue)
    connacks: "queue.Queue[int]" = field(default_factory=queue.Queue)
    granted: "queue.Queue[int]" = field(default_factory=queue.Queue)
    published: "queue.Queue[int]" = field(default_factory=queue.Queue)
    unsubscribed: "queue.Queue[int]" = field(default_factory=queue.Queue)
    disconnects: "queue.Queue[int]" = field(default_factory=queue.Queue)

    def subscribe(self, topic: str, qos: int = 0) -> int:
        self.paho.subscribe(topic, qos)
        return self.granted.get(timeout=WAIT)

    def unsubscribe(self, topic: str) -> None:
        self.paho.unsubscribe(topic)
        self.unsubscribed.get(timeout=WAIT)

    def publish(self, topic: str, payload: object, qos: int = 1, retain: bool = False) -> None:
        text = payload if isinstance(payload, str | bytes) else json.dumps(payload)
        self.paho.publish(topic, text, qos, retain)
        self.published.get(timeout=WAIT)

    def message(self) -> tuple[str, str]:
        got = self.messages.get(timeout=WAIT)
        return got.topic, got.payload.decode()

    def told(self, topic: str) -> Any:
        """Return the JSON of the next message, which is on `topic`."""
        got = self.messages.get(timeout=WAIT)
        assert got.topic == topic
        return json.loads(got.payload)

    def hears_nothing(self) -> bool:
        """Whether nothing arrived before a message that this client now sends to itself."""
        self.subscribe("@private/fence")
        self.publish("@private/fence", "")
        return self.message()[0] == "@private/fence"

    def close(self) -> None:
        self.paho.disconnect()
        with suppress(AttributeError):  # paho's thread may end between its check for one and its join
            self.paho.loop_stop()


@dataclass
class Api:
    """A device's REST calls."""

    url: str
    authorization: str

    def __call__(self, method: str, path: str, content: object = None, **options: Any) -> requests.Response:
        data = content if isinstance(content, str | bytes | None) else json.dumps(content)
        headers = {"Authorization": self.authorization}
        return requests.request(method, self.url + path, data=data, headers=headers, timeout=WAIT, **options)


@pytest.fixture
def account() -> Account:
    made = Account(flowchannels=[FlowChannel(FLOW_KEY)], user_token="user-token")
    for alias, group in (("one", "G0"), ("two", "G0"), ("three", "G0"), ("stranger", "G1")):
        made.add(new_device(alias=alias, group=group))
    return made


@pytest.fixture
def one(account: Account) -> Device:
    return list(account.devices.values())[0]


@pytest.fixture
def two(account: Account) -> Device:
    return list(account.devices.values())[1]


@pytest.fixture
def stranger(account: Account) -> Device:
    """A device of another group."""
    return list(account.devices.values())[3]


@pytest.fixture
def emulator(account: Account) -> Iterator[Emulator2020]:
    with Emulator2020(account) as running:
        yield running


@pytest.fixture
def connect_as(emulator: Emulator2020) -> Iterator[Callable[..., Client]]:
    """Connect with any client id, user name and password; `expect` is the CONNACK it must get."""
    clients: list[Client] = []

    def open_one(client_id: str, username: str, password: str | None, expect: int = 0, **options: Any) -> Client:
        paho = mqtt.Client(mqtt.CallbackAPIVersion.VERSION2, client_id, reconnect_on_failure=False, **options)
        client = Client(paho)
        clients.append(client)
        paho.on_connect = lambda _c, _u, _f, code, _p: client.connacks.put(CONNACKS[code.value])
        paho.on_subscribe = lambda _c, _u, _m, granted, _p: client.granted.put(granted[0].value)
        paho.on_unsubscribe = lambda _c, _u, mid, _r, _p: client.unsubscribed.put(mid)
        paho.on_publish = lambda _c, _u, mid, _r, _p: client.published.put(mid)
        paho.on_message = lambda _c, _u, message: client.messages.put(message)
        paho.on_disconnect = lambda _c, _u, _f, code, _p: client.disconnects.put(code.value)
        paho.username_pw_set(username, password)
        paho.connect(emulator.mqtt_host, emulator.mqtt_port, keepalive=60)
        paho.loop_start()
        assert client.connacks.get(timeout=WAIT) == expect
        return client

    yield open_one
    for client in clients:
        client.close()


@pytest.fixture
def connect(connect_as: Callable[..., Client]) -> Callable[..., Client]:
    """Connect a device."""
    return lambda device, expect=0, **options: connect_as(
        device.client_id, device.token, device.secret, expect, **options
    )


@pytest.fixture
def flow(connect_as: Callable[..., Client]) -> Client:
    """A FlowChannel's client."""
    username, _, password = FLOW_KEY.partition(":")
    return connect_as("any client id", username, password)


@pytest.fixture
def api(emulator: Emulator2020) -> Callable[[Device], Api]:
    """Return a device's REST."""
    return lambda device: Api(emulator.api_url, f"Device {device.client_id}:{device.token}")
