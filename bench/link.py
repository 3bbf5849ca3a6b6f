"""A plain socket to a broker, already connected."""

import socket
import time
from collections.abc import Iterator

from bench import packets
from bench.packets import Packet

READ = 1 << 20  # bytes


def connected(
    port: int, client_id: str, *, clean: bool = True, topic: str | None = None, qos: int = 0
) -> socket.socket:
    """A socket that the broker on loopback has accepted, subscribed to `topic` if one is named.

    Raises OSError when there is no broker, or when it refuses.
    """
    link = socket.create_connection(("127.0.0.1", port), timeout=10)
    try:
        link.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        link.sendall(packets.connect(client_id, clean=clean))
        _expect(link, packets.CONNACK, b"\0")
        if topic is not None:
            link.sendall(packets.subscribe(1, topic, qos))
            _expect(link, packets.SUBACK, bytes([qos]))
    except BaseException:
        link.close()
        raise
    return link


def _expect(link: socket.socket, kind: int, last: bytes) -> None:
    # Byte by byte, so that what follows the packet stays in the socket.
    buffer = bytearray()
    while not (found := list(packets.packets(buffer))):
        byte = link.recv(1)
        if not byte:
            raise ConnectionError("the broker closed the connection")
        buffer += byte
    if found[0].kind != kind or not found[0].body.endswith(last):
        raise ConnectionError(f"the broker answers packet {found[0].kind} {found[0].body.hex()}")


def arriving(link: socket.socket, until: float) -> Iterator[Packet]:
    """The packets that arrive until `until` (monotonic seconds), or until the broker closes the connection."""
    buffer = bytearray()
    while (left := until - time.monotonic()) > 0:
        link.settimeout(left)
        try:
            data = link.recv(READ)
        except TimeoutError:
            return
        if not data:
            return
        buffer += data
        yield from packets.packets(buffer)
