"""A `requests` adapter that stops reading an answer at a deadline, however slowly it trickles in.

The timeout of `requests` is for one wait on the network: a server that sends a byte now and then never exceeds it.
"""

import http.client
import io
import math
import socket
import time
from typing import Any

import requests.adapters


class Deadline:
    """A moment of the monotonic clock; an adapter and its connections share it."""

    def __init__(self) -> None:
        self.at = math.inf

    def left(self) -> float:
        """Seconds until then; negative when it has passed."""
        return self.at - time.monotonic()


class TimedAdapter(requests.adapters.HTTPAdapter):
    """Reads nothing, headers included, past `deadline`; the error is the one of a read timeout."""

    def __init__(self) -> None:
        self.deadline = Deadline()
        super().__init__()

    def init_poolmanager(self, *arguments: Any, **options: Any) -> None:
        """Make the pools of direct connections."""
        super().init_poolmanager(*arguments, **options)
        self._time(self.poolmanager)

    def proxy_manager_for(self, proxy: Any, **options: Any) -> Any:
        """The pools of connections through a proxy."""
        is_new = proxy not in self.proxy_manager
        manager = super().proxy_manager_for(proxy, **options)
        if is_new:
            self._time(manager)
        return manager

    def _time(self, manager: Any) -> None:
        response = type("TimedResponse", (_TimedResponse,), {"deadline": self.deadline})
        pools = {}
        for scheme, pool in manager.pool_classes_by_scheme.items():
            connection = type("TimedConnection", (pool.ConnectionCls,), {"response_class": response})
            pools[scheme] = type("TimedPool", (pool,), {"ConnectionCls": connection})
        manager.pool_classes_by_scheme = pools


class _TimedResponse(http.client.HTTPResponse):
    deadline: Deadline

    def __init__(self, sock: socket.socket, *arguments: Any, **options: Any) -> None:
        super().__init__(_TimedSocket(sock, self.deadline), *arguments, **options)  # type: ignore[arg-type]


class _TimedSocket:
    """As much of a socket as `http.client.HTTPResponse` wants."""

    def __init__(self, sock: socket.socket, deadline: Deadline) -> None:
        self._sock = sock
        self._deadline = deadline

    def makefile(self, _mode: str) -> io.BufferedReader:
        return io.BufferedReader(_TimedReader(self._sock, self._deadline))


class _TimedReader(io.RawIOBase):
    def __init__(self, sock: socket.socket, deadline: Deadline) -> None:
        self._file = sock.makefile("rb", buffering=0)
        self._sock = sock
        self._wait = sock.gettimeout()
        self._deadline = deadline

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: Any) -> int | None:
        left = self._deadline.left()
        if left <= 0:
            raise TimeoutError("the deadline has passed")
        if left < math.inf:
            self._sock.settimeout(left if self._wait is None else min(self._wait, left))
        return self._file.readinto(buffer)

    def close(self) -> None:
        self._file.close()
        super().close()
