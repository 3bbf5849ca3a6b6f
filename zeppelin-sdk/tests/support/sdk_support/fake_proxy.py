"""A forwarding HTTP proxy on loopback: CONNECT, and plain requests by their whole URL. Nothing is cached.

It knows one name that no other does, `BEHIND`: this machine, as a client sees a server that only the proxy reaches.
"""

import base64
import http.client
import select
import socket
from urllib.parse import urlsplit

from zeppelin_sdk.testing._loopback import LoopbackHandler, LoopbackServer

BEHIND = "behind-the-proxy.test"


class ForwardingProxy(LoopbackServer):
    """The proxy: `asked` is what it was asked ("CONNECT host:port", "GET http://…"), `refuse` a status for all."""

    def __init__(self, *, user: str = "", password: str = "") -> None:
        self.asked: list[str] = []
        self.refuse = 0
        self.authorization = f"Basic {base64.b64encode(f'{user}:{password}'.encode()).decode()}" if user else ""
        super().__init__(_Handler)


class _Handler(LoopbackHandler):
    owner: ForwardingProxy

    def _may(self) -> bool:
        self.owner.asked.append(f"{self.command} {self.path}")
        refused = self.owner.refuse
        if self.owner.authorization and self.headers.get("Proxy-Authorization") != self.owner.authorization:
            refused = 407
        if refused:
            self.send_response(refused)
            self.send_header("Content-Length", "0")
            self.end_headers()
        return not refused

    def do_CONNECT(self) -> None:
        if not self._may():
            return
        host, _, port = self.path.rpartition(":")
        with socket.create_connection((_reached(host), int(port))) as target:
            self.send_response(200)
            self.end_headers()
            self.wfile.flush()
            ends = {self.connection: target, target: self.connection}
            while True:
                for end in select.select(list(ends), [], [])[0]:
                    data = end.recv(65536)
                    if not data:
                        return
                    ends[end].sendall(data)

    def _forward(self) -> None:
        if not self._may():
            return
        parts = urlsplit(self.path)
        body = self.rfile.read(int(self.headers.get("Content-Length") or 0))
        target = http.client.HTTPConnection(_reached(parts.hostname or ""), parts.port or 80)
        headers = {name: value for name, value in self.headers.items() if not name.lower().startswith("proxy-")}
        target.request(self.command, f"{parts.path}?{parts.query}", body or None, headers)
        answer = target.getresponse()
        content = answer.read()
        self.send_response(answer.status)
        for name, value in answer.getheaders():
            self.send_header(name, value)
        self.end_headers()
        self.wfile.write(content)
        target.close()

    do_GET = do_POST = do_PUT = do_DELETE = _forward


def _reached(host: str) -> str:
    return "127.0.0.1" if host == BEHIND else host
