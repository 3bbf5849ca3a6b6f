"""Which device, or which FlowChannel and devices, a person has named: options, files, the environment, what is kept."""

import csv
import io
import json
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path

from netpie_creds.text_file import separator_of
from provision.errors import UsageError
from provision.platforms.netpie2020.account import kept_file, stand_in
from provision.platforms.netpie2020.device import DeviceLogin, FlowChannelKey, checked_device, checked_flowchannel
from provision.platforms.platform import Seeking
from provision.platforms.shared import text_of

_KEYS = "copy client id and token from the device's page on NETPIE"


def login_named(said: Mapping[str, str]) -> str:
    """The client id. Raises: UsageError without one."""
    if not said["client_id"]:
        raise UsageError("no client id of a device", next_step="give --client-id, or a --credentials-file with it")
    return said["client_id"]


def devices_of(
    said: Mapping[str, str], folder: Path, seeking: Seeking
) -> tuple[tuple[DeviceLogin, ...], FlowChannelKey | None]:
    """The device, or the devices and the FlowChannel's key; a token that nothing has is the kept one.

    Raises: UsageError.
    """
    if said["flowchannel"] or said["devices"]:
        return _of_flowchannel(said)
    client_id = login_named(said)
    kept, key = _kept(folder, client_id)
    if key or (kept and not said["token"]):
        return kept, key
    token, secret = said["token"], said["secret"]
    if not token and seeking.planning:
        return (stand_in(client_id),), None
    if not token and seeking.ask:
        token = seeking.ask("token")
    if not token:
        raise UsageError(f"device {client_id} has no token", next_step=f"{_KEYS}: NETPIE_TOKEN, or --secret-file")
    if not secret:
        raise UsageError(f"device {client_id} has no secret", next_step="it is beside the token: NETPIE_SECRET")
    device = checked_device(client_id, token, secret)
    return (replace(device, scope=next((one.scope for one in kept if one.token == token), "")),), None


def _of_flowchannel(said: Mapping[str, str]) -> tuple[tuple[DeviceLogin, ...], FlowChannelKey]:
    if not said["flowchannel"]:
        raise UsageError(
            "--devices: no FlowChannel's key", next_step="put flowchannel=FWAG…:… into the --credentials-file"
        )
    if not said["devices"]:
        raise UsageError("a FlowChannel without devices", next_step="give --devices FILE.csv with client_id and token")
    return read_devices(Path(said["devices"])), checked_flowchannel(said["flowchannel"])


def read_devices(file: Path) -> tuple[DeviceLogin, ...]:
    """The devices of a CSV file with the columns client_id and token; others are left alone.

    Raises: UsageError, which quotes no token.
    """
    text = text_of(file)
    rows = list(csv.DictReader(io.StringIO(text), delimiter=separator_of(text.partition("\n")[0]) or ","))
    devices: dict[str, DeviceLogin] = {}
    for line, row in enumerate(rows, 2):
        cells = {str(name).strip().lower(): str(value or "").strip() for name, value in row.items() if name}
        if not {"client_id", "token"} <= cells.keys():
            raise UsageError(f"{file}: no columns client_id and token", next_step="name them in its first line")
        device = checked_device(cells["client_id"], cells["token"], where=f"{file}, line {line}")
        if device.client_id in devices:
            raise UsageError(f"{file}, line {line}: device {device.client_id} stands there twice", next_step="take one")
        devices[device.client_id] = device
    if not devices:
        raise UsageError(f"{file}: no device in it", next_step="a line a device: client_id,token")
    return tuple(devices.values())


def _kept(folder: Path, login_as: str) -> tuple[tuple[DeviceLogin, ...], FlowChannelKey | None]:
    """What is kept of a device or a FlowChannel; nothing where nothing is."""
    file = kept_file(folder, login_as)
    try:
        content = json.loads(file.read_text(encoding="utf-8")) if file.is_file() else {"devices": []}
        key = FlowChannelKey(**content["flowchannel"]) if "flowchannel" in content else None
        return tuple(DeviceLogin(**device) for device in content["devices"]), key
    except (OSError, ValueError, TypeError, KeyError) as error:
        cause = error.strerror if isinstance(error, OSError) else "it is not what this tool has written"
        raise UsageError(f"{file}: {cause}", next_step="delete it; it is made anew") from None
