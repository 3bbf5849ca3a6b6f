"""A reverse proxy with HTTP's Basic login before a double, as Zeppelin's documentation sets nginx up."""

import base64
import socket
import threading
from urllib.parse import urlsplit

from zeppelin_sdk.testing import FakeZeppelin
from zeppelin_sdk.testing._loopback import LoopbackHandler, LoopbackServer

_CHALLENGE = b'HTTP/1.1 401 Unauthorized\r\nWWW-Authenticate: Basic realm="Restricted"\r\nContent-Length: 3\r\n\r\nno\n'


class BasicGate(LoopbackServer):
    """The proxy, at `url`; `asked` has the names of each request's headers, `bodies` what came with it."""

    def __init__(self, fake: FakeZeppelin, user: str, password: str) -> None:
        self.fake = fake
        self.asked: list[set[str]] = []
        self.bodies: list[bytes] = []
        self.authorization = f"Basic {base64.b64encode(f'{user}:{password}'.encode()).decode()}"
        super().__init__(_Handler)

    @property
    def url(self) -> str:
        """The address for a client."""
        return f"http://{self.address}"


class _Handler(LoopbackHandler):
    owner: BasicGate

    def _pass_on(self) -> None:
        body = self.rfile.read(int(self.headers.get("Content-Length") or 0))
        self.owner.asked.append({name.lower() for name in self.headers})
        self.owner.bodies.append(body)
        self.close_connection = True
        if self.headers.get("Authorization") != self.owner.authorization:
            self.wfile.write(_CHALLENGE)
            return
        parts = urlsplit(self.owner.fake.url)
        kept = [f"{name}: {value}" for name, value in self.headers.items() if name.lower() != "authorization"]
        with socket.create_connection((parts.hostname or "", parts.port or 0)) as target:
            target.sendall("\r\n".join([self.requestline, *kept, "", ""]).encode() + body)
            back = threading.Thread(target=_copy, args=(target, self.connection))
            back.start()
            _copy(self.connection, target)
            back.join()

    do_GET = do_POST = do_PUT = do_DELETE = _pass_on


def _copy(source: socket.socket, target: socket.socket) -> None:
    """What comes from one end to the other, until it ends."""
    try:
        while data := source.recv(65536):
            target.sendall(data)
        target.shutdown(socket.SHUT_WR)
    except OSError:
        pass
