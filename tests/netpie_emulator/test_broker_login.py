"""Who the broker lets in, and what it says to the others."""

import dataclasses
import socket
import struct
import time

import pytest

from netpie_creds import MqttLogin, mqtt_login
from netpie_creds.model import sign
from netpie_emulator import Status


@pytest.fixture
def login(new_thing) -> MqttLogin:
    return mqtt_login(new_thing(), int(time.time()))


def test_thing_with_its_own_password_is_admitted(connect, login):
    connect(login)


def test_username_without_a_time_is_admitted(connect, new_thing):
    thing = new_thing()
    key, token = thing.application.appkey, thing.token.token
    host, port = thing.token.broker()
    connect(MqttLogin(host, port, token, key, sign(thing.hmac_key(), f"{token}%{key}")))


def test_password_of_another_time_does_not_fit_the_username(connect, new_thing):
    thing = new_thing()
    mixed = dataclasses.replace(mqtt_login(thing, 1), password=mqtt_login(thing, 2).password)
    connect(mixed, expect=4)


@pytest.mark.parametrize(
    "change",
    [
        {"password": "wrong"},
        {"password": ""},
        {"client_id": "unknowntoken1234"},
        {"username": "otherkey%1"},
        {"username": "", "password": ""},
    ],
)
def test_wrong_credentials_are_answered_with_4(connect, login, change):
    connect(dataclasses.replace(login, **change), expect=4)


def test_revoked_token_is_answered_with_4(connect, emulator, login):
    emulator.store.revoke(login.client_id)
    connect(login, expect=4)


def test_disabled_key_is_answered_with_5_until_it_is_enabled(connect, emulator, application, login):
    emulator.store.set_status(application.appkey, Status.DISABLED)
    connect(login, expect=5)
    emulator.store.set_status(application.appkey, Status.ENABLED)
    connect(login)


def test_disabled_key_with_a_wrong_password_learns_nothing(connect, emulator, application, login):
    emulator.store.set_status(application.appkey, Status.DISABLED)
    connect(dataclasses.replace(login, password="wrong"), expect=4)


def test_anonymous_client_is_refused(connect, emulator):
    connect(MqttLogin("127.0.0.1", emulator.mqtt_port, "", "", ""), expect=4)


def test_failed_login_does_not_disturb_the_thing_that_is_connected(connect, new_thing):
    thing = new_thing()
    client = connect(thing)
    client.subscribe("/MyApp/t")
    connect(dataclasses.replace(mqtt_login(thing, 1), password="wrong"), expect=4)
    client.publish("/MyApp/t", "still here", qos=1)
    assert client.message() == ("/MyApp/t", "still here")


def test_second_connection_of_a_token_takes_the_place_of_the_first(connect, new_thing):
    thing = new_thing()
    first = connect(thing)
    second = connect(thing)
    assert first.disconnects.get(timeout=30) != 0
    second.subscribe("/MyApp/t")
    second.publish("/MyApp/t", "mine", qos=1)
    assert second.message() == ("/MyApp/t", "mine")


def test_many_connections_of_one_token_at_once_leave_one_that_works(connect, new_thing, emulator, caplog):
    thing = new_thing()
    login = mqtt_login(thing, 1)
    body = text("MQTT") + b"\x04\xc0\x00\x0a" + text(login.client_id) + text(login.username)
    packet = bytes([0x10, len(body) + 2 + len(login.password)]) + body + text(login.password)
    rivals = [socket.create_connection((login.host, login.port), timeout=30) for _ in range(8)]
    for rival in rivals:
        rival.sendall(packet)
    for rival in rivals:
        assert rival.recv(4) in (b"\x20\x02\x00\x00", b"\x20\x02\x01\x00", b"")
    client = connect(thing)
    client.subscribe("/MyApp/t")
    client.publish("/MyApp/t", "mine", qos=1)
    assert client.message() == ("/MyApp/t", "mine")
    for rival in rivals:
        rival.close()
    assert caplog.text == ""


def text(value: str) -> bytes:
    return struct.pack("!H", len(value)) + value.encode()


def raw_connect(login: MqttLogin, name: str, level: int) -> bytes:
    """Send a CONNECT of that protocol name and level; return the four bytes of the answer."""
    body = text(name) + bytes([level, 0xC2]) + struct.pack("!H", 10)
    body += text(login.client_id) + text(login.username) + text(login.password)
    with socket.create_connection((login.host, login.port), timeout=30) as connection:
        connection.sendall(bytes([0x10, len(body)]) + body)
        return connection.recv(4)


@pytest.mark.parametrize(("name", "level"), [("MQTT", 4), ("MQTT", 3), ("MQIsdp", 3)])
def test_every_level_that_netpies_clients_speak_is_admitted(login, name, level):
    assert raw_connect(login, name, level) == b"\x20\x02\x00\x00"


@pytest.mark.parametrize(("name", "level"), [("MQTT", 5), ("MQTT", 6), ("MQIsdp", 4), ("HTTP", 4)])
def test_other_protocols_are_answered_with_1(login, name, level):
    assert raw_connect(login, name, level) == b"\x20\x02\x00\x01"


def test_paho_speaks_the_old_protocol_too(connect, login):
    import paho.mqtt.client as mqtt

    client = connect(login, protocol=mqtt.MQTTv31)
    client.subscribe("/MyApp/t")
    client.publish("/MyApp/t", "old", qos=1)
    assert client.message() == ("/MyApp/t", "old")


@pytest.mark.parametrize(
    "first", [b"", b"GET / HTTP/1.1\r\n\r\n", b"\x10\xff\xff\xff\xff\xff", b"\x10\x0a\x00\x04MQTT\x04\xc2"]
)
def test_what_is_no_connect_is_hung_up_on_and_the_broker_goes_on(emulator, connect, login, first):
    with socket.create_connection((login.host, login.port), timeout=30) as connection:
        connection.sendall(first)
        connection.shutdown(socket.SHUT_WR)
        assert connection.recv(1) == b""
    connect(login)


def test_client_that_falls_silent_is_hung_up_on(connect, new_thing, login):
    watcher = connect(new_thing())
    watcher.subscribe("/MyApp/&absent")
    body = text("MQTT") + bytes([4, 0xC2]) + struct.pack("!H", 1)
    body += text(login.client_id) + text(login.username) + text(login.password)
    with socket.create_connection((login.host, login.port), timeout=60) as connection:
        connection.sendall(bytes([0x10, len(body)]) + body)
        assert watcher.message()[0] == "/MyApp/&absent"
