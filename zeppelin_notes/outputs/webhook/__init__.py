"""Windows to a web address, a POST of JSON each."""

from __future__ import annotations

import json
from typing import Any

from .._http import Address
from .._window import END, Window


class Webhook:
    """Posts `{"window_end": …, "rows": [{…}, …]}` to the address; any answer of 200 to 299 will do.

    `Idempotency-Key` is the window's end: a window is sent twice where an answer was lost. `token` is a bearer's.
    """

    once = True

    def __init__(self, url: str, token: str = "") -> None:
        bearer = {"Authorization": f"Bearer {token}"} if token else {}
        self._address = Address(url, {"Content-Type": "application/json", **bearer})

    def write(self, window: Window) -> None:
        self._post({END: window.ended, "rows": window.records()}, window.ended)

    def send(self, message: dict[str, Any]) -> None:
        """Post what an alert says."""
        self._post(message, "")

    def _post(self, document: dict[str, Any], key: str) -> None:
        self._address.post(json.dumps(document).encode(), {"Idempotency-Key": key} if key else {})
