"""What the embedded Zeppelin calls `python` and `java`: programs of the shell, run with stand-ins for both."""

import json
import os
import subprocess
import sys
from importlib.resources import files
from pathlib import Path
from types import SimpleNamespace

import pytest

from provision import cli
from provision.embedded.python import pyspark_launcher, python_environment, takes_python

ECHO = f"""#!{sys.executable}
import json, os, sys
print(json.dumps([sys.argv[1:], dict(os.environ)]))
"""


def program(path: Path, text: str) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text)
    path.chmod(0o755)
    return path


def packaged(name: str) -> str:
    return files("provision.embedded").joinpath(name).read_text()


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """`interpreter/python` of an installed Zeppelin."""
    program(tmp_path / "python" / "bin" / "python", packaged("python.sh"))
    program(tmp_path / "python" / "java" / "bin" / "java", packaged("python-java.sh"))
    return tmp_path / "python"


@pytest.fixture
def environment(tmp_path: Path) -> dict[str, str]:
    """The server's, of an installation that is whole."""
    (tmp_path / "spark" / "python" / "lib").mkdir(parents=True)
    (tmp_path / "spark" / "python" / "lib" / "py4j-1.2-src.zip").touch()
    (tmp_path / "arrow").mkdir()
    program(tmp_path / "jre" / "bin" / "java", ECHO)
    return {
        "PATH": os.environ["PATH"],
        "PYTHONPATH": "/zeppelin/py4j-0.10.7",
        "SPARK_HOME": "/zeppelin/spark",
        "ZEPPELIN_INTP_JAVA_OPTS": "-Da=b",
        "EMBEDDED_PYTHON": str(program(tmp_path / "bin" / "python3", ECHO)),
        "EMBEDDED_SPARK": str(tmp_path / "spark"),
        "EMBEDDED_PYARROW": str(tmp_path / "arrow"),
        "EMBEDDED_JAVA": str(tmp_path / "jre"),
        "EMBEDDED_CLASSES": str(tmp_path / "classes.jsa"),
    }


def run(command: Path, *arguments: str, env: dict[str, str]) -> subprocess.CompletedProcess[str]:
    return subprocess.run([str(command), *arguments], env=env, capture_output=True, text=True, timeout=30)


def test_python_is_the_tool_s_own_with_pyspark_in_place_of_what_zeppelin_has(
    folder: Path, environment: dict[str, str], tmp_path: Path
) -> None:
    arguments, seen = json.loads(run(folder / "bin" / "python", "a b", "127.0.0.1", env=environment).stdout)
    spark = tmp_path / "spark"
    assert arguments == ["a b", "127.0.0.1"]
    assert seen["PYTHONPATH"].split(":") == [
        str(spark / "python"), str(spark / "python" / "lib" / "py4j-1.2-src.zip"), str(tmp_path / "arrow")
    ]  # fmt: skip
    assert seen["SPARK_HOME"] == str(spark)
    assert (seen["JAVA_HOME"], seen["SPARK_CONF_DIR"]) == (str(folder / "java"), str(folder / "conf"))
    assert seen["PYSPARK_PYTHON"] == seen["PYSPARK_DRIVER_PYTHON"] == environment["EMBEDDED_PYTHON"]
    assert seen["SPARK_SUBMIT_OPTS"] == "-Da=b"


@pytest.mark.parametrize("missing", ["EMBEDDED_SPARK", "EMBEDDED_PYARROW", "EMBEDDED_JAVA"])
def test_without_a_part_the_paragraph_says_how_to_get_it(
    folder: Path, environment: dict[str, str], tmp_path: Path, missing: str
) -> None:
    outcome = run(folder / "bin" / "python", env={**environment, missing: str(tmp_path / "nothing")})
    assert outcome.returncode == 1
    assert outcome.stderr == "PySpark is not installed here: provision up --python\n"


