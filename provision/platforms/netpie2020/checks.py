"""What `doctor` says of NETPIE 2020: the file modes, the devices as NETPIE has them, the broker, the quota."""

from collections.abc import Callable, Iterator
from typing import TYPE_CHECKING

from provision.errors import ProvisionError
from provision.finding import Finding, fail, ok, warn
from provision.platforms.netpie2020.device import DeviceLogin
from provision.platforms.netpie2020.groups import check_group
from provision.platforms.netpie2020.quota import Forecast, SendingRate, forecasts, rate_of
from provision.platforms.platform import Given
from provision.platforms.shared import mode_of

if TYPE_CHECKING:
    from provision.platforms.netpie2020.account import Netpie2020Account

WAYS = {"message": "as messages", "shadow": "as shadow writes"}


def checks(given: Given, account_of: "Callable[[], Netpie2020Account]", rate: str) -> Iterator[Finding]:
    """The files; the account and each device of it; the broker; how long the quota lasts at a rate."""
    for file in (given.credentials_file, given.secret_file):
        if file is not None:
            yield mode_of(file)
    account = account_of()
    for device in account.devices:
        yield _device(account, device)
    yield _broker(account)
    yield from quota_findings(rate_of(rate) if rate else SendingRate(max(len(account.devices), 10)))


def _device(account: "Netpie2020Account", device: DeviceLogin) -> Finding:
    client_id = device.client_id
    try:
        said = account.api(device).usable()
    except ProvisionError as error:
        return fail("device", error.message, error.next_step, error.exit_code)
    connected = "connected" if said.online else "not connected"
    if not said.scope and not account.group:
        where = f"{client_id} is enabled, {connected}, in no group: it hears only its own messages"
        return warn("device", where, "put it into the group of those that send, on the device's page on NETPIE")
    try:
        check_group(client_id, said.scope, wanted=account.group)
    except ProvisionError as error:
        return fail("device", error.message, error.next_step, error.exit_code)
    return ok("device", f"{client_id} is enabled, in group {said.scope}, {connected}")


def _broker(account: "Netpie2020Account") -> Finding:
    try:
        client = account.planned("").reachable("the Spark driver's machine has to reach it too")
    except ProvisionError as error:
        return fail("broker", error.message, error.next_step, error.exit_code)
    return ok("broker", f"{client.login().where} takes connections")


def quota_findings(rate: SendingRate) -> Iterator[Finding]:
    """What a month takes of the free quota, by how the events are sent; a warning where it is not enough."""
    for way, words in WAYS.items():
        every = forecasts(rate, way)
        text = f"{words}, {rate}: {', '.join(map(str, every))}"
        if any(one.over for one in every):
            yield warn("quota", text, _less(every))
        else:
            yield ok("quota", text)


def _less(every: list[Forecast]) -> str:
    most = max(one.used / one.limit for one in every)
    batches = ", write shadows in batches, each of which is one operation" if len(every) > 1 else ""
    return f"send {most:.1f} times less often{batches}, or have a larger quota; --forecast DEVICES/TIME tells of others"
