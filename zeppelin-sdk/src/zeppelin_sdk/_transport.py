"""One call over HTTP: sent, repeated where that is safe, its answer made into a body or an error.

What is repeated: a GET that was refused, lost or answered 502 to 504; any other call only while no connection
was made. A POST, PUT or DELETE that may have been received is never sent again: another person may have
edited in between, a paragraph would run twice, an interpreter restart twice.
"""

import contextlib
import json
import logging
import time
from collections.abc import Mapping
from typing import Any
from urllib.parse import urljoin, urlsplit

import requests
import requests.utils

from zeppelin_sdk._adapter import TimedAdapter
from zeppelin_sdk._address import Address
from zeppelin_sdk._bodies import LimitExceeded, parse_json, read_body
from zeppelin_sdk._causes import is_about_the_ca, may_be_the_wrong_scheme, may_repeat, never_sent, why
from zeppelin_sdk._errors import (
    AnswerTooLargeError,
    InvalidAddressError,
    LoginError,
    LoginRequiredError,
    NotZeppelinError,
    PermissionDeniedError,
    ServerUnreachableError,
    UnsupportedError,
    ZeppelinError,
)
from zeppelin_sdk._failures import GATEWAY, REDIRECTS, Failure, Source, not_zeppelin
from zeppelin_sdk._models import ServerVersion
from zeppelin_sdk._tls import ca_fault, environments_ca_file, wrong_scheme

BACKOFF = (0.2, 0.6)
TOTAL_TIMEOUT = 120.0
MAX_ANSWER_BYTES = 64 * 1024 * 1024
PAGE_REDIRECTS = 5
_HEADERS = {"Accept": "application/json", "Accept-Encoding": "gzip"}
_JSON = {**_HEADERS, "Content-Type": "application/json"}
_log = logging.getLogger("zeppelin_sdk")


