"""A device of NETPIE 2020: what identifies it, and a FlowChannel's key, which opens one connection for many."""

import re
from dataclasses import dataclass, field

from provision.errors import UsageError

_CLIENT_ID = re.compile(r"[A-Za-z0-9][A-Za-z0-9_.-]{0,127}")
_SECRET = re.compile(r"[\x21-\x7e]{1,256}")
_PAGE = "copy it from the device's page on NETPIE"


@dataclass(frozen=True)
class DeviceLogin:
    """A device. A FlowChannel needs no secret of it. `scope` is its PROJECT/GROUP, whose messages it hears; empty where
    nobody has asked yet.
    """

    client_id: str
    token: str = field(repr=False)
    secret: str = field(default="", repr=False)
    scope: str = ""

    @property
    def tap(self) -> str:
        """`ID:TOKEN`, what a FlowChannel's topics name it by. A secret."""
        return f"{self.client_id}:{self.token}"


def checked_device(client_id: str, token: str, secret: str = "", *, where: str = "") -> DeviceLogin:
    """Return the device. Raises: UsageError for what can be none; it quotes no token."""
    before = f"{where}: " if where else ""
    if not _CLIENT_ID.fullmatch(client_id):
        raise UsageError(f"{before}{ascii(client_id[:40])} is no device's client id", next_step=_PAGE)
    for name, value in (("token", token), ("secret", secret)):
        if not value and name == "token":
            raise UsageError(f"{before}device {client_id} has no token", next_step=_PAGE)
        if value and (not _SECRET.fullmatch(value) or re.search("[/+#:]", value)):
            cause = "has a space in it" if " " in value else "has characters that none has"
            raise UsageError(f"{before}device {client_id}: its {name} {cause}", next_step=_PAGE)
    return DeviceLogin(client_id, token, secret)


@dataclass(frozen=True)
class FlowChannelKey:
    """A FlowChannel's name and password: the parts of its key, `FWAG…:32 characters`."""

    name: str
    password: str = field(repr=False)


def checked_flowchannel(key: str) -> FlowChannelKey:
    """Return the FlowChannel of a key. Raises: UsageError, which does not quote it."""
    name, separator, password = key.strip().partition(":")
    if not (separator and _CLIENT_ID.fullmatch(name) and _SECRET.fullmatch(password)):
        raise UsageError(
            "the FlowChannel's key is no NAME:PASSWORD", next_step="copy it whole from NETPIE, such as FWAG…:…"
        )
    return FlowChannelKey(name, password)
