"""Who may use the page: its own address with a token in it, from this machine, and nobody else."""

import hmac
import secrets
from collections.abc import Awaitable, Callable, Iterable, MutableMapping
from dataclasses import dataclass, field
from typing import Any

Scope = MutableMapping[str, Any]
Receive = Callable[[], Awaitable[MutableMapping[str, Any]]]
Send = Callable[[MutableMapping[str, Any]], Awaitable[None]]
App = Callable[[Scope, Receive, Send], Awaitable[None]]

_PREFIX = b"x-forwarded-prefix"
_HEADERS = {
    "Content-Security-Policy": (
        "default-src 'self'; script-src 'self' 'unsafe-inline' 'unsafe-eval'; style-src 'self' 'unsafe-inline'; "
        "img-src 'self' data:; connect-src 'self'; object-src 'none'; base-uri 'none'; form-action 'none'; "
        "frame-ancestors 'none'"
    ),
    "Referrer-Policy": "no-referrer",
    "X-Content-Type-Options": "nosniff",
    "X-Frame-Options": "DENY",
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cross-Origin-Resource-Policy": "same-origin",
}
"""What a browser may do with the page: nothing of it goes to, or comes from, another server. Vue compiles templates,
which needs `unsafe-eval`.
"""


@dataclass(frozen=True)
class Access:
    """Where the page listens, and the token that everything of it is below."""

    host: str
    port: int
    token: str = field(repr=False)
    """URL-safe; 256 bits."""

    @property
    def url(self) -> str:
        """The page's address, which holds the token; it ends with a slash."""
        return f"http://{_bracketed(self.host)}:{self.port}/{self.token}/"

    def note_url(self, note_id: str) -> str:
        """The address of one note's page."""
        return f"{self.url}note/{note_id}"


def new_token() -> str:
    """A token that nobody guesses."""
    return secrets.token_urlsafe(32)


def _bracketed(host: str) -> str:
    return f"[{host}]" if ":" in host else host


class Guard:
    """An ASGI application that passes on what has the token, and refuses all else before anything reads it.

    Below the token it hands on plain paths, with the prefix that the application puts before its own addresses. Every
    request is checked, those of websockets too: the name that it was asked by (another site's that was made to resolve
    to this machine is refused), and the page that it comes from, if it tells.
    """

    def __init__(self, app: App, access: Access) -> None:
        self._app = app
        self._token = access.token
        names = {_bracketed(access.host), "localhost", "127.0.0.1"}
        self._hosts = {f"{name}:{access.port}" for name in names}

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == "lifespan":
            await self._app(scope, receive, send)
            return
        refusal = self._refusal(scope)
        if refusal:
            await _refuse(scope, receive, send, *refusal)
            return
        await self._app(self._below_token(scope), receive, _with_headers(send))

    def _refusal(self, scope: Scope) -> tuple[int, str] | None:
        hosts, origins = list(_header(scope, b"host")), list(_header(scope, b"origin"))
        if len(hosts) != 1 or hosts[0].lower() not in self._hosts:
            return 421, "this page answers under its own address only"
        if any(origin.lower() != f"http://{hosts[0].lower()}" for origin in origins):
            return 403, "another site's page may not ask for this"
        given = str(scope["path"]).split("/")[1:2]
        if not given or not hmac.compare_digest(given[0].encode(), self._token.encode()):
            return 403, "the address lacks its token: `provision page` and `provision status` tell it"
        return None

    def _below_token(self, scope: Scope) -> Scope:
        prefix = f"/{self._token}"
        path = str(scope["path"])[len(prefix) :] or "/"
        headers = [(name, value) for name, value in scope["headers"] if name.lower() != _PREFIX]
        return {
            **scope,
            "path": path,
            "raw_path": path.encode(),
            "headers": [*headers, (_PREFIX, prefix.encode())],
        }


def _header(scope: Scope, name: bytes) -> Iterable[str]:
    return (value.decode("latin-1") for key, value in scope["headers"] if key.lower() == name)


def _with_headers(send: Send) -> Send:
    async def sending(message: MutableMapping[str, Any]) -> None:
        if message["type"] == "http.response.start":
            ours = [(name.lower().encode(), value.encode()) for name, value in _HEADERS.items()]
            named = {name for name, _ in ours}
            message["headers"] = [each for each in message.get("headers", ()) if each[0].lower() not in named] + ours
        await send(message)

    return sending


async def _refuse(scope: Scope, receive: Receive, send: Send, status: int, why: str) -> None:
    if scope["type"] == "websocket":
        await receive()
        await send({"type": "websocket.close", "code": 1008})
        return
    headers = [(b"content-type", b"text/plain; charset=utf-8"), (b"cache-control", b"no-store")]
    await send({"type": "http.response.start", "status": status, "headers": headers})
    await send({"type": "http.response.body", "body": f"{why}\n".encode()})
