"""Which Maven repository to download from."""

import os
import re
import zipfile
from pathlib import Path

from provision.errors import ProvisionError, UsageError

_ADDRESS = re.compile(rb"https://[\w.-]+/maven2/")


def repository(spark_home: Path) -> str:
    """The repository's URL: `PROVISION_MAVEN_REPOSITORY`, or the one that Spark's own resolver has as its default.

    Spark resolves `spark.jars.packages` with the Ivy jar that it ships, whose `IBiblioResolver` knows Maven
    Central's address. Taking it from there keeps jars of the stack and jars of a note coming from one place.
    """
    named = os.environ.get("PROVISION_MAVEN_REPOSITORY")
    if named:
        if not named.startswith(("http://", "https://")):
            raise UsageError(
                f"PROVISION_MAVEN_REPOSITORY={named.rpartition('@')[2]}: not an http(s) address",
                next_step="name the root of a Maven repository",
            )
        return named
    for jar in sorted((spark_home / "jars").glob("ivy-*.jar")):
        with zipfile.ZipFile(jar) as archive:
            match = _ADDRESS.search(archive.read("org/apache/ivy/plugins/resolver/IBiblioResolver.class"))
        if match:
            return match.group().decode()
    raise ProvisionError(
        f"no Maven repository known: {spark_home} has no Ivy jar", next_step="set PROVISION_MAVEN_REPOSITORY"
    )
