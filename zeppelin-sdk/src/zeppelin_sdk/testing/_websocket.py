"""The server's side of a websocket on an accepted HTTP connection: text frames, ping, close. Nothing else."""

import base64
import contextlib
import hashlib
import io
import socket
import struct
import threading
import time

_GUID = "258EAFA5-E914-47DA-95CA-C5AB0DC85B11"
TEXT, CLOSE, PING, PONG = 0x1, 0x8, 0x9, 0xA


def accept_key(key: str) -> str:
    """The value of Sec-WebSocket-Accept (RFC 6455)."""
    return base64.b64encode(hashlib.sha1((key + _GUID).encode(), usedforsecurity=False).digest()).decode()


class ServerSocket:
    """An upgraded connection."""

    def __init__(self, connection: socket.socket, reader: io.BufferedIOBase) -> None:
        self._connection = connection
        self._reader = reader
        self._lock = threading.Lock()
        self.said_goodbye = False

    def send(self, text: str) -> None:
        self._frame(TEXT, text.encode())

    def send_in_pieces(self, text: str, pause: threading.Event, seconds: float) -> None:
        """Send one frame in two halves, with a pause between them."""
        frame = _encoded(TEXT, text.encode())
        with self._lock:
            self._connection.sendall(frame[: len(frame) // 2])
            pause.wait(seconds)
            self._connection.sendall(frame[len(frame) // 2 :])

    def send_by_the_byte(self, text: str, pause: float) -> None:
        """Send one frame a byte at a time, with a pause of so many seconds after each."""
        with self._lock:
            for byte in _encoded(TEXT, text.encode()):
                self._connection.sendall(bytes([byte]))
                time.sleep(pause)

    def close(self) -> None:
        with contextlib.suppress(OSError):
            self._frame(CLOSE, struct.pack("!H", 1000))

    def receive(self) -> str | None:
        """The next text, or None when the other side has closed."""
        while True:
            head = self._reader.read(2)
            if len(head) < 2:
                return None
            length = head[1] & 0x7F
            if length == 126:
                (length,) = struct.unpack("!H", self._reader.read(2))
            elif length == 127:
                (length,) = struct.unpack("!Q", self._reader.read(8))
            mask = self._reader.read(4)
            data = bytes(b ^ mask[i % 4] for i, b in enumerate(self._reader.read(length)))
            operation = head[0] & 0x0F
            if operation == TEXT:
                return data.decode()
            if operation == PING:
                self._frame(PONG, data)
            if operation == CLOSE:
                self.said_goodbye = True
                self.close()
                return None

    def _frame(self, operation: int, data: bytes) -> None:
        with self._lock:
            self._connection.sendall(_encoded(operation, data))


def _encoded(operation: int, data: bytes) -> bytes:
    if len(data) < 126:
        length = bytes([len(data)])
    elif len(data) < 0x10000:
        length = b"\x7e" + struct.pack("!H", len(data))
    else:
        length = b"\x7f" + struct.pack("!Q", len(data))
    return bytes([0x80 | operation]) + length + data
