"""NETPIE 2020 on the command line: what it does, and each mistake as one line with its exit status."""

import json
import threading
from contextlib import contextmanager
from pathlib import Path

import pytest

from netpie_emulator.netpie2020 import Account, Emulator2020
from netpie_emulator.netpie2020.devices import new_device, new_flowchannel
from netpie_emulator.netpie2020.quota import quota_of
from provision.cli import run
from sdk_support.certificates import make_certificates
from zeppelin_sdk.testing import FakeZeppelin


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
    assert emulator.used()["shadow"] == 2  # each batch is one operation


@pytest.mark.parametrize("topic", ["@shadow", "@shadow/batch"])
def test_the_time_of_an_event_is_none_of_its_fields(emulator, file, device, topic):
    event = json.dumps({"t": 1, "timestamp": 1_700_000_000_000})
    assert run(["publish", "--credentials-file", str(file), "--topic", topic, "--message", event]) == 0
    shadow = emulator.platform.shadow(device)
    assert (shadow.data, shadow.timestamp) == ({"t": 1}, 1_700_000_000_000)
    assert run(["publish", "--credentials-file", str(file), "--topic", topic, "--message", '{"timestamp": "x"}']) == 0
    assert emulator.platform.shadow(device).data == {"t": 1, "timestamp": "x"}


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
    ("address", "days", "trust", "told"),
    [
        ("127.0.0.1", 2, False, "its authority is not trusted"),
        ("127.0.0.1", -1, True, "it has expired"),
        ("127.0.0.2", 2, True, "it is for another address"),
    ],
)
def test_a_broker_whose_certificate_is_refused_is_told(
    account, file, device, capsys, monkeypatch, tmp_path, address, days, trust, told
):
    authority = make_certificates(tmp_path, address, days=days).ca
    if trust:
        monkeypatch.setenv("SSL_CERT_FILE", str(authority))
    both = tmp_path / "both.pem"
    both.write_text((tmp_path / "server.pem").read_text() + (tmp_path / "server.key").read_text())
    with Emulator2020(account, certificate=both) as emulator:
        point_to(emulator, monkeypatch)
        monkeypatch.setenv("NETPIE_BROKER", f"ssl://127.0.0.1:{emulator.tls_port}")
        assert run(["sub", "--credentials-file", str(file), "--seconds", "30"]) == 4
    said = failed(capsys, device)
    assert f"its certificate is refused: {told}" in said
    assert "--netpie-broker" in said
    assert "--mqtt-ca" not in said


def test_a_listener_of_a_wrong_secret_is_refused(emulator, file, device, capsys):
    device.secret = "of-another"
    assert run(["sub", "--credentials-file", str(file), "--seconds", "30"]) == 5
    assert "not authorised (CONNACK 5); check client id, token and secret" in failed(capsys, device)


def test_a_device_hears_its_group_as_messages_and_its_shadow_as_rows(emulator, account, file, device, capsys):
    account.add(other := new_device(alias="other"))
    listening = ["sub", "--credentials-file", str(file), "--count", "2", "--seconds", "60", "--json"]

    def send() -> None:
        emulator.platform.message(other, "room/1", b'{"t": 1.5}')
        emulator.platform.update(device, {"data": {"t": "2.5"}, "timestamp": 1_700_000_000_000})

    with repeating(lambda: emulator._thread.call(send)):
        assert run([*listening, "--topic", "room/+"]) == 0
        raw = [json.loads(line) for line in capsys.readouterr().out.splitlines()]
        shadow = ["mapping=id=$.deviceid", "payload=shadow", "schema=id string, t double, timestamp timestamp"]
        pairs = [word for pair in shadow for word in ("--param", pair)]
        assert run([*listening, "--topic", "@shadow/data/updated", "--rows", "--bundle", "structured", *pairs]) == 0
        rows = [json.loads(line)["row"] for line in capsys.readouterr().out.splitlines()]
    assert [(each["topic"], each["payload"]) for each in raw] == [("@msg/room/1", '{"t": 1.5}')] * 2
    assert [(row["id"], row["t"]) for row in rows] == [(device.client_id, 2.5)] * 2


@contextmanager
def repeating(send):
    """Call it again and again meanwhile, from a thread."""
    done = threading.Event()

    def run_until_done() -> None:
        while not done.wait(0.2):
            send()

    sending = threading.Thread(target=run_until_done)
    sending.start()
    try:
        yield
    finally:
        done.set()
        sending.join(30)


def test_a_device_that_is_connected_is_not_cut_off(emulator, file, device, capsys):
    emulator.platform.online.add(device.client_id)
    assert run(["sub", "--credentials-file", str(file), "--seconds", "30"]) == 3
    assert "is connected" in failed(capsys, device)


def test_a_sender_of_another_group_than_the_notes_is_refused_unless_it_is_meant(
    zeppelin, account, file, device, capsys
):
    account.add(note := new_device(alias="note", group="G0"))
    of_note = file.with_name("note.env")
    of_note.write_text(f"client_id={note.client_id}\ntoken={note.token}\nsecret={note.secret}\n")
    assert run(["apply", "--credentials-file", str(of_note), *APPLY]) == 0
    send = ["publish", "--credentials-file", str(file), "--message", "{}"]
    assert run(send) == 0
    device.group = "other"
    capsys.readouterr()
    assert run(send) == 2
    said = failed(capsys, device)
    assert "is in group P0/other; the notes that were applied here hear messages of P0/G0" in said
    assert "--group P0/other says that it is meant" in said
    for group in ("P0/other", "other"):
        assert run([*send, "--group", group]) == 0
    assert run([*send, "--topic", "@shadow"]) == 0


