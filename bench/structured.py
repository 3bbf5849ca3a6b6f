"""The side `structured`: the note in Python, in the embedded stack's Python and Spark."""

import json
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from bench.shell import HEAP, Script, Side
from bench.sides import STRUCTURED, Machine, Times, note
from provision.bundles.render import RenderedNote
from provision.console import Console
from provision.embedded.python import install_python, python_environment

ROOT = Path(__file__).parents[1]


def code(rendered: RenderedNote) -> dict[str, str]:
    """The Python by key, up to the paragraph that starts the stream, without the lines that name interpreters."""
    texts = {each.key: each.text.partition("\n")[2] for each in rendered.paragraphs if each.text.startswith("%python")}
    keys = [*texts]
    return {key: texts[key] for key in keys[: keys.index("start") + 1]}


@contextmanager
def structured(host: Machine, broker_url: str, times: Times, folder: Path, out: Path, **more: str) -> Iterator[Side]:
    """The note's stream, running. It prints what the listener of the Scala sides prints of their batches."""
    install_python(Console())
    rendered = note(STRUCTURED, host, broker_url, times, out, state_folder=str(folder / "state"), **more)
    folder.mkdir(parents=True, exist_ok=True)
    settings = folder / "note.json"
    settings.write_text(json.dumps({"package": str(ROOT / "pyspark-mqtt" / "src"), "paragraphs": code(rendered)}))
    python = host.runtime.zeppelin_home / "interpreter" / "python" / "bin" / "python"
    environment = {
        "PATH": "/usr/bin:/bin",
        "SPARK_LOCAL_IP": "127.0.0.1",
        "SPARK_LOCAL_DIRS": str(folder / "tmp"),
        "PYSPARK_SUBMIT_ARGS": f"--driver-memory {HEAP} --conf spark.ui.port=0 pyspark-shell",
        **python_environment(),
    }
    side = Script([python, ROOT / "bench" / "structured_spark.py", settings], folder, environment)
    try:
        side.wait(lambda: bool(side.heard("receiver")), "start of the stream", timeout=180)
        yield side
    finally:
        side.close()
