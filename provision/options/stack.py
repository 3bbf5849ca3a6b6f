"""Options that choose the embedded stack's Zeppelin, and those of Spark."""

import functools
from collections.abc import Callable
from typing import Any

import click

from provision.bundles.values.spark import check_properties
from provision.embedded.runtime import Choice
from provision.errors import UsageError
from provision.project.option import NamedValues, name_of


def distribution_options(command: Callable[..., Any]) -> Callable[..., Any]:
    """`--zeppelin-version`, `--zeppelin-home`, `--zeppelin-archive` and `--sha512`, passed on as `choice`."""

    @click.option(
        "--zeppelin-version",
        metavar="VERSION",
        help="Get and run the official distribution, 0.10.0 to 0.12.1, from the Apache archive.",
    )
    @click.option("--zeppelin-home", metavar="DIR", help="Run the Zeppelin distribution in this folder (0.10 to 0.12).")
    @click.option("--zeppelin-archive", metavar="FILE|URL", help="Run the distribution in this .tgz archive.")
    @click.option("--sha512", metavar="HEX", help="The archive's published SHA-512.")
    @functools.wraps(command)
    def with_choice(
        *args: Any,
        zeppelin_version: str | None,
        zeppelin_home: str | None,
        zeppelin_archive: str | None,
        sha512: str | None,
        **options: Any,
    ) -> Any:
        choice = Choice(zeppelin_home, zeppelin_archive, sha512, zeppelin_version)
        choice.check()
        return command(*args, choice=choice, **options)

    return with_choice


def spark_options(command: Callable[..., Any]) -> Callable[..., Any]:
    """`--spark-master` and `--spark-property`, passed on as parameters of the bundle in `pairs`."""

    @click.option(
        "--spark-master",
        metavar="URL",
        help="Where Spark runs: local[N], spark://HOST:PORT, yarn, k8s://HOST:PORT.  [default: the server's setting]",
    )
    @click.option(
        "--spark-property",
        "properties",
        cls=NamedValues,
        multiple=True,
        metavar="NAME=VALUE",
        help="A property of Spark's; repeatable.",
    )
    @functools.wraps(command)
    def with_spark(
        *args: Any, pairs: tuple[str, ...], spark_master: str | None, properties: tuple[str, ...], **others: Any
    ) -> Any:
        for each in properties:
            check_properties(each)
        given = {"spark_master": spark_master, "spark_properties": ",".join(properties) or None}
        for name, value in given.items():
            if value is None:
                continue
            if any(name_of(pair) == name for pair in pairs):
                raise UsageError(f"{name} is given as a parameter and as an option", next_step="give one of the two")
            pairs = (*pairs, f"{name}={value}")
        return command(*args, pairs=pairs, **others)

    return with_spark
