"""Whose events a note of NETPIE 2020 takes: a device's own, or those of many devices through a FlowChannel."""

import json
import os
import re
import socket
from collections.abc import Iterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any, Self

from provision.bundles.connection import Connection, ConnectionValues, StoreEntry
from provision.bundles.values.topics import split_topics
from provision.errors import ConflictError, UnreachableError, UsageError
from provision.home import private_dir, write_private
from provision.mqtt.login import Login, Refusals
from provision.platforms.netpie2020.api import DATA_STORE, DEVICE_API, Api
from provision.platforms.netpie2020.device import DeviceLogin, FlowChannelKey
from provision.platforms.netpie2020.groups import check_group
from provision.platforms.netpie2020.history import rows
from provision.platforms.netpie2020.quota import SendingRate, forecasts, rate_of
from provision.platforms.netpie2020.rest_link import RestLink
from provision.platforms.netpie2020.topics import (
    MESSAGES,
    TAPS,
    WRITABLE,
    device_filters,
    flow_filters,
    full_filter,
    published,
    shown_filters,
)
from provision.platforms.platform import NOTHING_SEEN, UNKNOWN, Hearer, Limits, Need, Past, Place, Seen, Sender
from provision.platforms.shared import check_ca, check_receivers, check_version, client_id_of, entity_of

NAME = "netpie2020"
TITLE = "NETPIE"
BROKERS = ("ssl://mqtt.netpie.io:1884", "ssl://mqtt.netpie.io:8883")
"""The broker with TLS: its port in the platform's documents, and in the vendor's own clients."""
BROKER_TIMEOUT = 10.0  # seconds to open a TCP connection
LIMITS = Limits(connections=1)
REFUSALS = Refusals(
    forbidden="not authorised",
    next_step="check client id, token and secret (of a FlowChannel its key), and that the device is enabled",
    untrusted="check --netpie-broker: every machine trusts the certificate of NETPIE's own",
)


@dataclass(frozen=True)
class NetpieServers:
    """Whom to ask; `broker` is empty for NETPIE's own, on whichever port answers."""

    api: str = DEVICE_API
    store: str = DATA_STORE
    broker: str = ""


@dataclass(frozen=True)
class Netpie2020Client:
    """A note's login, and what it hears: of `devices`, by a FlowChannel if there is one, else the one device's own.

    Without secrets (`of_site`) the devices are empty, and `count` says how many they were. `asked`: their groups are
    those of now; `group` is the one that is wanted.
    """

    broker_url: str
    login_as: str
    devices: tuple[DeviceLogin, ...] = ()
    flowchannel: FlowChannelKey | None = None
    count: int = 0
    group: str = ""
    asked: bool = False

    def login(self) -> Login:
        """What an MQTT client connects with; a second one with a device's client id cuts off the first."""
        if self.flowchannel:
            name, password = f"{self.flowchannel.name}-provision", self.flowchannel.password
            return Login(self.broker_url, name, self.login_as, password, refusals=REFUSALS)
        device = self.devices[0]
        return Login(
            self.broker_url, device.client_id, device.token, device.secret, hides_username=True, refusals=REFUSALS
        )

    def connection(self, values: Mapping[str, Any], path: str, seen: Seen = NOTHING_SEEN) -> Connection:
        """What the note at `path` connects with.

        Raises: UsageError when the parameters do not fit the platform, and for a device in another group, or in none.
        """
        url = values.get("broker") or self.broker_url
        check_receivers(values, LIMITS, "a FlowChannel's client" if self._is_flow else "a device")
        check_ca(values, url)
        check_version(values, "NETPIE")
        shown = self._shown_topics(values["topic"])
        if self.asked and any(topic.startswith(MESSAGES) for topic in shown):
            self._check_groups()
        client_id = client_id_of(path) if self._is_flow else self.login_as
        site = {"platform": NAME, "broker": self.broker_url, "login": self.login_as}
        return Connection(
            ConnectionValues(self.login_as, url, client_id, shown[0], shown, platform=TITLE),
            self._store(values, path),
            site={**site, "devices": str(self.count)} if self._is_flow else site,
            plain={"client_id": client_id},
            needed=frozenset({"username", "mqtt_topics"}) if self._is_flow else frozenset({"username"}),
            hidden=tuple(device.token for device in self.devices),
            writable=WRITABLE,
            heard=tuple(map(full_filter, split_topics(values["topic"]))),
            devices=self._heard_devices(values["topic"]),
        )

    def reachable(self, consequence: str) -> Self:
        """The same with a port of the broker that takes a connection now.

        Raises: UnreachableError, whose next step ends in `consequence`.
        """
        tried = BROKERS if self.broker_url in BROKERS else (self.broker_url,)
        failure = ""
        for url in tried:
            login = Login(url)
            try:
                socket.create_connection((login.host, login.port), timeout=BROKER_TIMEOUT).close()
            except OSError as error:
                failure = failure or f"MQTT broker {login.where}: {error.strerror or error}"
            else:
                return replace(self, broker_url=url)
        raise UnreachableError(failure, next_step=f"check the network, and that the broker runs; {consequence}")

    @property
    def _is_flow(self) -> bool:
        return self.flowchannel is not None or self.count > 0

    def _check_groups(self) -> None:
        for device in self.devices:
            if not self._is_flow or self.group:  # a FlowChannel hears what a device of no group sends
                check_group(device.client_id, device.scope, wanted=self.group)

    def _shown_topics(self, topics: str) -> list[str]:
        if not self._is_flow:
            return device_filters(topics)
        return shown_filters(topics, self.count or len(self.devices))

    def _heard_devices(self, topics: str) -> tuple[str, ...]:
        """The note's own device; of a FlowChannel those whose shadows it hears."""
        if self._is_flow and not TAPS.keys() & set(map(full_filter, split_topics(topics))):
            return ()
        return tuple(device.client_id for device in self.devices) or (self.login_as,)

    def _store(self, values: Mapping[str, Any], path: str) -> tuple[StoreEntry, ...]:
        name = re.sub(r"[^A-Za-z0-9_-]", "-", self.login_as)  # of what a template can name
        entity = entity_of(name, path)
        if not self._is_flow:
            device = self.devices[0] if self.devices else DeviceLogin(self.login_as, "")
            return (StoreEntry(entity, ("username", device.token), ("password", device.secret)),)
        if values["secrets"] == "inline":
            raise UsageError(
                "secrets=inline: a FlowChannel's topics hold the devices' tokens, and would stand in the note",
                next_step="leave it out: the note reads them from Zeppelin's credential store",
            )
        taps = "\n".join(flow_filters(values["topic"], self.devices))
        password = self.flowchannel.password if self.flowchannel else ""
        return (
            StoreEntry(entity, ("username", self.login_as), ("password", password)),
            StoreEntry(f"{entity}-topics", ("", self.login_as), ("mqtt_topics", taps)),
        )


