"""HTTP/1.1 and websockets in front of the double."""

from __future__ import annotations

import contextlib
import json
import urllib.parse
from typing import TYPE_CHECKING, Any

from zeppelin_sdk.testing._answers import Answer, Drop, Request, html
from zeppelin_sdk.testing._loopback import LoopbackHandler
from zeppelin_sdk.testing._routes import TICKET
from zeppelin_sdk.testing._socket_calls import SocketCall
from zeppelin_sdk.testing._websocket import ServerSocket, accept_key

if TYPE_CHECKING:
    from zeppelin_sdk.testing._fake import FakeZeppelin


class Handler(LoopbackHandler):
    """HTTP/1.1 in front of a FakeZeppelin."""

    protocol_version = "HTTP/1.1"
    wbufsize = -1  # an answer in one packet: its parts would wait for each other's acknowledgement
    owner: FakeZeppelin

    def do_GET(self) -> None:
        if self.path == f"{self.owner.prefix}/ws":
            self._websocket()
        else:
            self._rest()

    def do_POST(self) -> None:
        self._rest()

    def do_PUT(self) -> None:
        self._rest()

    def do_DELETE(self) -> None:
        self._rest()

    def _rest(self) -> None:
        try:
            self._write(self.owner.respond(self._request()))
        except Drop:
            self.close_connection = True

    def _write(self, answer: Answer) -> None:
        self.send_response(answer.status)
        for name, value in answer.headers.items():
            self.send_header(name, value)
        self.send_header("Content-Length", str(len(answer.body)))
        self.end_headers()
        self.wfile.write(answer.body)

    def _request(self) -> Request:
        parts = urllib.parse.urlsplit(self.path)
        return Request(
            method=self.command,
            path=parts.path,
            query=dict(urllib.parse.parse_qsl(parts.query)),
            headers={name.lower(): value for name, value in self.headers.items()},
            body=self.rfile.read(int(self.headers.get("Content-Length") or 0)),
        )

    def _websocket(self) -> None:
        fake = self.owner
        request = self._request()
        fake.requests.append(request)
        self.close_connection = True
        if fake.users and fake.user(request) is None:
            self._write(html(302, "", {"Location": f"{fake.url}/api/login"}))
            return
        if isinstance(fake.websocket_fault, Answer):
            self._write(fake.websocket_fault)
        if fake.websocket_fault:
            return
        self.send_response(101)
        self.send_header("Upgrade", "websocket")
        self.send_header("Connection", "Upgrade")
        self.send_header("Sec-WebSocket-Accept", accept_key(self.headers["Sec-WebSocket-Key"]))
        self.end_headers()
        self.wfile.flush()
        connection = ServerSocket(self.connection, self.rfile)
        if fake.generation == "0.12" and not fake.allows(self.headers.get("Origin", "")):
            connection.close()  # 0.12 opens the websocket, then closes it
            return
        fake.sockets.append(connection)
        with contextlib.suppress(OSError):
            while (text := connection.receive()) is not None:
                self._message(connection, json.loads(text))
        fake.open_notes.pop(connection, None)

    def _message(self, connection: ServerSocket, message: dict[str, Any]) -> None:
        fake = self.owner
        with fake.heard:
            fake.socket_messages.append(message)
            fake.heard.notify_all()
        if message["ticket"] != (TICKET if fake.users else "anonymous"):
            connection.send(json.dumps({"op": "SESSION_LOGOUT", "data": {"info": "Your ticket is invalid"}}))
        else:
            with fake.lock:
                SocketCall(fake, connection, message).answer()
