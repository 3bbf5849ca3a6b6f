"""Who may connect to NETPIE 2020's broker, and how a refusal is answered."""

import json
import socket
import struct

import paho.mqtt.client as mqtt
import pytest


def test_device_connects_with_client_id_token_and_secret(connect, one):
    connect(one)


def test_secret_may_be_left_out(connect_as, one):
    connect_as(one.client_id, one.token, "")
    connect_as(one.client_id, one.token, None)


def test_wrong_credentials_are_refused_with_5(connect_as, one, two):
    connect_as(one.client_id, "wrong", one.secret, expect=5)
    connect_as(one.client_id, one.token, "wrong", expect=5)
    connect_as(one.client_id, two.token, two.secret, expect=5)
    connect_as("nobody", one.token, one.secret, expect=5)


@pytest.mark.parametrize("fault", [{"enabled": False}, {"banned": True}])
def test_disabled_or_banned_device_is_refused_with_5(connect, one, fault):
    for name, value in fault.items():
        setattr(one, name, value)
    connect(one, expect=5)


@pytest.mark.parametrize("level", [b"\x00\x04MQTT\x03", b"\x00\x06MQIsdp\x03", b"\x00\x04MQTT\x05"])
def test_other_levels_of_mqtt_are_refused_with_1(emulator, one, level):
    fields = (one.client_id, one.token, one.secret)
    body = level + b"\xc2\x00\x3c" + (b"\x00" if level.endswith(b"\x05") else b"")
    body += b"".join(struct.pack("!H", len(text)) + text.encode() for text in fields)
    head = bytes([0x10, len(body) & 0x7F | 0x80, len(body) >> 7])
    with socket.create_connection((emulator.mqtt_host, emulator.mqtt_port), timeout=60) as link:
        link.sendall(head + body)
        assert link.recv(4) == b"\x20\x02\x00\x01"


def test_paho_at_mqtt_5_is_told_so(connect_as, one):
    connect_as(one.client_id, one.token, one.secret, expect=1, protocol=mqtt.MQTTv5)


def test_device_has_one_connection_and_the_newer_one_stays(connect, one, two):
    first, second = connect(one), connect(one)
    first.disconnects.get(timeout=60)
    second.subscribe("@msg/t")
    connect(two).publish("@msg/t", "x")
    assert second.message() == ("@msg/t", "x")


def test_device_that_is_disabled_is_hung_up_on_and_may_come_back(connect, emulator, one):
    client = connect(one)
    emulator.set_enabled(one.client_id, False)
    client.disconnects.get(timeout=60)
    connect(one, expect=5)
    emulator.set_enabled(one.client_id, True)
    connect(one)


def test_coming_and_going_is_told_to_who_taps_it(flow, connect, one):
    flow.subscribe(f"@tap/device/changed/{one.client_id}:{one.token}")
    client = connect(one)
    told = flow.told("@device/status/changed")
    assert told == {
        "deviceid": one.client_id, "alias": "one", "groupid": "G0", "projectid": "P0",
        "status": 1, "enabled": True, "banned": False,
    }  # fmt: skip
    client.close()
    assert flow.told("@device/status/changed")["status"] == 0


def test_no_credential_is_shown(one, account):
    shown = repr(account) + json.dumps([str(one)])
    assert one.token not in shown
    assert one.secret not in shown
    assert account.flowchannels[0].key not in shown
    assert account.user_token not in shown
