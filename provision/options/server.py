"""The options that choose the Zeppelin server: a named one, or the embedded one."""

import functools
import os
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from netpie_creds.text_file import NotTextError, decode_text
from provision.errors import UsageError
from zeppelin_sdk import ZeppelinClient

if TYPE_CHECKING:
    from provision.embedded.record import Stack


@dataclass(frozen=True)
class ServerOptions:
    """What the options of `server_options` say; no URL means the embedded server."""

    url: str | None
    user: str | None
    password_file: Path | None
    ca_file: Path | None = None

    @property
    def embedded(self) -> bool:
        return self.url is None

    def connect_running(self) -> ZeppelinClient:
        """A client of the named server, or of the embedded one; raises `UsageError` when that is down."""
        if self.url is None:
            return ZeppelinClient(self.running_stack().url)
        verify = str(self.ca_file) if self.ca_file else True
        return ZeppelinClient(self.url, user=self.user, password=self._password(), verify=verify)

    def running_stack(self) -> "Stack":
        """The embedded stack; raises `UsageError` when it is down: only a person starts it."""
        running = _find_stack()
        if running is None:
            raise UsageError(
                "no Zeppelin server named, and the embedded one is down",
                next_step="give --zeppelin URL or ZEPPELIN_URL, or start the embedded one: provision up",
            )
        return running

    def is_there(self) -> bool:
        """Whether a server is named, or the embedded one runs."""
        return self.url is not None or _find_stack() is not None

    def _password(self) -> str | None:
        if self.password_file is not None:
            return self._read_password(self.password_file)
        password = os.environ.get("ZEPPELIN_PASSWORD")
        if self.user and password is None:
            raise UsageError(
                f"no password for Zeppelin user {self.user}",
                next_step="set ZEPPELIN_PASSWORD, or name a file with --password-file",
            )
        return password

    @staticmethod
    def _read_password(file: Path) -> str:
        try:
            return decode_text(file.read_bytes()).rstrip("\n")
        except OSError as error:
            raise UsageError(f"{file}: {error.strerror}", next_step="name a file that you can read") from error
        except NotTextError as error:
            raise UsageError(f"{file}: {error}", next_step="write the password there as text") from None


def _find_stack() -> "Stack | None":
    from provision.embedded import stack  # slow to import, not needed for a named server

    return stack.find()


def server_options(command: Callable[..., Any]) -> Callable[..., Any]:
    """Add the options that name a Zeppelin server; the command gets them as one `server: ServerOptions`."""

    @click.option(
        "--zeppelin",
        "url",
        metavar="URL",
        envvar="ZEPPELIN_URL",
        help="The server, with its path prefix if it has one.  [env: ZEPPELIN_URL; default: the embedded one]",
    )
    @click.option("--user", metavar="NAME", envvar="ZEPPELIN_USER", help="Zeppelin user.  [env: ZEPPELIN_USER]")
    @click.option(
        "--password-file",
        type=click.Path(exists=True, dir_okay=False, path_type=Path),
        help="File with the user's password.  [env: ZEPPELIN_PASSWORD holds the password itself]",
    )
    @click.option(
        "--ca-file",
        type=click.Path(exists=True, dir_okay=False, path_type=Path),
        envvar="ZEPPELIN_CA_FILE",
        help="File of CA certificates (PEM) that an https:// server is checked against."
        "  [env: ZEPPELIN_CA_FILE; default: SSL_CERT_FILE, else those of Python's certifi]",
    )
    @functools.wraps(command)
    def with_server(
        *args: Any, url: str | None, user: str | None, password_file: Path | None, ca_file: Path | None, **options: Any
    ) -> Any:  # fmt: skip
        return command(*args, server=ServerOptions(url, user, password_file, ca_file), **options)

    return with_server
