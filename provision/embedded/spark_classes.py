"""Java's archive of the classes that a note's Spark takes: with it the session and its first batch are there sooner.

The JVM maps it in place of reading, checking and linking some 20,000 classes at each start, and all JVMs share its
pages (Java's "AppCDS"). It fits one class path of one Java, by its names; where it does not fit, or is missing, the
JVM does without.
"""

import os
import shutil
import signal
import subprocess
from collections.abc import Mapping
from contextlib import suppress
from hashlib import sha256
from importlib.resources import files
from pathlib import Path

from provision.console import Console
from provision.embedded import disk, install
from provision.embedded.environment import inherited
from provision.embedded.manifest import PackagedFile, component
from provision.embedded.ports import LOOPBACK
from provision.home import cache_dir

_LAUNCHER = "interpreter/python/"
_STREAM = "typical_stream.py"
_SIZE = 200_000_000
_PATIENCE = 180.0  # seconds; it takes 30 on two processors
_OF_JAVA = ("JAVA_TOOL_OPTIONS", "JDK_JAVA_OPTIONS", "_JAVA_OPTIONS")


def archive_path(spark: str, java: str) -> Path:
    """Where the archive is of a Spark component (`spark-4.1.4`) and a JRE component where they are, once it is made."""
    made_by = sha256(_stream())
    made_by.update(str(spark_home(spark)).encode())
    for file in _launcher():
        made_by.update(file.content)
    parts = f"{install.release_dir(spark).name}-on-{install.release_dir(java).name}"
    return cache_dir() / "stack" / f"{parts}-{made_by.hexdigest()[:8]}" / "spark.jsa"


def spark_home(spark: str) -> Path:
    """The one name of a Spark component's folder, whatever links lead there."""
    return install.release_dir(spark).resolve()


def make(archive: Path, environment: Mapping[str, str], console: Console) -> None:
    """Make the archive, once: what runs a note's Python, told of its parts by `environment`, runs a typical stream.

    It is tried once: where it can't be made, its folder stays empty. On a disk that is full it is not tried.
    """

    def install_it(target: Path) -> None:
        if shutil.disk_usage(cache_dir()).free < 2 * _SIZE:
            return
        with suppress(OSError), console.step("preparing Spark, once, for notes to start sooner"):
            install.all_or_nothing(target, lambda folder: _fill(folder / archive.name, environment))

    install.once(archive.parent, console, install_it)


def _fill(archive: Path, environment: Mapping[str, str]) -> None:
    with disk.scratch_folder(cache_dir() / "stack") as scratch:
        for file in _launcher():
            install.write_packaged(file, scratch)
        stream = scratch / _STREAM
        stream.write_bytes(_stream())
        made = scratch / archive.name
        if _runs(stream, scratch, made, environment) and made.is_file():
            made.replace(archive)


def _runs(stream: Path, scratch: Path, archive: Path, environment: Mapping[str, str]) -> bool:
    """Whether the stream has run to its end, at which Java writes the archive."""
    its = {name: value for name, value in inherited().items() if name not in _OF_JAVA}
    options = f"-XX:ArchiveClassesAtExit={archive.name} -XX:TieredStopAtLevel=1"
    its |= {
        "PYSPARK_SUBMIT_ARGS": f"--driver-java-options '{options}' pyspark-shell",
        "SPARK_LOCAL_IP": LOOPBACK,
        "SPARK_LOCAL_DIRS": str(scratch),
        "TMPDIR": str(scratch),
        "ZEPPELIN_LOG_DIR": str(scratch),
        **environment,
    }
    command = [str(scratch / _LAUNCHER / "bin" / "python"), str(stream), str(scratch)]
    with open(os.devnull, "r+b") as nothing:
        process = subprocess.Popen(
            command, env=its, cwd=scratch, stdin=nothing, stdout=nothing, stderr=nothing, start_new_session=True
        )
    try:
        return process.wait(_PATIENCE) == 0
    except subprocess.TimeoutExpired:
        return False
    finally:
        with suppress(ProcessLookupError):
            os.killpg(process.pid, signal.SIGKILL)
        process.wait()


def _stream() -> bytes:
    return files("provision.embedded").joinpath(_STREAM).read_bytes()


def _launcher() -> list[PackagedFile]:
    packaged = component("zeppelin-0.10.0").packaged
    return [file for file in packaged if file.path.startswith(_LAUNCHER)]
