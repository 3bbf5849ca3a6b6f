"""An HTTP server on loopback in a thread, that knows its open connections and can cut them."""

import contextlib
import socket
import ssl
import sys
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from types import TracebackType
from typing import Any, Self


class LoopbackServer:
    """Listens while it is entered; requests are answered by `handler`, whose `owner` is this server."""

    def __init__(self, handler: type["LoopbackHandler"], tls: ssl.SSLContext | None = None) -> None:
        self.connections: set[socket.socket] = set()
        self._handler = type("Handler", (handler,), {"owner": self})
        self._tls = tls
        self._server: _Server | None = None

    def __enter__(self) -> Self:
        self._server = server = _Server(("127.0.0.1", 0), self._handler)
        server.daemon_threads = False
        if self._tls:
            server.socket = self._tls.wrap_socket(server.socket, server_side=True, do_handshake_on_connect=False)
        self._thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.002})
        self._thread.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self._server:
            self._server.shutdown()
            self.drop_connections()
            self._server.server_close()
            self._thread.join()

    @property
    def address(self) -> str:
        """Host and port; "zeppelin.example:8080" while it does not listen."""
        return f"127.0.0.1:{self._server.server_port}" if self._server else "zeppelin.example:8080"

    def dial(self) -> socket.socket:
        """A connection to this server that needs no port."""
        ours, theirs = socket.socketpair()

        def serve() -> None:
            with theirs:
                self._handler(theirs, ("in process", 0), None)

        threading.Thread(target=serve, daemon=True).start()
        return ours

    def drop_connections(self) -> None:
        """Cut every open connection, websockets included."""
        for connection in list(self.connections):
            with contextlib.suppress(OSError):
                connection.shutdown(socket.SHUT_RDWR)


class LoopbackHandler(BaseHTTPRequestHandler):
    """One connection."""

    owner: Any

    def setup(self) -> None:
        """Note the connection."""
        super().setup()
        self.owner.connections.add(self.connection)

    def finish(self) -> None:
        """Forget the connection."""
        self.owner.connections.discard(self.connection)
        with contextlib.suppress(OSError):
            super().finish()

    def log_message(self, format: str, *args: object) -> None:
        """Log nothing."""


class _Server(ThreadingHTTPServer):
    def handle_error(self, request: Any, client_address: Any) -> None:
        """Say nothing of a client that trusts no certificate, or has gone."""
        if not isinstance(sys.exc_info()[1], OSError):
            super().handle_error(request, client_address)
