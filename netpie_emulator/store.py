"""NETPIE's state: applications, the codes and request tokens it issued, and the tokens of things.

Kept in one JSON file (mode 0600, replaced as a whole), so that tokens survive a restart.
"""

import base64
import hashlib
import hmac
import json
import os
import secrets
import string
import tempfile
import threading
import time
from dataclasses import asdict, dataclass, field
from enum import StrEnum
from pathlib import Path

from netpie_emulator.errors import StateError

STATE_FILE = "netpie.json"
CODE_LIFETIME = 600  # seconds
_ALPHABET = string.ascii_letters + string.digits


class Status(StrEnum):
    """The state of an application's key, set by its owner."""

    ENABLED = "enabled"
    DISABLED = "disabled"
    AWAITING = "awaiting approval"


@dataclass
class RegisteredApp:
    """An application that may create things."""

    appid: str
    appkey: str
    appsecret: str = field(repr=False)
    status: Status = Status.ENABLED


@dataclass
class Thing:
    """A microgear: a token with its secret, and the name its application knows it by."""

    token: str
    secret: str = field(repr=False)
    appkey: str
    alias: str = ""

    def hmac_key(self, app: RegisteredApp) -> str:
        """Return the key that signs this thing's MQTT passwords and its revoke code."""
        return f"{self.secret}&{app.appsecret}"


@dataclass
class Grant:
    """A code (OAuth2) or a request token (OAuth1): valid once, for one key, for ten minutes."""

    code: str
    secret: str = field(repr=False)
    appkey: str
    verifier: str
    alias: str
    expires: float


@dataclass
class _State:
    applications: dict[str, RegisteredApp] = field(default_factory=dict)
    things: dict[str, Thing] = field(default_factory=dict)
    grants: dict[str, Grant] = field(default_factory=dict)


def random_text(length: int) -> str:
    """Return `length` random letters and digits."""
    return "".join(secrets.choice(_ALPHABET) for _ in range(length))


def signature(key: str, message: str) -> str:
    """Return base64(HMAC-SHA1(`key`, `message`))."""
    return base64.b64encode(hmac.digest(key.encode(), message.encode(), hashlib.sha1)).decode("ascii")


class Store:
    """The applications and things in `folder`; safe to use from several threads.

    Raises: StateError when the file can't be read or written, or is not a state file.
    """

    def __init__(self, folder: Path) -> None:
        self._file = folder / STATE_FILE
        self._lock = threading.RLock()
        try:
            folder.mkdir(parents=True, exist_ok=True, mode=0o700)
        except OSError as error:
            raise StateError(f"{folder}: {error.strerror}", next_step="name another folder") from error
        self._state = _read(self._file)

    def add_application(self, app: RegisteredApp) -> None:
        """Register `app`, or change the one with its key."""
        with self._lock:
            self._state.applications[app.appkey] = app
            self._save()

    def application(self, appkey: str) -> RegisteredApp | None:
        """Return the application of `appkey`."""
        with self._lock:
            return self._state.applications.get(appkey)

    def applications(self) -> list[RegisteredApp]:
        """Return every application, in the order they were registered."""
        with self._lock:
            return list(self._state.applications.values())

    def set_status(self, appkey: str, status: Status) -> None:
        """Enable or disable the key of an application, or let it await approval."""
        with self._lock:
            self._state.applications[appkey].status = status
            self._save()

    def grant(self, appkey: str, verifier: str = "", alias: str = "") -> Grant:
        """Issue a code for a new thing of `appkey`, valid once."""
        grant = Grant(random_text(16), random_text(32), appkey, verifier, alias, expires=time.time() + CODE_LIFETIME)
        with self._lock:
            now = time.time()
            kept = {code: old for code, old in self._state.grants.items() if old.expires > now}
            self._state.grants = {**kept, grant.code: grant}
            self._save()
        return grant

    def pending_grant(self, code: str, appkey: str) -> Grant | None:
        """Return the unspent grant of `code`, if it was given to `appkey`."""
        with self._lock:
            grant = self._state.grants.get(code)
            if grant is None or grant.appkey != appkey or grant.expires <= time.time():
                return None
            return grant

    def redeem(self, code: str, appkey: str) -> Thing | None:
        """Spend a code for a new thing; None when it was spent, is unknown, has expired or
        belongs to another key.
        """
        with self._lock:
            grant = self.pending_grant(code, appkey)
            if grant is None:
                return None
            del self._state.grants[code]
            thing = Thing(random_text(16), random_text(32), appkey, grant.alias)
            self._state.things[thing.token] = thing
            self._save()
            return thing

    def thing(self, token: str) -> Thing | None:
        """Return the thing that `token` belongs to."""
        with self._lock:
            return self._state.things.get(token)

    def set_alias(self, token: str, alias: str) -> None:
        """Give a thing another name."""
        with self._lock:
            if token in self._state.things:
                self._state.things[token].alias = alias
                self._save()

    def revoke(self, token: str) -> None:
        """Forget a thing."""
        with self._lock:
            self._state.things.pop(token, None)
            self._save()

    def _save(self) -> None:
        text = json.dumps({name: list(map(asdict, getattr(self._state, name).values())) for name in _KINDS})
        try:
            handle, temporary = tempfile.mkstemp(dir=self._file.parent, prefix=f".{STATE_FILE}.")
            with os.fdopen(handle, "w", encoding="utf-8") as file:
                file.write(text)
            os.replace(temporary, self._file)
        except OSError as error:
            raise StateError(f"{self._file}: {error.strerror}", next_step="name another folder") from error


_KINDS = ("applications", "things", "grants")


def _read(file: Path) -> _State:
    try:
        content = json.loads(file.read_text(encoding="utf-8"))
        return _State(
            {entry["appkey"]: _application(entry) for entry in content["applications"]},
            {entry["token"]: Thing(**entry) for entry in content["things"]},
            {entry["code"]: Grant(**entry) for entry in content["grants"]},
        )
    except FileNotFoundError:
        return _State()
    except OSError as error:
        raise StateError(f"{file}: {error.strerror}", next_step="name another folder") from error
    except (ValueError, KeyError, TypeError, AttributeError):
        failure = StateError(f"{file}: it is not the emulator's state", next_step="delete it")
    raise failure  # outside of the except block: the cause may quote a secret


def _application(entry: dict[str, str]) -> RegisteredApp:
    return RegisteredApp(**{**entry, "status": Status(entry["status"])})  # type: ignore[arg-type]
