"""The options that name a NETPIE application, shared by all commands, and its credentials."""

import functools
import sys
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, Self

import click

from netpie_creds import (
    NETPIE_2015,
    AccessToken,
    Application,
    AuthServer,
    Backoff,
    Credentials,
    get_credentials,
    kept_cache,
    load_application,
    read_cache,
)
from provision import home
from provision.embedded.application import application_file
from provision.platforms.netpie2015 import reachable

UNKNOWN = "unknown-before-apply"
"""What stands for a secret in a plan that has not got it."""
_FILE = click.Path(exists=True, dir_okay=False, path_type=Path)
_OPTIONS = (
    click.option("--appid", metavar="APPID", help="The application's APPID.  [env: NETPIE_APPID]"),
    click.option("--appkey", metavar="APPKEY", help="The application's APPKEY.  [env: NETPIE_APPKEY]"),
    click.option(
        "--credentials-file",
        type=_FILE,
        help="File with appid, appkey and appsecret: lines of NAME=VALUE, or TOML if it ends in .toml.",
    ),
    click.option(
        "--secret-file",
        type=_FILE,
        help="File with the APPSECRET and nothing else.  [env: NETPIE_APPSECRET holds the secret itself]",
    ),
    click.option(
        "--cache-dir",
        type=click.Path(file_okay=False, path_type=Path),
        help="Folder of microgear-APPKEY.cache.  [default: this folder if it has one, else the state folder]",
    ),
    click.option(
        "--auth",
        metavar="URL",
        envvar="NETPIE_AUTH",
        default=NETPIE_2015,
        show_default=True,
        help="NETPIE's auth server.  [env: NETPIE_AUTH]",
    ),
)


@dataclass(frozen=True)
class ApplicationOptions:
    """What the options of `application_options` say."""

    appid: str | None = None
    appkey: str | None = None
    credentials_file: Path | None = None
    secret_file: Path | None = None
    cache_dir: Path | None = None
    auth: str = NETPIE_2015

    @property
    def names_application(self) -> bool:
        """Whether the command line names an application."""
        return bool(self.appid or self.appkey or self.credentials_file)

    def of_embedded(self, auth: str) -> Self:
        """The embedded NETPIE's application, with its auth server and the same cache folder."""
        return type(self)(credentials_file=application_file(), cache_dir=self.cache_dir, auth=auth)

    def application(self, default: Mapping[str, str] | None = None) -> Application:
        """Return the application; asks for the secret on a terminal when it is given nowhere else.

        `default` are values to take where nothing else has them.

        Raises: netpie_creds.ApplicationError.
        """
        return load_application(
            appid=self.appid,
            appkey=self.appkey,
            file=self.credentials_file,
            secret_file=self.secret_file,
            ask_secret=_ask_secret if sys.stdin.isatty() else None,
            default=default,
        )

    def named(self) -> Application:
        """Return the application, with a stand-in for a secret that is nowhere; asks nobody."""
        return load_application(
            appid=self.appid,
            appkey=self.appkey,
            file=self.credentials_file,
            secret_file=self.secret_file,
            default={"appsecret": UNKNOWN},
        )

    def planned(self, default: Mapping[str, str], broker: str) -> Credentials:
        """Return the kept thing's credentials, for a plan; stand-ins for those that are not to be had here.

        Asks nobody and writes nothing. `broker` is an endpoint such as pie://HOST:PORT, for a thing that is not kept.

        Raises: netpie_creds.ApplicationError, netpie_creds.CacheError.
        """
        application = load_application(
            appid=self.appid,
            appkey=self.appkey,
            file=self.credentials_file,
            secret_file=self.secret_file,
            default={**default, "appsecret": UNKNOWN},
        )
        return kept_or_stand_in(application, self._kept_in(application.appkey), broker)

    def cache_folder(self, appkey: str) -> Path:
        """Return the folder of the key's cache: `--cache-dir`, else this folder if it has one, else the
        state's.
        """
        folder = self._kept_in(appkey)
        return home.private_dir(folder) if folder == _own_folder() else folder

    def _kept_in(self, appkey: str) -> Path:
        if self.cache_dir is not None:
            return self.cache_dir
        return Path.cwd() if kept_cache(Path.cwd(), appkey) is not None else _own_folder()

    def auth_server(self) -> AuthServer:
        """Return the auth server.

        Raises: netpie_creds.ApplicationError when `--auth` is no address.
        """
        return AuthServer(self.auth)

    def credentials(
        self, application: Application | None = None, *, alias: str | None = None, backoff: Backoff | None = None
    ) -> Credentials:
        """Return the credentials of the application's thing in the cache folder; creates one when there is none.

        Raises: netpie_creds.NetpieError, as `netpie_creds.get_credentials`.
        """
        application = application or self.application()
        folder = self.cache_folder(application.appkey)
        return get_credentials(application, folder, self.auth_server(), alias=alias, backoff=backoff)

    def connectable(self, kept: Credentials) -> Credentials:
        """Return `kept` with a broker that this machine reaches: NETPIE may have moved it.

        Raises: provision.errors.UnreachableError when none is.
        """
        folder = self.cache_folder(kept.application.appkey)
        return reachable(kept, folder, self.auth_server(), consequence="nothing was written")


def application_options(command: Callable[..., Any]) -> Callable[..., Any]:
    """Add the options that name an application; the command gets them as one `application:
    ApplicationOptions`.
    """

    @functools.wraps(command)
    def with_application(
        *args: Any,
        appid: str | None,
        appkey: str | None,
        credentials_file: Path | None,
        secret_file: Path | None,
        cache_dir: Path | None,
        auth: str,
        **others: Any,
    ) -> Any:
        options = ApplicationOptions(appid, appkey, credentials_file, secret_file, cache_dir, auth)
        return command(*args, application=options, **others)

    decorated: Callable[..., Any] = with_application
    for option in reversed(_OPTIONS):
        decorated = option(decorated)
    return decorated


def kept_or_stand_in(application: Application, folder: Path, broker: str) -> Credentials:
    """Return the credentials of the thing in the cache folder, or stand-ins at `broker`; asks nobody, writes nothing.

    Raises: netpie_creds.CacheError.
    """
    token = read_cache(folder, application.appkey) or AccessToken(UNKNOWN, UNKNOWN, broker, UNKNOWN)
    return Credentials(application, token if token.endpoint else replace(token, endpoint=broker))


def _own_folder() -> Path:
    return home.state_dir() / "netpie"


def _ask_secret() -> str:
    secret: str = click.prompt("APPSECRET", hide_input=True, err=True)
    return secret
