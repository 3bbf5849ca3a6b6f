"""Which error an HTTP answer means: a table of statuses and of who has answered, the first row that fits."""

from collections.abc import Callable, Collection
from dataclasses import dataclass
from enum import Enum, auto
from urllib.parse import urlsplit

from zeppelin_sdk._errors import (
    LoginError,
    LoginRequiredError,
    NoteExistsError,
    NoteNotFoundError,
    NotFoundError,
    NotZeppelinError,
    ParagraphNotFoundError,
    PermissionDeniedError,
    ServerError,
    ServerUnreachableError,
    UnsupportedError,
    ZeppelinError,
)
from zeppelin_sdk._models import ServerVersion

GATEWAY = (502, 503, 504)
REDIRECTS = (301, 302, 303, 307, 308)
PROXY_LOGIN = "the proxy wants a user and a password"
PROXY_STEP = "check the proxy's address, or HTTP_PROXY, HTTPS_PROXY and NO_PROXY"


class Source(Enum):
    """Who has answered, as far as the answer tells."""

    ZEPPELIN = auto()
    OTHER = auto()
    OTHER_AT_VERSION = auto()
    """Not in Zeppelin's form, though the call for the version is answered so by every Zeppelin."""


ANYONE = tuple(Source)
OTHERS = (Source.OTHER, Source.OTHER_AT_VERSION)


@dataclass(frozen=True)
class Failure:
    """An answer that is not what was asked for; `call` is like "GET /notebook", `request` has the whole URL."""

    base: str
    request: str
    call: str
    source: Source
    status: int
    reason: str
    location: str
    challenge: str
    """The answer's WWW-Authenticate header."""
    answered: bool
    """Whether the request had an answer to such a challenge."""
    detail: str
    version: Callable[[], ServerVersion]

    @property
    def said(self) -> str:
        """The first line of what the server said, or ""."""
        return self.detail.partition("\n")[0].strip()

    def error(self) -> ZeppelinError:
        """The error that it means."""
        return next(
            make(self) for statuses, sources, make in _ROWS if self.status in statuses and self.source in sources
        )


def not_zeppelin(base: str, request: str) -> NotZeppelinError:
    """The error of an answer that Zeppelin would not give."""
    return NotZeppelinError(
        f"what answers at {base} is not Zeppelin", next_step="check the address, its port and its path", request=request
    )


def _not_zeppelin(failure: Failure) -> ZeppelinError:
    return not_zeppelin(failure.base, failure.request)


def _redirected(failure: Failure) -> ZeppelinError:
    target = failure.location.partition("?")[0]
    if "login" in target.lower():
        return _login_required(failure)
    return NotZeppelinError(
        f"{failure.base} sends its callers on to {target or 'nowhere'}",
        next_step="give the address that it sends them to",
        request=failure.request,
    )


def gateway_login(base: str, challenge: str, *, answered: bool, request: str) -> LoginError | None:
    """The error of a challenge to log in by HTTP itself, which Zeppelin does not send; None for none."""
    scheme = challenge.partition(" ")[0].rstrip(",")
    if not scheme:
        return None
    host = urlsplit(base).hostname
    if answered:
        cause, next_step = f"refused the login for HTTP {scheme}", f"check the entry for {host} in ~/.netrc"
    else:
        cause = f"wants a login of its own (HTTP {scheme})"
        next_step = (
            f"give an address that does not go through it, or put its user and password for {host} into ~/.netrc"
        )
    return LoginError(f"a proxy before Zeppelin at {base} {cause}", next_step=next_step, request=request)


def _unauthorized(failure: Failure) -> ZeppelinError:
    gateway = gateway_login(failure.base, failure.challenge, answered=failure.answered, request=failure.request)
    return gateway or _login_required(failure)


def _login_required(failure: Failure) -> ZeppelinError:
    return LoginRequiredError(
        f"{failure.base} wants a login", next_step="give a user and a password", request=failure.request
    )


def _forbidden(failure: Failure) -> ZeppelinError:
    return PermissionDeniedError(
        f"{failure.base} does not allow this: {failure.said or 'forbidden'}",
        next_step="log in as a user who may",
        request=failure.request,
    )


def _proxy_login(failure: Failure) -> ZeppelinError:
    return ServerUnreachableError(PROXY_LOGIN, next_step=PROXY_STEP, request=failure.request)


def _gateway(failure: Failure) -> ZeppelinError:
    return ServerUnreachableError(
        f"{failure.base} answers {failure.status}",
        next_step="the server, or the proxy before it, is starting or down: try again",
        request=failure.request,
    )


def _not_found(failure: Failure) -> ZeppelinError:
    said = failure.said
    kinds = {"paragraph": ParagraphNotFoundError, "note": NoteNotFoundError}
    kind = next((kind for word, kind in kinds.items() if word in said.lower()), NotFoundError)
    return kind(said or f"the server has no such thing: {failure.request}", request=failure.request)


def _exists(failure: Failure) -> ZeppelinError:
    return NoteExistsError(
        failure.said or "a note has this path already",
        next_step="choose another path, or rename that note",
        request=failure.request,
    )


def _unsupported(failure: Failure) -> ZeppelinError:
    return UnsupportedError(
        f"Zeppelin {failure.version()} at {failure.base} has no such call: {failure.request}",
        status=failure.status,
        next_step="a newer Zeppelin may have it",
        request=failure.request,
    )


def _refused(failure: Failure) -> ZeppelinError:
    return _server_error(failure, "refused", "")


def _failed(failure: Failure) -> ZeppelinError:
    return _server_error(failure, "failed on", "the server's log says more")


def _server_error(failure: Failure, did: str, next_step: str) -> ZeppelinError:
    return ServerError(
        f"{failure.base} {did} {failure.call}: {failure.said or failure.reason or 'no reason given'}",
        status=failure.status,
        detail=failure.detail,
        next_step=next_step,
        request=failure.request,
    )


_ROWS: tuple[tuple[Collection[int], Collection[Source], Callable[[Failure], ZeppelinError]], ...] = (
    (REDIRECTS, ANYONE, _redirected),
    ((401,), OTHERS, _unauthorized),
    ((401,), ANYONE, _login_required),
    (range(400), OTHERS, _not_zeppelin),
    (range(400, 500), (Source.OTHER_AT_VERSION,), _not_zeppelin),
    ((403,), ANYONE, _forbidden),
    ((407,), ANYONE, _proxy_login),
    (GATEWAY, ANYONE, _gateway),
    ((404,), (Source.ZEPPELIN,), _not_found),
    ((409,), (Source.ZEPPELIN,), _exists),
    ((404, 405), OTHERS, _unsupported),
    (range(500), ANYONE, _refused),
    (range(500, 1000), ANYONE, _failed),
)
