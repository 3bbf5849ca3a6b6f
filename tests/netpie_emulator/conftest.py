"""A running emulator, things made through its auth server, and real MQTT clients."""

import queue
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path

import paho.mqtt.client as mqtt
import pytest

from netpie_creds import Application, AuthServer, Credentials, MqttLogin, get_credentials, mqtt_login
from netpie_emulator import Emulator, RegisteredApp

WAIT = 5.0  # seconds
CONNACKS = {0: 0, 132: 1, 134: 4, 135: 5}  # by paho's name for each, which is MQTT 5's


@dataclass
class Client:
    """A paho client whose callbacks are queues to wait on."""

    mqtt: mqtt.Client
    appid: str = "MyApp"
    messages: "queue.Queue[mqtt.MQTTMessage]" = field(default_factory=queue.Queue)
    connacks: "queue.Queue[int]" = field(default_factory=queue.Queue)
    granted: "queue.Queue[int]" = field(default_factory=queue.Queue)
    published: "queue.Queue[int]" = field(default_factory=queue.Queue)
    disconnects: "queue.Queue[int]" = field(default_factory=queue.Queue)

    def connack(self) -> int:
        return self.connacks.get(timeout=WAIT)

    def subscribe(self, topic: str, qos: int = 0) -> int:
        self.mqtt.subscribe(topic, qos)
        return self.granted.get(timeout=WAIT)

    def publish(self, topic: str, payload: str | bytes, qos: int = 0, retain: bool = False) -> None:
        self.mqtt.publish(topic, payload, qos, retain)
        self.published.get(timeout=WAIT)

    def message(self) -> tuple[str, str]:
        message = self.messages.get(timeout=WAIT)
        return message.topic, message.payload.decode()

    def hears_nothing(self) -> bool:
        """Whether nothing arrived before a message that this client now sends to itself."""
        fence = f"/{self.appid}/fence"
        self.subscribe(fence)
        self.publish(fence, "", qos=1)
        return self.message()[0] == fence

    def close(self) -> None:
        self.mqtt.disconnect()
        self.mqtt.loop_stop()


def open_client(login: MqttLogin, **options: object) -> Client:
    """Connect with `login` and return the client without waiting for the answer."""
    paho = mqtt.Client(mqtt.CallbackAPIVersion.VERSION2, login.client_id, reconnect_on_failure=False, **options)
    client = Client(paho)
    paho.on_connect = lambda _c, _u, _f, code, _p: client.connacks.put(CONNACKS[code.value])
    paho.on_subscribe = lambda _c, _u, _m, granted, _p: client.granted.put(granted[0].value)
    paho.on_publish = lambda _c, _u, mid, _r, _p: client.published.put(mid)
    paho.on_message = lambda _c, _u, message: client.messages.put(message)
    paho.on_disconnect = lambda _c, _u, _f, code, _p: client.disconnects.put(code.value)
    if login.username:
        paho.username_pw_set(login.username, login.password)
    paho.connect(login.host, login.port, keepalive=60)
    paho.loop_start()
    return client


@pytest.fixture
def emulator(tmp_path: Path) -> Iterator[Emulator]:
    with Emulator("MyApp", state=tmp_path / "netpie") as running:
        yield running


@pytest.fixture
def application(emulator: Emulator) -> Application:
    return as_application(emulator.application)


@pytest.fixture
def other_application(emulator: Emulator) -> Application:
    """A second application of the same NETPIE."""
    other = RegisteredApp("OtherApp", "OtherKey1234567", "OtherSecret")
    emulator.store.add_application(other)
    return as_application(other)


def as_application(app: RegisteredApp) -> Application:
    return Application(app.appid, app.appkey, app.appsecret)


@pytest.fixture
def new_thing(emulator: Emulator, application: Application, tmp_path: Path) -> Callable[..., Credentials]:
    """Make one more thing, of the application unless another is named."""
    made = []

    def make(app: Application = application, alias: str | None = None) -> Credentials:
        made.append(app)
        return get_credentials(app, tmp_path / str(len(made)), AuthServer(emulator.auth_url), alias=alias)

    return make


@pytest.fixture
def connect() -> Iterator[Callable[..., Client]]:
    """Connect a thing, or an `MqttLogin`; `expect` is the CONNACK it must get."""
    clients: list[Client] = []

    def open_one(who: Credentials | MqttLogin, expect: int = 0, **options: object) -> Client:
        login = mqtt_login(who, int(time.time())) if isinstance(who, Credentials) else who
        client = open_client(login, **options)
        clients.append(client)
        if isinstance(who, Credentials):
            client.appid = who.application.appid
        assert client.connack() == expect
        return client

    yield open_one
    for client in clients:
        client.close()


@pytest.fixture
def thing(new_thing: Callable[..., Credentials], connect: Callable[..., Client]) -> Client:
    """A connected thing."""
    return connect(new_thing())
