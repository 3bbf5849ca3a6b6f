"""An HTTP server that takes what is posted."""

import json
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any


class Receiver(ThreadingHTTPServer):
    """Takes JSON and text. `answers` are the statuses of the next answers, then 204; an error says `says`."""

    def __init__(self) -> None:
        self.got: list[tuple[dict[str, str], Any]] = []
        self.paths: list[str] = []
        self.answers: list[int] = []
        self.says = ""
        super().__init__(("127.0.0.1", 0), Handler)
        threading.Thread(target=self.serve_forever, daemon=True).start()

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.server_port}/in"


class Handler(BaseHTTPRequestHandler):
    server: Receiver

    def do_POST(self) -> None:  # noqa: N802 - http.server's name
        length = int(self.headers["Content-Length"])
        found = self.rfile.read(length)
        if len(found) < length:  # whoever sent it is gone
            return
        text = found.decode()
        body = json.loads(text) if self.headers["Content-Type"] == "application/json" else text
        status = self.server.answers.pop(0) if self.server.answers else 204
        if status < 300:
            self.server.got.append((dict(self.headers), body))
            self.server.paths.append(self.path)
        self.send_response(status)
        if status == 302:
            self.send_header("Location", self.server.url)
        self.end_headers()
        if status >= 400:
            self.wfile.write(self.server.says.encode())

    def log_message(self, *_: Any) -> None:
        pass
