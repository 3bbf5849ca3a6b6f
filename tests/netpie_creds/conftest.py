"""An auth server that answers what a test tells it to, over real HTTP on loopback."""

import threading
from collections.abc import Iterator
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from urllib.parse import urlsplit

import pytest

from netpie_creds import AccessToken, Application, Credentials

TOKEN = "AbCdEfGhIjKlMnOp"
TOKEN_SECRET = "0123456789abcdefghijklmnopqrstuv"
APPSECRET = "sEcReT-1234567890abcdefgh"


@dataclass
class Reply:
    """One answer: status, body, where to when it redirects, and other headers."""

    status: int = 200
    body: str = ""
    location: str = ""
    headers: dict[str, str] = field(default_factory=dict)


@dataclass
class Scripted:
    """A server with an answer a path, and the paths it was asked for."""

    url: str
    replies: dict[str, Reply | list[Reply]] = field(default_factory=dict)
    asked: list[str] = field(default_factory=list)

    def reply_to(self, path: str) -> Reply:
        """Return the next answer of `path`; the last of a list stays."""
        reply = self.replies.get(path, Reply(404, "no such page"))
        if isinstance(reply, list):
            return reply.pop(0) if len(reply) > 1 else reply[0]
        return reply

    def paths(self) -> list[str]:
        """Return the paths asked for, without their queries."""
        return [urlsplit(path).path for path in self.asked]


@pytest.fixture
def server() -> Iterator[Scripted]:
    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            scripted.asked.append(self.path)
            reply = scripted.reply_to(urlsplit(self.path).path)
            self.send_response(reply.status)
            if reply.location:
                self.send_header("Location", reply.location)
            for name, value in reply.headers.items():
                self.send_header(name, value)
            self.send_header("Content-Length", str(len(reply.body.encode())))
            self.end_headers()
            self.wfile.write(reply.body.encode())

        do_POST = do_GET

        def log_message(self, *_: object) -> None:
            pass

    httpd = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    scripted = Scripted(f"http://127.0.0.1:{httpd.server_port}")
    thread = threading.Thread(target=httpd.serve_forever, args=(0.01,))
    thread.start()
    yield scripted
    httpd.shutdown()
    thread.join()
    httpd.server_close()


@pytest.fixture
def netpie(server: Scripted) -> Scripted:
    """The same server, answering as NETPIE does to one that has the right key and secret."""
    server.replies = {
        "/oauth2/authorize": Reply(302, location="/done?code=C0dE"),
        "/done": Reply(404),
        "/oauth2/token": Reply(200, token_answer()),
        "/api/time": Reply(200, "1540780416"),
    }
    return server


def token_answer(flag: str = "P", endpoint: str = "pie://gb.netpie.io:1883") -> str:
    return f'{{"access_token": "{TOKEN}:{TOKEN_SECRET}", "endpoint": "{endpoint}", "flag": "{flag}"}}'


@pytest.fixture
def application() -> Application:
    return Application("MyApp", "KeYkEyKeY123456", APPSECRET)


@pytest.fixture
def token() -> AccessToken:
    return AccessToken(TOKEN, TOKEN_SECRET, "pie://gb.netpie.io:1883", "Kdn9wyCu756gYzVMY5UcT4srwbI=")


@pytest.fixture
def credentials(application: Application, token: AccessToken) -> Credentials:
    return Credentials(application, token)


@pytest.fixture
def reply() -> type[Reply]:
    return Reply


@pytest.fixture
def issued() -> object:
    """The function that writes a token answer."""
    return token_answer
