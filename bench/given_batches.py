"""Batches given to the note `structured` without a stream, as Spark's foreachBatch gives them."""

import json
import subprocess
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from bench.sides import Times
from bench.structured import ROOT
from provision.bundles.bundle import load_bundle
from provision.bundles.render import default_path, render
from provision.console import Console
from provision.embedded.python import install_python, python_environment
from provision.embedded.runtime import Choice, install_runtime
from provision.errors import ProvisionError
from provision.platforms.netpie2015 import TITLE, Netpie2015
from zeppelin_sdk import ServerVersion

Seconds = list[tuple[float, float]]
"""Of each batch: what it took, and until all that it wrote was delivered."""


def given_batches(
    folder: Path, sides: Mapping[str, Mapping[str, Any]], times: Times, rate: int, keys: int, batches: int
) -> dict[str, Seconds]:
    """The seconds of so many batches of each side, in turns in one Spark; a side is its outputs with their settings.

    A batch has the events of a slide at `rate` events/s from so many `keys`. Raises `ProvisionError` when one fails.
    """
    runtime = install_runtime(Choice(), Console())
    install_python(Console())
    texts = _paragraphs()
    settings = {
        "packages": [str(ROOT), str(ROOT / "pyspark-mqtt" / "src")],
        "paragraphs": texts,
        "query": texts["query"].split('"""')[1],
        "folder": str(folder),
        "sides": sides,
        "window": times.window,
        "slide": times.slide,
        "rate": rate,
        "keys": keys,
        "batches": batches,
    }
    file = folder / "settings.json"
    file.touch(mode=0o600)
    file.write_text(json.dumps(settings))
    done = subprocess.run(
        [
            runtime.zeppelin_home / "interpreter" / "python" / "bin" / "python",
            ROOT / "bench" / "given_batches_spark.py",
            file,
        ],
        env={"PATH": "/usr/bin:/bin", "SPARK_LOCAL_IP": "127.0.0.1", **python_environment()},
        stdout=subprocess.PIPE,
        text=True,
        check=False,
    )
    if done.returncode:
        raise ProvisionError("the note's Python ended early", next_step="its last lines above say why")
    found = json.loads(done.stdout.splitlines()[-1])
    if found["failed"] or found["problem"]:
        raise ProvisionError("; ".join([*found["failed"], found["problem"]]), next_step="see what that output needs")
    return dict(found["seconds"])


def _paragraphs() -> dict[str, str]:
    bundle = load_bundle("structured")
    values = bundle.values({"appid": "Bench", "secrets": "inline"})
    path = default_path(bundle, values, TITLE)
    login = Netpie2015("tcp://127.0.0.1:1883", "Key", "bench", "Key%1", "none", "none&none").connection(values, path)
    note = render(bundle, values, login, zeppelin=ServerVersion(0, 10, 0), scala="", path=path)
    return {each.key: each.text.partition("\n")[2] for each in note.paragraphs}
