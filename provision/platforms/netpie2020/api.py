"""NETPIE 2020 over HTTP: the device API and the data store. Each answer is a value or an error of one line."""

import json
import re
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import quote

import requests

from netpie_creds.web import ca_fault, open_session, proxies_for, why_failed, why_tls
from provision.errors import ProvisionError, RefusedError, UnreachableError, UsageError
from provision.platforms.netpie2020.device import DeviceLogin

DEVICE_API = "https://api.netpie.io/v2/device"
DATA_STORE = "https://ds.netpie.io/feed/api/v1/datapoints/query"
MAX_BATCH = 100  # entries; the platform refuses more and stores none of them
TIMEOUT = 10.0  # seconds for a connect, and for each wait for data
TRY_LATER = (500, 502, 503, 504)


class QuotaError(ProvisionError):
    """The account's quota for the month is used up."""

    kind = "quota"


@dataclass(frozen=True)
class DeviceStatus:
    """What the platform says of a device."""

    enabled: bool
    banned: bool
    online: bool
    scope: str  # PROJECT/GROUP; empty for a device of no group


@dataclass
class Api:
    """What a device may ask at `address`; `store` is where queries of the data store are posted.

    Every method raises UnreachableError when the server does not answer, RefusedError for a wrong token and for a
    device that is disabled or banned, QuotaError when the quota is used up.
    """

    device: DeviceLogin
    address: str = DEVICE_API
    store: str = DATA_STORE
    session: requests.Session = field(default_factory=open_session, repr=False)

    def __post_init__(self) -> None:
        for address in (self.address, self.store):
            if not re.fullmatch(r"https?://[^/\s?#@]+(/[^\s?#@]*)?", address):
                shown = "an address with a user or a password in it" if "@" in address else ascii(address)
                raise UsageError(f"{shown} is not NETPIE's API", next_step=f"give one such as {DEVICE_API}")

    def status(self) -> DeviceStatus:
        """Return whether the device is enabled, banned and connected, and its group."""
        said = self._ask("GET", "/status")
        project, group = said.get("projectid") or "", said.get("groupid") or ""
        return DeviceStatus(
            said.get("enabled") is not False,
            said.get("banned") is True,
            said.get("status") == 1,
            f"{project}/{group}" if group else "",
        )

    def usable(self) -> DeviceStatus:
        """Return the status. Raises: RefusedError for a device that is disabled or banned, too."""
        said = self.status()
        if not said.enabled or said.banned:
            raise self._barred("banned" if said.banned else "disabled")
        return said

    def message(self, topic: str, payload: bytes) -> None:
        """Send a message to the device's group; `topic` is without `@msg/`."""
        self._ask("PUT", f"/message?topic={quote(topic, safe='/')}", payload)

    def read_shadow(self) -> dict[str, Any]:
        """Return the shadow's `data`, with `rev` and `modified` (epoch ms) beside it."""
        return self._ask("GET", "/shadow/data")

    def write_shadow(self, data: dict[str, Any], timestamp: int | None = None, *, overwrite: bool = False) -> None:
        """Merge `data` into the shadow, or replace it. `timestamp`: epoch ms, or ms from now if it is small."""
        content = {"data": data, **({} if timestamp is None else {"timestamp": timestamp})}
        self._ask("POST" if overwrite else "PUT", "/shadow/data", json.dumps(content).encode())

    def write_batch(
        self, entries: list[dict[str, Any]], ackid: object = None, *, merged: bool = True
    ) -> dict[str, Any]:
        """Write up to 100 `{"data": {…}, "ts": ms}` to the shadow, and return what NETPIE says of it.

        Raises: UsageError for more of them, and nothing is sent.
        """
        if len(entries) > MAX_BATCH:
            raise UsageError(
                f"a batch of {len(entries)} writes: NETPIE takes {MAX_BATCH}, and stores nothing of a larger one",
                next_step="send it in parts",
            )
        content = {"batch": entries, "merged": merged, **({} if ackid is None else {"ackid": ackid})}
        return self._ask("PUT", "/shadow/batch", json.dumps(content).encode())

    def query(self, content: dict[str, Any]) -> dict[str, Any]:
        """Return the data store's answer to a KairosDB query."""
        return self._sent("POST", self.store, json.dumps(content).encode())

    def _ask(self, method: str, path: str, body: bytes | None = None) -> dict[str, Any]:
        return self._sent(method, self.address.rstrip("/") + path, body)

    def _sent(self, method: str, url: str, body: bytes | None) -> dict[str, Any]:
        where = url.partition("?")[0]
        headers = {"Authorization": f"Device {self.device.tap}", "Content-Type": _kind(url)}
        try:
            answer = self.session.request(
                method, url, data=body, headers=headers, timeout=TIMEOUT, proxies=proxies_for(url),
                allow_redirects=False,
            )  # fmt: skip
            return self._understood(answer, where)
        except requests.Timeout:
            failure = f"no answer within {TIMEOUT:g} s"
        except requests.exceptions.SSLError as error:
            failure = why_tls(error)
        except requests.RequestException as error:
            failure = why_failed(error) or "can't connect"
        except OSError:  # of `requests`, for a CA file that is not there
            failure = ca_fault() or "no TLS connection"
        raise UnreachableError(f"NETPIE at {where}: {failure}", next_step="check the address and the network")

    def _understood(self, answer: requests.Response, where: str) -> dict[str, Any]:
        content = _content(answer)
        match answer.status_code:
            case 200:
                if content is None:
                    raise UnreachableError(f"{where}: what answers is not NETPIE", next_step="check the address")
                return content
            case 401:
                raise RefusedError(
                    f"device {self.device.client_id}: NETPIE refuses its token",
                    next_step="copy client id and token anew from the device's page on NETPIE",
                )
            case 403:
                raise self._barred("disabled or banned")
            case 429:
                raise QuotaError(
                    f"device {self.device.client_id}: {_said(content) or 'the quota is used up'}",
                    next_step="look at the quota on NETPIE's page; it begins anew each month",
                )
            case status if status in TRY_LATER:
                raise UnreachableError(f"{where}: it answers {status}", next_step="try again later")
            case 404 | 301 | 302 | 307 | 308:
                raise UnreachableError(
                    f"{where}: there is no such call of NETPIE's ({answer.status_code})", next_step="check the address"
                )
            case status:
                raise ProvisionError(f"{where}: {_said(content) or f'it answers {status}'}", next_step="correct it")

    def _barred(self, how: str) -> RefusedError:
        return RefusedError(
            f"device {self.device.client_id} is {how}", next_step="enable it on the device's page on NETPIE"
        )


def _kind(url: str) -> str:
    return "text/plain" if "/message?" in url else "application/json"


def _content(answer: requests.Response) -> dict[str, Any] | None:
    try:
        content = answer.json()
    except ValueError:
        return None
    return content if isinstance(content, dict) else None


def _said(content: dict[str, Any] | None) -> str:
    said = (content or {}).get("message")
    return said[:200] if isinstance(said, str) else ""
