"""The real micropython-netpie 1.0.0 against the emulated NETPIE 2020.

It runs under CPython, with stand-ins for MicroPython's own modules; its MQTT client is its own.
"""

import json
import subprocess
from pathlib import Path
from urllib.parse import urlsplit

import pytest

from netpie_emulator.netpie2020 import Account, Emulator2020
from netpie_emulator.netpie2020.devices import new_device

pytestmark = pytest.mark.integration
DRIVER = Path(__file__).parent / "micropython_driver.py"


@pytest.fixture
def device():
    return new_device()


@pytest.fixture
def emulator_2020(device):
    account = Account()
    account.add(device)
    with Emulator2020(account) as running:
        yield running


@pytest.fixture
def run(micropython_interpreter, emulator_2020, device):
    """Give orders to the client and return its answers."""

    def orders(*wanted, secret=device.secret):
        options = {
            "profile": [device.client_id, device.token, secret],
            "http_port": urlsplit(emulator_2020.api_url).port,
            "mqtt_port": emulator_2020.mqtt_port,
            "orders": wanted,
        }
        ended = subprocess.run(
            [micropython_interpreter, str(DRIVER)],
            input=json.dumps(options),
            capture_output=True,
            text=True,
            timeout=60,
        )
        assert ended.returncode == 0, ended.stderr
        return json.loads(ended.stdout)

    return orders


def test_messages_come_back_over_mqtt(run):
    answers = run(["connect"], ["subscribe", "@msg/data", 1], ["publishMessage", "data", "20.5"], ["hear", 1])
    assert answers == [None, None, None, [["@msg/data", "20.5"]]]


def test_shadow_is_written_over_mqtt_and_heard(run):
    answers = run(["connect"], ["subscribe", "@shadow/data/updated"], ["publishShadow", {"t": 1}], ["hear", 1])
    topic, text = answers[-1][0]
    assert topic == "@shadow/data/updated"
    assert json.loads(text)["data"] == {"t": 1}


def test_shadow_over_rest(run):
    answers = run(
        ["write_device_shadow", {"a": 1, "b": 2}], ["merge_device_shadow", {"b": 3}],
        ["write_device_shadow", {"c": 4}], ["get_device_shadow"], ["get_device_status"],
    )  # fmt: skip
    assert [code for code, _ in answers] == [200] * 5
    assert answers[1][1]["data"] == {"a": 1, "b": 3}
    assert answers[3][1]["data"] == {"c": 4}
    assert answers[4][1]["enabled"] is True


def test_messages_over_rest_reach_mqtt(run):
    answers = run(
        ["connect"], ["subscribe", "@msg/#"], ["subscribe", "@private/#"],
        ["publish_device_message", "a/b", "x"], ["hear", 1], ["publish_private_message", "c", "y"], ["hear", 2],
    )  # fmt: skip
    assert answers[-1] == [["@msg/a/b", "x"], ["@private/c", "y"]]


def test_wrong_secret_is_refused(run, emulator_2020):
    assert run(["connect"], secret="wrong") != [None]
    assert emulator_2020.used()["messages"] == 0
