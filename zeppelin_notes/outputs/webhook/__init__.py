"""Windows to a web address, a POST of JSON each."""

from __future__ import annotations

import hashlib
import json
from typing import Any

from .._http import Address
from .._window import END, Window


class Webhook:
    """Posts `{"window_end": …, "rows": [{…}, …]}` to the address; any answer of 200 to 299 will do.

    A window or a message is sent twice where an answer was lost, with the same `Idempotency-Key`, which begins with
    `source`, whom it is from. `token` is a bearer's.
    """

    once = True

    def __init__(self, url: str, token: str = "", source: str = "") -> None:
        bearer = {"Authorization": f"Bearer {token}"} if token else {}
        self._address = Address(url, {"Content-Type": "application/json", **bearer})
        self._source = f"{source} " if source else ""

    def write(self, window: Window) -> None:
        self._post({END: window.ended, "rows": window.records()}, window.ended)

    def send(self, message: dict[str, Any]) -> None:
        """Post what an alert says."""
        told = hashlib.sha256(json.dumps(message, sort_keys=True).encode()).hexdigest()
        self._post(message, f"{message.get(END, '')} {told[:16]}".strip())

    def _post(self, document: dict[str, Any], key: str) -> None:
        self._address.post(json.dumps(document).encode(), {"Idempotency-Key": self._source + key})
