"""An account: its devices with their groups and projects, its FlowChannels, and the file they are kept in."""

import hmac
import json
import os
import re
import secrets
import string
import tempfile
import uuid
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from netpie_emulator.errors import EmulatorError

TOKEN_LENGTH = 32
DEVICE_FIELDS = {
    "client_id": str, "token": str, "secret": str, "project": str, "group": str, "alias": str,
    "enabled": bool, "banned": bool, "schema": dict, "triggers": list,
}  # fmt: skip
_ALPHABET = string.ascii_letters + string.digits
_NAME = re.compile(r"[A-Za-z0-9_.-]+")


class DevicesError(EmulatorError):
    """The file of devices can't be read or written, or is not one."""

    kind = "devices"


@dataclass
class Device:
    """A device. Devices of one group hear each other's messages; one without a group hears only itself.

    Each of `triggers` is an event's name, SHADOW.UPDATED or DEVICE.STATUSCHANGED, or a trigger as documented.
    """

    client_id: str
    token: str = field(repr=False)
    secret: str = field(repr=False)
    project: str = "P0"
    group: str = ""
    alias: str = ""
    enabled: bool = True
    banned: bool = False
    schema: dict[str, Any] | None = None
    triggers: list[Any] = field(default_factory=list)

    def opens_with(self, token: str) -> bool:
        """Whether `token` is the device's."""
        return _same(self.token, token)

    def has_secret(self, secret: str) -> bool:
        """Whether `secret` is the device's; a client may leave it out."""
        return not secret or _same(self.secret, secret)


@dataclass(frozen=True)
class FlowChannel:
    """A key that opens one connection for many devices: `FWAG…:32 characters`."""

    key: str = field(repr=False)

    @property
    def username(self) -> str:
        """The part before the colon."""
        return self.key.partition(":")[0]

    def opens_with(self, password: str) -> bool:
        """Whether `password` is the part after the colon."""
        return _same(self.key.partition(":")[2], password)


@dataclass
class Account:
    """Everything that one user has. `user_token` opens the data store for all of the devices.

    `hooks` are the event hooks by name: `{"method", "uri", "header", "body"}`.
    """

    devices: dict[str, Device] = field(default_factory=dict)
    flowchannels: list[FlowChannel] = field(default_factory=list)
    user_token: str = field(default="", repr=False)
    hooks: dict[str, dict[str, Any]] = field(default_factory=dict, repr=False)

    def add(self, device: Device) -> Device:
        """Add a device and return it."""
        self.devices[device.client_id] = device
        return device

    def opened(self, client_id: str, token: str) -> Device | None:
        """Return the device with this client id and token."""
        device = self.devices.get(client_id)
        return device if device is not None and device.opens_with(token) else None

    def aliased(self, near: Device, alias: str) -> Device | None:
        """Return the device of that alias in the group of `near`."""
        group = (near.project, near.group)
        same = (one for one in self.devices.values() if (one.project, one.group) == group and near.group)
        return next((one for one in same if one.alias == alias), near if near.alias == alias else None)

    def flowchannel(self, username: str, password: str) -> FlowChannel | None:
        """Return the FlowChannel of these two."""
        known = (one for one in self.flowchannels if one.username == username)
        return next((one for one in known if one.opens_with(password)), None)


def new_device(**fields: Any) -> Device:
    """Return a device with random credentials, in the group G0 unless `fields` say otherwise."""
    return Device(str(uuid.uuid4()), _random(), _random(), **{"group": "G0", **fields})


def new_flowchannel() -> FlowChannel:
    """Return a FlowChannel with a random key."""
    return FlowChannel(f"FWAG{_random()[:12]}:{_random()}")


def account_in(file: Path, count: int) -> Account:
    """Return the account in `file`; one that is not there is made, with `count` devices of a group and a FlowChannel.

    Raises: DevicesError.
    """
    if not file.exists():
        made = Account(flowchannels=[new_flowchannel()], user_token=_random())
        for number in range(1, count + 1):
            made.add(new_device(alias=f"device{number}"))
        _write(file, made)
        return made
    return read_account(file)


def read_account(file: Path) -> Account:
    """Return the account in `file`.

    Raises: DevicesError, which quotes none of the file.
    """
    try:
        content = json.loads(file.read_text(encoding="utf-8"))
    except OSError as error:
        raise DevicesError(f"{file}: {error.strerror}", next_step="name another --devices") from error
    except ValueError:
        content = None
    if not isinstance(content, dict) or not isinstance(content.get("devices"), list):
        raise DevicesError(f"{file}: it is no file of devices", next_step='write {"devices": [...]}, or delete it')
    account = Account(user_token=str(content.get("user_token", "")), hooks=_hooks(content.get("hooks", {}), file))
    for number, entry in enumerate(content["devices"], 1):
        account.add(_device(entry, f"{file}: device {number}"))
    for key in content.get("flowchannels", []):
        if not isinstance(key, str) or not all(key.partition(":")):
            raise DevicesError(f"{file}: a FlowChannel's key is no NAME:PASSWORD", next_step="correct it")
        account.flowchannels.append(FlowChannel(key))
    return account


def _hooks(content: object, file: Path) -> dict[str, dict[str, Any]]:
    if not isinstance(content, dict) or not all(isinstance(hook, dict) and "uri" in hook for hook in content.values()):
        raise DevicesError(f"{file}: hooks is no object of hooks with a uri", next_step="correct it")
    return content


def _device(entry: object, where: str) -> Device:
    if not isinstance(entry, dict):
        raise DevicesError(f"{where} is no object", next_step="write its client_id, token and secret")
    for name in entry:
        if name not in DEVICE_FIELDS:
            raise DevicesError(f"{where}: no field {name!r}", next_step=f"fields are {', '.join(DEVICE_FIELDS)}")
    for name, kind in DEVICE_FIELDS.items():
        if name in entry and not isinstance(entry[name], kind):
            raise DevicesError(f"{where}: {name} is no {kind.__name__}", next_step="correct it")
    for name in ("client_id", "token", "secret"):
        if not entry.get(name):
            raise DevicesError(f"{where} has no {name}", next_step="add it")
    for name in ("client_id", "project", "group"):
        if entry.get(name) and not _NAME.fullmatch(entry[name]):
            raise DevicesError(f"{where}: {name} may have letters, digits and _.- only", next_step="correct it")
    return Device(**entry)


def _write(file: Path, account: Account) -> None:
    devices = [
        {name: getattr(one, name) for name in DEVICE_FIELDS if getattr(one, name) is not None}
        for one in account.devices.values()
    ]
    keys = [one.key for one in account.flowchannels]
    content = {"devices": devices, "flowchannels": keys, "user_token": account.user_token, "hooks": account.hooks}
    text = json.dumps(content, indent=2)
    try:
        handle, temporary = tempfile.mkstemp(dir=file.parent, prefix=f".{file.name}.")
        with os.fdopen(handle, "w", encoding="utf-8") as stream:
            stream.write(text + "\n")
        os.replace(temporary, file)
    except OSError as error:
        raise DevicesError(f"{file}: {error.strerror}", next_step="name another --devices") from error


def _random() -> str:
    return "".join(secrets.choice(_ALPHABET) for _ in range(TOKEN_LENGTH))


def _same(one: str, other: str) -> bool:
    return hmac.compare_digest(one.encode(), other.encode())
