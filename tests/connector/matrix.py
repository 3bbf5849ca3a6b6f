"""The engine's tests on the Sparks that PyPI has: `python -m tests.connector.matrix [VERSION …] [-k EXPRESSION]`.

Each Spark is downloaded once, by pip, into the cache folder; the connector is compiled by the compiler that this Spark
ships, and its tests run on it. Spark 4 needs Java 17 or newer, Spark 2.4's compiler any full JDK: JAVA_HOME's, or the
`java` on the PATH. The rest runs on the embedded Java 11. There Spark 2.4 receives but runs no job, for which it wants
Java 8: only the tests that look at what was received are run on it.
"""

import argparse
import os
import re
import shutil
import subprocess
import sys
import tarfile
import tempfile
import time
from dataclasses import dataclass
from pathlib import Path

from provision.console import Console
from provision.embedded.runtime import Choice, install_runtime
from provision.home import cache_dir

HERE = Path(__file__).parent
VERSIONS = ("2.4", "3.1", "3.5", "4")
"""The newest release of each is taken."""


@dataclass(frozen=True)
class Spark:
    """A Spark, the Java home that compiles for it, and the one that it runs on."""

    version: str
    home: Path
    compiler: Path
    java: Path


# what needs no job of Spark's beside the receiver
WITHOUT_JOBS = (
    "driver_s_page or counts_anew or signed_afresh or refusal_is_named or says_goodbye or certificate_for"
    " or files_are_those or rows_of_csv"
)


class NotRunnable(Exception):
    """A Spark that this machine can't run, and why."""


def spark(version: str, embedded_java: Path) -> Spark:
    """The newest Spark whose version begins so, downloaded if need be; raises `NotRunnable`."""
    home = _download(version)
    if version.startswith("4"):
        java = _machine_s_java(17)
        return Spark(home.name, home, java, java)
    compiler = _machine_s_java(8, full=True) if version.startswith("2") else embedded_java
    return Spark(home.name, home, compiler, embedded_java)


def _machine_s_java(oldest: int, *, full: bool = False) -> Path:
    """JAVA_HOME, else the home of the `java` on the PATH, if it is new enough, and a whole JDK where that matters.

    Scala 2.11's compiler reads lib/ct.sym, which a Java without a compiler of its own does not have.
    """
    program = shutil.which("java")
    named = os.environ.get("JAVA_HOME")
    if not named and not program:
        raise NotRunnable(f"needs Java {oldest} or newer: set JAVA_HOME")
    home = Path(named) if named else Path(str(program)).resolve().parent.parent
    release = (home / "release").read_text() if (home / "release").is_file() else ""
    found = re.search(r'JAVA_VERSION="(?:1\.)?(\d+)', release)
    if not found or int(found[1]) < oldest:
        raise NotRunnable(f"needs Java {oldest} or newer, and {home} is not: set JAVA_HOME")
    if full and not (home / "lib" / "ct.sym").is_file():
        raise NotRunnable(f"needs a full JDK to compile, and {home} is not one: set JAVA_HOME")
    return home


def _download(version: str) -> Path:
    """A folder with the jars of that Spark, named like its full version; unpacked whole or not at all."""
    folder = cache_dir() / "matrix"
    there = [path for path in folder.glob(f"{version}.*") if path.is_dir()]
    if there:
        return max(there)
    folder.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(dir=folder, prefix=".download-") as scratch:
        pip = [sys.executable, "-m", "pip", "download", "--quiet", "--no-deps", "--no-binary", "pyspark"]
        # pip asks the source for its name, and Spark 2.4's can't tell it beside a newer pypandoc
        constraint = Path(scratch) / "constraint.txt"
        constraint.write_text("pypandoc<1.8\n")
        told = {"PIP_CONSTRAINT": str(constraint), "PIP_BUILD_CONSTRAINT": str(constraint)}
        subprocess.run([*pip, "--dest", scratch, f"pyspark=={version}.*"], env={**os.environ, **told}, check=True)
        archive = next(Path(scratch).glob("pyspark-*.tar.gz"))
        name = archive.name.removesuffix(".tar.gz")
        with tarfile.open(archive) as packed:
            wanted = [member for member in packed if member.name.startswith(f"{name}/deps/jars/")]
            packed.extractall(scratch, wanted, filter="data")
        target = folder / name.removeprefix("pyspark-")
        (Path(scratch) / name / "deps").rename(target)
    return target


def run_tests(one: Spark, arguments: list[str]) -> bool:
    """Whether the connector's tests pass on this Spark."""
    homes = {"TEST_SPARK_HOME": one.home, "TEST_JAVA_HOME": one.java, "TEST_COMPILER_HOME": one.compiler}
    command = [sys.executable, "-m", "pytest", "-m", "integration", HERE, HERE.parent / "outputs", *arguments]
    return subprocess.run(command, env={**os.environ, **{k: str(v) for k, v in homes.items()}}).returncode == 0


def main() -> int:
    parser = argparse.ArgumentParser(prog="python -m tests.connector.matrix", description=__doc__.partition("\n")[0])
    parser.add_argument("versions", nargs="*", default=VERSIONS, metavar="VERSION", help=", ".join(VERSIONS))
    parser.add_argument("-k", metavar="EXPRESSION", help="the tests to run, as pytest's -k")
    chosen = parser.parse_args()
    embedded = install_runtime(Choice(), Console()).java.parent.parent
    results = {}
    for version in chosen.versions:
        began = time.monotonic()
        try:
            one = spark(version, embedded)
        except NotRunnable as problem:
            results[version] = f"not run: {problem}"
            continue
        expression = chosen.k or (WITHOUT_JOBS if version.startswith("2") else "")
        passed = run_tests(one, ["-k", expression] if expression else [])
        results[one.version] = f"{'passed' if passed else 'FAILED'} in {time.monotonic() - began:.0f} s"
    for version, result in results.items():
        print(f"Spark {version}: {result}")
    return 0 if all(result.startswith("passed") for result in results.values()) else 1


if __name__ == "__main__":
    sys.exit(main())
