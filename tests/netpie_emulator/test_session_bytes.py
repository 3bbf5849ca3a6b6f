"""The bytes of a NETPIE 2015 session: a microgear is answered as ever, whatever else is emulated."""

import socket
from collections.abc import Iterator
from dataclasses import replace

import pytest

from netpie_creds import Application, Credentials, mqtt_login

TOPIC = b"/MyApp/room/1"
PAYLOAD = b'{"t": 21.5}'


def text(of: bytes) -> bytes:
    return len(of).to_bytes(2, "big") + of


def packet(first: int, body: bytes) -> bytes:
    assert len(body) < 128
    return bytes([first, len(body)]) + body


def connect(login: object, name: bytes, level: int) -> bytes:
    """As paho-mqtt 1.2.3 under microgear-python 1.2.7 sends it: a clean session, 60 s, user and password."""
    who = (login.client_id, login.username, login.password)  # type: ignore[attr-defined]
    body = text(name) + bytes([level, 0xC2, 0, 60]) + b"".join(text(one.encode()) for one in who)
    return bytes([0x10, len(body) & 0x7F | 0x80, len(body) >> 7]) + body if len(body) > 127 else packet(0x10, body)


class Session:
    """A connection, byte for byte."""

    def __init__(self, port: int) -> None:
        self._link = socket.create_connection(("127.0.0.1", port), timeout=60)

    def told(self, sent: bytes, answer: bytes) -> None:
        """Send, and get exactly this."""
        self._link.sendall(sent)
        got = b""
        while len(got) < len(answer) and (more := self._link.recv(len(answer) - len(got))):
            got += more
        assert got == answer

    def ended(self) -> bool:
        return self._link.recv(1) == b""

    def close(self) -> None:
        self._link.close()


@pytest.fixture
def session(emulator) -> Iterator[Session]:
    opened = Session(emulator.mqtt_port)
    yield opened
    opened.close()


@pytest.mark.parametrize(("name", "level"), [(b"MQTT", 4), (b"MQTT", 3), (b"MQIsdp", 3)])
def test_session_of_a_microgear_has_the_bytes_that_it_always_had(session, new_thing, name, level):
    login = mqtt_login(new_thing(), 1540780416)
    session.told(connect(login, name, level), b"\x20\x02\x00\x00")
    session.told(packet(0x82, b"\x00\x01" + text(b"/MyApp/room/+") + b"\x00"), b"\x90\x03\x00\x01\x00")
    session.told(packet(0x82, b"\x00\x02" + text(b"/MyApp/log") + b"\x01"), b"\x90\x03\x00\x02\x01")
    session.told(packet(0x82, b"\x00\x03" + text(b"/OTHER/#") + b"\x00"), b"\x90\x03\x00\x03\x80")
    session.told(packet(0x30, text(TOPIC) + PAYLOAD), packet(0x30, text(TOPIC) + PAYLOAD))
    session.told(packet(0x32, text(b"/MyApp/away") + b"\x00\x04" + PAYLOAD), b"\x40\x02\x00\x04")
    session.told(b"\xc0\x00", b"\xd0\x00")
    session.told(packet(0xA2, b"\x00\x05" + text(b"/MyApp/room/+")), b"\xb0\x02\x00\x05")
    session.told(b"\xe0\x00", b"")
    assert session.ended()


@pytest.mark.parametrize(
    ("wrong", "name", "level", "code"),
    [("password", b"MQTT", 4, 4), ("client_id", b"MQTT", 4, 4), ("", b"MQTT", 5, 1), ("", b"MQXXXX", 3, 1)],
)
def test_refusal_has_the_bytes_that_it_always_had(session, new_thing, wrong, name, level, code):
    credentials = new_thing()
    if wrong == "client_id":
        credentials = Credentials(credentials.application, replace(credentials.token, token="A" * 16))
    elif wrong:
        app = credentials.application
        credentials = Credentials(Application(app.appid, app.appkey, "x" * 32), credentials.token)
    session.told(connect(mqtt_login(credentials, 1540780416), name, level), bytes([0x20, 2, 0, code]))
    assert session.ended()
