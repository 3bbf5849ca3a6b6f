"""Messages stay in their group; a device names its own topics only."""

import threading

import paho.mqtt.client as mqtt
import pytest

REFUSED = 0x80


def test_message_reaches_the_group_and_its_sender(connect, one, two):
    clients = connect(one), connect(two)
    for client in clients:
        client.subscribe("@msg/#")
    clients[0].publish("@msg/room/1", "20.5")
    assert [client.message() for client in clients] == [("@msg/room/1", "20.5")] * 2


def test_message_reaches_no_other_group_and_no_other_project(connect, one, stranger, account):
    other_project = list(account.devices.values())[2]
    other_project.project = "P1"
    clients = connect(stranger), connect(other_project)
    for client in clients:
        client.subscribe("@msg/#")
    connect(one).publish("@msg/t", "x")
    assert all(client.hears_nothing() for client in clients)


def test_device_without_a_group_hears_only_itself(connect, one, two):
    one.group = two.group = ""
    alone, other = connect(one), connect(two)
    alone.subscribe("@msg/t")
    other.publish("@msg/t", "other")
    alone.publish("@msg/t", "own")
    assert alone.message() == ("@msg/t", "own")


@pytest.mark.parametrize("topic", ["@msg/a/+/c", "@msg/#", "@msg/ห้อง", "@private/#", "@shadow/data/updated"])
def test_own_filters_are_granted(connect, one, topic):
    assert connect(one).subscribe(topic, 2) == 2


@pytest.mark.parametrize(
    "topic",
    ["#", "+/#", "@msg", "@msg/", "t", "/t", "$SYS/#", "@shadow/data/update", "group/P0/G0/@msg/#", "own/#"],
)
def test_other_filters_are_refused(connect, one, topic):
    assert connect(one).subscribe(topic) == REFUSED


@pytest.mark.parametrize("topic", ["t", "@tap/x/y", "@msg/", "@device/status/changed", "@shadow/data/updated"])
def test_publish_to_what_is_no_topic_of_the_device_reaches_nobody(connect, one, two, topic):
    listener = connect(two)
    listener.subscribe("@msg/#")
    sender = connect(one)
    sender.subscribe("@shadow/data/updated")
    sender.publish(topic, '{"data": {"spoofed": 1}}')
    assert listener.hears_nothing()
    assert sender.hears_nothing()


@pytest.mark.parametrize(("sent", "granted"), [(0, 2), (1, 1), (2, 1), (2, 2), (1, 2)])
def test_message_comes_at_the_lower_of_both_qualities_of_service(connect, one, two, sent, granted):
    listener = connect(two)
    assert listener.subscribe("@msg/t", granted) == granted
    sender = connect(one)
    for number in range(30):
        sender.publish("@msg/t", str(number), qos=sent)
    got = [listener.messages.get(timeout=60) for _ in range(30)]
    assert [(message.payload.decode(), message.qos) for message in got] == [
        (str(number), min(sent, granted)) for number in range(30)
    ]


def test_messages_of_qos_2_wait_for_a_session_that_is_kept(connect, one, two):
    listener = connect(two, clean_session=False)
    listener.subscribe("@msg/t", 2)
    listener.close()
    connect(one).publish("@msg/t", "kept", qos=2)
    again = connect(two, clean_session=False)
    assert again.message() == ("@msg/t", "kept")


def test_retained_message_is_for_later_subscribers_of_the_group(connect, one, two, stranger):
    connect(one).publish("@msg/t", "kept", retain=True)
    later, elsewhere = connect(two), connect(stranger)
    for client in (later, elsewhere):
        client.subscribe("@msg/#")
    assert later.message() == ("@msg/t", "kept")
    assert elsewhere.hears_nothing()


def test_shared_subscription_gives_each_message_to_one_of_its_subscribers(connect, one, two, account):
    listeners = connect(two), connect(list(account.devices.values())[2])
    for client in listeners:
        client.subscribe("$share/workers/@msg/t", 1)
    sender = connect(one)
    for number in range(10):
        sender.publish("@msg/t", str(number))
    got = [[client.message()[1] for _ in range(5)] for client in listeners]
    assert sorted(sum(got, [])) == [str(number) for number in range(10)]
    listeners[0].unsubscribe("$share/workers/@msg/t")
    for number in range(3):
        sender.publish("@msg/t", str(number))
    assert [listeners[1].message()[1] for _ in range(3)] == ["0", "1", "2"]


def test_will_is_said_in_the_group(connect, emulator, one, two):
    listener = connect(two)
    listener.subscribe("@msg/gone")
    paho = mqtt.Client(mqtt.CallbackAPIVersion.VERSION2, one.client_id, reconnect_on_failure=False)
    paho.username_pw_set(one.token, one.secret)
    paho.will_set("@msg/gone", "bye", 1)
    paho.connect(emulator.mqtt_host, emulator.mqtt_port)
    arrived = threading.Event()
    paho.on_connect = lambda *_: arrived.set()
    paho.loop_start()
    assert arrived.wait(60)
    connected = connect(one)  # takes the connection over, so the first one's will is due
    assert listener.message() == ("@msg/gone", "bye")
    paho.loop_stop()
    connected.close()


def test_retained_will_is_for_later_subscribers(connect, connect_as, one, two):
    will = connect_as(one.client_id, one.token, one.secret)
    will.close()
    will.paho.will_set("@msg/state", "offline", 1, retain=True)
    will.paho.reconnect()
    will.paho.loop_start()
    assert will.connacks.get(timeout=60) == 0
    connect(one)  # takes the connection over
    listener = connect(two)
    listener.subscribe("@msg/state", 1)
    got = listener.messages.get(timeout=60)
    assert (got.topic, got.payload, bool(got.retain)) == ("@msg/state", b"offline", True)


def test_private_message_is_the_device_s_alone(connect, api, one, two):
    mine, yours = connect(one), connect(two)
    for client in (mine, yours):
        client.subscribe("@private/#")
    assert api(one)("PUT", "/private/a/b", "x").status_code == 200
    assert mine.message() == ("@private/a/b", "x")
    assert yours.hears_nothing()
