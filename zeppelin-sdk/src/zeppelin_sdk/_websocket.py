"""One websocket to a server: opened with the client's cookies, proxy and CA, kept alive, closed politely.

A message has `op`, `data` and, from Zeppelin 0.9 on, a `msgId` that the answer to it repeats (Zeppelin's `Message`).
"""

import contextlib
import json
import logging
import math
import socket
import ssl
import threading
import time
from collections.abc import Mapping
from pathlib import Path
from typing import Any
from urllib.parse import unquote, urlsplit

import requests
import requests.utils
import websocket

from zeppelin_sdk._bodies import LimitExceeded, TooDeep, parse_json
from zeppelin_sdk._errors import (
    AnswerTooLargeError,
    InvalidAddressError,
    LoginRequiredError,
    NotZeppelinError,
    ServerUnreachableError,
    ZeppelinError,
)
from zeppelin_sdk._failures import PROXY_LOGIN, PROXY_STEP, gateway_login, not_zeppelin
from zeppelin_sdk._models import Ticket
from zeppelin_sdk._tls import ca_fault, why_tls
from zeppelin_sdk._transport import Transport

HEARTBEAT_SECONDS = 10.0  # as the web page does; the server drops a connection that stays silent
_GOODBYE_SECONDS = 1
_SWITCHING_PROTOCOLS = 101
_NOT_THE_SCHEME = (
    ConnectionRefusedError,
    ssl.SSLCertVerificationError,
    websocket.WebSocketProxyException,
    websocket.WebSocketTimeoutException,
)
_log = logging.getLogger("zeppelin_sdk")


class _LimitedWebSocket(websocket.WebSocket):  # type: ignore[misc]
    """A websocket that reads no more than `limit` bytes of one message, and nothing past a deadline.

    The library itself takes a message of any size, and its timeout is for one wait on the network.
    """

    def __init__(self, limit: int, tls: dict[str, Any]) -> None:
        super().__init__(sslopt=tls, enable_multithread=True)
        self.deadline = math.inf
        self._limit = limit
        self._size = 0

    def next_message(self, deadline: float) -> str | bytes:
        """The next message. Raises LimitExceeded, and the library's timeout at the deadline of the monotonic clock."""
        self.deadline = deadline
        message: str | bytes = self.recv()
        self._size = 0
        return message

    def _recv(self, bufsize: int) -> bytes:
        left = self.deadline - time.monotonic()
        if left <= 0:
            raise websocket.WebSocketTimeoutException("the deadline has passed")
        # a timeout of zero would make the socket non-blocking
        self.settimeout(max(0.001, left))
        piece: bytes = super()._recv(bufsize)
        self._size += len(piece)
        if self._size > self._limit:
            raise LimitExceeded
        return piece


