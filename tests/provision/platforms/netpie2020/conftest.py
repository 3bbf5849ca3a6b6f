"""An emulated NETPIE 2020 with three devices of a group and one of another, and the API of the first."""

from collections.abc import Iterator

import pytest

from netpie_emulator.netpie2020 import Account, Emulator2020, FlowChannel
from netpie_emulator.netpie2020.devices import new_device
from provision.platforms.netpie2020.api import Api
from provision.platforms.netpie2020.device import DeviceLogin


@pytest.fixture
def account() -> Account:
    made = Account(flowchannels=[FlowChannel("FWAG0123456789:" + "f" * 32)])
    for alias, group in (("one", "G0"), ("two", "G0"), ("three", "G0"), ("stranger", "G1")):
        made.add(new_device(alias=alias, group=group))
    return made


@pytest.fixture
def emulator(account: Account) -> Iterator[Emulator2020]:
    with Emulator2020(account) as running:
        yield running


@pytest.fixture
def devices(account: Account) -> list[DeviceLogin]:
    return [DeviceLogin(one.client_id, one.token, one.secret) for one in account.devices.values()]


@pytest.fixture
def api(emulator: Emulator2020, devices: list[DeviceLogin]) -> Api:
    return Api(devices[0], emulator.api_url, emulator.query_url)
