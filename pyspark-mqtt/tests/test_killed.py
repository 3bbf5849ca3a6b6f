"""A reader that is killed again and again, at any moment: nothing is missing, and at QoS 2 nothing is there twice."""

from __future__ import annotations

import subprocess
import sys
import time
from collections import Counter
from pathlib import Path
from random import Random

import pytest

from mqtt_support import little_spark
from mqtt_support.delivering import TOPIC, delivering

COUNT, KILLS = 6_000, 3


def started(port: int, qos: int, folder: Path) -> subprocess.Popen[bytes]:
    command = [sys.executable, little_spark.__file__, str(port), str(qos), TOPIC, str(folder)]
    with (folder / "log").open("ab") as log:
        return subprocess.Popen(command, stdin=subprocess.DEVNULL, stdout=log, stderr=log)


def written(folder: Path) -> Counter[int]:
    files = [path for path in (folder / "out").glob("*") if path.suffix == ""]
    return Counter(int(line) for path in files for line in path.read_text().splitlines())


def wait_until_connected(folder: Path, process: subprocess.Popen[bytes], seconds: float = 300.0) -> None:
    """Until a batch of this process is there: it is in the middle of its work then."""
    before, end = little_spark.newest(folder / "out"), time.monotonic() + seconds
    while little_spark.newest(folder / "out") == before:
        assert process.poll() is None, (folder / "log").read_text()
        assert time.monotonic() < end, (folder / "log").read_text()
        time.sleep(0.005)


@pytest.mark.parametrize("qos", [1, 2])
def test_a_killed_reader_loses_nothing(tmp_path: Path, qos: int) -> None:
    chance = Random(qos)
    with delivering(COUNT, qos, share=COUNT // (KILLS + 1)) as (broker, port):
        for _ in range(KILLS):
            process = started(port, qos, tmp_path)
            try:
                wait_until_connected(tmp_path, process)
                time.sleep(chance.uniform(0, 0.1))
            finally:
                process.kill()
                process.wait()
        assert not broker.done.is_set()
        process = started(port, qos, tmp_path)
        try:
            end = time.monotonic() + 300
            while len(written(tmp_path)) < COUNT:
                broker.share = COUNT
                assert process.poll() is None, (tmp_path / "log").read_text()
                assert time.monotonic() < end, f"{len(written(tmp_path))} of {COUNT}"
                time.sleep(0.2)
        finally:
            process.terminate()
            process.wait()
    counts = written(tmp_path)
    twice = sum(counts.values()) - COUNT
    assert sorted(counts) == list(range(COUNT))
    assert twice == 0 if qos == 2 else twice <= broker.again
