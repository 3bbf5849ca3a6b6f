"""An HTTP server on loopback, in its own thread, and what answering a request takes."""

import json
import logging
import re
import ssl
import threading
from contextlib import suppress
from http import HTTPStatus
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import parse_qs, urlsplit

from netpie_emulator.errors import PortError

LOOPBACK = "127.0.0.1"
STOP_POLL = 0.05  # seconds between looks at whether to stop
logger = logging.getLogger(__name__)


class EmulatedServer:
    """Answers with `handler`, whose `server.api` is this object; over TLS if a context is given.

    Raises: PortError when the port can't be listened on.
    """

    def __init__(
        self, port: int, handler: type["RequestHandler"], name: str, tls: ssl.SSLContext | None = None
    ) -> None:
        try:
            self._server = _Server((LOOPBACK, port), handler)
        except OSError as error:
            raise PortError(f"port {port}: {error.strerror}", next_step="choose another port, or 0") from error
        self._server.api, self._server.tls = self, tls
        self._thread = threading.Thread(target=self._server.serve_forever, args=(STOP_POLL,), name=name, daemon=True)

    @property
    def url(self) -> str:
        """The address of the server, as `http://host:port`, or `https://…`."""
        scheme = "https" if self._server.tls else "http"
        return f"{scheme}://{LOOPBACK}:{self._server.server_port}"

    def start(self) -> None:
        """Begin to answer."""
        self._thread.start()

    def stop(self) -> None:
        """Stop answering and give the port back."""
        if self._thread.is_alive():
            self._server.shutdown()
            self._thread.join()
        self._server.server_close()


class _Server(ThreadingHTTPServer):
    daemon_threads = True
    api: Any
    tls: ssl.SSLContext | None

    def finish_request(self, request: Any, client_address: Any) -> None:
        """Serve a connection, in its thread; one that speaks no TLS where that is wanted is hung up on."""
        if self.tls is None:
            super().finish_request(request, client_address)
            return
        request.settimeout(RequestHandler.timeout)
        with suppress(ssl.SSLError, OSError), self.tls.wrap_socket(request, server_side=True) as encrypted:
            super().finish_request(encrypted, client_address)


class RequestHandler(BaseHTTPRequestHandler):
    """One request. Paths and queries carry secrets, so they are not logged."""

    server: _Server
    server_version = "NETPIE-emulator"
    timeout = 10  # seconds without a byte from the client
    max_body = 65_536  # bytes

    def log_message(self, format: str, *args: Any) -> None:  # noqa: A002
        logger.debug("%s %s", self.command, urlsplit(self.path).path.split("/")[1:3])

    def asked(self) -> tuple[str, dict[str, str]]:
        """Return the path, and the first value of each query parameter."""
        parts = urlsplit(self.path)
        query = {name: values[0] for name, values in parse_qs(parts.query, keep_blank_values=True).items()}
        return parts.path, query

    def body(self) -> bytes:
        """Return what the client sent, at most `max_body` bytes of it."""
        if self.headers.get("Transfer-Encoding", "").lower() == "chunked":
            return self._chunks()
        length = self.headers.get("Content-Length", "0")
        size = min(int(length), self.max_body) if length.isascii() and length.isdigit() else 0
        return self.rfile.read(size)

    def _chunks(self) -> bytes:
        body = b""
        while len(body) < self.max_body:
            line = self.rfile.readline(100).split(b";")[0].strip()
            size = int(line, 16) if re.fullmatch(rb"[0-9A-Fa-f]{1,8}", line) else 0
            if size == 0:
                break
            body += self.rfile.read(min(size, self.max_body - len(body)))
            self.rfile.readline(100)
        return body

    def answer_json(self, status: HTTPStatus, content: object) -> None:
        """Answer with a JSON document."""
        self.answer(status, "application/json", json.dumps(content))

    def answer_text(self, status: HTTPStatus, text: str) -> None:
        """Answer with plain text."""
        self.answer(status, "text/plain; charset=utf-8", text)

    def answer(self, status: HTTPStatus, kind: str, text: str) -> None:
        """Answer with `text` of the media type `kind`."""
        body = text.encode("utf-8")
        self.send_response(status)
        self.send_header("Content-Type", kind)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)
