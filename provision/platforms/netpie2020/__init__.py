"""NETPIE 2020: a device (client id, token, secret), or a FlowChannel for many."""

from collections.abc import Callable, Iterator, Mapping
from pathlib import Path

from provision.finding import Finding
from provision.home import state_dir
from provision.platforms.netpie2020 import checks
from provision.platforms.netpie2020.account import (
    BROKERS,
    LIMITS,
    NAME,
    Netpie2020Account,
    Netpie2020Client,
    NetpieServers,
    place_of,
)
from provision.platforms.netpie2020.api import DATA_STORE, DEVICE_API
from provision.platforms.netpie2020.device import checked_flowchannel
from provision.platforms.netpie2020.named import devices_of, login_named
from provision.platforms.platform import ASKS_NOBODY, AccountField, Given, Place, Seeking
from provision.platforms.shared import said_of


class Netpie2020Platform:
    """NETPIE of today."""

    name = NAME
    help = "a device of NETPIE 2020 (client id, token, secret), or a FlowChannel"
    fields = (
        AccountField("client_id", "--client-id", "ID", "NETPIE_CLIENT_ID", "The device's client id.", is_place=True),
        AccountField("token", variable="NETPIE_TOKEN"),
        AccountField("secret", variable="NETPIE_SECRET"),
        AccountField("flowchannel", variable="NETPIE_FLOWCHANNEL"),
        AccountField(
            "devices",
            "--devices",
            "FILE",
            help="CSV file with the client_id and token of each device that a FlowChannel hears.",
            is_file=True,
            is_place=True,
        ),
        AccountField(
            "api", "--api", "URL", "NETPIE_API", f"NETPIE's device API.  [default: {DEVICE_API}]", is_server=True
        ),
        AccountField("data_store", variable="NETPIE_DATA_STORE", is_server=True),
        AccountField(
            "netpie_broker",
            "--netpie-broker",
            "URL",
            "NETPIE_BROKER",
            f"NETPIE 2020's broker.  [default: {BROKERS[0]}, or port 8883 if that does not answer]",
            is_server=True,
        ),
        AccountField(
            "group",
            "--group",
            "PROJECT/GROUP",
            "NETPIE_GROUP",
            "The group of NETPIE 2020 that the device must be in.  [default: for publish, one that a note here hears]",
            is_server=True,
        ),
        AccountField(
            "forecast",
            "--forecast",
            "DEVICES/TIME",
            help="How many devices send how often, to tell how long NETPIE 2020's free quota lasts: 10/10s.",
            is_server=True,
        ),
    )
    limits = LIMITS

    def account(self, given: Given, seeking: Seeking = ASKS_NOBODY) -> Netpie2020Account:
        """The device, or the FlowChannel with its devices.

        Raises: UsageError for what is missing or can't be, and a file that can't be read.
        """
        said = _said(given, seeking)
        folder = given.folder or _own_folder()
        servers = NetpieServers(said["api"] or DEVICE_API, said["data_store"] or DATA_STORE, said["netpie_broker"])
        devices, key = devices_of(said, folder, seeking)
        return Netpie2020Account(devices, folder, servers, key, said["forecast"], said["group"])

    def place(self, given: Given) -> Place:
        """Of the device, or of the FlowChannel. Raises: UsageError where neither is named."""
        said = _said(given, ASKS_NOBODY)
        if said["flowchannel"]:
            return place_of(checked_flowchannel(said["flowchannel"]).name, count=1)  # or more
        return place_of(login_named(said))

    def noted(self, values: Mapping[str, str], site: Mapping[str, str]) -> Mapping[str, str]:
        """The note's device; what is kept of it, or of a FlowChannel, is found by it."""
        return {"client_id": site.get("login", "")}

    def of_site(self, site: Mapping[str, str]) -> Netpie2020Client:
        """The client that an apply has noted in a note, without its secrets."""
        count = int(site.get("devices", "0"))
        return Netpie2020Client(site.get("broker", BROKERS[0]), site.get("login", "device"), count=count)

    def checks(self, given: Given) -> Iterator[Finding]:
        """The devices, as NETPIE has them, and the quota."""
        account: Callable[[], Netpie2020Account] = lambda: self.account(given)  # noqa: E731
        return checks.checks(given, account, given.values.get("forecast", ""))


PLATFORM = Netpie2020Platform()


def _said(given: Given, seeking: Seeking) -> dict[str, str]:
    """No value of this platform begins or ends with a blank."""
    return {name: text.strip() for name, text in said_of(PLATFORM.fields, given, "token", seeking).items()}


def _own_folder() -> Path:
    return state_dir() / "netpie2020"
