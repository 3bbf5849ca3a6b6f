"""The engine as a jar, compiled by the Scala compiler that Spark ships: no sbt, Maven or JDK needed."""

import hashlib
import os
import re
import subprocess
import tempfile
from pathlib import Path

from provision.bundles.engine import engine_sources
from provision.errors import ProvisionError

COMPILE_TIMEOUT = 300.0
"""Seconds. About 10 on an idle core; a busy machine takes several times as long."""

_SPARK_JAR = re.compile(r"spark-streaming_(?P<scala>\d+\.\d+)-(?P<spark>.+)\.jar")


class ConnectorBuildError(ProvisionError):
    """The connector could not be compiled; `message` ends in the compiler's first line."""

    kind = "connector-build"


def build_engine_jar(
    spark_home: Path, java: Path, paho_jar: Path, out_dir: Path, *, timeout: float = COMPILE_TIMEOUT
) -> Path:
    """Return a jar of the engine (receiver, slices, results, Bahir's `MQTTUtils`) for the Spark in `spark_home`.

    It holds neither Spark nor Paho: `paho_jar` has to be on Spark's class path beside it. The file name has
    Scala's and Spark's versions and a hash of the sources: a jar that is there already is returned as it is.
    `timeout` is in seconds. Raises `ConnectorBuildError`.
    """
    jar, sources = engine_jar_path(spark_home, out_dir), engine_sources()
    if not jar.exists():
        out_dir.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryDirectory(prefix=".connector-", dir=out_dir) as work:
            compiled = _compile(spark_home, java, paho_jar, sources, Path(work), timeout)
            os.replace(compiled, jar)
    return jar


def engine_jar_path(spark_home: Path, out_dir: Path) -> Path:
    """Where `build_engine_jar` puts the jar, there already or not; raises `ConnectorBuildError`."""
    scala, spark = _versions(spark_home)
    return out_dir / f"netpie-mqtt_{scala}-{spark}-{_digest(engine_sources())}.jar"


def spark_version(spark_home: Path) -> tuple[int, int]:
    """Major and minor version of the Spark in `spark_home`; raises `ConnectorBuildError` when there is none."""
    major, minor, *_ = _versions(spark_home)[1].split(".")
    return int(major), int(minor)


def _versions(spark_home: Path) -> tuple[str, str]:
    """Scala's binary version and Spark's version, from the name of Spark's own streaming jar."""
    for path in sorted((spark_home / "jars").glob("spark-streaming_*.jar")):
        if found := _SPARK_JAR.fullmatch(path.name):
            return found["scala"], found["spark"]
    raise ConnectorBuildError(
        f"{spark_home} is not a Spark home: no jars/spark-streaming_*.jar",
        next_step="give the folder that holds Spark's jars/ and bin/",
    )


def _digest(sources: dict[str, str]) -> str:
    digest = hashlib.sha256()
    for name, text in sorted(sources.items()):
        digest.update(f"{name}\0{text}\0".encode())
    return digest.hexdigest()[:12]


def _compile(spark_home: Path, java: Path, paho_jar: Path, sources: dict[str, str], work: Path, timeout: float) -> Path:
    for name, text in sources.items():
        (work / name).parent.mkdir(parents=True, exist_ok=True)
        (work / name).write_text(text, encoding="utf-8")
    jar = work / "connector.jar"
    class_path = os.pathsep.join([str(spark_home / "jars" / "*"), str(paho_jar)])
    quick = ["-XX:TieredStopAtLevel=1", "-XX:+UseSerialGC"]  # a short run: two thirds of the time
    command = [str(java), "-Xmx512m", "-Xss4m", *quick, "-cp", class_path, "scala.tools.nsc.Main"]
    command += ["-usejavacp", "-nowarn", "-d", str(jar), *(str(work / name) for name in sources)]
    try:
        done = subprocess.run(command, capture_output=True, text=True, timeout=timeout, check=False)
    except OSError as problem:
        raise ConnectorBuildError(
            f"connector: {java} does not run: {problem.strerror}", next_step="give the path of a Java program"
        ) from problem
    except subprocess.TimeoutExpired as problem:
        raise ConnectorBuildError(
            f"connector: the Scala compiler took more than {timeout:g} s",
            next_step="try again under less load",
        ) from problem
    if done.returncode or not jar.exists():
        raise ConnectorBuildError(
            f"connector: {_first_line(done.stdout + done.stderr, work)}",
            next_step="check that Spark, Java and Paho's jar are whole and fit each other",
        )
    return jar


def _first_line(output: str, work: Path) -> str:
    lines = [line for line in output.splitlines() if "error" in line.lower()] or output.splitlines()
    return lines[0].replace(f"{work}{os.sep}", "") if lines else "the Scala compiler stopped without a word"
