"""TCP ports of the loopback address."""

import contextlib
import errno
import socket
from dataclasses import dataclass

from provision.errors import UsageError

LOOPBACK = "127.0.0.1"


@dataclass(frozen=True)
class Ports:
    """The ports asked for; 0 is any free one."""

    zeppelin: int = 0
    auth: int = 0
    mqtt: int = 0


def claim(ports: Ports, last: Ports = Ports()) -> Ports:
    """`ports` with a free port in place of each 0, that of `last` if it is free.

    Raises `UsageError` for a named port that can't be listened on. Free ones differ from each other and from the named
    ones. None is held, so a later start may still find one taken.
    """
    _check_distinct(ports)
    with contextlib.ExitStack() as held:
        named = {
            port: held.enter_context(_bound(port, option))
            for port, option in (
                (ports.zeppelin, "--zeppelin-port"),
                (ports.auth, "--auth-port"),
                (ports.mqtt, "--mqtt-port"),
            )
            if port
        }
        zeppelin, auth, mqtt = (
            (named[port] if port else held.enter_context(_free(before))).getsockname()[1]
            for port, before in (
                (ports.zeppelin, last.zeppelin),
                (ports.auth, last.auth),
                (ports.mqtt, last.mqtt),
            )
        )
        return Ports(zeppelin, auth, mqtt)


def _check_distinct(ports: Ports) -> None:
    named = [port for port in (ports.zeppelin, ports.auth, ports.mqtt) if port]
    twice = next((port for port in named if named.count(port) > 1), None)
    if twice is not None:
        raise UsageError(f"port {twice} is named for two servers", next_step="name another, or 0 for a free one")


def _free(preferred: int) -> socket.socket:
    with contextlib.suppress(UsageError):
        return _bound(preferred, "")
    return _bound(0, "")


def _bound(port: int, option: str) -> socket.socket:
    probe = socket.socket()
    probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1 if port else 0)
    try:
        probe.bind((LOOPBACK, port))
    except OSError as error:
        probe.close()
        cause = "the port is taken" if error.errno == errno.EADDRINUSE else f"can't listen there ({error.strerror})"
        raise UsageError(f"{option} {port}: {cause}", next_step="name another, or 0 for a free one") from error
    return probe