def test_a_device_of_no_group_may_have_a_note_of_its_shadow(zeppelin, file, device):
    device.group = ""
    shadow = ["--param", "topic=@shadow/data/updated"]
    assert run(["apply", "--credentials-file", str(file), *APPLY, *shadow]) == 0
    assert run(["apply", "--credentials-file", str(file), *APPLY]) == 2


def test_a_row_of_a_class_with_a_device_of_no_group_is_told_and_the_others_are_done(
    zeppelin, account, device, tmp_path, capsys
):
    account.add(lonely := new_device(alias="lonely", group=""))
    rows = "".join(f"{one.client_id},{one.token},{one.secret}\n" for one in (device, lonely))
    (tmp_path / "class.csv").write_text("client_id,token,secret\n" + rows)
    assert run(["apply", "--each", str(tmp_path / "class.csv"), *APPLY[1:], "--json"]) == 1
    said = json.loads(capsys.readouterr().out)
    assert [row["error"] and row["error"]["message"].partition(":")[0] for row in said["rows"]] == [
        None,
        f"device {lonely.client_id} is in no group",
    ]
    assert len(zeppelin.notes) == 1


def test_a_batch_that_is_made_already_is_sent_as_it_is(emulator, file, device, capsys):
    batch = json.dumps({"batch": [{"data": {"t": 1}, "ts": -2000}, {"data": {"u": 2}, "ts": -1000}], "merged": False})
    assert run(["publish", "--credentials-file", str(file), "--topic", "@shadow/batch", "--message", batch]) == 0
    assert emulator.platform.shadow(device).data == {"u": 2}
    file.with_name("events.jsonl").write_text(f'{{"v": 3}}\n{batch}\n{{"w": 4}}\n')
    words = ["--topic", "@shadow/batch", "--file", str(file.with_name("events.jsonl"))]
    assert run(["publish", "--credentials-file", str(file), *words]) == 0
    assert "w" in emulator.platform.shadow(device).data


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


@pytest.fixture
def zeppelin(emulator, monkeypatch):
    with FakeZeppelin("0.10") as server:
        monkeypatch.setenv("ZEPPELIN_URL", server.url)
        yield server


def text_of(zeppelin):
    return json.dumps([note["paragraphs"] for note in zeppelin.notes.values()])


APPLY = ["--no-run", "--param", "mqtt_jars=/paho.jar"]


def test_note_keeps_its_device_and_its_platform(zeppelin, file, device, capsys):
    assert run(["apply", "--credentials-file", str(file), *APPLY]) == 0
    assert run(["plan", "--note", f"NETPIE/{device.client_id} metrics csv", "--param", "window=300"]) == 0
    out, err = capsys.readouterr()
    assert "this note at 10 devices, every 10 s: 5.2 M of 9 M messages a month" in err
    assert device.token not in out + err + text_of(zeppelin)
    assert run(["apply", "--no-run", "--note", f"NETPIE/{device.client_id} metrics csv", "--param", "window=300"]) == 0
    assert len(zeppelin.notes) == 1
    assert 'topics=Seq(\\"@msg/metrics\\")' in text_of(zeppelin)


def test_apply_warns_of_a_quota_that_is_not_enough(zeppelin, file, capsys):
    shadow = ["--param", "topic=@shadow/data/updated"]
    assert run(["apply", "--credentials-file", str(file), *APPLY, *shadow]) == 0
    assert "2.6 M of 500,000 shadow operations a month: over" in capsys.readouterr().err


def test_refused_device_writes_nothing(zeppelin, file, device, capsys):
    device.enabled = False
    assert run(["apply", "--credentials-file", str(file), *APPLY]) == 5
    assert "disabled" in failed(capsys, device)
    assert zeppelin.notes == {}


def test_class_has_a_device_each_and_a_flowchannel_has_them_all(zeppelin, account, tmp_path, monkeypatch, capsys):
    for number in range(29):
        account.add(new_device(alias=f"d{number}"))
    devices = list(account.devices.values())
    table = "".join(f"{one.client_id},{one.token},{one.secret}\n" for one in devices)
    (tmp_path / "class.csv").write_text("client_id,token,secret\n" + table)
    assert run(["apply", "--each", str(tmp_path / "class.csv"), *APPLY[1:], "--json"]) == 0
    said = capsys.readouterr()
    assert (json.loads(said.out)["done"], len(zeppelin.notes)) == (30, 30)
    account.flowchannels.append(new_flowchannel())
    key = account.flowchannels[0].key
    (tmp_path / "flow.env").write_text(f"flowchannel={key}\ndevices=class.csv\n")
    options = ["--credentials-file", str(tmp_path / "flow.env"), *APPLY, "--note", "all"]
    assert run(["apply", *options]) == 0
    assert run(["plan", *options[:2], *options[3:], "--json", "--param", "window=300"]) == 0
    assert run(["pull", "all", "--into", str(tmp_path / "mine")]) == 0
    said = "".join((*said, *capsys.readouterr(), text_of(zeppelin)))
    said += "".join(path.read_text() for path in (tmp_path / "mine").rglob("*") if path.is_file())
    for secret in (key.partition(":")[2], *(one.token for one in devices)):
        assert secret not in said
    assert "15.6 M of 9 M messages a month: over" in said
