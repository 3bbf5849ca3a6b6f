"""NETPIE's auth server: the OAuth2 and OAuth1 flows, revoke, endpoint and time, on loopback."""

import hmac
import json
import logging
import threading
import time
from collections.abc import Callable
from http import HTTPStatus
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import parse_qs, parse_qsl, quote, unquote, urlencode, urlsplit

from netpie_emulator.errors import PortError
from netpie_emulator.oauth1 import SignedRequest, signed_request
from netpie_emulator.store import RegisteredApp, Status, Store, signature

LOOPBACK = "127.0.0.1"
MAX_BODY = 65_536  # bytes
STOP_POLL = 0.05  # seconds between looks at whether to stop
FORM = "application/x-www-form-urlencoded"
logger = logging.getLogger(__name__)


class EmulatedAuthServer:
    """The auth server on loopback, in its own thread.

    `endpoint` is the broker that things are sent to; `counts` returns the answer to `/emulator/published`.

    Raises: PortError when the port can't be listened on.
    """

    def __init__(self, store: Store, port: int, counts: Callable[[], dict[str, int]]) -> None:
        self.store = store
        self.endpoint = ""
        self.counts = counts
        try:
            self._server = _Server((LOOPBACK, port), _Handler)
        except OSError as error:
            raise PortError(f"port {port}: {error.strerror}", next_step="choose another port, or 0") from error
        self._server.api = self
        self._thread = threading.Thread(
            target=self._server.serve_forever, args=(STOP_POLL,), name="netpie-auth", daemon=True
        )

    @property
    def url(self) -> str:
        """The address of the auth server, as `http://host:port`."""
        return f"http://{LOOPBACK}:{self._server.server_port}"

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
    api: EmulatedAuthServer


