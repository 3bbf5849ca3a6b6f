"""Options that several commands share."""

import functools
from collections.abc import Callable
from typing import Any

import click

from provision.embedded.runtime import Choice


def distribution_options(command: Callable[..., Any]) -> Callable[..., Any]:
    """`--zeppelin-home`, `--zeppelin-archive` and `--sha512`, handed on as `choice`."""

    @click.option("--zeppelin-home", metavar="DIR", help="Run the Zeppelin distribution in this folder (0.10 to 0.12).")
    @click.option("--zeppelin-archive", metavar="FILE|URL", help="Run the distribution in this .tgz archive.")
    @click.option("--sha512", metavar="HEX", help="The archive's published SHA-512.")
    @functools.wraps(command)
    def with_choice(
        *args: Any, zeppelin_home: str | None, zeppelin_archive: str | None, sha512: str | None, **options: Any
    ) -> Any:
        choice = Choice(zeppelin_home, zeppelin_archive, sha512)
        choice.check()
        return command(*args, choice=choice, **options)

    return with_choice
