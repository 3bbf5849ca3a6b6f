"""Over websockets, to a real Mosquitto."""

import socket

import pytest
from paho.mqtt import publish

from ..integration.mosquitto import mosquitto
from ..integration.streams import wait_for

pytestmark = pytest.mark.integration


def test_messages_come_over_websockets(probe, tmp_path):
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = free.getsockname()[1]
    with mosquitto(tmp_path, f"listener {port} 127.0.0.1\nprotocol websockets\n") as broker:
        probe.start(f"ws://127.0.0.1:{port}/mqtt", clientId="over-websockets")
        wait_for("the subscription", lambda: "Sending SUBACK to over-websockets" in broker.log(), 30)
        publish.single("/app/x", "over a websocket", qos=1, hostname="127.0.0.1", port=broker.port)
        assert probe.wait_for_messages(1) == ["over a websocket"]
