"""What NETPIE's Node-RED nodes do (node-red-contrib-netpie 1.0.2), with paho in the place of MQTT.js."""

import json
import time

import paho.mqtt.client as mqtt
import pytest
import requests


@pytest.fixture
def node(connect_as):
    """The nodes' one connection: a client id of the key's first part and a time, `@private/#` first."""
    username = "FWAG0123456789"
    client = connect_as(f"{username}-{time.time_ns() // 1_000_000}", username, "f" * 32, clean_session=True)
    client.subscribe("@private/#")
    return client


def taps(device):
    who = f"{device.client_id}:{device.token}"
    return [f"@tap/shadow/updated/{who}", f"@tap/device/changed/{who}", f"@tap/feed/updated/{who}"]


def test_three_taps_a_device_are_granted_again_and_again_and_heard_once(node, one):
    for tap in taps(one) * 2:  # the device's configuration and its shadow node both subscribe
        assert node.subscribe(tap) == 0
    node.publish(f"@tap/shadow/update/{one.client_id}:{one.token}", {"data": {"t": 1}})
    told = {topic: json.loads(text) for topic, text in (node.message(), node.message())}
    assert told["@shadow/data/updated"]["deviceid"] == one.client_id
    feed = told["@feed/data/updated"]
    assert (feed["newdata"], feed["timestamp"]) == ({"t": 1}, told["@shadow/data/updated"]["timestamp"])
    assert node.messages.empty()


def test_message_node_asks_for_the_group_and_hears_its_topics(node, connect, one, two):
    node.publish(f"@tap/device/get/{one.client_id}:{one.token}", "")
    answer = node.told("@private/device/status/get/response")
    assert (answer["deviceid"], answer["groupid"], answer["projectid"]) == (one.client_id, "G0", "P0")
    node.subscribe(f"@tap/msg/topic/{one.client_id}:{one.token}/room/#")
    connect(two).publish("@msg/room/1", {"t": 1})
    topic, text = node.message()
    assert topic.split("/")[:3] == ["@msg", answer["projectid"], answer["groupid"]]
    assert (topic.split("/")[3:], json.loads(text)) == (["room", "1"], {"t": 1})


def test_status_node_hears_of_a_device_that_comes(node, connect, one):
    node.subscribe(taps(one)[1])
    connect(one)
    told = node.told("@device/status/changed")
    assert {"deviceid", "groupid", "projectid", "status", "enabled"} <= told.keys()
    assert told["status"] == 1


def test_device_node_sends_no_secret_subscribes_topic_by_topic_and_asks_for_its_shadow(connect_as, one):
    device = connect_as(one.client_id, one.token, "", protocol=mqtt.MQTTv311)
    for topic in ("@shadow/data/updated", "@private/#", "@msg/#"):
        assert device.subscribe(topic) == 0
    device.publish("@shadow/data/get", b"", qos=0)
    assert device.told("@private/shadow/data/get/response")["data"] == {}
    device.publish("@push", {"title": "t", "subtitle": "s", "body": "b"}, qos=0)
    device.publish("@msg/t", "text")
    assert device.message() == ("@msg/t", "text")


def test_nodes_without_a_flowchannel_use_rest(api, connect, one, two):
    listener, mine = connect(two), connect(one)
    listener.subscribe("@msg/#")
    mine.subscribe("@private/#")
    call = api(one)
    assert call("PUT", "/message?topic=room/1", {"t": 1}).status_code == 200
    assert call("PUT", "/private?topic=a/b", {"t": 2}).status_code == 200
    assert listener.message() == ("@msg/room/1", '{"t": 1}')
    assert mine.message() == ("@private/a/b", '{"t": 2}')
    call("PUT", "/shadow/data", {"data": {"t": 3}})
    assert {"deviceid", "data", "rev", "modified", "timestamp"} <= call("GET", "/shadow/data").json().keys()
    assert {"deviceid", "groupid", "projectid", "status", "enabled"} <= call("GET", "/status").json().keys()
    call.url = call.url.replace("/v2/device", "/device")  # where the nodes have it
    assert call("GET", "/status").status_code == 200


def test_feed_node_gets_a_series_of_averages_for_each_field(emulator, api, one):
    for value in (1, 2, 3):
        api(one)("PUT", "/shadow/data", {"data": {"t": value, "h": -value}})
    asked = {
        "metrics": [
            {
                "name": one.client_id,
                "group_by": [{"name": "tag", "tags": ["attr"]}],
                "aggregators": [{"name": "avg", "sampling": {"value": "30", "unit": "days"}}],
            }
        ],
        "start_relative": {"value": 5, "unit": "minutes"},
        "end_absolute": time.time_ns() // 1_000_000 + 1000,
    }
    headers = {"Authorization": f"Device {one.client_id}:{one.token}"}
    answer = requests.post(emulator.query_url, json=asked, headers=headers, timeout=60).json()
    series = {result["tags"]["attr"][0]: result["values"] for result in answer["queries"][0]["results"]}
    assert {name: [value for _, value in values] for name, values in series.items()} == {"t": [2], "h": [-2]}


def test_newest_first_and_other_tags():
    from netpie_emulator.netpie2020.datastore import DataStore

    store = DataStore()
    for moment in range(5):
        store.add("d", "t", moment, moment)
    newest = store.query({"start_absolute": 0, "metrics": [{"name": "d", "order": "desc", "limit": 2}]}, 99)
    assert newest["queries"][0]["results"][0]["values"] == [(4, 4), (3, 3)]
    tagged = store.query({"start_absolute": 0, "metrics": [{"name": "d", "tags": {"place": ["x"]}}]}, 99)
    assert tagged["queries"][0]["results"][0]["values"] == []
