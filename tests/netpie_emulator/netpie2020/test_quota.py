"""Quotas: how they are counted, and what happens when one is used up."""

from collections.abc import Iterator

import pytest

from netpie_emulator.errors import EmulatorError
from netpie_emulator.netpie2020 import FREE, Account, Emulator2020, Quota
from netpie_emulator.netpie2020.quota import blocks, quota_of


@pytest.fixture
def limits() -> dict[str, int]:
    """What a test changes before the emulator is asked for."""
    return dict(FREE)


@pytest.fixture
def emulator(account: Account, limits: dict[str, int]) -> Iterator[Emulator2020]:
    with Emulator2020(account, quota=Quota(limits)) as running:
        yield running


@pytest.mark.parametrize(("size", "count"), [(0, 1), (1, 1), (4096, 1), (4097, 2), (8193, 3)])
def test_blocks(size, count):
    assert blocks(size, 4096) == count


def test_connect_subscribe_publish_and_each_delivery_are_messages(emulator, connect, one, two):
    sender, listener = connect(one), connect(two)
    for client in (sender, listener):
        client.subscribe("@msg/t")
    assert emulator.used()["messages"] == 4
    sender.publish("@msg/t", "x" * 5000)
    for client in (sender, listener):
        client.message()
    assert emulator.used()["messages"] == 4 + 3 * 2


def test_used_up_messages_stop_all_of_mqtt(limits, request, connect_as, account, one, two):
    limits["messages"] = 5
    connect, api = request.getfixturevalue("connect"), request.getfixturevalue("api")
    clients = connect(one), connect(two)
    clients[1].subscribe("@msg/t")
    clients[0].publish("@msg/t", "last")
    assert clients[1].message() == ("@msg/t", "last")
    clients[0].publish("@msg/t", "one too many")
    for client in clients:
        client.disconnects.get(timeout=60)
    connect(one, expect=3)
    assert api(one)("PUT", "/message/t", "x").status_code == 429
    assert api(one)("GET", "/status").json()["status"] == 0


def test_used_up_shadow_operations_refuse_writes_and_nothing_is_stored(limits, request, one):
    limits["shadow"] = 3
    api = request.getfixturevalue("api")(one)
    assert api("PUT", "/shadow/data", {"data": {"t": "x" * 1500}}).status_code == 200
    assert api("PUT", "/shadow/data", {"data": {"t": 2}}).status_code == 200
    refused = api("PUT", "/shadow/data", {"data": {"t": 3}})
    assert (refused.status_code, refused.json()["errcode"]) == (429, 429)
    used = request.getfixturevalue("emulator").used()
    assert (used["shadow"], used["points"]) == (3, 2)


def test_batch_is_one_operation_and_each_expression_one_more(request, one):
    entries = [{"data": {"t": number}, "ts": -number} for number in range(100)]
    call = request.getfixturevalue("api")(one)
    assert call("PUT", "/shadow/batch", {"batch": entries}).status_code == 200
    assert request.getfixturevalue("emulator").used()["shadow"] == 1
    one.schema = {"properties": {"t": {"operation": {"transform": {"expression": "$.t + 1"}}}}}
    assert call("PUT", "/shadow/batch", {"batch": entries}).status_code == 200
    assert request.getfixturevalue("emulator").used()["shadow"] == 1 + 101


def test_batch_over_quota_stores_nothing(limits, request, one):
    limits["shadow"] = 6
    one.schema = {"properties": {"t": {"operation": {"transform": {"expression": "$.t + 1"}}}}}
    entries = [{"data": {"t": number, "u": 1}, "ts": -number} for number in range(6)]
    answer = request.getfixturevalue("api")(one)("PUT", "/shadow/batch", {"ackid": 1, "batch": entries})
    assert answer.status_code == 429
    assert request.getfixturevalue("emulator").used()["points"] == 0


def test_used_up_api_operations_are_429(limits, request, one):
    limits["api"] = 2
    api = request.getfixturevalue("api")(one)
    assert [api("GET", "/status").status_code for _ in range(3)] == [200, 200, 429]


def test_used_up_points_keep_the_shadow_and_store_no_more(limits, request, one):
    limits["points"] = 1
    emulator = request.getfixturevalue("emulator")
    answer = request.getfixturevalue("api")(one)("PUT", "/shadow/data", {"data": {"a": 1, "b": 2}})
    assert answer.json()["data"] == {"a": 1, "b": 2}
    assert emulator.used()["points"] == 1


def test_settings_change_single_quotas():
    assert quota_of(["messages=100", "api=0"]).limits == {**FREE, "messages": 100, "api": 0}


@pytest.mark.parametrize("setting", ["messages", "messages=", "messages=-1", "coffee=1", "messages=1e3"])
def test_setting_that_is_none_is_told(setting):
    with pytest.raises(EmulatorError, match=setting):
        quota_of([setting])
