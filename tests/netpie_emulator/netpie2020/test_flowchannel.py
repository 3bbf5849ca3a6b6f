"""FlowChannel: one connection for many devices, as the vendor's Node-RED nodes use it."""

import pytest

from netpie_emulator.netpie2020.devices import new_device

REFUSED = 0x80


@pytest.fixture
def who(one):
    return f"{one.client_id}:{one.token}"


def test_wrong_key_is_refused(connect_as):
    connect_as("any", "FWAG0123456789", "wrong", expect=5)
    connect_as("any", "FWAGother", "f" * 32, expect=5)


def test_shadow_is_written_read_and_heard(flow, who, one):
    flow.subscribe("@private/#")
    flow.subscribe(f"@tap/shadow/updated/{who}")
    flow.publish(f"@tap/shadow/update/{who}", {"data": {"temp": 1}})
    told = flow.told("@shadow/data/updated")
    assert (told["deviceid"], told["data"]) == (one.client_id, {"temp": 1})
    flow.publish(f"@tap/shadow/get/{who}", "")
    assert flow.told("@private/shadow/data/get/response")["data"] == {"temp": 1}
    flow.publish(f"@tap/device/get/{who}", "")
    assert flow.told("@private/device/status/get/response")["status"] == 0


def test_answers_are_the_asking_channel_s(flow, connect_as, connect, who, one):
    username, _, password = "FWAG0123456789", ":", "f" * 32
    other, device = connect_as("another", username, password), connect(one)
    for client in (flow, other, device):
        client.subscribe("@private/#")
    flow.publish(f"@tap/shadow/get/{who}", "")
    assert flow.message()[0] == "@private/shadow/data/get/response"
    assert device.hears_nothing()
    assert other.messages.empty()


def test_messages_go_both_ways_and_name_project_and_group(flow, connect, who, two):
    device = connect(two)
    device.subscribe("@msg/#")
    flow.subscribe(f"@tap/msg/topic/{who}/room/+")
    flow.publish(f"@tap/msg/topic/{who}/room/1", "on")
    assert device.message() == ("@msg/room/1", "on")
    assert flow.message() == ("@msg/P0/G0/room/1", "on")


def test_private_message_reaches_the_device(flow, connect, who, one):
    device = connect(one)
    device.subscribe("@private/#")
    flow.publish(f"@tap/private/topic/{who}/t", "x")
    assert device.message() == ("@private/t", "x")


@pytest.mark.parametrize(
    "topic",
    ["@tap/shadow/updated/{0}:wrong", "@tap/msg/topic/nobody:{1}/t", "@tap/shadow/updated/{0}", "@tap/shadow/#",
     "@tap/+/updated/{0}:{1}", "@tap/shadow/updated/{0}:{1}/more", "@tap/other/thing/{0}:{1}", "@msg/#", "#",
     "@tap/msg/topic/{0}:{1}"],
)  # fmt: skip
def test_filters_that_name_no_device_rightly_are_refused(flow, one, topic):
    assert flow.subscribe(topic.format(one.client_id, one.token)) == REFUSED


def test_publish_with_a_wrong_token_reaches_nobody(flow, connect, one, two):
    device = connect(two)
    device.subscribe("@msg/#")
    flow.publish(f"@tap/msg/topic/{one.client_id}:wrong/t", "x")
    assert device.hears_nothing()


def test_disabled_device_can_t_be_tapped(flow, one, who):
    one.enabled = False
    assert flow.subscribe(f"@tap/shadow/updated/{who}") == REFUSED


def test_thirty_devices_on_one_connection_each_event_once(flow, account, connect):
    devices = [account.add(new_device(alias=f"d{number}")) for number in range(30)]
    for device in devices:
        assert flow.subscribe(f"@tap/msg/topic/{device.client_id}:{device.token}/#", 1) == 1
        flow.subscribe(f"@tap/shadow/updated/{device.client_id}:{device.token}", 1)
    for number, device in enumerate(devices):
        flow.publish(f"@tap/msg/topic/{device.client_id}:{device.token}/n", str(number))
        flow.publish(f"@tap/shadow/update/{device.client_id}:{device.token}", {"data": {"n": number}})
    got = [flow.messages.get(timeout=60) for _ in range(60)]
    assert [one.payload.decode() for one in got if one.topic == "@msg/P0/G0/n"] == [str(n) for n in range(30)]
    assert flow.messages.empty()
    assert not any(device.token in one.topic + one.payload.decode() for one in got for device in devices)


def test_group_is_heard_until_the_last_of_its_taps_is_gone(flow, connect, who, one, two):
    taps = [f"@tap/msg/topic/{device.client_id}:{device.token}/#" for device in (one, two)]
    for tap in taps:
        flow.subscribe(tap)
    sender = connect(two)
    flow.unsubscribe(taps[0])
    sender.publish("@msg/t", "heard")
    assert flow.message() == ("@msg/P0/G0/t", "heard")
    flow.unsubscribe(taps[1])
    sender.publish("@msg/t", "missed")
    flow.subscribe(f"@tap/device/changed/{who}")
    connect(one)
    assert flow.message()[0] == "@device/status/changed"
