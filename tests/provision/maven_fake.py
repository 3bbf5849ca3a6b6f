"""A Maven repository on loopback that can misbehave."""

import hashlib
import threading
from collections import Counter
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from types import TracebackType
from typing import Self

from provision.embedded.manifest import MavenJar


def jar(name: str, content: bytes = b"", *, size: int | None = None, sha256: str | None = None) -> MavenJar:
    """A pin of `content`, or a wrong one."""
    content = content or name.encode() * 1000
    digest = sha256 or hashlib.sha256(content).hexdigest()
    return MavenJar(f"org.example:{name}:1.0", len(content) if size is None else size, digest, "lib")


class _Server(ThreadingHTTPServer):
    daemon_threads = False  # so that closing waits for them
    request_queue_size = 64


class MavenFake:
    """Serves `put` files; `cut`, `fail` and `silence` make a path misbehave for its next so many requests."""

    def __init__(self) -> None:
        self.files: dict[str, bytes] = {}
        self.asked: Counter[str] = Counter()
        self.most_at_once = 0
        self.cut: Counter[str] = Counter()
        self.fail: dict[str, int] = {}
        self.silent: set[str] = set()
        self.together = threading.Barrier(1)
        self._at_once = 0
        self._lock = threading.Lock()
        self._end = threading.Event()
        self._server = _Server(("127.0.0.1", 0), self._handler())
        self._thread = threading.Thread(target=self._server.serve_forever, kwargs={"poll_interval": 0.02})

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self._server.server_port}/maven2/"

    def put(self, pin: MavenJar, content: bytes = b"") -> MavenJar:
        self.files[pin.path] = content or pin.coordinate.split(":")[1].encode() * 1000
        return pin

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._end.set()
        self.together.abort()
        self._server.shutdown()
        self._server.server_close()
        self._thread.join()

    def _handler(self) -> type[BaseHTTPRequestHandler]:
        fake = self

        class Handler(BaseHTTPRequestHandler):
            def do_GET(self) -> None:
                path = self.path.removeprefix("/maven2/")
                with fake._lock:
                    fake.asked[path] += 1
                    fake._at_once += 1
                    fake.most_at_once = max(fake.most_at_once, fake._at_once)
                try:
                    self._answer(path)
                finally:
                    with fake._lock:
                        fake._at_once -= 1

            def _answer(self, path: str) -> None:
                if fake.together.parties > 1:
                    fake.together.wait(30)
                if path in fake.fail:
                    self.send_error(fake.fail[path])
                    return
                content = fake.files.get(path)
                if content is None:
                    self.send_error(404)
                    return
                self.send_response(200)
                self.send_header("Content-Length", str(len(content)))
                self.end_headers()
                if path in fake.silent:
                    self.wfile.write(content[:100])
                    self.wfile.flush()
                    fake._end.wait(30)
                    return
                with fake._lock:
                    is_cut = fake.cut[path] > 0
                    fake.cut[path] -= is_cut
                self.wfile.write(content[: len(content) // 2] if is_cut else content)
                self.close_connection = True

            def log_message(self, *_: object) -> None:
                pass

        return Handler
