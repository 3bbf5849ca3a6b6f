"""Shadows over MQTT: writes, answers, batches, as NETPIE 2020's users send them."""

import time

import pytest

UPDATED = "@shadow/data/updated"
GET_ANSWER = "@private/shadow/data/get/response"
BATCH_ANSWER = "@private/shadow/batch/update/response"


@pytest.fixture
def device(connect, one):
    """A connected device that listens to its shadow and to its answers."""
    client = connect(one)
    client.subscribe(UPDATED)
    client.subscribe("@private/#")
    return client


def read(client):
    client.publish("@shadow/data/get", "")
    return client.told(GET_ANSWER)


def test_write_is_told_and_read_back(device, one):
    before = time.time() * 1000 - 1
    device.publish("@shadow/data/update", {"data": {"temp": 23.5, "place": {"floor": 1}}})
    told = device.told(UPDATED)
    assert (told["deviceid"], told["data"], told["rev"]) == (one.client_id, {"temp": 23.5, "place": {"floor": 1}}, 1)
    assert before <= told["timestamp"] == told["modified"] <= time.time() * 1000
    device.publish("@shadow/data/update", {"data": {"place": {"room": 2}, "temp": None}})
    assert device.told(UPDATED)["data"] == {"place": {"room": 2}, "temp": None}
    answer = read(device)
    assert set(answer) == {"deviceid", "data", "rev", "modified"}
    assert (answer["data"], answer["rev"]) == ({"place": {"floor": 1, "room": 2}}, 2)


def test_shadow_that_was_never_written_is_empty(device, one):
    answer = read(device)
    assert (answer["deviceid"], answer["data"], answer["rev"]) == (one.client_id, {}, 0)


def test_overwrite(device):
    device.publish("@shadow/data/update", {"data": {"a": 1, "b": 2}})
    device.publish("@shadow/data/update", {"data": {"b": 3}, "merged": False})
    for _ in range(2):
        device.told(UPDATED)
    assert read(device)["data"] == {"b": 3}


def test_older_write_goes_to_the_feed_only_and_fires_no_trigger(device, flow, emulator, one):
    one.triggers = ["SHADOW.UPDATED"]
    flow.subscribe(f"@tap/feed/updated/{one.client_id}:{one.token}")
    device.publish("@shadow/data/update", {"data": {"temp": 1}, "timestamp": 1_700_000_000_000})
    device.publish("@shadow/data/update", {"data": {"temp": 2}, "timestamp": 1_600_000_000_000})
    assert device.told(UPDATED)["timestamp"] == 1_700_000_000_000
    answer = read(device)
    assert (answer["data"], answer["rev"]) == ({"temp": 1}, 1)
    told = [flow.told("@feed/data/updated") for _ in range(2)]
    assert told == [
        {"deviceid": one.client_id, "newdata": {"temp": 1}, "timestamp": 1_700_000_000_000},
        {"deviceid": one.client_id, "newdata": {"temp": 2}, "timestamp": 1_600_000_000_000},
    ]
    assert emulator.used()["triggers"] == 1


def test_relative_timestamp_is_from_now(device):
    now = time.time() * 1000
    device.publish("@shadow/data/update", {"data": {"temp": 1}, "timestamp": -90000})
    assert abs(device.told(UPDATED)["timestamp"] - (now - 90000)) < 20_000


def test_store_and_trigger_can_be_declined(device, emulator, one):
    one.triggers = ["SHADOW.UPDATED"]
    device.publish("@shadow/data/update", {"data": {"temp": 1}, "store": False, "trigger": False})
    device.told(UPDATED)
    assert (emulator.used()["points"], emulator.used()["triggers"]) == (0, 0)
    device.publish("@shadow/data/update", {"data": {"temp": 2}})
    device.told(UPDATED)
    assert (emulator.used()["points"], emulator.used()["triggers"]) == (1, 1)


def test_schema_is_kept(device, one):
    one.schema = {"additionalProperties": False, "properties": {"temp": {"type": "number"}}}
    device.publish("@shadow/data/update", {"data": {"temp": "2.3", "other": 1}})
    assert device.told(UPDATED)["data"] == {"temp": 2.3}


@pytest.mark.parametrize(
    "content",
    ["", "{", "[]", '{"data": 1}', "{}", '{"data": {"a": 1}', b"\xff", '{"data": {"a": NaN}}', '{"a":' * 9999],
)
def test_what_is_no_write_changes_nothing(device, content):
    device.publish("@shadow/data/update", content)
    assert read(device)["rev"] == 0


def test_batch_is_acknowledged_and_its_newest_is_the_shadow(device):
    entries = [{"data": {"t": number}, "ts": 1_700_000_000_000 + number} for number in (2, 0, 1)]
    device.publish("@shadow/batch/update", {"ackid": {"any": 1}, "batch": entries, "merged": True})
    assert [device.told(UPDATED)["data"]["t"] for _ in range(3)] == [0, 1, 2]
    assert device.told(BATCH_ANSWER) == {
        "ackid": {"any": 1}, "total": 3, "mints": 1_700_000_000_000, "maxts": 1_700_000_000_002,
    }  # fmt: skip
    assert read(device)["data"] == {"t": 2}


def test_batch_of_relative_times(device):
    now = time.time() * 1000
    entries = [{"data": {"t": 1}, "ts": -90000}, {"data": {"t": 2}, "ts": 0}]
    device.publish("@shadow/batch/update", {"ackid": 1, "batch": entries})
    for _ in range(2):
        device.told(UPDATED)
    answer = device.told(BATCH_ANSWER)
    assert answer["maxts"] - answer["mints"] == 90000
    assert abs(answer["maxts"] - now) < 20_000


def test_batch_without_ackid_is_not_answered(device):
    device.publish("@shadow/batch/update", {"batch": [{"data": {"t": 1}}]})
    device.told(UPDATED)
    assert device.hears_nothing()


def test_batch_of_100_is_taken_and_of_101_is_refused_whole(device, emulator):
    entries = [{"data": {"t": number}, "ts": number - 1000} for number in range(101)]
    device.publish("@shadow/batch/update", {"ackid": 140, "batch": entries})
    assert device.told(BATCH_ANSWER) == {
        "ackid": 140, "errcode": 429, "message": "batch size exceeds 100", "inputsize": 101,
    }  # fmt: skip
    assert emulator.used()["points"] == 0
    device.publish("@shadow/batch/update", {"ackid": 141, "batch": entries[:100]})
    for _ in range(100):
        device.told(UPDATED)
    assert device.told(BATCH_ANSWER)["total"] == 100


def test_newest_entry_of_a_batch_alone_fires_a_trigger(api, emulator, one):
    one.triggers = [{"action": "hook", "event": "SHADOW.UPDATED", "condition": "$NEW.t > 0", "msg": "{{$NEW.t}}"}]
    entries = [{"data": {"t": number}, "ts": -1000 * number} for number in (3, 1, 2)]
    assert api(one)("PUT", "/shadow/batch", {"batch": entries}).json()["total"] == 3
    assert [action.msg for action in emulator.platform.actions] == ["1"]


def test_shadows_of_two_devices_are_apart(device, connect, two):
    other = connect(two)
    other.subscribe("@shadow/#")
    device.publish("@shadow/data/update", {"data": {"t": 1}})
    device.told(UPDATED)
    assert other.hears_nothing()
