"""One call over HTTP: sent, repeated where that is safe, its answer made into a body or an error.

What is repeated: a GET that was refused, lost or answered 502 to 504; any other call only while no connection
was made. A POST, PUT or DELETE that may have been received is never sent again: another person may have
edited in between, a paragraph would run twice, an interpreter restart twice.
"""

import contextlib
import json
import time
from collections.abc import Mapping
from typing import Any
from urllib.parse import urlsplit

import requests
import requests.utils
import urllib3.exceptions

from zeppelin_sdk.address import Address
from zeppelin_sdk.errors import (
    InvalidAddressError,
    LoginError,
    LoginRequiredError,
    NoteExistsError,
    NoteNotFoundError,
    NotFoundError,
    NotZeppelinError,
    ParagraphNotFoundError,
    PermissionDeniedError,
    ServerError,
    UnreachableError,
    UnsupportedError,
    ZeppelinError,
)
from zeppelin_sdk.models import ServerVersion

BACKOFF = (0.2, 0.6)
_JSON = {"Content-Type": "application/json", "Accept": "application/json"}
_GATEWAY = (502, 503, 504)
_REDIRECTS = (301, 302, 303, 307, 308)
_PROXY_STEP = "check the proxy's address, or HTTP_PROXY, HTTPS_PROXY and NO_PROXY"


