"""The jars that come before Thrift's own class: one for each Thrift that the distribution has, compiled once."""

from pathlib import Path

import pytest

from provision.console import Console
from provision.embedded.loopback import loopback_jars
from provision.embedded.runtime import Runtime
from provision.errors import ProvisionError

COMPILER = """#!/bin/sh
echo run >> "{log}"
while [ "$1" != -d ]; do shift; done
jar="$2"; shift 2; grep -h "^package " "$@" > "$jar"
"""


@pytest.fixture
def runtime(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Runtime:
    monkeypatch.setenv("PROVISION_HOME", str(tmp_path / "home"))
    java = tmp_path / "jre" / "bin" / "java"
    java.parent.mkdir(parents=True)
    java.write_text(COMPILER.format(log=tmp_path / "runs"))
    java.chmod(0o755)
    for jar in ("interpreter/zeppelin-interpreter-shaded-0.10.1.jar", "lib/libthrift-0.13.0.jar"):
        path = tmp_path / "zeppelin" / jar
        path.parent.mkdir(parents=True)
        path.touch()
    return Runtime(tmp_path / "zeppelin", tmp_path / "spark", tmp_path / "jre", tmp_path / "paho.jar")


def packages(jars: tuple[Path, ...]) -> list[str]:
    return [jar.read_text().split()[1] for jar in jars]


def test_the_server_gets_a_class_for_each_of_its_thrifts_and_interpreters_for_zeppelin_s_shaded_one(
    runtime: Runtime,
) -> None:
    jars = loopback_jars(runtime, Console())
    shaded = "org.apache.zeppelin.shaded.org.apache.thrift.transport"
    assert packages(jars.server) == [shaded, "org.apache.thrift.transport"]
    assert packages(jars.interpreters) == [shaded]


def test_a_server_that_has_only_the_shaded_thrift_gets_one_class(runtime: Runtime) -> None:
    (runtime.zeppelin_home / "lib" / "libthrift-0.13.0.jar").unlink()
    assert loopback_jars(runtime, Console()).server == loopback_jars(runtime, Console()).interpreters


def test_they_are_compiled_once(runtime: Runtime, tmp_path: Path) -> None:
    assert loopback_jars(runtime, Console()) == loopback_jars(runtime, Console())
    assert (tmp_path / "runs").read_text() == "run\nrun\n"


def test_a_distribution_whose_thrift_is_not_found_is_refused(runtime: Runtime) -> None:
    next(runtime.zeppelin_home.glob("interpreter/*.jar")).unlink()
    with pytest.raises(ProvisionError, match="no zeppelin-interpreter-shaded jar"):
        loopback_jars(runtime, Console())
