"""Calls that reach the double without a network: a session of `requests` that asks it in the caller's own thread."""

from __future__ import annotations

import http.client
import http.cookies
import socket
import urllib.parse
from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Any

import requests

from zeppelin_sdk.testing._answers import Answer, Drop, Request

if TYPE_CHECKING:
    from zeppelin_sdk.testing._fake import FakeZeppelin


class InProcessSession(requests.Session):
    """As much of a session as a client uses, a fifth of its cost; websockets go over a pair of sockets."""

    def __init__(self, fake: FakeZeppelin) -> None:
        super().__init__()
        self.trust_env = False
        self._fake = fake

    def request(  # type: ignore[override]
        self,
        method: str,
        url: str,
        params: Mapping[str, str] | None = None,
        data: bytes | Mapping[str, str] | None = None,
        headers: Mapping[str, str] | None = None,
        hooks: Mapping[str, list[Callable[..., Any]]] | None = None,
        **_options: Any,
    ) -> requests.Response:
        """The double's answer. Raises ConnectionError where it gives none."""
        body = urllib.parse.urlencode(data).encode() if isinstance(data, Mapping) else data or b""
        asked = Request(method, urllib.parse.urlsplit(url).path, dict(params or {}), self._headers(headers or {}), body)
        try:
            response = _response(method, url, self._fake.respond(asked))
        except Drop as error:
            raise requests.ConnectionError(f"the double dropped {method} {url}") from error
        for cookie in http.cookies.SimpleCookie(response.headers.get("Set-Cookie", "")).values():
            self.cookies.set(cookie.key, cookie.value)
        for hook in (hooks or {}).get("response", ()):
            hook(response)
        return response

    def dial(self) -> socket.socket:
        """A connection for a websocket."""
        return self._fake.dial()

    def _headers(self, given: Mapping[str, str]) -> dict[str, str]:
        headers = {name.lower(): value for name, value in given.items()}
        if self.cookies:
            headers["cookie"] = "; ".join(f"{cookie.name}={cookie.value}" for cookie in self.cookies)
        return headers


def _response(method: str, url: str, answer: Answer) -> requests.Response:
    response = requests.Response()
    response.request = requests.PreparedRequest()
    response.request.method, response.request.url = method, url
    response.request.headers = requests.structures.CaseInsensitiveDict()
    response.url, response.status_code = url, answer.status
    response.reason = http.client.responses.get(answer.status, "")
    response.headers.update(answer.headers)
    response._content = answer.body
    return response
