"""NETPIE's auth server: the OAuth2 and OAuth1 flows, revoke, endpoint and time, on loopback."""

import hmac
import time
from collections.abc import Callable
from http import HTTPStatus
from urllib.parse import parse_qsl, quote, unquote, urlencode

from netpie_emulator.http_server import EmulatedServer, RequestHandler
from netpie_emulator.oauth1 import SignedRequest, signed_request
from netpie_emulator.store import RegisteredApp, Status, Store, signature

FORM = "application/x-www-form-urlencoded"


class EmulatedAuthServer(EmulatedServer):
    """The auth server on loopback, in its own thread.

    `endpoint` is the broker that things are sent to; `counts` returns the answer to `/emulator/published`.

    Raises: PortError when the port can't be listened on.
    """

    def __init__(self, store: Store, port: int, counts: Callable[[], dict[str, int]]) -> None:
        self.store = store
        self.endpoint = ""
        self.counts = counts
        super().__init__(port, _Handler, "netpie-auth")


class _Handler(RequestHandler):
    def do_GET(self) -> None:
        path, query = self.asked()
        match path.split("/")[1:]:
            case ["oauth2", "authorize"]:
                self._authorize(query)
            case ["oauth2", "done"]:
                self.answer_text(HTTPStatus.OK, "authorized")
            case ["api", "revoke", token, code]:
                self._revoke(unquote(token), unquote(code))
            case ["api", "endpoint", key] if self._store.application(unquote(key)):
                self.answer_text(HTTPStatus.OK, self.server.api.endpoint)
            case ["api", "time"]:
                self.answer_text(HTTPStatus.OK, str(int(time.time())))
            case ["emulator", "published"]:
                self.answer_json(HTTPStatus.OK, self.server.api.counts())
            case _:
                self.answer_text(HTTPStatus.NOT_FOUND, "no such call")

    def do_POST(self) -> None:
        path, query = self.asked()
        form = self.body().decode("utf-8", "replace")
        match path.split("/")[1:]:
            case ["oauth2", "token"]:
                self._token(query)
            case ["api", "rtoken"]:
                self._request_token(self._signed(form))
            case ["api", "atoken"]:
                self._access_token(self._signed(form))
            case _:
                self.answer_text(HTTPStatus.NOT_FOUND, "no such call")

    @property
    def _store(self) -> Store:
        store: Store = self.server.api.store
        return store

    def _authorize(self, query: dict[str, str]) -> None:
        scope = dict(part.partition(":")[::2] for part in query.get("scope", "").split())
        app = self._store.application(query.get("client_id", ""))
        if app is None or app.appid != scope.get("appid") or query.get("response_type") != "code":
            self.answer_text(HTTPStatus.UNAUTHORIZED, "unknown client")
        elif app.status is not Status.ENABLED:
            self.answer_text(HTTPStatus.FORBIDDEN, app.status)
        else:
            grant = self._store.grant(app.appkey, alias=scope.get("alias", ""))
            self.send_response(HTTPStatus.FOUND)
            self.send_header("Location", f"/oauth2/done?code={grant.code}")
            self.send_header("Content-Length", "0")
            self.end_headers()

    def _token(self, query: dict[str, str]) -> None:
        app = self._store.application(query.get("client_id", ""))
        if app is None or not _same(app.appsecret, query.get("client_secret", "")):
            self.answer_json(HTTPStatus.UNAUTHORIZED, {"error": "invalid_client"})
        elif app.status is not Status.ENABLED:
            self.answer_json(HTTPStatus.FORBIDDEN, {"error": "unauthorized_client"})
        elif (thing := self._store.redeem(query.get("code", ""), app.appkey)) is None:
            self.answer_json(HTTPStatus.BAD_REQUEST, {"error": "invalid_grant"})
        else:
            answer = {"access_token": f"{thing.token}:{thing.secret}", "endpoint": self.server.api.endpoint}
            self.answer_json(HTTPStatus.OK, {**answer, "flag": "P"})

    def _request_token(self, request: SignedRequest) -> None:
        app = self._signer(request)
        if app is None:
            return
        asked = dict(parse_qsl(request.get("oauth_callback"), keep_blank_values=True))
        if asked.get("appid") != app.appid:
            self.answer_text(HTTPStatus.FORBIDDEN, "unknown application")
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
            self.answer_text(HTTPStatus.UNAUTHORIZED, app.status)
        elif (
            grant is None
            or not _same(grant.verifier, request.get("oauth_verifier"))
            or (thing := self._store.redeem(grant.code, key)) is None
        ):
            self.answer_text(HTTPStatus.INTERNAL_SERVER_ERROR, "request token not found")
        else:
            answer = {"oauth_token": thing.token, "oauth_token_secret": thing.secret}
            self._form({**answer, "endpoint": self.server.api.endpoint, "flag": "P"})

    def _signer(self, request: SignedRequest, token_secret: str = "") -> RegisteredApp | None:
        app = self._store.application(request.get("oauth_consumer_key"))
        if app is None or not request.is_signed_with(app.appsecret, token_secret):
            self.answer_text(HTTPStatus.FORBIDDEN, "wrong key or signature")
        elif app.status is Status.DISABLED:
            self.answer_text(HTTPStatus.FORBIDDEN, app.status)
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
            self.answer_text(HTTPStatus.OK, "TOKENNOTFOUND")
        elif not _same(signature(thing.hmac_key(app), token).replace("/", "_"), code):
            self.answer_text(HTTPStatus.OK, "FAILED")
        else:
            self._store.revoke(token)
            self.answer_text(HTTPStatus.OK, "SUCCESS")

    def _form(self, values: dict[str, str]) -> None:
        self.answer(HTTPStatus.OK, FORM, urlencode(values, quote_via=quote, safe=""))


def _same(one: str, other: str) -> bool:
    return hmac.compare_digest(one.encode(), other.encode())