class WebsocketConnection:
    """An open websocket; what is sent carries the user's ticket. Raises ServerUnreachableError when it is lost."""

    def __init__(self, http: Transport, ticket: Ticket) -> None:
        self.closed = False
        self.has_received = False
        self._base = http.address.base
        self._origin = http.address.origin
        self._url = http.address.websocket
        self._ticket = ticket
        self._max_bytes = http.max_answer_bytes
        self._socket = _connect(http)
        self._next_beat = time.monotonic() + HEARTBEAT_SECONDS

    def close(self) -> None:
        """Say goodbye and close the connection; may be called twice, and from another thread."""
        if not self.closed:
            self.closed = True
            self._socket.deadline = time.monotonic() + _GOODBYE_SECONDS
            self._socket.close(timeout=_GOODBYE_SECONDS)
            self._socket.shutdown()  # `close` leaves the socket open where the server has said goodbye first

    def send(self, operation: str, data: Mapping[str, Any], message_id: str = "") -> None:
        """Send a message."""
        ticket = self._ticket
        message = {
            "op": operation,
            "data": data,
            "principal": ticket.principal,
            "ticket": ticket.ticket,
            "roles": ticket.roles,
        }
        if message_id:
            message["msgId"] = message_id
        try:
            self._socket.settimeout(HEARTBEAT_SECONDS)
            self._socket.send(json.dumps(message))
            _log.debug("%s: sent %s", self._url, operation)
        except (websocket.WebSocketException, OSError) as error:
            raise self._lost() from error

    def receive(self, deadline: float) -> Mapping[str, Any] | None:
        """The next message, or None at the deadline (of the monotonic clock) or when `close` was called.

        Heartbeats go out meanwhile.
        """
        while not self.closed:
            now = time.monotonic()
            if now >= self._next_beat:
                self.send("PING", {})
                self._next_beat = now + HEARTBEAT_SECONDS
            try:
                message = self._parsed(self._socket.next_message(min(deadline, self._next_beat)))
                self.has_received = True
                return message
            except LimitExceeded as error:
                self.close()
                raise AnswerTooLargeError(
                    f"{self._base} sends a message of more than {self._max_bytes} bytes",
                    next_step="raise the client's max_answer_bytes if that is right",
                    request=f"GET {self._url}",
                ) from error
            except websocket.WebSocketTimeoutException:
                if time.monotonic() >= deadline:
                    return None
            except (websocket.WebSocketException, OSError) as error:
                if not self.closed:
                    raise self._lost() from error
        return None

    def _parsed(self, text: str | bytes) -> Mapping[str, Any]:
        """A message, or an empty one for what is none."""
        if not text:
            raise websocket.WebSocketConnectionClosedException("closed by the server")
        try:
            message = parse_json(text)
        except TooDeep as error:
            self.close()
            raise not_zeppelin(self._base, f"GET {self._url}") from error
        except ValueError:
            return {}
        if not isinstance(message, dict):
            return {}
        _log.debug("%s: received %s, %d characters", self._url, message.get("op"), len(text))
        return message

    def _lost(self) -> ServerUnreachableError:
        request = f"GET {self._url}"
        if self.has_received:
            return ServerUnreachableError(
                f"{self._base}: the websocket was closed", next_step="check that the server runs", request=request
            )
        return ServerUnreachableError(
            f"{self._base}: the websocket was closed before its first message",
            next_step=f"add {self._origin} to the server's zeppelin.server.allowed.origins, or see its log",
            request=request,
        )


def _connect(http: Transport) -> _LimitedWebSocket:
    """An open websocket. Its Origin is the server's own address: 0.12 closes a websocket without one."""
    url, base = http.address.websocket, http.address.base
    headers = http.session.prepare_request(requests.Request("GET", f"{base}/ws")).headers
    dial = getattr(http.session, "dial", None)  # of a session that reaches a double in this process
    way = {"socket": dial()} if dial else _proxy(http.proxy)
    connection = _LimitedWebSocket(http.max_answer_bytes, _tls(http.ca_bundle))
    deadline = time.monotonic() + http.total_timeout
    alarm = threading.Timer(http.total_timeout, _cut, (connection,))
    alarm.daemon = True
    alarm.start()
    try:
        # a redirect is not followed: the cookie and the ticket are for this server only
        connection.connect(
            url,
            timeout=http.timeout,
            origin=http.address.origin,
            cookie=headers.get("Cookie"),
            header={name: headers[name] for name in ("Authorization",) if name in headers},
            redirect_limit=0,
            **way,
        )
    except websocket.WebSocketBadStatusException as error:
        raise _handshake_error(http, error.status_code, error.resp_headers or {}) from error
    except (websocket.WebSocketException, OSError) as error:
        answer = connection.handshake_response
        if answer is not None and answer.status != _SWITCHING_PROTOCOLS:
            raise _handshake_error(http, answer.status, answer.headers) from error
        if time.monotonic() < deadline and not isinstance(error, _NOT_THE_SCHEME):
            http.check_scheme(f"GET {url}")
        cause, next_step = _why(http, error)
        if time.monotonic() >= deadline:
            cause = f"no complete answer within {http.total_timeout:g} s"
        raise ServerUnreachableError(
            f"{base}: no websocket connection: {cause}", next_step=next_step, request=f"GET {url}"
        ) from error
    finally:
        alarm.cancel()
    # up to 1.8 the library takes a redirect that it may not follow for a connection
    if connection.handshake_response.status != _SWITCHING_PROTOCOLS:
        connection.shutdown()
        raise _handshake_error(http, connection.handshake_response.status, connection.handshake_response.headers)
    return connection


