"""What Python paragraphs run on: %python of the embedded Zeppelin, %spark.pyspark of an official distribution.

PySpark, pyarrow and a Java are installed when first wanted; a distribution's Spark brings its own PySpark.
"""

import sys
from pathlib import Path
from shlex import quote

from provision.console import Console
from provision.embedded import install, spark_classes

_SPARK, _PYARROW, _JAVA = "spark-4.1.4", "pyarrow-22.0.0", "jre-17"


def takes_python(zeppelin_home: Path) -> bool:
    """Whether it is the embedded Zeppelin: an official distribution runs the Python that its settings name."""
    return (zeppelin_home / "interpreter" / "python" / "bin" / "python").is_file()


def ready_python(zeppelin_home: Path, spark_home: Path, console: Console) -> None:
    """Install what Python paragraphs of this Zeppelin, with this Spark, need and may be missing."""
    if takes_python(zeppelin_home):
        install_python(console)
    elif (spark_home / "python" / "pyspark").is_dir():
        install_pyarrow(console)


def install_python(console: Console) -> None:
    """Install what is missing. A server that runs already takes it with the next Python that it starts."""
    install.install_jre(_JAVA, console)
    install.install_wheel(_PYARROW, console)
    spark = install.install_pyspark(_SPARK, console)
    # The same as python/pyspark beside it, which a worker reads in place of it. Each task has a worker look anew which
    # modules there are: with Python 3.11 and this archive that takes 50 ms of its processor.
    (spark / "python" / "lib" / "pyspark.zip").unlink(missing_ok=True)
    spark_classes.make(spark_classes.archive_path(_SPARK, _JAVA), python_environment(), console)


def install_pyarrow(console: Console) -> None:
    """Install what %spark.pyspark of a distribution lacks; the next Spark that it starts takes it."""
    install.install_wheel(_PYARROW, console)


def pyspark_launcher() -> str:
    """A program: the `python` of a distribution's Spark, and of its workers, which is the one that runs this tool."""
    arrow = quote(str(install.wheel_dir(_PYARROW)))
    python = quote(sys.executable)
    return f'#!/bin/sh\nPYTHONPATH=${{PYTHONPATH:+$PYTHONPATH:}}{arrow} exec {python} "$@"\n'


def python_environment() -> dict[str, str]:
    """What the server tells the launcher of its Python (python.sh): where everything is, once it is installed."""
    return {
        "EMBEDDED_PYTHON": sys.executable,
        "EMBEDDED_SPARK": str(spark_classes.spark_home(_SPARK)),
        "EMBEDDED_PYARROW": str(install.wheel_dir(_PYARROW)),
        "EMBEDDED_JAVA": str(install.release_dir(_JAVA)),
        "EMBEDDED_CLASSES": str(spark_classes.archive_path(_SPARK, _JAVA)),
    }
