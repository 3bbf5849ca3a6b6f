"""Several receivers on one stream: who subscribes to what, and that no message comes twice."""

import time
from collections.abc import Iterator

import paho.mqtt.client as mqtt
import pytest

from ..integration.mosquitto import mosquitto

pytestmark = pytest.mark.integration


@pytest.fixture
def port(tmp_path) -> Iterator[int]:
    """Mosquitto's."""
    with mosquitto(tmp_path) as broker:
        yield broker.port


def publish(port: int, *messages: tuple[str, str]) -> None:
    client = mqtt.Client(mqtt.CallbackAPIVersion.VERSION2)
    client.connect("127.0.0.1", port)
    client.loop_start()
    for topic, payload in messages:
        client.publish(topic, payload, qos=1).wait_for_publish(10)
    client.disconnect()
    client.loop_stop()


def test_receivers_share_the_subscriptions(probe, broker):
    probe.start(broker.url, clientId="a/b", receivers=2, topics="/app/x /app/+/y")
    broker.until_subscribed(2)
    assert {said.client_id for said in broker.connects} == {"a/b-0", "a/b-1"}
    assert broker.subscriptions == [[("$share/a_b//app/x", 1), ("$share/a_b//app/+/y", 1)]] * 2


def test_receivers_split_the_topics(probe, broker):
    probe.start(broker.url, clientId="a", receivers=2, sharing="topics", topics="/app/x /app/y /app/z")
    broker.until_subscribed(2)
    assert sorted(broker.subscriptions) == [[("/app/x", 1), ("/app/z", 1)], [("/app/y", 1)]]


@pytest.mark.parametrize(
    ("options", "reason"),
    [
        ({"username": "KEY", "hmacKey": "secret", "clientId": "TOKEN"}, "a NETPIE thing connects once"),
        ({"sharing": "topics"}, "at most as many receivers as topics"),
        ({"sharing": "else"}, "sharing has to be shared or topics"),
    ],
)
def test_what_can_not_be_shared_is_refused(probe, broker, options, reason):
    probe.start(broker.url, receivers=2, topics="/app/x", **options)
    assert reason in probe.wait("refused")
    assert broker.connects == []


@pytest.mark.parametrize("sharing", ["shared", "topics"])
def test_every_message_comes_once_and_all_receivers_count_as_one(probe, port, sharing):
    probe.start(f"tcp://127.0.0.1:{port}", receivers=2, sharing=sharing, topics="/app/x /app/y")
    for _ in range(2):
        probe.wait("receiver")
    time.sleep(1)  # from a receiver's start to its subscription
    sent = [(f"/app/{'xy'[i % 2]}", f"m{i}") for i in range(200)]
    publish(port, *sent)
    heard = probe.wait_for_messages(200)
    assert sorted(heard) == sorted(payload for _, payload in sent)
    assert probe.wait_for_counters(acknowledged=200)["received"] == 200
