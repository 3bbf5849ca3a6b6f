"""A broker that does, packet by packet, what a test says."""

from __future__ import annotations

import socket
import ssl
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress

from pyspark_mqtt import _packets as packets

CONNACK = {4: b"\x20\x02\x00\x00", 5: b"\x20\x03\x00\x00\x00"}
CONNACK_PRESENT = {4: b"\x20\x02\x01\x00", 5: b"\x20\x03\x01\x00\x00"}


class Gone(Exception):
    """The client closed the connection, or sent nothing for some seconds."""


class Peer:
    """One connection, as the broker sees it."""

    def __init__(self, link: socket.socket) -> None:
        self.link = link
        link.settimeout(10)

    def send(self, *data: bytes) -> None:
        self.link.sendall(b"".join(data))

    def packet(self) -> tuple[int, bytes]:
        """The next packet: its kind and body."""
        first = self._exactly(1)[0]
        length, shift = 0, 0
        while True:
            byte = self._exactly(1)[0]
            length |= (byte & 127) << shift
            shift += 7
            if byte < 128:
                return first >> 4, self._exactly(length)

    def expect(self, kind: int) -> bytes:
        """The next packet that is no ping; its body. It has to be of that kind."""
        found, body = self.packet()
        while found == packets.PINGREQ:
            found, body = self.packet()
        assert found == kind, f"kind {found} came, not {kind}"
        return body

    def welcome(self, level: int = 4, *, present: bool = False, qos: int = 1, subscribes: bool | None = None) -> bytes:
        """Accept a login, and its subscription unless the session was there; the CONNECT's body."""
        body = self.expect(packets.CONNECT)
        self.send((CONNACK_PRESENT if present else CONNACK)[level])
        if not present if subscribes is None else subscribes:
            self.expect(packets.SUBSCRIBE)
            self.send(b"\x90\x03\x00\x01" + bytes([qos]) if level == 4 else b"\x90\x04\x00\x01\x00" + bytes([qos]))
        return body

    def _exactly(self, count: int) -> bytes:
        data = b""
        while len(data) < count:
            try:
                piece = self.link.recv(count - len(data))
            except OSError as error:
                raise Gone from error
            if not piece:
                raise Gone
            data += piece
        return data


class Scripted:
    """Serves one connection after the other, each by the next script; the last one serves all that follow."""

    def __init__(self, scripts: tuple[Callable[[Peer], None], ...], context: ssl.SSLContext | None) -> None:
        self._scripts = scripts
        self._context = context
        self._listener = socket.create_server(("127.0.0.1", 0))
        self._thread = threading.Thread(target=self._serve, daemon=True)
        self.port = int(self._listener.getsockname()[1])
        self.connections = 0
        self.failure: BaseException | None = None
        self._thread.start()

    def _serve(self) -> None:
        while True:
            try:
                link, _ = self._listener.accept()
            except OSError:
                return
            script = self._scripts[min(self.connections, len(self._scripts) - 1)]
            self.connections += 1
            with suppress(OSError), self._wrapped(link) as peer:
                try:
                    script(Peer(peer))
                except (Gone, ConnectionError):
                    pass
                except Exception as error:  # noqa: BLE001 - the test is told
                    self.failure = error
                    return

    def _wrapped(self, link: socket.socket) -> socket.socket:
        return self._context.wrap_socket(link, server_side=True) if self._context else link

    def close(self) -> None:
        with suppress(OSError):
            self._listener.shutdown(socket.SHUT_RDWR)
        self._listener.close()


@contextmanager
def scripted(*scripts: Callable[[Peer], None], context: ssl.SSLContext | None = None) -> Iterator[Scripted]:
    """A broker with these scripts; a script that fails makes the test fail."""
    broker = Scripted(scripts, context)
    try:
        yield broker
    finally:
        broker.close()
    if broker.failure is not None:
        raise broker.failure


def hold(peer: Peer) -> None:
    """Read until the client leaves."""
    with suppress(Gone):
        while True:
            peer.packet()
