"""A thing's credentials through its life: created once and kept, renewed, revoked."""

import socket
from dataclasses import dataclass, replace
from pathlib import Path

from netpie_creds.auth_server import AuthServer, Revoked
from netpie_creds.backoff import Backoff, retry
from netpie_creds.cache import delete_cache, read_cache, write_cache
from netpie_creds.errors import AuthServerRefusedError, CacheError, NetpieError
from netpie_creds.model import AccessToken, Application, Credentials, revoke_code


@dataclass(frozen=True)
class Refreshed:
    """New credentials, and what happened to the old token: `revoked`, `not_revoked`, or neither if there was none.

    `not_revoked` is why an old token, or one that an unreadable cache may have held, is still valid.
    """

    credentials: Credentials
    revoked: Revoked | None = None
    not_revoked: NetpieError | None = None


def get_credentials(
    application: Application,
    cache_dir: Path,
    auth: AuthServer,
    *,
    alias: str | None = None,
    backoff: Backoff | None = None,
) -> Credentials:
    """Return the credentials of the thing in `cache_dir`; when there is none, create one and keep it there.

    A thing that exists is used without asking the auth server, as the document says; only a broker that its cache does
    not name is asked for.

    Raises: CacheError; when the auth server is asked also WrongKeyError, WrongSecretError, AuthServerRefusedError,
    AuthServerUnreachableError, MalformedAnswerError.
    """
    kept = read_cache(cache_dir, application.appkey)
    if kept is not None:
        return Credentials(application, _completed(application, kept, cache_dir, auth))
    return _new_thing(application, cache_dir, auth, alias, backoff)


def refresh(
    application: Application,
    cache_dir: Path,
    auth: AuthServer,
    *,
    alias: str | None = None,
    backoff: Backoff | None = None,
) -> Refreshed:
    """Create a new thing, keep it in `cache_dir`, then revoke the old one if the server allows it.

    The old one stays if no new one can be had. An unreadable cache is replaced.

    Raises: as `get_credentials` for a new thing.
    """
    old: AccessToken | CacheError | None
    try:
        old = read_cache(cache_dir, application.appkey)
    except CacheError as error:
        old = error
    credentials = _new_thing(application, cache_dir, auth, alias, backoff)
    if old is None:
        return Refreshed(credentials)
    if isinstance(old, CacheError):
        return Refreshed(credentials, not_revoked=old)
    try:
        return Refreshed(credentials, revoked=_revoke(application, old, auth))
    except NetpieError as error:
        return Refreshed(credentials, not_revoked=error)


def revoke(application: Application, cache_dir: Path, auth: AuthServer) -> Revoked | None:
    """Revoke the thing in `cache_dir` and delete its cache; None when there is none.

    Raises: CacheError, AuthServerRefusedError, AuthServerUnreachableError, MalformedAnswerError; the cache then stays.
    """
    kept = read_cache(cache_dir, application.appkey)
    if kept is None:
        return None
    revoked = _revoke(application, kept, auth)
    delete_cache(cache_dir, application.appkey)
    return revoked


def current_endpoint(credentials: Credentials, cache_dir: Path, auth: AuthServer, timeout: float = 5.0) -> Credentials:
    """Return `credentials` with the broker that answers: the kept one, else the one that `auth` names now.

    The cache is updated. If neither answers within `timeout` seconds, or `auth` is out of reach, they come back
    unchanged.

    Raises: CacheError when a new endpoint can't be kept.
    """
    if _listens(credentials.token, timeout):
        return credentials
    try:
        endpoint = auth.endpoint(credentials.application.appkey)
        token = replace(credentials.token, endpoint=endpoint)
    except NetpieError:
        return credentials
    if not _listens(token, timeout):
        return credentials
    write_cache(cache_dir, credentials.application.appkey, token)
    return replace(credentials, token=token)


def _listens(token: AccessToken, timeout: float) -> bool:
    try:
        socket.create_connection(token.broker(), timeout=timeout).close()
    except (OSError, ValueError):
        return False
    return True


def _new_thing(
    application: Application, cache_dir: Path, auth: AuthServer, alias: str | None, backoff: Backoff | None
) -> Credentials:
    def flow() -> tuple[AccessToken, bool]:
        return auth.access_token(application, auth.authorize(application, alias))

    # the whole flow at each attempt: a code is good once, and an attempt that timed out may have spent it
    token, may_be_kept = retry(flow, backoff or Backoff())
    if may_be_kept:
        write_cache(cache_dir, application.appkey, token)
    return Credentials(application, token)


def _completed(application: Application, kept: AccessToken, cache_dir: Path, auth: AuthServer) -> AccessToken:
    """`kept` with the endpoint and the revoke code that its cache lacks, kept there."""
    token = kept
    if not token.endpoint:
        token = replace(token, endpoint=auth.endpoint(application.appkey))
    if not token.revokecode:
        token = replace(token, revokecode=revoke_code(token.token, token.secret, application.appsecret))
    if token != kept:
        write_cache(cache_dir, application.appkey, token)
    return token


def _revoke(application: Application, token: AccessToken, auth: AuthServer) -> Revoked:
    """Revoke `token` by the code that is kept, and by its signature where that one is missing or refused."""
    signature = revoke_code(token.token, token.secret, application.appsecret)
    if token.revokecode in ("", signature):
        return auth.revoke(replace(token, revokecode=signature))
    try:
        return auth.revoke(token)
    except AuthServerRefusedError:
        return auth.revoke(replace(token, revokecode=signature))
