"""Windows back to NETPIE, 2020 and 2015: into a group's messages, a shadow, an application's topics and a feed."""

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import requests

from netpie_creds import Application, AuthServer, get_credentials
from netpie_emulator import Emulator
from netpie_emulator.netpie2020 import Account, Device, Emulator2020
from netpie_emulator.netpie2020.devices import new_device
from zeppelin_notes.outputs._window import Window
from zeppelin_notes.outputs.mqtt import Mqtt
from zeppelin_notes.outputs.mqtt._forms import allowed, documents

from ..netpie_emulator.conftest import Client, open_client
from .windows import FIRST, SLIDE, expected, window

UPDATE = "@shadow/data/update"
KINDS = ("string", "double", "string")


def of_rows(number: int, *rows: tuple[Any, ...]) -> Window:
    return Window(FIRST + number * SLIDE, ("id", "avg(cpu)", "state"), KINDS, rows)


@pytest.fixture
def account() -> Account:
    made = Account(user_token="user-token")
    for alias in ("note", "output"):
        made.add(new_device(alias=alias, group="G0"))
    return made


def output_as(device: Device, emulator: Emulator2020, topic: str, **options: Any) -> Mqtt:
    broker = f"tcp://127.0.0.1:{emulator.mqtt_port}"
    login = {"client_id": device.client_id, "user": device.token, "password": device.secret}
    return Mqtt(broker, topic, keys=["id"], **login, **options)


def shadow(device: Device, emulator: Emulator2020) -> Any:
    headers = {"Authorization": f"Device {device.client_id}:{device.token}"}
    answer = requests.get(f"{emulator.api_url}/shadow/data", headers=headers, timeout=60).json()
    return answer["data"]


def test_a_window_is_one_write_of_the_shadow_with_an_object_for_each_device(account: Account) -> None:
    _, device = account.devices.values()
    with Emulator2020(account) as emulator:
        output = output_as(device, emulator, UPDATE, rate=100)
        output.write(of_rows(0, ("d 1", 1.5, "on"), ("ไทย 2", 2.5, None)))
        output.write(of_rows(1, ("d 1", 3.0, "off")))
        output.write(of_rows(1, ("d 1", 3.0, "off")))  # its answer was lost
        assert shadow(device, emulator) == {"d_1": {"avg_cpu": 3.0, "state": "off"}, "2": {"avg_cpu": 2.5}}
        output_as(device, emulator, UPDATE).write(Window(FIRST + 2 * SLIDE, ("n",), ("bigint",), ((7,),)))
        assert shadow(device, emulator)["n"] == 7


def test_a_shadow_is_written_as_often_as_the_month_allows_and_what_is_left_out_is_counted(account: Account) -> None:
    _, device = account.devices.values()
    with Emulator2020(account) as emulator:
        output = output_as(device, emulator, UPDATE, slide=1)
        for number in range(3):
            output.write(of_rows(number, ("a", float(number), None), ("b", 0.0, None)))
        assert shadow(device, emulator)["a"] == {"avg_cpu": 0.0}
        assert output.remark() == "4 rows dropped, more than the rate allows"


def test_a_group_s_message_reaches_the_others_of_the_group(account: Account) -> None:
    note, device = account.devices.values()
    with Emulator2020(account) as emulator:
        login = type("Login", (), {})()
        login.client_id, login.username, login.password = note.client_id, note.token, note.secret
        login.host, login.port = emulator.mqtt_host, emulator.mqtt_port
        hears = open_client(login)
        try:
            assert hears.connack() == 0
            assert hears.subscribe("@msg/averages/#") == 0
            output_as(device, emulator, "@msg/averages/lab", rate=100).write(window(0))
            got = [hears.message() for _ in range(3)]
        finally:
            hears.close()
    assert [topic for topic, _ in got] == ["@msg/averages/lab"] * 3
    rows = [json.loads(text) for _, text in got]
    assert [(row["id"], row["avg(cpu)"], row["window_row"]) for row in rows] == [
        (id_, cpu, number) for number, (_, _, id_, cpu, _) in enumerate(expected(0))
    ]


@pytest.fixture
def listener(tmp_path: Path) -> Callable[[Emulator, Application], Client]:
    def open_one(emulator: Emulator, application: Application) -> Client:
        from netpie_creds import mqtt_login

        thing = get_credentials(application, tmp_path / "listener", AuthServer(emulator.auth_url))
        return open_client(mqtt_login(thing, 1_540_000_000))

    return open_one


def test_a_thing_of_netpie_2015_signs_its_login_and_writes_below_its_application(
    tmp_path: Path, listener: Callable[[Emulator, Application], Client]
) -> None:
    with Emulator("MyApp", state=tmp_path / "netpie") as emulator:
        of = emulator.application
        application = Application(of.appid, of.appkey, of.appsecret)
        thing = get_credentials(application, tmp_path / "output", AuthServer(emulator.auth_url))
        hears = listener(emulator, application)
        try:
            assert hears.connack() == 0
            hears.subscribe("/MyApp/back")
            broker = f"tcp://127.0.0.1:{emulator.mqtt_port}"
            login = {"user": thing.token.token, "password": thing.hmac_key(), "appkey": of.appkey}
            Mqtt(broker, "/MyApp/back", **login).write(window(0, keys=1))
            topic, text = hears.message()
        finally:
            hears.close()
        with pytest.raises(OSError, match="refused the login of 'the thing'") as refused:
            Mqtt(broker, "/MyApp/back", **{**login, "password": "Wrong&secret"}).write(window(0))
    assert (topic, json.loads(text)["id"]) == ("/MyApp/back", "device 0")
    assert "secret" not in str(refused.value)


def test_a_feed_gets_the_numbers_of_a_window_in_one_message() -> None:
    rows = of_rows(0, ("a b", 1.5, "on"), ("c", None, "off"))
    assert documents("/MyApp/@writefeed/feed", rows, ["id"]) == [{"a_b_avg_cpu": 1.5}]
    assert documents("/MyApp/@writefeed/feed", of_rows(0, ("a", None, "on")), ["id"]) == []
    assert documents("/MyApp/@writefeed/feed", of_rows(0), ["id"]) == documents(UPDATE, of_rows(0), ["id"]) == []


def test_what_a_platform_allows_is_the_rate_of_who_gives_none() -> None:
    rates = [allowed(topic) for topic in (UPDATE, "@msg/a", "/MyApp/@writefeed/feed", "/MyApp/a", "a")]
    month = 30 * 24 * 3600
    assert rates[0] * month < 500_000
    assert 2 * rates[1] * month < 9_000_000
    assert rates[2:] == [4 / 60, 10, 10]
