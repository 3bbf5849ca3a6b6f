"""The broker with TLS, and over websockets."""

import queue
import socket
import ssl
import threading
import time

import paho.mqtt.client as mqtt
import paho.mqtt.publish as publish
import pytest
import requests
from websockets.sync.client import connect

from netpie_emulator import EmulatorError, PortError
from netpie_emulator.netpie2020 import Emulator2020
from sdk_support.certificates import make_certificates


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    """Has an authority's ca.pem, and both.pem: the broker's certificate with its key."""
    made = tmp_path_factory.mktemp("tls")
    make_certificates(made)
    (made / "both.pem").write_text((made / "server.pem").read_text() + (made / "server.key").read_text())
    return made


def write(port, device, **options):
    auth = {"username": device.token, "password": device.secret}
    publish.single(
        "@shadow/data/update", '{"data": {"t": 1}}', 1, client_id=device.client_id, hostname="127.0.0.1", port=port,
        auth=auth, **options,
    )  # fmt: skip


def test_both_ports_are_the_same_broker_s(account, one, folder):
    with Emulator2020(account, certificate=folder / "both.pem") as emulator:
        write(emulator.tls_port, one, tls={"ca_certs": str(folder / "ca.pem")})
        write(emulator.mqtt_port, one)
        headers = {"Authorization": f"Device {one.client_id}:{one.token}"}
        assert requests.get(emulator.api_url + "/shadow/data", headers=headers, timeout=60).json()["rev"] == 2


def test_api_speaks_tls_too_and_hangs_up_on_what_does_not(account, one, folder):
    with Emulator2020(account, certificate=folder / "both.pem") as emulator:
        headers = {"Authorization": f"Device {one.client_id}:{one.token}"}
        port = int(emulator.https_url.split(":")[2].split("/")[0])
        with socket.create_connection(("127.0.0.1", port)) as plain:
            plain.sendall(b"GET / HTTP/1.1\r\n\r\n")
            answers = [
                requests.get(f"{url}/status", headers=headers, verify=str(folder / "ca.pem"), timeout=60).json()
                for url in (emulator.https_url, emulator.api_url)
            ]
        assert answers[0] == answers[1]
        with socket.socket() as taken:
            taken.bind(("127.0.0.1", 0))
            with (
                pytest.raises(PortError),
                Emulator2020(account, certificate=folder / "both.pem", https_port=taken.getsockname()[1]),
            ):
                pass


def test_client_that_does_not_know_the_authority_refuses_the_broker(account, one, folder):
    with Emulator2020(account, certificate=folder / "both.pem") as emulator:
        with pytest.raises(ssl.SSLCertVerificationError):
            write(emulator.tls_port, one, tls={})
        assert emulator.used()["messages"] == 0


@pytest.mark.parametrize("name", ["ca.pem", "missing.pem"])
def test_file_without_a_certificate_and_its_key_is_named(account, folder, name):
    with pytest.raises(EmulatorError, match=name):
        Emulator2020(account, certificate=folder / name)


def test_taken_port_for_tls_leaves_nothing_running(account, folder):
    with Emulator2020(account) as other:
        before = set(threading.enumerate())
        second = Emulator2020(account, certificate=folder / "both.pem", tls_port=other.mqtt_port)
        with pytest.raises(PortError, match=str(other.mqtt_port)):
            second.start()
        second.stop()
        assert set(threading.enumerate()) == before


def test_websockets_are_the_same_broker_s(account, one, folder):
    with Emulator2020(account, websocket_port=0) as emulator:
        write(emulator.websocket_port, one, transport="websockets")
        assert emulator.platform.shadow(one).data == {"t": 1}
    with Emulator2020(account, certificate=folder / "both.pem", websocket_port=0) as emulator:
        write(emulator.websocket_port, one, transport="websockets", tls={"ca_certs": str(folder / "ca.pem")})
        assert emulator.platform.shadow(one).data == {"t": 1}


def test_message_comes_back_over_a_websocket_whatever_its_size(account, one):
    text = "x" * 300_000
    with Emulator2020(account, websocket_port=0) as emulator:
        paho = mqtt.Client(mqtt.CallbackAPIVersion.VERSION2, one.client_id, transport="websockets")
        paho.username_pw_set(one.token, one.secret)
        heard: queue.Queue[bytes] = queue.Queue()
        paho.on_message = lambda _c, _u, message: heard.put(message.payload)
        paho.on_connect = lambda *_: paho.subscribe("@msg/#", 1)
        paho.on_subscribe = lambda *_: paho.publish("@msg/t", text, 1)
        paho.connect("127.0.0.1", emulator.websocket_port)
        paho.loop_start()
        try:
            assert heard.get(timeout=60) == text.encode()
        finally:
            paho.disconnect()
            paho.loop_stop()


@pytest.mark.parametrize("offered", [["mqtt"], ["mqttv3.1"], ["mqttv3.1", "mqtt"]])
def test_websocket_takes_what_clients_offer_at_any_path(account, offered):
    with (
        Emulator2020(account, websocket_port=0) as emulator,
        connect(f"ws://127.0.0.1:{emulator.websocket_port}/any/mqtt", subprotocols=offered) as socket,
    ):
        assert socket.subprotocol in offered


def test_open_websocket_does_not_keep_the_emulator_running(account, one):
    before = set(threading.enumerate())
    emulator = Emulator2020(account, websocket_port=0)
    emulator.start()
    paho = mqtt.Client(mqtt.CallbackAPIVersion.VERSION2, one.client_id, transport="websockets")
    paho.username_pw_set(one.token, one.secret)
    paho.connect("127.0.0.1", emulator.websocket_port)
    started = time.monotonic()
    emulator.stop()
    assert time.monotonic() - started < 15
    assert set(threading.enumerate()) == before


def test_taken_port_for_websockets_leaves_nothing_running(account):
    with Emulator2020(account) as other:
        before = set(threading.enumerate())
        second = Emulator2020(account, websocket_port=other.mqtt_port)
        with pytest.raises(PortError, match=str(other.mqtt_port)):
            second.start()
        second.stop()
        assert set(threading.enumerate()) == before
