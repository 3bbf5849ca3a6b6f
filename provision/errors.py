"""The errors that `provision` shows. Each is one line: the thing, the cause, and the next step.

    ProvisionError               1  failed
    ├── UsageError               2  wrong usage: an option, a parameter, a bundle
    ├── ConflictError            3  a conflict for a person to decide
    ├── UnreachableError         4  a server out of reach
    └── RefusedError             5  credentials refused

The packages below this one (`netpie_creds`, `netpie_emulator`, `zeppelin_sdk`) have trees of their own with `kind`,
`message` and `next_step` too, so that the command line shows every error the same way.
"""

import re
from collections.abc import Iterable
from typing import ClassVar, Protocol

import zeppelin_sdk
from netpie_creds import NetpieError

# up to the last @: a password may hold any character that its owner forgot to encode
_LOGIN = re.compile(
    r"(?<=://)(?:[^\s'\"/@]*:\S*@|(?<=http://)[^\s'\"/]*@|(?<=https://)[^\s'\"/]*@)"
    r"|(?<![\w/:])[\w.+%-]+:[^\s'\"/:@]+@(?=[\w\[])"  # of an address without its scheme
)


def hide_passwords(text: str) -> str:
    """`text` with the user and password of each URL in it replaced by `***`."""
    return _LOGIN.sub("***@", text)


def nearest(word: str, known: Iterable[str], otherwise: str) -> str:
    """The next step for a name that is not known: the known one that is most like it, if any is, and `otherwise`."""
    from difflib import get_close_matches  # slow to import, and for mistakes only

    by_lower = {name.lower(): name for name in known}
    found = get_close_matches(word.lower(), by_lower, n=1)
    return f"did you mean {by_lower[found[0]]}? {otherwise}" if found else otherwise


class ShownError(Protocol):
    """What the command line needs of an error to show it."""

    kind: ClassVar[str]
    message: str
    next_step: str


def error_json(error: ShownError) -> dict[str, str]:
    """An error as every command's `--json` has it."""
    return {"kind": error.kind, "message": hide_passwords(error.message), "next": hide_passwords(error.next_step)}


class ProvisionError(Exception):
    """Something failed; `message` names the thing and the cause, `next_step` what to do about it."""

    kind: ClassVar[str] = "failed"
    exit_code: ClassVar[int] = 1

    def __init__(self, message: str, *, next_step: str = "") -> None:
        super().__init__(message)
        self.message = message
        self.next_step = next_step


class UsageError(ProvisionError):
    """An option, a parameter or a bundle is wrong; nothing was done."""

    kind = "usage"
    exit_code = 2


class ConflictError(ProvisionError):
    """A person has to decide before the tool can continue."""

    kind = "conflict"
    exit_code = 3


class UnreachableError(ProvisionError):
    """A server did not answer, or what answered is not that server."""

    kind = "unreachable"
    exit_code = 4


class RefusedError(ProvisionError):
    """A server refused the credentials."""

    kind = "refused"
    exit_code = 5


_ZEPPELIN_STATUS: dict[type[zeppelin_sdk.ZeppelinError], int] = {
    zeppelin_sdk.InvalidAddressError: UsageError.exit_code,
    zeppelin_sdk.InvalidNoteError: UsageError.exit_code,
    zeppelin_sdk.ServerUnreachableError: UnreachableError.exit_code,
    zeppelin_sdk.NotZeppelinError: UnreachableError.exit_code,
    zeppelin_sdk.LoginError: RefusedError.exit_code,
    zeppelin_sdk.PermissionDeniedError: RefusedError.exit_code,
}


def exit_status(error: ProvisionError | NetpieError | zeppelin_sdk.ZeppelinError) -> int:
    """The exit status of a command that ends with this error."""
    if isinstance(error, zeppelin_sdk.ZeppelinError):
        known = (status for kind, status in _ZEPPELIN_STATUS.items() if isinstance(error, kind))
        return next(known, ProvisionError.exit_code)
    return error.exit_code
