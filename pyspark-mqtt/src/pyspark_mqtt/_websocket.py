"""MQTT over websockets: what the rest asks of a socket, with frames of RFC 6455 around what goes over it.

Where packets begin and end has nothing to do with frames (MQTT 3.1.1, section 6): both directions are streams of bytes.
"""

from __future__ import annotations

import base64
import hashlib
import os
import socket
import time
from contextlib import suppress
from types import TracebackType

from pyspark_mqtt._errors import LoginRefused, Passing, ProtocolError

_ACCEPTED = b"258EAFA5-E914-47DA-95CA-C5AB0DC85B11"
"""What a server's answer to the key is made with (RFC 6455, section 1.3)."""
_CONTINUED, _BINARY, _CLOSE, _PING, _PONG = 0, 2, 8, 9, 10
_BUSY = (429, 500, 502, 503, 504)
"""Answers that may be others in a moment, as of a proxy whose broker restarts."""
_MOST_HEADERS = 1 << 16
_READ = 1 << 18


class WebSocket:
    """An open websocket: `recv`, `recv_into` and `sendall` take and give the bytes within its frames."""

    def __init__(self, link: socket.socket, came: bytes = b"") -> None:
        """`came` is what the link has given already behind the answer to the handshake."""
        self._link = link
        self._raw = bytearray(max(_READ, len(came)))
        self._raw[: len(came)] = came
        self._have, self._left, self._closed = len(came), 0, False

    def recv_into(self, buffer: bytearray | memoryview) -> int:
        """As a socket's: at least a byte, 0 where the broker has closed; raises `socket.timeout`."""
        view = memoryview(buffer)
        while True:
            filled = self._unpacked(view)
            if filled or self._closed:
                return filled
            count = self._link.recv_into(memoryview(self._raw)[self._have :])
            if not count:
                return 0
            self._have += count

    def recv(self, most: int) -> bytes:
        data = bytearray(most)
        return bytes(data[: self.recv_into(data)])

    def sendall(self, data: bytes) -> None:
        self._send(_BINARY, data)

    def settimeout(self, seconds: float | None) -> None:
        self._link.settimeout(seconds)

    def fileno(self) -> int:
        return self._link.fileno()

    def close(self) -> None:
        with suppress(OSError):
            self._send(_CLOSE, b"\x03\xe8")  # 1000: done
        self._link.close()

    def __enter__(self) -> WebSocket:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def _unpacked(self, view: memoryview) -> int:
        """Move what there is of data frames into the view, and answer the others; how many bytes were moved."""
        raw, have, left, at, filled, room = self._raw, self._have, self._left, 0, 0, len(view)
        while at < have and filled < room:
            if left:
                count = min(left, have - at, room - filled)
                view[filled : filled + count] = raw[at : at + count]
                at, filled, left = at + count, filled + count, left - count
                continue
            if have - at < 2:
                break
            kind, length, begins = raw[at] & 15, raw[at + 1], at + 2
            if length > 127:
                raise ProtocolError("the broker's websocket masks what it sends", "check mqtt.broker.url")
            if length > 125:
                begins += 2 if length == 126 else 8
                if have < begins:
                    break
                length = int.from_bytes(raw[at + 2 : begins], "big")
            if kind in (_BINARY, _CONTINUED):
                at, left = begins, length
                continue
            if have < begins + length:
                break
            self._answer(kind, bytes(raw[begins : begins + length]))
            at = begins + length
        self._have, self._left = have - at, left
        raw[: self._have] = raw[at:have]
        return filled

    def _answer(self, kind: int, body: bytes) -> None:
        if kind == _PING:
            self._send(_PONG, body)
        elif kind == _CLOSE:
            self._closed = True
        elif kind != _PONG:
            raise ProtocolError("the broker's websocket sent what is no MQTT", "check mqtt.broker.url")

    def _send(self, kind: int, data: bytes) -> None:
        mask, size = os.urandom(4), len(data)
        if size < 126:
            length = bytes([0x80 | size])
        else:
            length = b"\xfe" + size.to_bytes(2, "big") if size < 1 << 16 else b"\xff" + size.to_bytes(8, "big")
        key = int.from_bytes((mask * (size // 4 + 1))[:size], "little")
        masked = (int.from_bytes(data, "little") ^ key).to_bytes(size, "little")
        self._link.sendall(bytes([0x80 | kind]) + length + mask + masked)


def upgraded(link: socket.socket, host: str, path: str, timeout: float) -> WebSocket:
    """The websocket that the server makes of a connection.

    Raises `LoginRefused` where it wants another login than MQTT's, `ProtocolError` where it makes none, `Passing` where
    it may in a moment, and `OSError`.
    """
    key = base64.b64encode(os.urandom(16))
    asked = (
        f"GET {path} HTTP/1.1\r\nHost: {host}\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
        f"Sec-WebSocket-Key: {key.decode()}\r\nSec-WebSocket-Version: 13\r\nSec-WebSocket-Protocol: mqtt\r\n\r\n"
    )
    link.sendall(asked.encode("ascii"))
    head, came = _headers(link, time.monotonic() + timeout)
    status, *lines = head.decode("latin-1").split("\r\n")
    words = status.split(" ", 2)
    code = int(words[1]) if len(words) > 1 and words[1].isdigit() and words[0].startswith("HTTP/") else 0
    if code in _BUSY:
        raise Passing(f"{host}{path} answers {' '.join(words[1:])}")
    if code in (401, 403, 407):
        raise LoginRefused(
            f"{host}{path} answers {' '.join(words[1:])}", "check mqtt.broker.url, and what is before it"
        )
    fields = {name.strip().lower(): value.strip() for name, _, value in (line.partition(":") for line in lines)}
    accepted = base64.b64encode(hashlib.sha1(key + _ACCEPTED).digest()).decode()  # noqa: S324 - the standard's
    if code != 101 or fields.get("sec-websocket-accept") != accepted:
        said = f"answers {' '.join(words[1:])}" if code else "does not answer as a server of websockets does"
        raise ProtocolError(f"{host}{path} {said}", "check port and path in mqtt.broker.url, such as /mqtt")
    return WebSocket(link, came)


def _headers(link: socket.socket, end: float) -> tuple[bytes, bytes]:
    """The head of the server's answer, and what came behind it."""
    data = b""
    while b"\r\n\r\n" not in data:
        if time.monotonic() > end or len(data) > _MOST_HEADERS:
            raise socket.timeout("no answer to the handshake of the websocket")
        piece = link.recv(1 << 14)
        if not piece:
            raise ConnectionError("the server closed the connection in the handshake of the websocket")
        data += piece
    head, _, came = data.partition(b"\r\n\r\n")
    return head, came
