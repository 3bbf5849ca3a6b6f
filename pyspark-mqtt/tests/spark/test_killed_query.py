"""A query that is killed, all of it or a part, at any moment has every message in its files, and at QoS 2 once.

Three kills by default, to be quick: `PYSPARK_MQTT_KILLS=300 PYSPARK_MQTT_MESSAGES=1000000` is the long form.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
import time
from collections import Counter
from contextlib import suppress
from pathlib import Path
from random import Random

import psutil
import pytest

from mqtt_support import sparks
from mqtt_support.delivering import TOPIC, delivering

KILLS = int(os.environ.get("PYSPARK_MQTT_KILLS", "3"))
COUNT = int(os.environ.get("PYSPARK_MQTT_MESSAGES", "20000"))
QUERY = Path(sparks.__file__).with_name("query.py")
VICTIMS = {"reader": "python_streaming_source_runner", "worker": "pyspark.daemon", "all": ""}


def started(version: str, port: int, qos: int, folder: Path) -> psutil.Popen:
    command = [sys.executable, str(QUERY), f"tcp://127.0.0.1:{port}", str(qos), TOPIC, str(folder)]
    environment = {**os.environ, **sparks.environment(version)}
    with (folder / "log").open("ab") as log:
        return psutil.Popen(command, stdin=subprocess.DEVNULL, stdout=log, stderr=log, env=environment)


def kill(process: psutil.Popen, victim: str) -> None:
    """Kill what a victim's command line has in it; the whole query in the end, which a failed part may have ended."""
    everything = []
    with suppress(psutil.NoSuchProcess):
        everything = [*process.children(recursive=True), process]
    chosen = [one for one in everything if victim in _command(one)] if victim else []
    for one in [*chosen, *everything]:
        with suppress(psutil.NoSuchProcess):
            one.kill()
        if one in chosen:
            time.sleep(0.1)
    psutil.wait_procs(everything, timeout=20)


def _command(process: psutil.Process) -> str:
    with suppress(psutil.Error):
        return " ".join(process.cmdline())
    return ""


def batches(folder: Path) -> int:
    return len(list((folder / "checkpoint" / "commits").glob("[0-9]*")))


def written(folder: Path) -> Counter[int]:
    """The rows of the files that the sink's own log names: others are leavings of batches that were not finished."""
    names: list[str] = []
    logs = list((folder / "out" / "_spark_metadata").glob("[0-9]*"))
    for log in sorted(logs, key=lambda path: int(path.name.split(".")[0])):
        found = [json.loads(line)["path"].removeprefix("file://") for line in log.read_text().splitlines()[1:]]
        names = found if log.suffix == ".compact" else names + found
    return Counter(int(line) for name in dict.fromkeys(names) for line in Path(name).read_text().splitlines())


def wait_for_a_batch(process: psutil.Popen, folder: Path) -> None:
    before, end = batches(folder), time.monotonic() + 90
    while batches(folder) <= before:
        assert process.poll() is None, (folder / "log").read_text()[-4000:]
        assert time.monotonic() < end, (folder / "log").read_text()[-4000:]
        time.sleep(0.02)


@pytest.mark.parametrize("version", [sparks.FOUR, sparks.THREE])
def test_a_killed_query_has_every_message_once(tmp_path: Path, version: str) -> None:
    chance = Random(version)
    kills = list(VICTIMS.values()) * (KILLS // len(VICTIMS) + 1)
    with delivering(COUNT, 2, share=COUNT // (KILLS + 1)) as (broker, port):
        for victim in kills[:KILLS]:
            process = started(version, port, 2, tmp_path)
            try:
                wait_for_a_batch(process, tmp_path)
                time.sleep(chance.uniform(0, 0.6))
            finally:
                kill(process, victim)
        assert not broker.done.is_set()
        process = started(version, port, 2, tmp_path)
        try:
            end = time.monotonic() + 120 + COUNT / 1000
            while len(written(tmp_path)) < COUNT:
                broker.share = COUNT
                assert process.poll() is None, (tmp_path / "log").read_text()[-4000:]
                assert time.monotonic() < end, f"{len(written(tmp_path))} of {COUNT} rows"
                time.sleep(0.3)
        finally:
            kill(process, "")
    counts = written(tmp_path)
    assert sorted(counts) == list(range(COUNT))
    assert max(counts.values()) == 1