class Transport:
    """A session with one server: its address, cookies and login.

    `timeout` is in seconds for one wait, `total_timeout` for a call with its repeats; `max_answer_bytes` counts an
    answer as it is uncompressed, and a websocket's message.
    """

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
        total_timeout: float = TOTAL_TIMEOUT,
        max_answer_bytes: int = MAX_ANSWER_BYTES,
    ) -> None:
        self.address = Address.parse(url)
        self.timeout = timeout
        self.total_timeout = total_timeout
        self.max_answer_bytes = max_answer_bytes
        self.session = session or requests.Session()
        self._owns_session = session is None
        self._adapter = TimedAdapter() if session is None else None
        if self._adapter:
            self.session.mount("http://", self._adapter)
            self.session.mount("https://", self._adapter)
        # None leaves it to the session and the environment; True would overrule a caller's own session
        self._verify = None if verify is True else verify
        self._proxies = self._named_proxies(proxy)
        self._user = user
        self._password = password
        self._logged_in = False

    def _named_proxies(self, proxy: str | None) -> dict[str, str]:
        if proxy is not None:
            return {"http": _proxy_address(proxy), "https": _proxy_address(proxy)}
        # a proxy from the environment can't reach this machine's loopback
        return {"no_proxy": self.address.host} if self.address.is_loopback else {}

    def close(self) -> None:
        """Close the connections, unless the session was the caller's own."""
        if self._owns_session:
            self.session.close()

    @property
    def ca_bundle(self) -> bool | str:
        """The CA file that certificates are checked against, the environment's included; False: no check."""
        verify: bool | str | None = self._settings["verify"]
        if verify is not None and verify is not True:
            return verify
        return (environments_ca_file() if self.session.trust_env else "") or True

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

    def page(self) -> str:
        """What a browser gets at the server's address; "" for an error, and for a redirect to another server."""
        url = f"{self.address.base}/"
        for _ in range(PAGE_REDIRECTS):
            response = self._send("GET", url, headers={"Accept": "text/html"})
            if response.status_code not in REDIRECTS:
                return response.content.decode("utf-8", "replace") if response.ok else ""
            url = urljoin(url, response.headers.get("Location", ""))
            if not url.startswith(f"{self.address.base}/"):
                break
        return ""

    def login(self, user: str, password: str) -> None:
        """Log in; the session's cookie is kept, and an expired session is renewed with the same user."""
        with contextlib.suppress(LoginRequiredError):
            self.version()  # a password goes to a Zeppelin only
        request = self._named("POST", ("login",))
        form = {"userName": user, "password": password}
        response = self._send("POST", self.address.api("login"), headers=_HEADERS, data=form)
        if response.status_code == 200:
            self._user, self._password, self._logged_in = user, password, True
            return
        if response.status_code in (401, 403, *REDIRECTS):
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
        data = body if body is None or isinstance(body, bytes) else json.dumps(body).encode()
        response = self._send(
            method,
            self.address.api(*segments),
            headers=_JSON,
            data=data,
            params=query,
        )
        answer = _envelope(response)
        if response.status_code < 300 and answer is not None:
            return answer.get("body")
        raise self._failure(method, segments, response)

    def _send(self, method: str, url: str, **request: Any) -> requests.Response:
        deadline = time.monotonic() + self.total_timeout
        for pause in (*BACKOFF, None):
            try:
                response = self._sent_once(method, url, deadline, request)
            except LimitExceeded as error:
                raise AnswerTooLargeError(
                    f"{self.address.base} answers with more than {self.max_answer_bytes} bytes",
                    next_step="raise the client's max_answer_bytes if that is right",
                    request=f"{method} {url}",
                ) from error
            except OSError as error:  # one of `requests`, or a bare one for a CA file that is not there
                if pause is None or not may_repeat(method, error) or time.monotonic() + pause >= deadline:
                    raise self._unreachable(method, url, error, deadline) from error
            else:
                if pause is None or method != "GET" or response.status_code not in GATEWAY:
                    return response
                if time.monotonic() + pause >= deadline:
                    return response
            time.sleep(pause)
        raise AssertionError("the last attempt returns or raises")

    def _sent_once(self, method: str, url: str, deadline: float, request: dict[str, Any]) -> requests.Response:
        """Send a call and read its answer, up to the deadline of the monotonic clock."""

        def read(response: requests.Response, **_options: Any) -> None:
            read_body(response, self.max_answer_bytes, deadline)

        if self._adapter:
            self._adapter.deadline.at = deadline
        begin = time.monotonic()
        ca = self.ca_bundle
        try:
            response = self.session.request(
                method,
                url,
                timeout=max(0.001, min(self.timeout, deadline - begin)),
                verify=self._verify if ca is True else ca,
                proxies=dict(self._proxies),
                allow_redirects=False,
                stream=True,
                # a hook, because `requests` would read a redirect's body itself, whatever its size
                hooks={"response": [read, *self.session.hooks.get("response", ())]},
                **request,
            )
            read(response)  # where a hook of the caller's session has put another in its place
        except (requests.RequestException, LimitExceeded) as error:
            _log.debug("%s %s: %s after %.3f s", method, url, type(error).__name__, time.monotonic() - begin)
            raise
        took, size = time.monotonic() - begin, len(response.content)
        _log.debug("%s %s: %d, %d bytes in %.3f s", method, url, response.status_code, size, took)
        return response

    def _failure(self, method: str, segments: tuple[str, ...], response: requests.Response) -> ZeppelinError:
        """The error that an answer means."""
        if response.status_code == requests.codes.bad_request and _envelope(response) is None:
            self.check_scheme(self._named(method, segments))
        source = Source.OTHER_AT_VERSION if segments == ("version",) else Source.OTHER
        return Failure(
            base=self.address.base,
            request=self._named(method, segments),
            call=f"{method} /{'/'.join(segments)}",
            source=source if _envelope(response) is None else Source.ZEPPELIN,
            status=response.status_code,
            reason=response.reason or "",
            location=response.headers.get("Location", ""),
            challenge=response.headers.get("WWW-Authenticate", ""),
            answered="Authorization" in response.request.headers,
            detail=_message(response),
            version=self.version,
        ).error()

    def _unexpected(self, method: str, segments: tuple[str, ...]) -> NotZeppelinError:
        return not_zeppelin(self.address.base, self._named(method, segments))

    def _unreachable(self, method: str, url: str, error: OSError, deadline: float) -> ServerUnreachableError:
        fault = ca_fault(self.ca_bundle) if is_about_the_ca(error) else ""
        if not fault and time.monotonic() < deadline and may_be_the_wrong_scheme(error):
            self.check_scheme(f"{method} {url}")
        cause, next_step = (fault, "name a file of CA certificates in PEM form") if fault else why(error, self.timeout)
        if time.monotonic() >= deadline:
            cause = f"no complete answer within {self.total_timeout:g} s"
        if method != "GET" and not never_sent(error):
            cause += "; the call may have been carried out"
        return ServerUnreachableError(f"{self.address.base}: {cause}", next_step=next_step, request=f"{method} {url}")

    def check_scheme(self, request: str) -> None:
        """Raise ServerUnreachableError where the port speaks the other of HTTP and HTTPS."""
        found = None if self.proxy else wrong_scheme(self.address)
        if found:
            raise ServerUnreachableError(f"{self.address.base}: {found[0]}", next_step=found[1], request=request)

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
        answer = parse_json(response.content)
    except ValueError:
        return None
    status = answer.get("status") if isinstance(answer, dict) else None
    # other servers' JSON errors have a status too, a number; Zeppelin's is a word ("OK", "NOT_FOUND")
    return answer if isinstance(status, str) and not status.isdigit() else None


def _message(response: requests.Response) -> str:
    """What the server said about a failure, whichever way its version says it; "" for a page of HTML."""
    try:
        answer = parse_json(response.content)
    except ValueError:
        text = response.content.decode("utf-8", "replace")
        return "" if "<" in text else text.strip()
    if not isinstance(answer, dict):
        return ""
    return str(answer.get("message") or answer.get("exception") or "").strip()
