"""The options that choose the Zeppelin server: a named one, or the embedded one."""

import functools
import os
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import click

from netpie_creds.text_file import NotTextError, decode_text
from provision.console import Console
from provision.errors import UsageError
from zeppelin_sdk import ZeppelinClient


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

    def connect(self, console: Console) -> ZeppelinClient:
        """A client of the named server, or of the embedded one, started if needed."""
        if self.url is None:
            from provision.embedded import stack  # slow to import, not needed for a named server

            running, started = stack.up(stack.Choice(), stack.Ports(), console)
            if started:
                console.say(f"embedded Zeppelin: {running.url} (stop it with `provision down`)")
            return ZeppelinClient(running.url)
        return self._named_client(self.url)

    def connect_running(self) -> ZeppelinClient:
        """As `connect`, but never starts the embedded server: raises `UsageError` when it is down."""
        if self.url is None:
            from provision.embedded import stack

            running = stack.find()
            if running is None:
                raise UsageError(
                    "no Zeppelin server named", next_step="give --zeppelin URL, or start one: provision up"
                )
            return ZeppelinClient(running.url)
        return self._named_client(self.url)

    def _named_client(self, url: str) -> ZeppelinClient:
        verify = str(self.ca_file) if self.ca_file else True
        return ZeppelinClient(url, user=self.user, password=self._password(), verify=verify)

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
