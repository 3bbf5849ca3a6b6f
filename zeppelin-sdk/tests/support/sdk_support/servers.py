"""Servers on loopback that do not behave: they hang up, or answer plain HTTP where they speak TLS."""

import contextlib
import socket
import ssl
import threading
from types import TracebackType
from typing import Self

_REFUSAL = (
    b"HTTP/1.1 400 Bad Request\r\nContent-Type: text/html\r\nConnection: close\r\n\r\n"
    b"<html><body>The plain HTTP request was sent to HTTPS port</body></html>"
)


class HangsUp:
    """Closes each connection after its first bytes."""

    def __init__(self) -> None:
        self._listening = socket.create_server(("127.0.0.1", 0))
        self.address = f"127.0.0.1:{self._listening.getsockname()[1]}"
        self._thread = threading.Thread(target=self._run)

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._listening.shutdown(socket.SHUT_RDWR)
        self._listening.close()
        self._thread.join()

    def _run(self) -> None:
        with contextlib.suppress(OSError):  # closed
            while True:
                connection, _ = self._listening.accept()
                with connection, contextlib.suppress(OSError):
                    self.answer(connection)

    def answer(self, connection: socket.socket) -> None:
        """Take what comes first and say nothing."""
        connection.recv(4096)


class TwoFaced(HangsUp):
    """Speaks TLS, and answers plain HTTP with 400, as nginx, Apache and Go's servers do."""

    def __init__(self, tls: ssl.SSLContext) -> None:
        super().__init__()
        self._tls = tls

    def answer(self, connection: socket.socket) -> None:
        """A TLS handshake, or 400."""
        if connection.recv(1, socket.MSG_PEEK) == b"\x16":
            self._tls.wrap_socket(connection, server_side=True).close()
        else:
            connection.recv(4096)
            connection.sendall(_REFUSAL)
