"""What the broker promises about messages: order, quality of service, retention, sessions."""

import queue

import pytest


@pytest.mark.parametrize(
    ("published", "subscribed", "delivered"), [(0, 0, 0), (0, 1, 0), (1, 0, 0), (1, 1, 1), (2, 2, 1)]
)
def test_message_comes_at_the_lower_of_both_qualities(thing, published, subscribed, delivered):
    assert thing.subscribe("/MyApp/t", subscribed) == min(subscribed, 1)
    thing.publish("/MyApp/t", "x", qos=published)
    assert thing.messages.get(timeout=30).qos == delivered


@pytest.mark.parametrize("qos", [0, 1])
def test_burst_arrives_whole_and_in_order(thing, new_thing, connect, emulator, qos):
    count = 2000
    publisher = connect(new_thing())
    thing.subscribe("/MyApp/t", 1)
    for number in range(count):
        publisher.mqtt.publish("/MyApp/t", str(number), qos)
    assert [int(thing.message()[1]) for _ in range(count)] == list(range(count))
    assert emulator.published("MyApp") == count


def test_bytes_arrive_as_they_were_sent(thing):
    payload = bytes(range(256)) * 300
    thing.subscribe("/MyApp/t")
    thing.publish("/MyApp/t", payload)
    assert thing.messages.get(timeout=30).payload == payload


def test_retained_message_greets_a_later_subscriber(thing, new_thing, connect):
    thing.publish("/MyApp/t", "kept", qos=1, retain=True)
    late = connect(new_thing())
    late.subscribe("/MyApp/#")
    message = late.messages.get(timeout=30)
    assert (message.payload, message.retain) == (b"kept", True)


def test_retained_message_comes_only_to_those_who_subscribe(thing, new_thing, connect):
    thing.subscribe("/MyApp/t")
    thing.publish("/MyApp/t", "kept", qos=1, retain=True)
    late = connect(new_thing())
    assert late.hears_nothing()


def test_empty_retained_message_clears_it(thing):
    thing.publish("/MyApp/t", "kept", qos=1, retain=True)
    thing.publish("/MyApp/t", "", qos=1, retain=True)
    thing.subscribe("/MyApp/t")
    assert thing.hears_nothing()


def test_session_that_is_away_is_sent_what_it_missed(thing, new_thing, connect):
    sleeper = new_thing()
    client = connect(sleeper, clean_session=False)
    client.subscribe("/MyApp/t", 1)
    client.close()
    for text in ("one", "two"):
        thing.publish("/MyApp/t", text, qos=1)
    thing.publish("/MyApp/t", "at most once", qos=0)
    back = connect(sleeper, clean_session=False)
    assert [back.message()[1] for _ in range(2)] == ["one", "two"]
    assert back.hears_nothing()


def test_clean_session_starts_anew(thing, new_thing, connect):
    sleeper = new_thing()
    client = connect(sleeper)
    client.subscribe("/MyApp/t", 1)
    client.close()
    thing.publish("/MyApp/t", "missed", qos=1)
    back = connect(sleeper, clean_session=False)
    thing.publish("/MyApp/t", "not subscribed", qos=1)
    assert back.hears_nothing()


def test_clean_session_forgets_a_persistent_one(thing, new_thing, connect):
    sleeper = new_thing()
    client = connect(sleeper, clean_session=False)
    client.subscribe("/MyApp/t", 1)
    client.close()
    thing.publish("/MyApp/t", "missed", qos=1)
    connect(sleeper).close()
    assert connect(sleeper, clean_session=False).hears_nothing()


def test_unacknowledged_messages_are_sent_again_as_duplicates(thing, new_thing, connect):
    sleeper = new_thing()
    client = connect(sleeper, clean_session=False, manual_ack=True)
    client.subscribe("/MyApp/t", 1)
    thing.publish("/MyApp/t", "precious", qos=1)
    assert client.message()[1] == "precious"
    client.close()
    again = connect(sleeper, clean_session=False).messages.get(timeout=30)
    assert (again.payload, again.dup) == (b"precious", True)


def test_no_more_than_20_messages_are_unacknowledged(thing, new_thing, connect):
    slow = connect(new_thing(), manual_ack=True)
    slow.subscribe("/MyApp/t", 1)
    for number in range(25):
        thing.publish("/MyApp/t", str(number), qos=1)
    received = [slow.messages.get(timeout=30) for _ in range(20)]
    with pytest.raises(queue.Empty):
        slow.messages.get(timeout=0.2)
    slow.mqtt.ack(received[0].mid, 1)
    assert slow.message()[1] == "20"


def test_client_that_subscribes_and_publishes_at_once_hears_itself(thing):
    thing.mqtt.subscribe("/MyApp/t")
    thing.mqtt.publish("/MyApp/t", "echo")
    assert thing.message() == ("/MyApp/t", "echo")


def test_message_of_quality_2_that_is_sent_twice_is_delivered_once(thing):
    thing.subscribe("/MyApp/t")
    body = b"\x00\x08/MyApp/t\x00\x07x"
    for flags in (0x34, 0x3C):
        thing.mqtt.socket().sendall(bytes([flags, len(body)]) + body)
    assert thing.message() == ("/MyApp/t", "x")
    assert thing.hears_nothing()


def test_unsubscribed_thing_hears_no_more(thing):
    thing.subscribe("/MyApp/t")
    thing.mqtt.unsubscribe("/MyApp/t")
    thing.publish("/MyApp/t", "x", qos=1)
    assert thing.hears_nothing()
