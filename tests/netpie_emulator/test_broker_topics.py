"""What a thing may say and hear: its application, its own control topics, and nothing else."""

import json
import time

import pytest

REFUSED = 0x80


def test_message_reaches_every_subscriber_of_the_application(thing, new_thing, connect):
    other = connect(new_thing())
    for client in (thing, other):
        assert client.subscribe("/MyApp/room/+") == 0
    thing.publish("/MyApp/room/1", "20.5", qos=1)
    for client in (thing, other):
        assert client.message() == ("/MyApp/room/1", "20.5")


@pytest.mark.parametrize("topic", ["/MyApp/#", "/MyApp/+/x", "/MyApp/a b", "/MyApp/ห้อง", "/MyApp/$x"])
def test_filters_inside_the_application_are_granted(thing, topic):
    assert thing.subscribe(topic, 1) == 1


@pytest.mark.parametrize(
    "topic",
    [
        "#",
        "+/#",
        "/#",
        "/+/t",
        "/+/#",
        "/OtherApp/t",
        "/OtherApp/#",
        "MyApp/t",
        "$SYS/#",
        "/MyAppX/t",
        "/&id/#",
    ],
)
def test_filters_outside_the_application_are_refused(thing, other_application, topic):
    assert thing.subscribe(topic) == REFUSED


def test_publishing_into_another_application_reaches_nobody(thing, new_thing, connect, other_application, emulator):
    neighbour = connect(new_thing(other_application))
    neighbour.subscribe("/OtherApp/#")
    thing.publish("/OtherApp/t", "spoof", qos=1)
    thing.publish("/OtherApp/t", "spoof", qos=1, retain=True)
    assert emulator.published("OtherApp") == 0
    assert neighbour.hears_nothing()


@pytest.mark.parametrize("topic", ["/MyApp/&present", "/MyApp/&absent", "/MyApp/", "t", "/t", "$SYS/x"])
def test_publishing_where_only_netpie_speaks_reaches_nobody(thing, new_thing, connect, topic):
    other = connect(new_thing())
    other.subscribe("/MyApp/#")
    thing.publish(topic, "spoof", qos=1)
    assert other.hears_nothing()


def test_own_control_topic_is_granted_and_anothers_is_not(new_thing, connect):
    mine, yours = new_thing(), new_thing()
    client = connect(mine)
    assert client.subscribe(f"/&id/{mine.token.token}/#") == 0
    assert client.subscribe(f"/&id/{yours.token.token}/#") == REFUSED


def test_coming_and_going_is_announced_with_the_key_and_alias(thing, new_thing, connect):
    thing.subscribe("/MyApp/&present")
    thing.subscribe("/MyApp/&absent")
    guest = connect(new_thing(alias="guest"))
    topic, said = thing.message()
    assert topic == "/MyApp/&present"
    assert json.loads(said)["alias"] == "guest"
    guest.close()
    topic, said = thing.message()
    assert topic == "/MyApp/&absent"
    assert json.loads(said)["event"] == "absent"


def test_other_applications_do_not_hear_of_it(thing, new_thing, connect, other_application):
    neighbour = connect(new_thing(other_application))
    neighbour.subscribe("/OtherApp/#")
    connect(new_thing())
    assert neighbour.hears_nothing()


def test_chat_reaches_the_thing_of_that_alias_without_a_subscription(thing, new_thing, connect):
    named = connect(new_thing())
    named.publish("/MyApp/@setalias/lamp", "", qos=1)
    thing.publish("/MyApp/gearname/lamp", "on", qos=1)
    assert named.message() == ("/MyApp/gearname/lamp", "on")
    assert thing.hears_nothing()


def test_chat_reaches_a_subscribed_thing_once(thing, new_thing, connect):
    named = connect(new_thing(alias="lamp"))
    named.subscribe("/MyApp/gearname/lamp")
    thing.publish("/MyApp/gearname/lamp", "on", qos=1)
    assert named.message() == ("/MyApp/gearname/lamp", "on")
    assert named.hears_nothing()


def test_alias_is_remembered_with_the_token(emulator, new_thing, connect):
    made = new_thing()
    connect(made).publish("/MyApp/@setalias/lamp", "", qos=1)
    assert emulator.store.thing(made.token.token).alias == "lamp"


def test_commands_to_netpie_are_not_passed_on_or_counted(thing, emulator):
    thing.subscribe("/MyApp/#")
    for command in ("@writefeed/f/k", "@push/owner", "@setalias/x"):
        thing.publish(f"/MyApp/{command}", "{}", qos=1)
    assert emulator.published() == 0
    assert thing.hears_nothing()


def test_topic_with_a_wildcard_ends_the_connection(thing):
    publish = b"\x00\x08/MyApp/#x"
    thing.mqtt.socket().sendall(bytes([0x30, len(publish)]) + publish)
    assert thing.disconnects.get(timeout=30) != 0


def test_will_is_published_when_a_thing_breaks_off(thing, new_thing, connect):
    thing.subscribe("/MyApp/last")
    made = new_thing()

    import paho.mqtt.client as mqtt

    from netpie_creds import mqtt_login

    login = mqtt_login(made, int(time.time()))
    client = mqtt.Client(mqtt.CallbackAPIVersion.VERSION2, login.client_id)
    client.username_pw_set(login.username, login.password)
    client.will_set("/MyApp/last", "gone")
    client.connect(login.host, login.port)
    client.loop(0.2)
    client.loop(0.2)
    client._sock_close()
    assert thing.message() == ("/MyApp/last", "gone")
