"""`provision history`: all that the data store has, in a file; and what a plan says of the quota."""

import csv
import json

import pytest

from netpie_emulator.netpie2020 import Account, Emulator2020, FlowChannel
from netpie_emulator.netpie2020.devices import new_device
from provision.cli import run

HOUR = 3_600_000
KEY = "FWAG0123456789:" + "f" * 32


@pytest.fixture
def account():
    made = Account(flowchannels=[FlowChannel(KEY)])
    for number in range(2):
        made.add(new_device(alias=f"d{number}"))
    return made


@pytest.fixture
def stored(account, tmp_path, monkeypatch):
    """A data store that cuts off after 3 points, and what names the first device."""
    with Emulator2020(account, point_limit=3) as emulator:
        monkeypatch.setenv("PROVISION_HOME", str(tmp_path / "home"))
        monkeypatch.setenv("NETPIE_API", emulator.api_url)
        monkeypatch.setenv("NETPIE_DATA_STORE", emulator.query_url)
        for place, device in enumerate(account.devices.values()):
            for number in range(10):
                emulator.platform.store.add(device.client_id, "temp", 1_700_000_000_000 + number * HOUR, number + place)
        device = next(iter(account.devices.values()))
        text = f"client_id={device.client_id}\ntoken={device.token}\nsecret={device.secret}\n"
        (tmp_path / "device.env").write_text(text)
        rows = "".join(f"{one.client_id},{one.token}\n" for one in account.devices.values())
        (tmp_path / "devices.csv").write_text("client_id,token\n" + rows)
        (tmp_path / "flow.env").write_text(f"flowchannel={KEY}\ndevices=devices.csv\n")
        yield emulator, device


def fetch(tmp_path, *options, named="device.env"):
    return run(["history", "--credentials-file", str(tmp_path / named), "--since", "2023-01-01", *options])


def test_every_row_is_in_the_file_oldest_first(stored, tmp_path, capsys):
    file = tmp_path / "past.json"
    assert fetch(tmp_path, "--file", str(file), "--json") == 0
    rows = [json.loads(line) for line in file.read_text().splitlines()]
    assert [row["temp"] for row in rows] == list(range(10))
    assert rows[0] == {"deviceid": stored[1].client_id, "timestamp": 1_700_000_000_000, "temp": 0}
    said = json.loads(capsys.readouterr().out)
    assert said == {"file": str(file), "rows": 10, "read": f'spark.read.json("{file}")'}


def test_csv_has_a_column_for_each_field(stored, tmp_path):
    stored[0].platform.store.add(stored[1].client_id, "place", 1_700_000_000_000, "a, b")
    assert fetch(tmp_path, "--file", str(tmp_path / "past.csv")) == 0
    with (tmp_path / "past.csv").open(newline="") as file:
        rows = list(csv.DictReader(file))
    assert [*rows[0]] == ["deviceid", "timestamp", "place", "temp"]
    assert (rows[0]["place"], rows[1]["place"], rows[9]["temp"]) == ("a, b", "", "9")


def test_flowchannel_s_file_has_all_devices(stored, account, tmp_path):
    assert fetch(tmp_path, "--file", str(tmp_path / "past.json"), named="flow.env") == 0
    rows = [json.loads(line) for line in (tmp_path / "past.json").read_text().splitlines()]
    assert [row["deviceid"] for row in rows] == [name for name in account.devices for _ in range(10)]


def test_span_and_fields_are_chosen(stored, tmp_path):
    options = ["--until", "2023-11-15T00:00+00:00", "--field", "temp", "--file", str(tmp_path / "past.json")]
    assert fetch(tmp_path, *options) == 0
    assert len((tmp_path / "past.json").read_text().splitlines()) == 2


@pytest.mark.parametrize(
    ("options", "told", "status"),
    [
        (["--since", "yesterday"], "--since yesterday: it is no time", 2),
        (["--since", "1h", "--until", "2h"], "is after --until", 2),
        (["--platform", "netpie2015", "--appid", "A", "--appkey", "K"], "netpie2015 stores no events", 2),
        (["--file", "/nowhere/past.json"], "No such file", 1),
    ],
)
def test_what_is_wrong_is_a_line(stored, tmp_path, capsys, monkeypatch, options, told, status):
    monkeypatch.setenv("NETPIE_APPSECRET", "s")
    named = [] if "--appid" in options else ["--credentials-file", str(tmp_path / "device.env")]
    assert run(["history", *named, "--file", str(tmp_path / "past.json"), *options]) == status
    err = capsys.readouterr().err
    assert told in err
    assert err.count("error:") == err.splitlines()[-1].count("error:") == 1
    assert not (tmp_path / "past.json").exists()


def test_refused_device_leaves_no_file(stored, tmp_path, capsys):
    stored[1].enabled = False
    (tmp_path / "past.json").write_text("old")
    assert fetch(tmp_path, "--file", str(tmp_path / "past.json")) == 5
    assert "disabled" in capsys.readouterr().err
    assert (tmp_path / "past.json").read_text() == "old"
    assert sorted(path.name for path in tmp_path.iterdir() if path.name.startswith(".")) == []
