"""The broker with TLS."""

import ssl
import threading

import paho.mqtt.publish as publish
import pytest
import requests

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
        assert requests.get(emulator.api_url + "/shadow/data", headers=headers, timeout=20).json()["rev"] == 2


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
