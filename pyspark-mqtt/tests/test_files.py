"""The files for Spark's file source: each message in one, under the same name however often it is written."""

from __future__ import annotations

import socket
import time
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from pathlib import Path
from types import SimpleNamespace

import psutil
import pyarrow.parquet as parquet
import pytest

from mqtt_support.delivering import TOPIC, delivering
from pyspark_mqtt import JournalError, OptionError, _files_source, mqtt_stream
from pyspark_mqtt._files import Folder
from pyspark_mqtt._files_source import ERROR, Filler, Java
from pyspark_mqtt._options import read_source
from pyspark_mqtt._stream import Stream


@pytest.fixture(autouse=True)
def quick(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(_files_source, "EVERY", 0.02)


def filler(port: int, folder: Path, most: int = 1 << 30, spark: object = None, **more: str) -> Filler:
    given = {"mqtt.broker.url": f"tcp://127.0.0.1:{port}", "subscribe": TOPIC, "journalLocation": str(folder)}
    return Filler(Stream(read_source({**given, **more}, streaming=True)), folder / "rows", most, Java(spark))


def files(folder: Path) -> list[Path]:
    return sorted((folder / "rows").glob("[0-9]*.parquet"))


def rows(paths: list[Path]) -> int:
    return sum(parquet.read_metadata(path).num_rows for path in paths)


def values(paths: list[Path]) -> list[int]:
    return [int(value) for path in paths for value in parquet.read_table(path).column("value").to_pylist()]


def wait_for_rows(folder: Path, count: int) -> None:
    """A busy disk takes half a second to sync a file: what counts is that there are more and more of them."""
    found, end = 0, time.monotonic() + 60
    while found < count:
        if (now := rows(files(folder))) > found:
            found, end = now, time.monotonic() + 60
        assert time.monotonic() < end, f"{found} of {count} rows"
        time.sleep(0.02)


def test_a_file_that_spark_deletes_at_any_moment_is_no_failure(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    listed = Folder.names
    monkeypatch.setattr(Folder, "names", lambda folder: [*listed(folder), "deleted-since.parquet"])
    with delivering(100, 1) as (_, port):
        one = filler(port, tmp_path)
        one.start()
        try:
            wait_for_rows(tmp_path, 100)
        finally:
            one.stop()
    assert one.error is None


def test_every_message_is_in_one_file(tmp_path: Path) -> None:
    with delivering(2000, 2) as (_, port):
        one = filler(port, tmp_path, **{"mqtt.qos": "2", "maxOffsetsPerTrigger": "300"})
        one.start()
        try:
            wait_for_rows(tmp_path, 2000)
        finally:
            one.stop()
    assert values(files(tmp_path)) == list(range(2000))
    assert all(parquet.read_metadata(path).num_rows <= 300 for path in files(tmp_path))


def a_writer(killed: list[psutil.Process]) -> psutil.Process:
    """The process that writes files, once it is another one."""
    end = time.monotonic() + 60
    while True:
        with suppress(StopIteration):
            return next(each for each in psutil.Process().children() if each not in killed)
        assert time.monotonic() < end, "no writer"
        time.sleep(0.02)


def test_a_writer_that_is_killed_is_started_again_and_leaves_nothing_out(tmp_path: Path) -> None:
    killed = list[psutil.Process]()
    with delivering(3000, 2) as (_, port):
        one = filler(port, tmp_path, **{"mqtt.qos": "2", "maxOffsetsPerTrigger": "20"})
        one.start()
        try:
            for _ in range(3):
                killed.append(a_writer(killed))
                killed[-1].kill()
                wait_for_rows(tmp_path, min(rows(files(tmp_path)) + 21, 3000))
            wait_for_rows(tmp_path, 3000)
        finally:
            one.stop()
    assert one.error is None
    assert values(files(tmp_path)) == list(range(3000))
    assert not psutil.Process().children()


def test_what_spark_has_no_time_for_stays_in_the_journal(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(_files_source, "RELIEF", 3600.0)
    with delivering(500, 1, due=100) as (broker, port):
        one = filler(port, tmp_path, most=1)
        one.start()
        try:
            wait_for_rows(tmp_path, 1)
            broker.due = None
            assert broker.done.wait(60)
            time.sleep(0.3)
            begun = files(tmp_path)
            assert len(begun) <= 2  # one to be full, one for relief
            assert one._stream.metrics().waiting_bytes > 0
            found = values(begun)
            for path in begun:
                path.unlink()
            while len(found) < 500:
                found += values(new := files(tmp_path))
                for path in new:
                    path.unlink()
        finally:
            one.stop()
    assert found == list(range(500))


def test_a_full_folder_still_gets_a_small_file_now_and_then(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Spark deletes what it has read when it begins another batch."""
    monkeypatch.setattr(_files_source, "RELIEF", 0.0)
    monkeypatch.setattr(_files_source, "RELIEF_BYTES", 500)
    with delivering(200, 1) as (_, port):
        one = filler(port, tmp_path, most=0)
        one.start()
        try:
            wait_for_rows(tmp_path, 200)
        finally:
            one.stop()
    assert values(files(tmp_path)) == list(range(200))
    assert max(parquet.read_metadata(path).num_rows for path in files(tmp_path)) < 100


@pytest.mark.parametrize("was_there", [True, False])
def test_a_file_that_was_under_way_is_written_under_the_same_name(tmp_path: Path, was_there: bool) -> None:
    """A kill between the note and the commit: Spark may have read that file, and even deleted it."""
    with delivering(100, 1) as (broker, port):
        killed = filler(port, tmp_path)
        stream = killed._stream
        start = stream.initial()
        assert broker.done.wait(60)
        end = stream.latest()
        half = start["offset"] + 60
        stream.open().cut(start["offset"], half)
        if was_there:
            killed._write(start["offset"], half)
        stream.stop()
        assert end["offset"] > half
        again = filler(port, tmp_path)
        again.start()
        try:
            wait_for_rows(tmp_path, 100)
        finally:
            again.stop()
    assert files(tmp_path)[0].name == f"{start['offset']:020d}-{half:020d}.parquet"
    assert values(files(tmp_path)) == list(range(100))


def test_a_failure_is_in_the_last_file(tmp_path: Path) -> None:
    """So that the query that reads it ends with the reason."""
    with delivering(10, 1) as (_, port):
        one = filler(port, tmp_path)
        one.start()
        wait_for_rows(tmp_path, 10)
        one._stream._running().error = JournalError("the disk is full")
        one._thread.join(60)
        ended = tmp_path / "rows" / "ended.parquet"
        assert parquet.read_table(ended).column(ERROR).to_pylist() == ["the disk is full"]
        one.stop()
        again = filler(port, tmp_path)
        again.start()
        assert parquet.read_table(ended).num_rows == 0
        again.stop()


@pytest.mark.parametrize(
    ("wrong", "said"),
    [({"mqtt.qos": "0"}, "journalLocation"), ({"startingOffsets": "latest", "journalLocation": "j"}, "latest")],
)
def test_what_the_files_can_t_do_is_refused(wrong: dict[str, str], said: str) -> None:
    given = {"mqtt.broker.url": "tcp://127.0.0.1:1", "subscribe": "t"}
    with pytest.raises(OptionError, match=said):
        mqtt_stream(None, {**given, **wrong})  # type: ignore[arg-type]


def test_it_leaves_broker_and_journal_when_java_is_gone(tmp_path: Path) -> None:
    """A Python that outlives its Java must not keep the next Spark from either."""
    with delivering(100, 1) as (_, port), socket.create_server(("127.0.0.1", 0)) as java:
        host, its = java.getsockname()
        where = SimpleNamespace(address=host, port=its)
        spark = SimpleNamespace(_sc=SimpleNamespace(_gateway=SimpleNamespace(gateway_parameters=where)))
        first = filler(port, tmp_path, spark=spark)
        link, _ = java.accept()
        first.start()
        wait_for_rows(tmp_path, 100)
        link.close()
        journal = Folder(tmp_path)
        journal.lock(30)
        journal.unlock()
    assert first.error is None
    first.stop()


def test_two_threads_may_stop_it_at_once_and_both_return_when_it_has_ended(tmp_path: Path) -> None:
    with delivering(5, 1) as (_, port):
        running = filler(port, tmp_path)
        running.start()
        wait_for_rows(tmp_path, 5)
        with ThreadPoolExecutor(4) as threads:
            for stopped in [threads.submit(running.stop) for _ in range(4)]:
                stopped.result()