class Transport:
    """A session with one server: its address, cookies, login, and timeout in seconds."""

    def __init__(
        self,
        url: str,
        *,
        user: str | None,
        password: str | None,
        timeout: float,
        session: requests.Session | None,
        verify: bool | str,
        proxy: str | None,
    ) -> None:
        self.address = Address.parse(url)
        self.timeout = timeout
        self.session = session or requests.Session()
        self._owns_session = session is None
        # None leaves it to the session and the environment; True would overrule a caller's own session
        self._verify = None if verify is True else verify
        self._proxies = {} if proxy is None else {"http": _proxy_address(proxy), "https": _proxy_address(proxy)}
        self._user = user
        self._password = password
        self._logged_in = False

    def close(self) -> None:
        """Close the connections, unless the session was the caller's own."""
        if self._owns_session:
            self.session.close()

    @property
    def ca_bundle(self) -> bool | str:
        """The CA file that certificates are checked against, the environment's included; False: no check."""
        verify = self._settings["verify"]
        return True if verify is None else verify

    @property
    def proxy(self) -> str:
        """The URL of the proxy that calls go through, the environment's included; "" for none. May hold a password."""
        address = requests.utils.select_proxy(self.address.base, self._settings["proxies"]) or ""
        return address if not address or "://" in address else f"http://{address}"

    @property
    def _settings(self) -> Any:
        return self.session.merge_environment_settings(self.address.base, dict(self._proxies), None, self._verify, None)

    def call(
        self,
        method: str,
        *segments: str,
        body: object = None,
        query: Mapping[str, str] | None = None,
        since: str = "",
    ) -> Any:
        """Make a call, with a login before it where there is a user, and return the `body` of its answer.

        `since` is the version that the call came with, for the UnsupportedError of a server that lacks it.
        """
        try:
            return self._renewed(method, segments, body, query)
        except UnsupportedError as error:
            if not since:
                raise
            raise UnsupportedError(
                f"{error.message}; it came with {since}",
                needs=since,
                status=error.status,
                next_step=f"it takes Zeppelin {since} or later",
                request=error.request,
            ) from error

    def _renewed(self, method: str, segments: tuple[str, ...], body: object, query: Mapping[str, str] | None) -> Any:
        """Make a call, logged in, and once more when the session has expired."""
        if self._user is not None and not self._logged_in:
            self.login(self._user, self._password or "")
        try:
            return self._exchange(method, segments, body, query)
        except LoginRequiredError:
            if self._user is None:
                raise
        # the session has expired; the server refused the call before doing anything, so it can be sent again
        self.login(self._user, self._password or "")
        try:
            return self._exchange(method, segments, body, query)
        except LoginRequiredError as error:
            # that is also what Zeppelin's role rules answer to a user whom they do not let in
            raise PermissionDeniedError(
                f"{self.address.base} does not allow {self._user!r} to do this",
                next_step="log in as a user who may",
                request=error.request,
            ) from error

    def mapping(self, method: str, *segments: str, body: object = None, since: str = "") -> dict[str, Any]:
        """A call whose answer is an object."""
        answer = self.call(method, *segments, body=body, since=since)
        if not isinstance(answer, dict):
            raise self._unexpected(method, segments)
        return answer

    def mappings(
        self, method: str, *segments: str, query: Mapping[str, str] | None = None, since: str = ""
    ) -> list[dict[str, Any]]:
        """A call whose answer is a list of objects."""
        answer = self.call(method, *segments, query=query, since=since)
        if not isinstance(answer, list) or not all(isinstance(entry, dict) for entry in answer):
            raise self._unexpected(method, segments)
        return answer

    def text(self, method: str, *segments: str, body: object = None, query: Mapping[str, str] | None = None) -> str:
        """A call whose answer is a string: an id, or JSON within JSON."""
        answer = self.call(method, *segments, body=body, query=query)
        if not isinstance(answer, str) or not answer:
            raise self._unexpected(method, segments)
        return answer

    def version(self) -> ServerVersion:
        """The server's version, asked without a login. Raises NotZeppelinError when it has none."""
        body = self._exchange("GET", ("version",), None, None)
        text = body.get("version") if isinstance(body, dict) else body
        try:
            return ServerVersion.parse(str(text))
        except ValueError as error:
            raise self._unexpected("GET", ("version",)) from error

    def login(self, user: str, password: str) -> None:
        """Log in; the session's cookie is kept, and an expired session is renewed with the same user."""
        with contextlib.suppress(LoginRequiredError):
            self.version()  # a password goes to a Zeppelin only
        request = self._named("POST", ("login",))
        form = {"userName": user, "password": password}
        accept = {"Accept": "application/json"}
        response = self._send("POST", self.address.api("login"), headers=accept, data=form)
        if response.status_code == 200:
            self._user, self._password, self._logged_in = user, password, True
            return
        if response.status_code in (401, 403, *_REDIRECTS):
            raise LoginError(
                f"{self.address.base} refused the login of {user!r}",
                next_step="check the user and the password",
                request=request,
            )
        if response.status_code == 500 and self._is_anonymous():
            raise LoginError(
                f"{self.address.base} takes no logins: it has no users",
                next_step="leave the user and the password out",
                request=request,
            )
        raise self._failure("POST", ("login",), response)

    def _is_anonymous(self) -> bool:
        try:
            ticket = self._exchange("GET", ("security", "ticket"), None, None)
        except ZeppelinError:
            return False
        return isinstance(ticket, dict) and ticket.get("principal") == "anonymous"

    def _exchange(self, method: str, segments: tuple[str, ...], body: object, query: Mapping[str, str] | None) -> Any:
        data = None if body is None else json.dumps(body).encode()
        response = self._send(method, self.address.api(*segments), headers=_JSON, data=data, params=query)
        answer = _envelope(response)
        if response.status_code < 300 and answer is not None:
            return answer.get("body")
        raise self._failure(method, segments, response)

    def _send(self, method: str, url: str, **request: Any) -> requests.Response:
        for pause in (*BACKOFF, None):
            try:
                response = self.session.request(
                    method,
                    url,
                    timeout=self.timeout,
                    verify=self._verify,
                    proxies=dict(self._proxies),
                    allow_redirects=False,
                    **request,
                )
            except requests.RequestException as error:
                if pause is None or not _may_repeat(method, error):
                    raise self._unreachable(method, url, error) from error
            else:
                if pause is None or method != "GET" or response.status_code not in _GATEWAY:
                    return response
            time.sleep(pause)
        raise AssertionError("the last attempt returns or raises")

    def _failure(self, method: str, segments: tuple[str, ...], response: requests.Response) -> ZeppelinError:
        """The error that an answer means."""
        request = self._named(method, segments)
        status = response.status_code
        answer = _envelope(response)
        said = _first_line(_message(response))
        if status in _REDIRECTS:
            return self._redirected(response, request)
        if status == 401:
            return self._login_required(request)
        if answer is None and (status < 400 or (status < 500 and segments == ("version",))):
            return self._unexpected(method, segments)
        if status == 403:
            return PermissionDeniedError(
                f"{self.address.base} does not allow this: {said or 'forbidden'}",
                next_step="log in as a user who may",
                request=request,
            )
        if status == 407:
            return UnreachableError("the proxy wants a user and a password", next_step=_PROXY_STEP, request=request)
        if status in _GATEWAY:
            return UnreachableError(
                f"{self.address.base} answers {status}",
                next_step="the server, or the proxy before it, is starting or down: try again",
                request=request,
            )
        if answer is not None and status == 404:
            return _not_found(said, request)
        if answer is not None and status == 409:
            return NoteExistsError(
                said or "a note has this path already",
                next_step="choose another path, or rename that note",
                request=request,
            )
        if answer is None and status in (404, 405):
            return UnsupportedError(
                f"Zeppelin {self.version()} at {self.address.base} has no such call: {request}",
                status=status,
                next_step="a newer Zeppelin may have it",
                request=request,
            )
        failed = status >= 500
        cause = said or response.reason or "no reason given"
        return ServerError(
            f"{self.address.base} {'failed on' if failed else 'refused'} {method} /{'/'.join(segments)}: {cause}",
            status=status,
            detail=_message(response),
            next_step="the server's log says more" if failed else "",
            request=request,
        )

    def _redirected(self, response: requests.Response, request: str) -> ZeppelinError:
        target = response.headers.get("Location", "").partition("?")[0]
        if "login" in target.lower():
            return self._login_required(request)
        return NotZeppelinError(
            f"{self.address.base} sends its callers on to {target or 'nowhere'}",
            next_step="give the address that it sends them to",
            request=request,
        )

    def _login_required(self, request: str) -> LoginRequiredError:
        return LoginRequiredError(
            f"{self.address.base} wants a login", next_step="give a user and a password", request=request
        )

    def _unexpected(self, method: str, segments: tuple[str, ...]) -> NotZeppelinError:
        return NotZeppelinError(
            f"what answers at {self.address.base} is not Zeppelin",
            next_step="check the address, its port and its path",
            request=self._named(method, segments),
        )

    def _unreachable(self, method: str, url: str, error: requests.RequestException) -> UnreachableError:
        cause, next_step = _why(error, self.timeout)
        if method != "GET" and not _never_sent(error):
            cause += "; the call may have been carried out"
        return UnreachableError(f"{self.address.base}: {cause}", next_step=next_step, request=f"{method} {url}")

    def _named(self, method: str, segments: tuple[str, ...]) -> str:
        return f"{method} {self.address.api(*segments)}"


