"""Batches given to the note `structured` without a stream, as Spark's foreachBatch gives them."""

import json
import subprocess
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from bench.sides import STRUCTURED, Times, machine, note
from bench.structured import ROOT, code, embedded
from provision.errors import ProvisionError

Seconds = list[tuple[float, float]]
"""Of each batch: what it took, and until all that it wrote was delivered."""


def given_batches(
    folder: Path, sides: Mapping[str, Mapping[str, Any]], times: Times, rate: int, keys: int, batches: int
) -> dict[str, Seconds]:
    """The seconds of so many batches of each side, in turns in one Spark; a side is its outputs with their settings.

    A batch has the events of a slide at `rate` events/s from so many `keys`. Raises `ProvisionError` when one fails.
    """
    host = machine()
    python, its = embedded(host)
    texts = code(note(STRUCTURED, host, "tcp://127.0.0.1:1", times, folder / "out"))
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
        [python, ROOT / "bench" / "given_batches_spark.py", file],
        env={"PATH": "/usr/bin:/bin", "SPARK_LOCAL_IP": "127.0.0.1", **its},
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
