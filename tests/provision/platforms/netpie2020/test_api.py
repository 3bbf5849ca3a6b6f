"""The device API, against the emulator: what it does, and each refusal as a line and an exit status."""

from dataclasses import replace

import pytest
import requests

from netpie_emulator.netpie2020 import Emulator2020
from netpie_emulator.netpie2020.quota import quota_of
from provision.errors import ProvisionError, RefusedError, UnreachableError, UsageError
from provision.platforms.netpie2020.api import Api, QuotaError


def test_status_message_shadow_and_batch(api, emulator):
    assert (api.usable().scope, api.status().online) == ("P0/G0", False)
    api.message("room/1", b"20.5")
    api.write_shadow({"a": 1, "b": 2})
    api.write_shadow({"b": None}, 0)
    api.write_shadow({"old": 1}, -90_000)
    assert api.read_shadow()["data"] == {"a": 1}
    api.write_shadow({"c": 3}, overwrite=True)
    answer = api.write_batch([{"data": {"t": number}, "ts": number - 99} for number in range(100)], ackid="x")
    assert (answer["ackid"], answer["total"], answer["maxts"] - answer["mints"]) == ("x", 100, 99)
    assert emulator.used()["messages"] == 1


def test_device_of_no_group_has_no_scope(api, account):
    next(iter(account.devices.values())).group = ""
    assert api.status().scope == ""


def test_batch_of_101_is_not_sent(api, emulator):
    with pytest.raises(UsageError, match="a batch of 101 writes"):
        api.write_batch([{"data": {}}] * 101)
    assert emulator.used()["api"] == 0


@pytest.mark.parametrize(
    ("fault", "told"), [({"enabled": False}, "disabled"), ({"banned": True}, "banned"), ({"token": "other"}, "token")]
)
def test_refusals_are_a_line_with_the_device_and_no_secret(api, account, fault, told):
    device = next(iter(account.devices.values()))
    for name, value in fault.items():
        setattr(device, name, value)
    with pytest.raises(RefusedError, match=told) as error:
        api.write_shadow({"a": 1})
    assert (error.value.exit_code, error.value.next_step != "") == (5, True)
    assert api.device.token not in str(error.value) + error.value.next_step
    assert api.device.client_id in error.value.message


def test_used_up_quota_is_told(account, devices):
    with Emulator2020(account, quota=quota_of(["shadow=1", "messages=0"])) as emulator:
        api = Api(devices[0], emulator.api_url)
        api.write_shadow({"a": 1})
        with pytest.raises(QuotaError, match="quota of shadow operations exceeded") as error:
            api.write_shadow({"a": 2})
        assert error.value.exit_code == 1
        with pytest.raises(QuotaError, match="quota of messages"):
            api.message("t", b"x")


def test_wrong_write_is_told_in_netpie_s_words(api):
    with pytest.raises(ProvisionError, match="data must be an object"):
        api.write_shadow([])  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("address", "told"), [("http://127.0.0.1:1/v2/device", "connection refused"), ("{}/elsewhere", "no such call")]
)
def test_server_that_is_none_is_told(api, emulator, address, told):
    root = emulator.api_url.removesuffix("/v2/device")
    with pytest.raises(UnreachableError, match=told) as error:
        replace(api, address=address.format(root)).status()
    assert error.value.exit_code == 4
    assert api.device.token not in str(error.value)


@pytest.mark.parametrize("address", ["api.netpie.io", "ftp://x", "https://user:hunter2@api.netpie.io/", "https://"])
def test_address_that_is_none_is_refused_and_no_password_quoted(devices, address):
    with pytest.raises(UsageError, match="NETPIE's API") as error:
        Api(devices[0], address)
    assert "hunter2" not in error.value.message


def test_answer_of_something_else_is_told(api, monkeypatch):
    answer = requests.Response()
    answer.status_code, answer._content = 200, b"<html>"
    monkeypatch.setattr(api.session, "request", lambda *_, **__: answer)
    with pytest.raises(UnreachableError, match="not NETPIE"):
        api.status()
