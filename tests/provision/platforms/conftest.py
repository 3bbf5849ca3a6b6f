"""A broker that answers each login as a test says, with or without TLS."""

import socket
import ssl
import threading
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager, suppress

import pytest

Answering = Callable[..., AbstractContextManager[int]]


@contextmanager
def _answering(code: int | None = 0, server: ssl.SSLContext | None = None) -> Iterator[int]:
    """A port on which each CONNECT gets a CONNACK with this return code; None closes the connection instead."""
    listening = socket.create_server(("127.0.0.1", 0))

    def serve() -> None:
        while True:
            try:
                connection, _ = listening.accept()
            except OSError:
                return
            with suppress(OSError):
                connection = server.wrap_socket(connection, server_side=True) if server else connection
                if connection.recv(4096) and code is not None:
                    connection.sendall(bytes([0x20, 2, 0, code]))
                    connection.recv(4096)
            with suppress(OSError):
                connection.close()

    thread = threading.Thread(target=serve, daemon=True)
    thread.start()
    try:
        yield listening.getsockname()[1]
    finally:
        listening.shutdown(socket.SHUT_RDWR)
        listening.close()
        thread.join(10)


@pytest.fixture
def answering() -> Answering:
    return _answering
