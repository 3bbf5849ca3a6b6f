"""A subscriber that does not read harms nobody else."""

import socket
import struct
import threading
import time

from netpie_creds import mqtt_login
from netpie_emulator import Emulator
from netpie_emulator.outbox import Message, Outbox


def text(value: str) -> bytes:
    return struct.pack("!H", len(value)) + value.encode()


def packet(kind: int, body: bytes) -> bytes:
    return bytes([kind, len(body)]) + body


def deaf_subscriber(login) -> socket.socket:
    """Connect and subscribe to all of the application, and never read again."""
    connection = socket.socket()
    connection.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
    connection.connect((login.host, login.port))
    connect = text("MQTT") + b"\x04\xc2\x00\x00" + text(login.client_id) + text(login.username)
    connection.sendall(packet(0x10, connect + text(login.password)))
    connection.sendall(packet(0x82, b"\x00\x01" + text("/MyApp/#") + b"\x00"))
    assert connection.recv(9, socket.MSG_WAITALL) == b"\x20\x02\x00\x00\x90\x03\x00\x01\x00"
    return connection


def test_others_are_served_and_the_broker_stops_in_time(emulator: Emulator, new_thing, thing):
    deaf = deaf_subscriber(mqtt_login(new_thing(), 1))
    thing.subscribe("/MyApp/t")
    for _ in range(3000):
        thing.mqtt.publish("/MyApp/t", b"x" * 2000)
    for _ in range(3000):
        thing.messages.get(timeout=30)
    thing.close()
    started = time.monotonic()
    emulator.stop()
    assert time.monotonic() - started < 5
    assert "netpie-broker" not in [thread.name for thread in threading.enumerate()]
    deaf.close()


def test_outbox_that_is_full_drops_what_comes_and_counts_it():
    outbox = Outbox(window=1, limit=2)
    assert [outbox.put(Message("t", b"x", 0)) for _ in range(3)] == [True, True, False]
    assert outbox.dropped == 1
    assert len(outbox.take()) == 2


def test_packet_numbers_in_use_are_not_given_out_again(monkeypatch):
    monkeypatch.setattr("netpie_emulator.outbox.MAX_PACKET_ID", 3)
    outbox = Outbox(window=2, limit=10)
    for number in range(2):
        outbox.put(Message("t", str(number).encode(), 1))
    outbox.take()
    for _ in range(5):
        outbox.acknowledge(2)
        outbox.put(Message("t", b"", 1))
        outbox.take()
        assert 1 in outbox._unacknowledged
