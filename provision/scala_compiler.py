"""Compiles Scala with the compiler that Spark ships: needs no sbt, Maven or JDK."""

import os
import subprocess
import tempfile
from collections.abc import Iterable, Mapping
from pathlib import Path

from provision.errors import ProvisionError

COMPILE_TIMEOUT = 300.0
"""Seconds. About 10 on an idle core; a busy machine takes several times as long."""


class CompileError(ProvisionError):
    """The Scala compiler failed; `message` ends in its first error line."""

    kind = "compile"


def compile_jar(
    sources: Mapping[str, str],
    jar: Path,
    *,
    what: str,
    spark_home: Path,
    java: Path,
    class_path: Iterable[Path] = (),
    timeout: float = COMPILE_TIMEOUT,
) -> None:
    """Compile `sources` (relative path -> text) into `jar` against the Spark in `spark_home`, atomically.

    `what` names it in errors, `timeout` is in seconds. Raises `CompileError`.
    """
    jar.parent.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(prefix=".compile-", dir=jar.parent) as folder:
        work = Path(folder)
        for name, text in sources.items():
            (work / name).parent.mkdir(parents=True, exist_ok=True)
            (work / name).write_text(text, encoding="utf-8")
        made = work / "compiled.jar"
        command = _command(spark_home, java, class_path, made, [work / name for name in sources])
        _run(command, what, work, timeout)
        os.replace(made, jar)


def _command(spark_home: Path, java: Path, class_path: Iterable[Path], jar: Path, sources: Iterable[Path]) -> list[str]:
    path = os.pathsep.join(str(each) for each in (spark_home / "jars" / "*", *class_path))
    quick = ["-XX:TieredStopAtLevel=1", "-XX:+UseSerialGC"]  # a short run takes two thirds of the time with these
    return [
        str(java), "-Xmx512m", "-Xss4m", *quick, "-cp", path, "scala.tools.nsc.Main",
        "-usejavacp", "-nowarn", "-d", str(jar), *map(str, sources),
    ]  # fmt: skip


def _run(command: list[str], what: str, work: Path, timeout: float) -> None:
    try:
        done = subprocess.run(command, capture_output=True, text=True, timeout=timeout, check=False)
    except OSError as error:
        raise CompileError(
            f"{what}: {command[0]} does not run: {error.strerror}", next_step="give the path of a Java program"
        ) from error
    except subprocess.TimeoutExpired as error:
        raise CompileError(
            f"{what}: the Scala compiler took more than {timeout:g} s", next_step="try again under less load"
        ) from error
    if done.returncode or not (work / "compiled.jar").exists():
        raise CompileError(
            f"{what}: {_first_line(done.stdout + done.stderr, work)}",
            next_step="check that Spark, Java and the jars are complete and fit each other",
        )


def _first_line(output: str, work: Path) -> str:
    lines = [line for line in output.splitlines() if "error" in line.lower()] or output.splitlines()
    return lines[0].replace(f"{work}{os.sep}", "") if lines else "the Scala compiler gave no reason"