def test_java_is_not_asked_for_a_module_that_it_lacks_and_gets_every_other_word_whole(
    folder: Path, environment: dict[str, str]
) -> None:
    words = ["-cp", "a b:*", "--add-modules=jdk.incubator.vector", "--add-opens=java.base/java.lang=ALL-UNNAMED", ""]
    arguments, _ = json.loads(run(folder / "java" / "bin" / "java", *words, env=environment).stdout)
    assert arguments == [word for word in words if "incubator" not in word]


SPARK = "org.apache.spark.deploy.SparkSubmit"


@pytest.mark.parametrize("archived", [True, False])
def test_spark_s_java_has_no_folder_in_its_class_path_and_so_an_archive_of_classes(
    archived: bool, folder: Path, environment: dict[str, str], tmp_path: Path
) -> None:
    if archived:
        (tmp_path / "classes.jsa").touch()
    words = ["-cp", f"{folder}/conf/:{tmp_path}/spark/jars/*", "-Xmx1g", SPARK, "--conf", "a=b c", "pyspark-shell"]
    arguments, _ = json.loads(run(folder / "java" / "bin" / "java", *words, env=environment).stdout)
    options, rest = arguments[: -len(words)], arguments[-len(words) :]
    assert rest == ["-cp", f"{tmp_path}/spark/jars/*", *words[2:]]
    assert options[0] == f"-Dlog4j2.configurationFile=file://{folder}/conf/log4j2.properties"
    assert options[1:] == [f"-XX:SharedArchiveFile={tmp_path}/classes.jsa", "-Xlog:cds*=off"] * archived


def test_settings_of_somebody_else_stay_in_the_class_path(folder: Path, environment: dict[str, str]) -> None:
    words = ["-cp", "/etc/spark/conf/:jars/*", SPARK]
    arguments, _ = json.loads(run(folder / "java" / "bin" / "java", *words, env=environment).stdout)
    assert arguments[-len(words) :] == words


def test_what_the_launcher_is_told_is_where_the_installer_puts_it() -> None:
    told = python_environment()
    assert told["EMBEDDED_PYTHON"] == sys.executable
    assert [Path(told[f"EMBEDDED_{name}"]).parent.name for name in ("SPARK", "PYARROW", "JAVA")] == ["stack"] * 3


@pytest.mark.parametrize("known", ["", "/spark/python"])
def test_a_distribution_s_spark_runs_the_tool_s_own_python_with_pyarrow(
    known: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sys, "executable", str(program(tmp_path / "its bin" / "python3", ECHO)))
    launcher = program(tmp_path / "python", pyspark_launcher())
    arguments, seen = json.loads(run(launcher, "-m", "pip freeze", env={"PYTHONPATH": known}).stdout)
    assert arguments == ["-m", "pip freeze"]
    *before, arrow = seen["PYTHONPATH"].split(":")
    assert before == ([known] if known else [])
    assert Path(arrow) == Path(python_environment()["EMBEDDED_PYARROW"])


@pytest.mark.parametrize("options", [["--zeppelin-home", "."], ["--zeppelin-archive", "z.tgz", "--sha512", "0" * 128]])
def test_python_for_a_distribution_that_has_its_own_is_wrong_usage(
    options: list[str], monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    assert cli.run(["up", "--python", *options]) == 2
    assert "a distribution runs the Python that its settings name" in capsys.readouterr().err


def test_a_zeppelin_of_before_that_is_up_is_told_to_be_started_anew(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    running = SimpleNamespace(runtime=SimpleNamespace(zeppelin_home=tmp_path))
    monkeypatch.setattr("provision.embedded.stack.up", lambda *_: (running, False))
    assert cli.run(["up", "--python"]) == 3
    assert "provision down, then provision up --python" in capsys.readouterr().err


def test_an_official_distribution_keeps_its_own_python(folder: Path, tmp_path: Path) -> None:
    assert not takes_python(tmp_path)
    (tmp_path / "interpreter").mkdir()
    folder.rename(tmp_path / "interpreter" / "python")
    assert takes_python(tmp_path)