def _cut(connection: _LimitedWebSocket) -> None:
    """End a handshake whose answer trickles in: the library's timeout is for one wait on the network."""
    with contextlib.suppress(OSError):
        if connection.sock:
            socket.socket.shutdown(connection.sock, socket.SHUT_RDWR)  # not the one of TLS, which drops its state


def _handshake_error(http: Transport, status: int, headers: Mapping[str, str]) -> ZeppelinError:
    base, request = http.address.base, f"GET {http.address.websocket}"
    challenge = headers.get("www-authenticate", "") if status == requests.codes.unauthorized else ""
    if status == requests.codes.bad_request:
        http.check_scheme(request)
    if gateway := gateway_login(base, challenge, answered=False, request=request):
        return gateway
    if status in (401, 403) or 300 <= status < 400:
        return LoginRequiredError(f"{base} refused the websocket ({status})", next_step="log in", request=request)
    return NotZeppelinError(
        f"{base} has no websocket at /ws ({status})",
        next_step="check the address; a proxy before the server has to pass websockets on",
        request=request,
    )


def _why(http: Transport, error: Exception) -> tuple[str, str]:
    """The cause in words, and what to do about it."""
    if isinstance(error, websocket.WebSocketProxyException):
        if "407" in str(error):
            return PROXY_LOGIN, PROXY_STEP
        return "the proxy does not connect to it", "check the proxy, and what it allows"
    if isinstance(error, ssl.SSLCertVerificationError):
        return why_tls(str(error))
    if fault := ca_fault(http.ca_bundle):
        return fault, "name a file of CA certificates in PEM form"
    if isinstance(error, ssl.SSLError):
        return why_tls(str(error))
    return str(error).partition("\n")[0], "check that the server runs, and that a proxy before it passes websockets on"


def _proxy(url: str) -> dict[str, Any]:
    """The library's options for this proxy, or for none; the environment was read by `Transport` already."""
    if not url:
        # only with a proxy's host does the library leave the environment alone
        return {"http_proxy_host": "none", "http_proxy_port": 1, "http_no_proxy": ["*"]}
    parts = urlsplit(url)
    if parts.scheme == "https":
        raise InvalidAddressError(
            f"a websocket cannot go through {parts.hostname}, a proxy that is spoken to over TLS",
            next_step="name the proxy's http:// address",
        )
    kind = "socks5h" if parts.scheme == "socks" else parts.scheme
    port = parts.port or (80 if kind == "http" else 1080)
    auth = (unquote(parts.username), unquote(parts.password or "")) if parts.username else None
    # a list that is not empty keeps the library from reading NO_PROXY
    exceptions = ["none.invalid"]
    return {
        "http_proxy_host": parts.hostname,
        "http_proxy_port": port,
        "http_proxy_auth": auth,
        "http_no_proxy": exceptions,
        "proxy_type": kind,
    }


def _tls(ca_bundle: bool | str) -> dict[str, Any]:
    if ca_bundle is False:
        return {"cert_reqs": ssl.CERT_NONE, "check_hostname": False}
    if isinstance(ca_bundle, str):
        return {"ca_cert_path" if Path(ca_bundle).is_dir() else "ca_certs": ca_bundle}
    return {"ca_certs": requests.utils.DEFAULT_CA_BUNDLE_PATH}
