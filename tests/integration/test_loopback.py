"""What the stack's processes listen on: the loopback address and no other, IPv4 and IPv6."""

import ipaddress
import socket

import psutil

from provision.embedded import processes

from .conftest import Embedded, Streams


def listening(mark: str) -> set[tuple[str, str, int]]:
    """What the marked processes listen on: program, address, port."""
    return {
        (process.name(), *connection.laddr)
        for process in processes.marked(mark)
        for connection in process.net_connections(kind="inet")
        if connection.status == psutil.CONN_LISTEN
    }


def beyond_loopback(sockets: set[tuple[str, str, int]]) -> list[tuple[str, str, int]]:
    """Those that other machines can reach."""
    return [each for each in sockets if not _is_loopback(each[1])]


def test_everything_that_the_stack_starts_listens_on_loopback_only(embedded: Embedded, streams: Streams) -> None:
    streams.running("streaming")
    sockets = listening(embedded.stack.mark)
    assert len({port for _, _, port in sockets}) >= 6  # HTTP, callback, RPC, Spark's page, auth server, broker
    assert beyond_loopback(sockets) == []


def _is_loopback(address: str) -> bool:
    parsed = ipaddress.ip_address(address)
    mapped = parsed.ipv4_mapped if isinstance(parsed, ipaddress.IPv6Address) else None
    return (mapped or parsed).is_loopback


def test_no_udp_socket_of_the_stack_is_bound_beyond_loopback(embedded: Embedded, streams: Streams) -> None:
    streams.running("streaming")
    bound = [
        connection.laddr
        for process in processes.marked(embedded.stack.mark)
        for connection in process.net_connections(kind="inet")
        if connection.type == socket.SOCK_DGRAM and connection.laddr
    ]
    assert [each for each in bound if not _is_loopback(each.ip)] == []
