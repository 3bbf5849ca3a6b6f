"""The jars that come before Thrift's own class: one for each Thrift that the distribution has, compiled once."""

from pathlib import Path
from zipfile import ZipFile

import pytest

from provision.console import Console
from provision.embedded.loopback import loopback_jars
from provision.embedded.runtime import Runtime
from provision.errors import ProvisionError

SHADED_JAR = "interpreter/zeppelin-interpreter-shaded-0.10.1.jar"
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
    thrift_in(tmp_path / "zeppelin" / SHADED_JAR, "org/apache/zeppelin/shaded/")
    thrift_in(tmp_path / "zeppelin" / "lib" / "libthrift-0.13.0.jar", "")
    return Runtime(tmp_path / "zeppelin", tmp_path / "spark", tmp_path / "jre", tmp_path / "paho.jar")


def thrift_in(path: Path, *prefixes: str) -> None:
    """A jar with Thrift's classes below these folders."""
    path.parent.mkdir(parents=True, exist_ok=True)
    with ZipFile(path, "w") as jar:
        jar.writestr("META-INF/MANIFEST.MF", "")
        for prefix in prefixes:
            jar.writestr(f"{prefix}org/apache/thrift/transport/TSocket.class", "")
            jar.writestr(f"{prefix}org/apache/thrift/transport/TServerSocket.class", "")


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


def test_the_shaded_thrift_is_found_where_this_version_has_it(runtime: Runtime) -> None:
    thrift_in(runtime.zeppelin_home / SHADED_JAR, "shaded/org/apache/zeppelin/")  # as in 0.12.1
    (interpreters,) = packages(loopback_jars(runtime, Console()).interpreters)
    assert interpreters == "shaded.org.apache.zeppelin.org.apache.thrift.transport"


@pytest.mark.parametrize("content", [None, b"no jar"], ids=["without Thrift", "no jar"])
def test_a_jar_without_thrift_is_refused_by_name(runtime: Runtime, content: bytes | None) -> None:
    thrift_in(runtime.zeppelin_home / SHADED_JAR)
    if content is not None:
        (runtime.zeppelin_home / SHADED_JAR).write_bytes(content)
    with pytest.raises(ProvisionError, match=r"shaded-0.10.1.jar: no (Thrift in it|jar)"):
        loopback_jars(runtime, Console())


def test_they_are_compiled_once(runtime: Runtime, tmp_path: Path) -> None:
    assert loopback_jars(runtime, Console()) == loopback_jars(runtime, Console())
    assert (tmp_path / "runs").read_text() == "run\nrun\n"


def test_a_distribution_whose_thrift_is_not_found_is_refused(runtime: Runtime) -> None:
    next(runtime.zeppelin_home.glob("interpreter/*.jar")).unlink()
    with pytest.raises(ProvisionError, match="no zeppelin-interpreter-shaded jar"):
        loopback_jars(runtime, Console())
