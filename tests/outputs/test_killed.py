"""Processes that write windows are killed twenty times: no row is missing, and none is twice where that can be told."""

import os
import random
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterable, Iterator
from contextlib import suppress
from pathlib import Path
from typing import Any, TypeVar

import pytest

from bench.postgres import Postgres, programs

from .receiver import Receiver
from .test_delivery import until
from .test_influxdb import Influx
from .test_senders import MOSQUITTO, Broker
from .windows import Rows, by_key, csv_rows, expected, millis, parquet_rows, table_rows, without_empty

Key, Value = TypeVar("Key"), TypeVar("Value")

ROOT = Path(__file__).parents[2]
KILLS = 20


def begun(folder: Path, *urls: str, count: int = 1_000_000) -> subprocess.Popen[str]:
    process = subprocess.Popen(
        [sys.executable, "-m", "tests.outputs.stream", str(folder), str(count), *urls],
        cwd=ROOT, stdout=subprocess.PIPE, text=True,
    )  # fmt: skip
    assert process.stdout is not None
    assert process.stdout.readline() == "begun\n"
    return process


def killed(begin: Callable[[], subprocess.Popen[str]], progress: Callable[[], int], chance: random.Random) -> None:
    """Begin, wait until `progress` is made, and kill it soon after."""
    process = begin()
    before, patience = progress(), time.monotonic() + 30
    while process.poll() is None and progress() == before and time.monotonic() < patience:
        time.sleep(0.002)
    time.sleep(chance.random() * 0.02)
    os.kill(process.pid, signal.SIGKILL)
    assert process.wait(30) == -signal.SIGKILL, "it had ended before"


def ended(folder: Path, *urls: str) -> Rows:
    """Begin once more and let it end by itself; returns all rows that it was given."""
    last = begun(folder, *urls, count=3)
    said, _ = last.communicate(timeout=300)
    assert last.returncode == 0
    assert "FAILS" not in said
    assert list((folder / "waiting").glob("*/*.json")) == []
    return expected(*range(int((folder / "committed").read_text()) + 1), keys=50)


def files(folder: Path) -> int:
    """Bytes of the CSV files; the process that runs replaces them meanwhile."""
    found = 0
    for path in folder.glob("csv/*"):
        with suppress(FileNotFoundError):
            found += path.stat().st_size
    return found


@pytest.fixture
def server() -> Iterator[Postgres | None]:
    """A database, where one is installed."""
    found = Postgres() if programs() else None
    yield found
    if found:
        found.close()


@pytest.fixture
def influx(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Influx | None]:
    """Another database, where it is installed."""
    found = Influx(tmp_path_factory.mktemp("influxdb")) if shutil.which(Influx.program) else None
    if found:
        found.prepare()
    yield found
    if found:
        found.stop()


def test_twenty_kills_in_mid_write_leave_each_row_once(
    tmp_path: Path, server: Postgres | None, influx: Influx | None
) -> None:
    chance, unfinished = random.Random(1), 0
    urls = [*([server.url] if server else []), *([f"influx+{influx.url}"] if influx else [])]
    for _ in range(KILLS):
        killed(lambda: begun(tmp_path, *urls), lambda: files(tmp_path), chance)
        unfinished += any(path.name.startswith(".") for path in tmp_path.rglob("*") if path.is_file())
    wanted = ended(tmp_path, *urls)
    assert without_empty(csv_rows(tmp_path / "csv")) == without_empty(wanted)
    assert parquet_rows(tmp_path / "parquet") == wanted
    if server:
        assert table_rows(server, "windows") == wanted
    if influx:
        assert influx.rows("windows") == wanted
    assert unfinished, "no kill was in mid-write"
    assert len(wanted) > 50 * KILLS


def once(keys: Iterable[Key], values: Iterable[Value]) -> tuple[dict[Key, Value], int]:
    """What each key came with first, and how many came again, with the same."""
    found: dict[Key, Value] = {}
    again = 0
    for key, value in zip(keys, values, strict=True):
        again += key in found
        assert found.setdefault(key, value) == value
    return found, again


def ordered(records: Iterable[dict[str, Any]]) -> Rows:
    """The rows as `expected` has them."""
    return sorted(
        (
            (millis(row["window_end"]), 1000 * millis(row["ts"]), row["id"], row["avg(cpu)"], row["note"])
            for row in records
        ),
        key=by_key,
    )


@pytest.fixture
def broker(tmp_path: Path) -> Iterator[Broker | None]:
    """A broker, where one is installed."""
    found = Broker(tmp_path) if MOSQUITTO else None
    yield found
    if found:
        found.close()


def test_twenty_kills_in_mid_send_leave_nothing_out_and_its_key_tells_what_comes_twice(
    tmp_path: Path, receiver: Receiver, broker: Broker | None
) -> None:
    chance, sent = random.Random(2), broker.got if broker else []
    urls = [receiver.url, *([broker.url] if broker else [])]
    for _ in range(KILLS):
        killed(lambda: begun(tmp_path, *urls), lambda: len(receiver.got) + len(sent), chance)
    wanted = ended(tmp_path, *urls)
    bodies, again = once(
        (headers["Idempotency-Key"] for headers, _ in receiver.got), (body for _, body in receiver.got)
    )
    assert [*bodies] == sorted(bodies)
    assert ordered(row for body in bodies.values() for row in body["rows"]) == wanted
    assert again <= KILLS
    if broker:
        until("the last message", lambda: millis(sent[-1][1]["window_end"]) == wanted[-1][0])
        messages = [message for _, message, _ in sent]
        rows, again = once(((row["window_end"], row["window_row"]) for row in messages), messages)
        assert [*rows] == sorted(rows)
        assert ordered(rows.values()) == wanted
        assert again <= 50 * KILLS
