"""POST requests to an address, whose answers say whether all was taken."""

from __future__ import annotations

import ipaddress
import json
import re
from http.client import HTTPException
from typing import Any, Mapping
from urllib.error import HTTPError, URLError
from urllib.parse import urlsplit
from urllib.request import HTTPRedirectHandler, ProxyHandler, Request, build_opener

TIMEOUT = 10.0
"""Seconds that the other side has for an answer."""


class _NoRedirects(HTTPRedirectHandler):
    """A POST that is sent elsewhere would arrive as a GET."""

    def redirect_request(self, *_: Any) -> None:
        return None


class Address:
    """`url` is where requests go, each with these headers. Errors name it without its query."""

    def __init__(self, url: str, headers: Mapping[str, str]) -> None:
        self._url, self._headers = url, headers
        self._place = url.partition("?")[0]
        own = [ProxyHandler({})] if _is_here(url) else []
        self._opener = build_opener(_NoRedirects, *own)

    def post(self, body: bytes, headers: Mapping[str, str]) -> None:
        """Raises OSError, in a line, unless the answer is 200 to 299."""
        request = Request(self._url, body, {**self._headers, **headers}, method="POST")  # noqa: S310 - checked
        try:
            with self._opener.open(request, timeout=TIMEOUT) as answer:
                answer.read()
        except HTTPError as error:
            with error:
                raise OSError(f"{self._place} answered {error.code} {error.reason}{_said(error)}") from None
        except URLError as error:
            raise OSError(f"{self._place}: {error.reason}") from None
        except HTTPException as error:
            raise OSError(f"{self._place}: no answer of HTTP: {error!r}") from None


def _said(error: HTTPError) -> str:
    """What the answer's document says is wrong, where it is one of InfluxDB's."""
    try:
        found = json.loads(error.read(10_000))
        text = found.get("error") or found.get("message")
    except (OSError, ValueError, AttributeError, HTTPException):
        return ""
    return ": " + re.sub(r"\s+", " ", text) if isinstance(text, str) else ""


def _is_here(url: str) -> bool:
    """Whether the address is this machine's own, which no proxy is asked for."""
    host = urlsplit(url).hostname or ""
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"
