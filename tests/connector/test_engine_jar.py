"""Building the jar: its name, when it is built, and what a failure says. The compiler is a script here."""

from pathlib import Path

import pytest

from provision.bundles.engine_jar import build_engine_jar
from provision.scala_compiler import CompileError

COMPILER = """#!/bin/sh
echo run >> "{log}"
while [ "$1" != -d ]; do shift; done
{body}
"""


@pytest.fixture
def spark_home(tmp_path: Path) -> Path:
    (tmp_path / "spark" / "jars").mkdir(parents=True)
    (tmp_path / "spark" / "jars" / "spark-streaming_2.12-3.1.3.jar").touch()
    return tmp_path / "spark"


@pytest.fixture
def build(tmp_path, spark_home):
    """Builds with a shell script for a compiler; "$2" is the jar to write, and what follows the sources."""

    def run(body: str, timeout: float = 20) -> Path:
        java = tmp_path / "java"
        java.write_text(COMPILER.format(log=tmp_path / "runs", body=body))
        java.chmod(0o755)
        return build_engine_jar(spark_home, java, tmp_path / "paho.jar", tmp_path / "out", timeout=timeout)

    return run


def left_over(tmp_path: Path) -> list[Path]:
    return list((tmp_path / "out").iterdir())


def test_the_name_has_scalas_and_sparks_versions(build, tmp_path):
    jar = build('echo made > "$2"')
    assert jar.name.startswith("netpie-mqtt_2.12-3.1.3-")
    assert jar.read_text() == "made\n"
    assert left_over(tmp_path) == [jar]


def test_a_jar_that_is_there_is_not_built_again(build, tmp_path):
    assert build('touch "$2"') == build('touch "$2"')
    assert (tmp_path / "runs").read_text() == "run\n"


def test_the_engine_is_one_package_and_bahirs_names_keep_theirs(build):
    packages = build('jar="$2"; shift 2; grep -h "^package " "$@" | sort -u > "$jar"').read_text().splitlines()
    assert packages == ["package netpie.spark", "package org.apache.spark.streaming.mqtt"]


def test_a_compile_error_is_shown_by_its_first_line(build, tmp_path):
    with pytest.raises(CompileError) as raised:
        build('echo noise; echo "$3:7: error: not found: value x"; echo "  more"; exit 1')
    assert raised.value.message == "connector: netpie/spark/Aggregates.scala:7: error: not found: value x"
    assert left_over(tmp_path) == []


def test_a_compiler_that_hangs_is_stopped(build, tmp_path):
    with pytest.raises(CompileError, match="more than 0.3 s"):
        build("exec sleep 30", timeout=0.3)
    assert left_over(tmp_path) == []


def test_a_folder_without_spark_is_named(tmp_path):
    with pytest.raises(CompileError, match="is not a Spark home"):
        build_engine_jar(tmp_path, tmp_path / "java", tmp_path / "paho.jar", tmp_path / "out")


def test_a_java_that_does_not_run_is_named(tmp_path, spark_home):
    with pytest.raises(CompileError, match="java does not run: No such file"):
        build_engine_jar(spark_home, tmp_path / "java", tmp_path / "paho.jar", tmp_path / "out")
