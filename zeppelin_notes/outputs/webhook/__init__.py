"""Windows to a web address, a POST of JSON each."""

from __future__ import annotations

import ipaddress
import json
from typing import Any
from urllib.error import HTTPError, URLError
from urllib.parse import urlsplit
from urllib.request import HTTPRedirectHandler, ProxyHandler, Request, build_opener

from .._window import END, Window

TIMEOUT = 10.0
"""Seconds that the other side has for an answer."""


class _NoRedirects(HTTPRedirectHandler):
    """A POST that is sent elsewhere would arrive as a GET."""

    def redirect_request(self, *_: Any) -> None:
        return None


class Webhook:
    """Posts `{"window_end": …, "rows": [{…}, …]}` to the address; any answer of 200 to 299 will do.

    `Idempotency-Key` is the window's end: a window is sent twice where an answer was lost. `token` is a bearer's.
    """

    once = True

    def __init__(self, url: str, token: str = "") -> None:
        self._url = url
        self._headers = {"Content-Type": "application/json"}
        if token:
            self._headers["Authorization"] = f"Bearer {token}"
        own = [ProxyHandler({})] if _is_here(url) else []
        self._opener = build_opener(_NoRedirects, *own)

    def write(self, window: Window) -> None:
        self._post({END: window.ended, "rows": window.records()}, window.ended)

    def send(self, message: dict[str, Any]) -> None:
        """Post what an alert says."""
        self._post(message, "")

    def _post(self, document: dict[str, Any], key: str) -> None:
        headers = {**self._headers, **({"Idempotency-Key": key} if key else {})}
        request = Request(self._url, json.dumps(document).encode(), headers, method="POST")  # noqa: S310 - checked
        try:
            with self._opener.open(request, timeout=TIMEOUT) as answer:
                answer.read()
        except HTTPError as error:
            raise OSError(f"{self._url} answered {error.code} {error.reason}") from None
        except URLError as error:
            raise OSError(f"{self._url}: {error.reason}") from None


def _is_here(url: str) -> bool:
    """Whether the address is this machine's own, which no proxy is asked for."""
    host = urlsplit(url).hostname or ""
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"
