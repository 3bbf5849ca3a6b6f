"""`python -m netpie_emulator --platform netpie2020`, and its file of devices."""

import json
import signal
import stat
import subprocess
import sys
import time

import paho.mqtt.publish as publish
import pytest
import requests

from netpie_emulator.netpie2020.devices import DevicesError, account_in, read_account

COMMAND = [sys.executable, "-m", "netpie_emulator"]


def run(*options):
    return subprocess.run([*COMMAND, *map(str, options)], capture_output=True, text=True, timeout=60)


def test_process_makes_devices_tells_its_addresses_serves_and_stops(tmp_path):
    devices, ready = tmp_path / "devices.json", tmp_path / "ready.json"
    options = [
        "--platform",
        "netpie2020",
        "--devices",
        devices,
        "--count",
        3,
        "--ready-file",
        ready,
        "--websocket-port",
        0,
    ]
    running = subprocess.Popen(
        [*COMMAND, *map(str, options)], stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True
    )
    try:
        for _ in range(1200):
            if ready.exists() or running.poll() is not None:
                break
            time.sleep(0.05)
        said = json.loads(ready.read_text())
        assert stat.S_IMODE(devices.stat().st_mode) == 0o600
        account = read_account(devices)
        assert len(account.devices) == 3
        device = next(iter(account.devices.values()))
        assert device.token not in ready.read_text()
        assert said.keys() == {"pid", "api", "query", "mqtt", "ws", "devices"}
        assert len({said["mqtt"]["port"], said["ws"]["port"]}) == 2
        publish.single(
            "@shadow/data/update", '{"data": {"t": 1}}', 1, client_id=device.client_id, keepalive=60,
            hostname=said["mqtt"]["host"], port=said["mqtt"]["port"],
            auth={"username": device.token, "password": device.secret},
        )  # fmt: skip
        headers = {"Authorization": f"Device {device.client_id}:{device.token}"}
        answer = requests.get(said["api"] + "/shadow/data", headers=headers, timeout=60)
        assert answer.json()["data"] == {"t": 1}
        running.send_signal(signal.SIGTERM)
        output, _ = running.communicate(timeout=30)
        assert (running.returncode, output) == (0, "")
        assert not ready.exists()
    finally:
        running.kill()
        running.communicate()


def test_devices_are_the_same_next_time(tmp_path):
    made = account_in(tmp_path / "d.json", 2)
    assert account_in(tmp_path / "d.json", 5) == made


@pytest.mark.parametrize(
    ("content", "told"),
    [
        ("{", "no file of devices"),
        ("[]", "no file of devices"),
        ('{"devices": [1]}', "device 1"),
        ('{"devices": [{"client_id": "a", "token": "hunter2"}]}', "secret"),
        ('{"devices": [{"client_id": "a/b", "token": "hunter2", "secret": "s"}]}', "client_id"),
        ('{"devices": [{"client_id": "a", "token": "hunter2", "secret": "s", "enabled": "no"}]}', "enabled"),
        ('{"devices": [{"client_id": "a", "token": "hunter2", "secret": "s", "colour": 1}]}', "colour"),
        ('{"devices": [], "flowchannels": ["hunter2"]}', "FlowChannel"),
    ],
)
def test_file_that_is_none_is_told_and_not_quoted(tmp_path, content, told):
    (tmp_path / "d.json").write_text(content)
    with pytest.raises(DevicesError, match=told) as error:
        read_account(tmp_path / "d.json")
    assert "hunter2" not in error.value.message


def test_wrong_options_are_one_line(tmp_path):
    (tmp_path / "d.json").write_text("[]")
    ended = run("--platform", "netpie2020", "--devices", tmp_path / "d.json")
    assert (ended.returncode, ended.stderr.count("\n")) == (1, 1)
    assert "d.json" in ended.stderr


@pytest.mark.parametrize(
    ("options", "told"),
    [
        (["--platform", "netpie2020"], "--devices"),
        ([], "--state"),
        (["--platform", "netpie2020", "--devices", "d", "--appid", "A"], "--appid is an option of"),
        (["--state", "s", "--appid", "A", "--quota", "api=1"], "--quota is an option of"),
        (["--platform", "netpie2020", "--devices", "d", "--count", "0"], "no number from 1"),
    ],
)
def test_options_of_the_wrong_platform_are_errors_of_usage(options, told):
    ended = run(*options)
    assert ended.returncode == 2
    assert told in ended.stderr
