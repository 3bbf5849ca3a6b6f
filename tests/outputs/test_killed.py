"""Processes that write windows are killed twenty times: no row is there twice, and none is missing."""

import os
import random
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from bench.postgres import Postgres, programs

from .windows import csv_rows, expected, parquet_rows, table_rows, without_empty

ROOT = Path(__file__).parents[2]
KILLS = 20


def begun(folder: Path, server: Postgres | None, count: int = 1_000_000) -> subprocess.Popen[str]:
    process = subprocess.Popen(
        [sys.executable, "-m", "tests.outputs.stream", str(folder), str(count), *([server.url] if server else [])],
        cwd=ROOT, stdout=subprocess.PIPE, text=True,
    )  # fmt: skip
    assert process.stdout is not None
    assert process.stdout.readline() == "begun\n"
    return process


def files(folder: Path) -> int:
    return sum(path.stat().st_size for path in folder.glob("csv/*")) if folder.exists() else 0


@pytest.fixture
def server() -> Iterator[Postgres | None]:
    """A database, where one is installed."""
    found = Postgres() if programs() else None
    yield found
    if found:
        found.close()


def test_twenty_kills_in_mid_write_leave_each_row_once(tmp_path: Path, server: Postgres | None) -> None:
    chance = random.Random(1)
    unfinished = 0
    for number in range(KILLS):
        process = begun(tmp_path, server)
        written, patience = files(tmp_path), time.monotonic() + 30
        while process.poll() is None and files(tmp_path) == written and time.monotonic() < patience:
            time.sleep(0.002)
        time.sleep(chance.random() * 0.02)
        os.kill(process.pid, signal.SIGKILL)
        assert process.wait(30) == -signal.SIGKILL, f"it had ended before kill {number}"
        unfinished += any(path.name.startswith(".") for path in tmp_path.rglob("*") if path.is_file())
    last = begun(tmp_path, server, 3)
    said, _ = last.communicate(timeout=300)
    assert last.returncode == 0
    assert "FAILS" not in said
    wanted = expected(*range(int((tmp_path / "committed").read_text()) + 1), keys=50)
    assert without_empty(csv_rows(tmp_path / "csv")) == without_empty(wanted)
    assert parquet_rows(tmp_path / "parquet") == wanted
    if server:
        assert table_rows(server, "windows") == wanted
    assert list((tmp_path / "waiting").glob("*/*.json")) == []
    assert unfinished, "no kill was in mid-write"
    assert len(wanted) > 50 * KILLS