def _proxy_address(proxy: str) -> str:
    """A proxy's URL, checked; "" for none. The error does not repeat it: it may hold a password."""
    if not proxy:
        return ""
    try:
        parts = urlsplit(proxy)
        good = parts.scheme in ("http", "https", "socks4", "socks4a", "socks5", "socks5h") and bool(parts.hostname)
        _ = parts.port
    except ValueError:
        good = False
    if not good:
        raise InvalidAddressError("the proxy's address is none", next_step="write it like http://host:3128")
    return proxy


def _envelope(response: requests.Response) -> dict[str, Any] | None:
    """Zeppelin's `{status, message, body}`, or None for anything else."""
    try:
        answer = response.json()
    except requests.JSONDecodeError:
        return None
    status = answer.get("status") if isinstance(answer, dict) else None
    # other servers' JSON errors have a status too, a number; Zeppelin's is a word ("OK", "NOT_FOUND")
    return answer if isinstance(status, str) and not status.isdigit() else None


def _message(response: requests.Response) -> str:
    """What the server said about a failure, whichever way its version says it; "" for a page of HTML."""
    try:
        answer = response.json()
    except requests.JSONDecodeError:
        return "" if "<" in response.text else response.text.strip()
    if not isinstance(answer, dict):
        return ""
    return str(answer.get("message") or answer.get("exception") or "").strip()


def _first_line(text: str) -> str:
    return text.strip().partition("\n")[0].strip()


def _not_found(said: str, request: str) -> NotFoundError:
    kinds = {"paragraph": ParagraphNotFoundError, "note": NoteNotFoundError}
    kind = next((kind for word, kind in kinds.items() if word in said.lower()), NotFoundError)
    return kind(said or f"the server has no such thing: {request}", request=request)


def _may_repeat(method: str, error: requests.RequestException) -> bool:
    if isinstance(error, requests.exceptions.SSLError | requests.Timeout):
        return False  # the same again would happen, or the same wait
    return isinstance(error, requests.ConnectionError) and (method == "GET" or _never_sent(error))


def _never_sent(error: requests.RequestException) -> bool:
    return isinstance(error, requests.ConnectTimeout | requests.exceptions.SSLError) or isinstance(
        _reason(error), urllib3.exceptions.NewConnectionError
    )


def _reason(error: requests.RequestException) -> object:
    cause = error.args[0] if error.args else None
    return getattr(cause, "reason", cause)


def _why(error: requests.RequestException, timeout: float) -> tuple[str, str]:
    """The cause in words, and what to do about it."""
    reason = _reason(error)
    if isinstance(error, requests.ConnectTimeout):
        return f"no connection within {timeout:g} s", "check the address, its port and the firewall"
    if isinstance(error, requests.Timeout) or isinstance(reason, urllib3.exceptions.ReadTimeoutError):
        return f"no answer within {timeout:g} s", "the server is busy or hangs: see its log"
    if isinstance(error, requests.exceptions.SSLError):
        return why_tls(str(reason))
    if isinstance(error, requests.exceptions.ProxyError):
        refused = "Tunnel connection failed" in str(reason)
        return ("the proxy does not connect to it" if refused else "the proxy is out of reach"), _PROXY_STEP
    if isinstance(reason, urllib3.exceptions.NameResolutionError):
        return "the host's name is unknown", "check the address"
    if isinstance(reason, urllib3.exceptions.NewConnectionError):
        cause = str(reason).rpartition("] ")[2].lower() or "connection refused"
        return cause, "check the address and its port, and that Zeppelin runs there"
    return "the connection was lost before the answer was complete", "see the server's log"


def why_tls(reason: str) -> tuple[str, str]:
    """Why a TLS handshake failed, and what to do about it."""
    if "CERTIFICATE_VERIFY_FAILED" in reason:
        detail = reason.partition("verify failed: ")[2].partition(" (_ssl")[0]
        return f"its TLS certificate is not trusted: {detail}".rstrip(": "), "name the CA's file"
    if "WRONG_VERSION_NUMBER" in reason or "record layer" in reason:
        return "it does not speak TLS", "write http:// in place of https://"
    return "TLS failed", "check the server's certificate and protocol versions"