@dataclass(frozen=True)
class Netpie2020Account:
    """A device, or a FlowChannel and its devices; what is kept of it is in `folder`. `rate`, such as 10/10s, is what a
    forecast is for; `group` the PROJECT/GROUP, or the group alone, that a person wants the device to be in.
    """

    devices: tuple[DeviceLogin, ...]
    folder: Path
    servers: NetpieServers = NetpieServers()
    flowchannel: FlowChannelKey | None = None
    rate: str = ""
    group: str = ""

    @property
    def login_as(self) -> str:
        """The device's client id, or the FlowChannel's name."""
        return self.flowchannel.name if self.flowchannel else self.devices[0].client_id

    @property
    def place(self) -> Place:
        """The device's own topics, or those of the FlowChannel's devices."""
        return place_of(self.login_as, len(self.devices) if self.flowchannel else 0)

    def kept_in(self, folder: Path) -> Self:
        """The same with another folder."""
        return replace(self, folder=folder)

    def api(self, device: DeviceLogin | None = None) -> Api:
        """What one of the devices, the first unless it is named, may ask over HTTP."""
        return Api(device or self.devices[0], self.servers.api, self.servers.store)

    def planned(self, broker: str) -> Netpie2020Client:
        """The client, with the broker that an apply has noted; asks nobody."""
        return self._client(self.servers.broker or broker)

    def client(self) -> Netpie2020Client:
        """The client, with each device's group; what is known is kept, 0600.

        Raises: RefusedError for a wrong token and for a device that is disabled or banned; UnreachableError.
        """
        known = replace(self, devices=tuple(self._known(device) for device in self.devices))
        private_dir(self.folder)
        write_private(kept_file(self.folder, self.login_as), json.dumps(known.to_keep()))
        return replace(known._client(self.servers.broker), asked=True)

    def needs(self) -> tuple[Need, ...]:
        """NETPIE's API, and that it takes the device's token."""
        return (Need(("NETPIE's API", self.servers.api)), Need(("device", self.devices[0].client_id)))

    def sender(self, topic: str) -> Sender:
        """Events go over HTTP: a device connects once, and its connection is the note's, or its own.

        Raises: UsageError for no such topic.
        """
        where = published(topic)
        device = self.devices[0]
        shown = f"{topic} of {device.client_id}" if where.startswith("@") else f"@msg/{where}"
        return Sender(
            self._client(self.servers.broker).login,
            shown,
            link=lambda: RestLink(self.api(), where, self.group, kept_scopes(self.folder)),
        )

    def hearer(self, topics: str) -> Hearer:
        """A FlowChannel's connection with a client id of its own; a device itself while it is not connected.

        Raises: UsageError for no such topics, and for a device in another group, or in none; ConflictError for one that
        is connected: it is the note, or itself.
        RefusedError and UnreachableError as `client`.
        """
        if self.flowchannel is None:
            own = tuple(device_filters(topics))
            self._check_listener(own)
            return Hearer(self._answering().login, own, own)
        heard = replace(self, devices=tuple(self._known(device) for device in self.devices))
        taps = tuple(flow_filters(topics, heard.devices))
        shown = ", ".join(shown_filters(topics, len(heard.devices)))
        login = replace(heard._answering().login(), client_id=f"listener-{os.urandom(4).hex()}")
        return Hearer(lambda: login, taps, (shown,) * len(taps))

    def _check_listener(self, topics: Sequence[str]) -> None:
        said = self.api().usable()
        if any(topic.startswith(MESSAGES) for topic in topics):
            check_group(self.login_as, said.scope, wanted=self.group)
        if said.online:
            raise ConflictError(
                f"device {self.devices[0].client_id} is connected, as the note or as itself, and it connects once: to "
                "listen would cut that connection off",
                next_step="give another device of its group with --credentials-file, or a FlowChannel",
            )

    def history(self, start: int, end: int, fields: Sequence[str]) -> Iterator[Past]:
        """What the data store has of each device. Raises: what `history.rows` raises."""
        for device in self.devices:
            for reading in rows(self.api(device), start, end, list(fields) or None):
                yield Past(device.client_id, reading.timestamp, reading.values)

    def forecast(self, topics: str) -> Iterator[tuple[str, bool]]:
        """What events of this note take of the free quota in a month, as its topics say that they are sent."""
        way = "shadow" if all(topic in TAPS for topic in split_topics(topics)) else "message"
        rate = rate_of(self.rate) if self.rate else SendingRate(len(self.devices) if self.flowchannel else 10)
        for each in forecasts(rate, way):
            yield f"this note at {rate}: {each}", each.over

    def shown(self, *, secrets: bool) -> Mapping[str, str]:
        """What is kept, and where. Raises: UsageError where nothing is."""
        file = kept_file(self.folder, self.login_as)
        if not file.is_file():
            raise UsageError(f"{file}: nothing is kept there", next_step="run provision creds get")
        tokens = ",".join(device.token for device in self.devices)
        more = {"token": tokens, "secret": self.devices[0].secret} if secrets and not self.flowchannel else {}
        return {"cache": str(file), "client_id": self.login_as, **more}

    def forget(self) -> bool:
        """Delete the kept file; the device stays as it is."""
        file = kept_file(self.folder, self.login_as)
        there = file.is_file()
        file.unlink(missing_ok=True)
        return there

    def to_keep(self) -> dict[str, Any]:
        """What is kept of the account; secrets among it."""
        channel = {"flowchannel": asdict(self.flowchannel)} if self.flowchannel else {}
        return {"devices": [asdict(device) for device in self.devices], **channel}

    def _known(self, device: DeviceLogin) -> DeviceLogin:
        return replace(device, scope=self.api(device).usable().scope)

    def _answering(self) -> Netpie2020Client:
        """The client, with the port of NETPIE's own broker that answers. Raises: UnreachableError."""
        client = self._client(self.servers.broker)
        return client if self.servers.broker else client.reachable("nothing was heard")

    def _client(self, broker: str) -> Netpie2020Client:
        count = len(self.devices) if self.flowchannel else 0
        return Netpie2020Client(broker or BROKERS[0], self.login_as, self.devices, self.flowchannel, count, self.group)


def place_of(login_as: str, count: int = 0, broker: str = "") -> Place:
    """Where the topics of a device, or of a FlowChannel's `count` devices, are."""
    site = {"platform": NAME, "broker": broker or BROKERS[0], "login": login_as, "devices": str(count)}
    kinds = {"broker_login": "password", "show_topics": "no" if count else "yes"}
    return Place(NAME, TITLE, {"appid": login_as, **kinds}, site=site)


def kept_scopes(folder: Path) -> frozenset[str]:
    """The groups, PROJECT/GROUP, of devices that are kept in `folder`: those that notes of this machine hear."""
    found: set[str] = set()
    for file in folder.glob("*.json"):
        with suppress(OSError, ValueError, TypeError, KeyError):
            found |= {device["scope"] for device in json.loads(file.read_text(encoding="utf-8"))["devices"]}
    return frozenset(found - {""})


def kept_file(folder: Path, login_as: str) -> Path:
    """The file that keeps an account."""
    return folder / f"{login_as}.json"


def stand_in(client_id: str) -> DeviceLogin:
    """A device whose token is not known before an apply."""
    return DeviceLogin(client_id, UNKNOWN, UNKNOWN)
