"""A thing's credentials through its life: created once and kept, renewed, revoked."""

import socket
from dataclasses import dataclass, replace
from pathlib import Path

from netpie_creds.auth_server import AuthServer, Revoked
from netpie_creds.backoff import Backoff, retry
from netpie_creds.cache import delete_cache, read_cache, write_cache
from netpie_creds.errors import CacheError, NetpieError
from netpie_creds.model import AccessToken, Application, Credentials


@dataclass(frozen=True)
class Refreshed:
    """New credentials, and what happened to the old token: `revoked`, `not_revoked`, or neither if there was none."""

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

    A thing that exists is used without asking the auth server, as the document says.

    Raises: CacheError; for a new thing also WrongKeyError, WrongSecretError, RefusedError, UnreachableError,
    MalformedAnswerError.
    """
    kept = read_cache(cache_dir, application.appkey)
    if kept is not None:
        return Credentials(application, kept)
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

    The old one stays if no new one can be had. An unreadable cache counts as none.

    Raises: as `get_credentials` for a new thing.
    """
    old = _readable(application, cache_dir)
    credentials = _new_thing(application, cache_dir, auth, alias, backoff)
    if old is None:
        return Refreshed(credentials)
    try:
        return Refreshed(credentials, revoked=auth.revoke(old))
    except NetpieError as error:
        return Refreshed(credentials, not_revoked=error)


def revoke(application: Application, cache_dir: Path, auth: AuthServer) -> Revoked | None:
    """Revoke the thing in `cache_dir` and delete its cache; None when there is none.

    Raises: CacheError, RefusedError, UnreachableError, MalformedAnswerError; the cache then stays.
    """
    kept = read_cache(cache_dir, application.appkey)
    if kept is None:
        return None
    revoked = auth.revoke(kept)
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


def _readable(application: Application, cache_dir: Path) -> AccessToken | None:
    try:
        return read_cache(cache_dir, application.appkey)
    except CacheError:
        return None