class _Handler(BaseHTTPRequestHandler):
    """One request. Paths and queries carry secrets, so they are not logged."""

    server: _Server
    server_version = "NETPIE-emulator"
    timeout = 10  # seconds without a byte from the client

    def do_GET(self) -> None:
        path, query = self._asked()
        match path.split("/")[1:]:
            case ["oauth2", "authorize"]:
                self._authorize(query)
            case ["oauth2", "done"]:
                self._text(HTTPStatus.OK, "authorized")
            case ["api", "revoke", token, code]:
                self._revoke(unquote(token), unquote(code))
            case ["api", "endpoint", key] if self._store.application(unquote(key)):
                self._text(HTTPStatus.OK, self.server.api.endpoint)
            case ["api", "time"]:
                self._text(HTTPStatus.OK, str(int(time.time())))
            case ["emulator", "published"]:
                self._json(HTTPStatus.OK, self.server.api.counts())
            case _:
                self._text(HTTPStatus.NOT_FOUND, "no such call")

    def do_POST(self) -> None:
        path, query = self._asked()
        form = self._body()
        match path.split("/")[1:]:
            case ["oauth2", "token"]:
                self._token(query)
            case ["api", "rtoken"]:
                self._request_token(self._signed(form))
            case ["api", "atoken"]:
                self._access_token(self._signed(form))
            case _:
                self._text(HTTPStatus.NOT_FOUND, "no such call")

    def log_message(self, format: str, *args: Any) -> None:  # noqa: A002
        logger.debug("%s %s", self.command, urlsplit(self.path).path.split("/")[1:3])

    @property
    def _store(self) -> Store:
        return self.server.api.store

    def _asked(self) -> tuple[str, dict[str, str]]:
        parts = urlsplit(self.path)
        query = {name: values[0] for name, values in parse_qs(parts.query, keep_blank_values=True).items()}
        return parts.path, query

    def _body(self) -> str:
        length = self.headers.get("Content-Length", "0")
        size = min(int(length), MAX_BODY) if length.isascii() and length.isdigit() else 0
        return self.rfile.read(size).decode("utf-8", "replace")

    def _authorize(self, query: dict[str, str]) -> None:
        scope = dict(part.partition(":")[::2] for part in query.get("scope", "").split())
        app = self._store.application(query.get("client_id", ""))
        if app is None or app.appid != scope.get("appid") or query.get("response_type") != "code":
            self._text(HTTPStatus.UNAUTHORIZED, "unknown client")
        elif app.status is not Status.ENABLED:
            self._text(HTTPStatus.FORBIDDEN, app.status)
        else:
            grant = self._store.grant(app.appkey, alias=scope.get("alias", ""))
            self.send_response(HTTPStatus.FOUND)
            self.send_header("Location", f"/oauth2/done?code={grant.code}")
            self.send_header("Content-Length", "0")
            self.end_headers()

    def _token(self, query: dict[str, str]) -> None:
        app = self._store.application(query.get("client_id", ""))
        if app is None or not _same(app.appsecret, query.get("client_secret", "")):
            self._json(HTTPStatus.UNAUTHORIZED, {"error": "invalid_client"})
        elif app.status is not Status.ENABLED:
            self._json(HTTPStatus.FORBIDDEN, {"error": "unauthorized_client"})
        elif (thing := self._store.redeem(query.get("code", ""), app.appkey)) is None:
            self._json(HTTPStatus.BAD_REQUEST, {"error": "invalid_grant"})
        else:
            answer = {"access_token": f"{thing.token}:{thing.secret}", "endpoint": self.server.api.endpoint}
            self._json(HTTPStatus.OK, {**answer, "flag": "P"})

    def _request_token(self, request: SignedRequest) -> None:
        app = self._signer(request)
        if app is None:
            return
        asked = dict(parse_qsl(request.get("oauth_callback"), keep_blank_values=True))
        if asked.get("appid") != app.appid:
            self._text(HTTPStatus.FORBIDDEN, "unknown application")
            return
        verifier = asked.get("verifier", "")
        alias = "" if verifier == asked.get("mgrev") else verifier
        grant = self._store.grant(app.appkey, verifier, alias)
        self._form({"oauth_token": grant.code, "oauth_token_secret": grant.secret})

    def _access_token(self, request: SignedRequest) -> None:
        key = request.get("oauth_consumer_key")
        grant = self._store.pending_grant(request.get("oauth_token"), key)
        app = self._signer(request, grant.secret if grant else "")
        if app is None:
            return
        if app.status is Status.AWAITING:
            self._text(HTTPStatus.UNAUTHORIZED, app.status)
        elif (
            grant is None
            or not _same(grant.verifier, request.get("oauth_verifier"))
            or (thing := self._store.redeem(grant.code, key)) is None
        ):
            self._text(HTTPStatus.INTERNAL_SERVER_ERROR, "request token not found")
        else:
            answer = {"oauth_token": thing.token, "oauth_token_secret": thing.secret}
            self._form({**answer, "endpoint": self.server.api.endpoint, "flag": "P"})

    def _signer(self, request: SignedRequest, token_secret: str = "") -> RegisteredApp | None:
        app = self._store.application(request.get("oauth_consumer_key"))
        if app is None or not request.is_signed_with(app.appsecret, token_secret):
            self._text(HTTPStatus.FORBIDDEN, "wrong key or signature")
        elif app.status is Status.DISABLED:
            self._text(HTTPStatus.FORBIDDEN, app.status)
        else:
            return app
        return None

    def _signed(self, form: str) -> SignedRequest:
        url = f"http://{self.headers.get('Host', '')}{self.path}"
        return signed_request("POST", url, self.headers.get("Authorization", ""), form)

    def _revoke(self, token: str, code: str) -> None:
        thing = self._store.thing(token)
        app = self._store.application(thing.appkey) if thing else None
        if thing is None or app is None:
            self._text(HTTPStatus.OK, "TOKENNOTFOUND")
        elif not _same(signature(thing.hmac_key(app), token).replace("/", "_"), code):
            self._text(HTTPStatus.OK, "FAILED")
        else:
            self._store.revoke(token)
            self._text(HTTPStatus.OK, "SUCCESS")

    def _form(self, values: dict[str, str]) -> None:
        self._answer(HTTPStatus.OK, FORM, urlencode(values, quote_via=quote, safe=""))

    def _json(self, status: HTTPStatus, content: object) -> None:
        self._answer(status, "application/json", json.dumps(content))

    def _text(self, status: HTTPStatus, text: str) -> None:
        self._answer(status, "text/plain; charset=utf-8", text)

    def _answer(self, status: HTTPStatus, kind: str, text: str) -> None:
        body = text.encode("utf-8")
        self.send_response(status)
        self.send_header("Content-Type", kind)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)


def _same(one: str, other: str) -> bool:
    return hmac.compare_digest(one.encode(), other.encode())
