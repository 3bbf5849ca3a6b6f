"""TCP ports of the loopback address."""

import socket

from provision.errors import UsageError

LOOPBACK = "127.0.0.1"


def free_port() -> int:
    """A port that nothing listens on now."""
    with socket.socket() as probe:
        probe.bind((LOOPBACK, 0))
        port: int = probe.getsockname()[1]
        return port


def claim(port: int, option: str) -> int:
    """`port`, or a free one for 0; raises `UsageError` when something listens on it already."""
    if port == 0:
        return free_port()
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((LOOPBACK, port))
        except OSError as error:
            raise UsageError(
                f"{option} {port}: the port is taken ({error.strerror})", next_step="name another, or 0 for a free one"
            ) from error
    return port
