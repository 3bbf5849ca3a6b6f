"""NETPIE 2020 on the command line: what it does, and each mistake as one line with its exit status."""

import json
from pathlib import Path

import pytest

from netpie_emulator.netpie2020 import Account, Emulator2020
from netpie_emulator.netpie2020.devices import new_device
from netpie_emulator.netpie2020.quota import quota_of
from provision.cli import run


@pytest.fixture
def account():
    made = Account()
    made.add(new_device(alias="one"))
    return made


@pytest.fixture
def device(account):
    return next(iter(account.devices.values()))


@pytest.fixture
def emulator(account, monkeypatch, tmp_path):
    with Emulator2020(account) as running:
        monkeypatch.setenv("PROVISION_HOME", str(tmp_path / "home"))
        point_to(running, monkeypatch)
        yield running


def point_to(emulator, monkeypatch):
    monkeypatch.setenv("NETPIE_API", emulator.api_url)
    monkeypatch.setenv("NETPIE_BROKER", f"tcp://127.0.0.1:{emulator.mqtt_port}")


@pytest.fixture
def file(device, tmp_path):
    path = tmp_path / "device.env"
    path.write_text(f"client_id={device.client_id}\ntoken={device.token}\nsecret={device.secret}\n")
    path.chmod(0o600)
    return path


def failed(capsys, device):
    """The one error of the command that has just run."""
    out, err = capsys.readouterr()
    errors = [line for line in err.splitlines() if line.startswith("error: ")]
    assert len(errors) == 1
    assert device.token not in out + err
    assert device.secret not in out + err
    return errors[0]


def test_publish_sends_messages_and_writes_the_shadow(emulator, file, device, tmp_path, capsys):
    assert run(["publish", "--credentials-file", str(file), "--message", '{"t": 1}', "--json"]) == 0
    said = json.loads(capsys.readouterr().out)
    assert (said["published"], said["topic"]) == (1, "@msg/metrics")
    (tmp_path / "events.jsonl").write_text("".join(f'{{"t": {number}}}\n' for number in range(101)))
    options = ["--credentials-file", str(file), "--topic", "@shadow/batch", "--file", str(tmp_path / "events.jsonl")]
    assert run(["publish", *options, "--json"]) == 0
    assert json.loads(capsys.readouterr().out)["published"] == 101
    assert emulator.platform.shadow(device).data == {"t": 100}
    assert emulator.used()["shadow"] == 101


@pytest.mark.parametrize(
    ("fault", "told", "status"),
    [
        ({"token": "changed"}, "NETPIE refuses its token", 5),
        ({"enabled": False}, "disabled", 5),
        ({"banned": True}, "banned", 5),
    ],
)
def test_refused_device_is_told(emulator, file, device, capsys, fault, told, status):
    for name, value in fault.items():
        setattr(device, name, value)
    assert run(["publish", "--credentials-file", str(file), "--message", "{}"]) == status
    assert told in failed(capsys, device)
    assert run(["creds", "get", "--credentials-file", str(file)]) == status
    assert told in failed(capsys, device)


@pytest.mark.parametrize(
    ("quota", "topic", "told"),
    [("messages=0", "metrics", "quota of messages"), ("shadow=0", "@shadow", "quota of shadow operations"),
     ("api=0", "metrics", "quota of API operations")],
)  # fmt: skip
def test_used_up_quota_is_told(account, file, device, capsys, monkeypatch, quota, topic, told):
    with Emulator2020(account, quota=quota_of([quota])) as emulator:
        point_to(emulator, monkeypatch)
        options = ["--credentials-file", str(file), "--topic", topic, "--message", "{}"]
        assert run(["publish", *options]) == 1
    assert told in failed(capsys, device)


@pytest.mark.parametrize(
    ("options", "told", "status"),
    [
        (["--api", "http://127.0.0.1:1"], "connection refused", 4),
        (["--api", "nowhere"], "not NETPIE's API", 2),
        (["--topic", "@private/x"], "nobody can publish to it", 2),
        (["--topic", "@msg/a/#"], "wildcards", 2),
        (["--appid", "A"], "what is given is of netpie2015 and netpie2020", 2),
        (["--forecast", "10", "--topic", "@shadow", "--message", "20.5"], "no JSON object", 2),
    ],
)
def test_wrong_words_are_told(emulator, file, device, capsys, options, told, status):
    assert run(["publish", "--credentials-file", str(file), "--message", "{}", *options]) == status
    assert told in failed(capsys, device)


def test_doctor_forecasts_the_quota(emulator, file, capsys):
    run(["doctor", "--credentials-file", str(file), "--forecast", "30/10s", "--json"])
    checks = json.loads(capsys.readouterr().out)["checks"]
    quota = [(check["level"], check["message"]) for check in checks if check["part"] == "quota"]
    assert quota[0] == ("warn", "as messages, 30 devices, every 10 s: 15.6 M of 9 M messages a month: over")
    assert "7.8 M of 500,000 shadow operations a month: over" in quota[1][1]


def test_credentials_are_kept_shown_and_forgotten(emulator, file, device, tmp_path, capsys):
    assert run(["creds", "get", "--credentials-file", str(file), "--json"]) == 0
    got = json.loads(capsys.readouterr().out)
    assert got["client_id"] == device.client_id
    assert device.token not in json.dumps(got)
    kept = Path(tmp_path / "home" / "state" / "netpie2020" / f"{device.client_id}.json")
    assert device.token in kept.read_text()
    assert run(["creds", "show", "--client-id", device.client_id, "--json", "--secrets"]) == 0
    assert json.loads(capsys.readouterr().out)["token"] == device.token
