"""The engine as a jar, compiled by the Scala compiler that Spark ships: no sbt, Maven or JDK needed."""

import hashlib
import re
from pathlib import Path

from provision.bundles.engine import engine_sources
from provision.scala_compiler import COMPILE_TIMEOUT, CompileError, compile_jar

_SPARK_JAR = re.compile(r"spark-streaming_(?P<scala>\d+\.\d+)-(?P<spark>.+)\.jar")


def build_engine_jar(
    spark_home: Path, java: Path, paho_jar: Path, out_dir: Path, *, timeout: float = COMPILE_TIMEOUT
) -> Path:
    """Return a jar of the engine (receiver, slices, results, Bahir's `MQTTUtils`) for the Spark in `spark_home`.

    It holds neither Spark nor Paho: `paho_jar` has to be on Spark's class path beside it. The file name has
    Scala's and Spark's versions and a hash of the sources: a jar that is there already is returned as it is.
    `timeout` is in seconds. Raises `CompileError`.
    """
    jar, sources = engine_jar_path(spark_home, out_dir), engine_sources()
    if not jar.exists():
        compile_jar(
            sources, jar, what="connector", spark_home=spark_home, java=java, class_path=[paho_jar], timeout=timeout
        )
    return jar


def engine_jar_path(spark_home: Path, out_dir: Path) -> Path:
    """Where `build_engine_jar` puts the jar, there already or not; raises `CompileError`."""
    scala, spark = _versions(spark_home)
    return out_dir / f"netpie-mqtt_{scala}-{spark}-{_digest(engine_sources())}.jar"


def spark_version(spark_home: Path) -> tuple[int, int]:
    """Major and minor version of the Spark in `spark_home`; raises `CompileError` when there is none."""
    major, minor, *_ = _versions(spark_home)[1].split(".")
    return int(major), int(minor)


def _versions(spark_home: Path) -> tuple[str, str]:
    """Scala's binary version and Spark's version, from the name of Spark's own streaming jar."""
    for path in sorted((spark_home / "jars").glob("spark-streaming_*.jar")):
        if found := _SPARK_JAR.fullmatch(path.name):
            return found["scala"], found["spark"]
    raise CompileError(
        f"{spark_home} is not a Spark home: no jars/spark-streaming_*.jar",
        next_step="give the folder that holds Spark's jars/ and bin/",
    )


def _digest(sources: dict[str, str]) -> str:
    digest = hashlib.sha256()
    for name, text in sorted(sources.items()):
        digest.update(f"{name}\0{text}\0".encode())
    return digest.hexdigest()[:12]
