"""The server's address: read once, checked, and made into the URLs of its API and its websocket."""

import ipaddress
from dataclasses import dataclass
from typing import Self
from urllib.parse import quote, urlsplit

from zeppelin_sdk._errors import InvalidAddressError, NotFoundError


@dataclass(frozen=True)
class Address:
    """Where a Zeppelin server is; `base` keeps a path prefix and has no last slash and no credentials."""

    base: str

    @classmethod
    def parse(cls, url: str) -> Self:
        """Read the URL of a server or of any of its pages (`http://host:8080/#/notebook/…`).

        Raises InvalidAddressError when it is not http(s), has no host, or holds a user or password.
        """
        try:
            parts = urlsplit(url.strip())
            host, port = parts.hostname, parts.port
        except ValueError as error:
            raise InvalidAddressError(
                "the server's address has a wrong port or host", next_step="give it like http://host:8080"
            ) from error
        if "@" in (parts.netloc or url):
            raise InvalidAddressError(
                f"the address of {host or 'the server'} holds a user or a password",
                next_step="give them apart from the address",
            )
        if parts.scheme not in ("http", "https") or not host:
            raise InvalidAddressError(
                f"{url!r} is not the address of a server", next_step="write it like http://host:8080"
            )
        shown_host = f"[{host}]" if ":" in host else host
        netloc = shown_host if port is None else f"{shown_host}:{port}"
        return cls(base=f"{parts.scheme}://{netloc}{parts.path.rstrip('/')}")

    def api(self, *segments: str) -> str:
        """The URL of a call; each segment is quoted. Raises NotFoundError for one that names nothing."""
        for segment in segments:
            # an empty or dotted segment would turn the call into another one: DELETE /notebook/ID/..
            if segment in ("", ".", ".."):
                raise NotFoundError(f"{segment!r} is no id")
        return "/".join([self.base, "api", *(quote(segment, safe="") for segment in segments)])

    @property
    def host(self) -> str:
        """The host's name or address, an IPv6 address without brackets."""
        return urlsplit(self.base).hostname or ""

    @property
    def scheme(self) -> str:
        """http or https."""
        return urlsplit(self.base).scheme

    @property
    def port(self) -> int | None:
        """The port that the address names."""
        return urlsplit(self.base).port

    @property
    def is_loopback(self) -> bool:
        """Whether the server is on this machine's loopback interface."""
        try:
            return ipaddress.ip_address(self.host).is_loopback
        except ValueError:
            return self.host.rstrip(".") == "localhost" or self.host.endswith(".localhost")

    @property
    def origin(self) -> str:
        """Scheme, host and port: what a page of this server sends as Origin.

        A loopback address is called localhost, which every Zeppelin allows (`CorsUtils.isValidOrigin`); since 0.12.1
        it allows 127.0.0.1 only where `zeppelin.server.allowed.origins` names it.
        """
        parts = urlsplit(self.base)
        if not self.is_loopback:
            return f"{parts.scheme}://{parts.netloc}"
        return f"{parts.scheme}://localhost" + ("" if parts.port is None else f":{parts.port}")

    @property
    def websocket(self) -> str:
        """The URL of the websocket."""
        return "ws" + self.base.removeprefix("http") + "/ws"
