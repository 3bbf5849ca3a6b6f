"""Offsets and partitions, without Spark: limits, restarts, journals that do not fit, what a task carries."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from mqtt_support.delivering import TOPIC, delivering
from mqtt_support.waiting import wait_for
from pyspark_mqtt import DataLost, JournalError
from pyspark_mqtt._options import read_source
from pyspark_mqtt._stream import Offset, Part, Stream, rows_of


@contextmanager
def stream(port: int, folder: Path | None, **more: str) -> Iterator[Stream]:
    given = {"mqtt.broker.url": f"tcp://127.0.0.1:{port}", "subscribe": TOPIC, "mqtt.client.id": "me"}
    journal = {"journalLocation": str(folder)} if folder else {"mqtt.qos": "0"}
    one = Stream(read_source({**given, **journal, **more}, streaming=True))
    try:
        yield one
    finally:
        one.stop()


def rows(parts: list[Part]) -> list[int]:
    return [int(value) for part in parts for batch in rows_of(part) for value in batch.column(0).to_pylist()]


def all_of(one: Stream, start: Offset, count: int) -> tuple[list[int], Offset]:
    """What batches have until so many rows were in them, and where the last ended."""
    found: list[int] = []
    while len(found) < count:
        end = one.latest(start)
        found += rows(one.parts(start, end))
        one.commit(start)
        start = end
    return found, start


@pytest.mark.parametrize("qos", [0, 1, 2])
def test_batches_have_every_message_once_and_in_order(tmp_path: Path, qos: int) -> None:
    with delivering(5000, qos) as (_, port), stream(port, tmp_path, **{"mqtt.qos": str(qos)}) as one:
        found, end = all_of(one, one.initial(), 5000)
        assert found == list(range(5000))
        assert end["received"] == 5000
        wait_for(lambda: one.metrics().acknowledged == (5000 if qos else 0))  # a moment after they are stored


def test_no_new_message_is_no_new_offset(tmp_path: Path) -> None:
    with delivering(10, 1) as (_, port), stream(port, tmp_path) as one:
        start = one.initial()
        _, end = all_of(one, start, 10)
        assert one.latest() == one.latest(end) == end


def test_an_offset_of_the_checkpoint_is_given_back_as_it_is(tmp_path: Path) -> None:
    """Spark compares them as text: another metric would be a batch without rows."""
    with delivering(10, 1) as (_, port):
        with stream(port, tmp_path) as one:
            _, end = all_of(one, one.initial(), 10)
        with stream(port, tmp_path) as one:
            assert one.parts(end, end) == []
            assert one.latest() == end


def test_a_batch_that_was_not_committed_is_there_again(tmp_path: Path) -> None:
    with delivering(100, 2) as (_, port):
        with stream(port, tmp_path, **{"mqtt.qos": "2"}) as one:
            start = one.initial()
            found, end = all_of(one, start, 100)
        with stream(port, tmp_path, **{"mqtt.qos": "2"}) as one:
            assert rows(one.parts(start, end)) == found


def test_a_batch_never_ends_before_one_that_spark_was_given(tmp_path: Path) -> None:
    """Spark 4.1 asks where a batch ends before it tells where the last one did; and a limit may be lower by then."""
    with delivering(1000, 2) as (broker, port):
        with stream(port, tmp_path, **{"mqtt.qos": "2"}) as one:
            start = one.initial()
            assert broker.done.wait(60)
        with stream(port, tmp_path, **{"mqtt.qos": "2", "maxOffsetsPerTrigger": "400"}) as one:
            end = one.latest()
            assert rows(one.parts(start, end)) == list(range(400))
        with stream(port, tmp_path, **{"mqtt.qos": "2", "maxOffsetsPerTrigger": "100"}) as one:
            then = one.latest()
            assert rows(one.parts(end, then)) == list(range(400, 500))


def test_where_nothing_came_spark_is_given_the_same_end_again(tmp_path: Path) -> None:
    with delivering(10, 1) as (_, port):
        with stream(port, tmp_path) as one:
            _, end = all_of(one, one.initial(), 10)
        with stream(port, tmp_path) as one:
            assert one.latest() == end


@pytest.mark.parametrize("starts_at", ["journal", "latest"])
def test_a_new_query_begins_with_what_is_left_or_with_what_comes(tmp_path: Path, starts_at: str) -> None:
    with delivering(100, 1) as (broker, port):
        with stream(port, tmp_path) as one:
            one.initial()
            assert broker.done.wait(60)
        with stream(port, tmp_path, startingOffsets=starts_at) as one:
            start = one.initial()
            assert rows(one.parts(start, one.latest())) == (list(range(100)) if starts_at == "journal" else [])


def test_a_batch_has_no_more_rows_than_asked_for(tmp_path: Path) -> None:
    with delivering(1000, 1) as (_, port), stream(port, tmp_path, maxOffsetsPerTrigger="300") as one:
        start, sizes = one.initial(), []
        while sum(sizes) < 1000:
            end = one.latest()
            sizes.append(len(rows(one.parts(start, end))))
            start = end
        assert max(sizes) <= 300


def test_a_batch_has_about_as_many_bytes_as_asked_for(tmp_path: Path) -> None:
    with delivering(5000, 1) as (broker, port), stream(port, tmp_path, maxBytesPerTrigger="10k") as one:
        start = one.initial()
        assert broker.done.wait(60)
        end = one.latest()
        size = sum(len(str(row)) + 16 for row in rows(one.parts(start, end)))  # a frame has 13 bytes more than a number
        assert 3_000 < size < 20_000
        assert all_of(one, start, 5000)[0] == list(range(5000))


@pytest.mark.parametrize("count", [1, 3, 8])
def test_a_batch_is_cut_into_partitions(tmp_path: Path, count: int) -> None:
    with delivering(2000, 1) as (broker, port), stream(port, tmp_path, minPartitions=str(count)) as one:
        start = one.initial()
        assert broker.done.wait(60)
        parts = one.parts(start, one.latest())
        assert len(parts) == count
        assert rows(parts) == list(range(2000))
        sizes = [part.end - part.start for part in parts]
        assert max(sizes) < 3 * min(sizes)


def test_partitions_carry_their_rows_where_the_journal_is_not_shared(tmp_path: Path) -> None:
    with delivering(500, 1) as (broker, port), stream(port, tmp_path, journalShared="false") as one:
        start = one.initial()
        assert broker.done.wait(60)
        end = one.latest()
        parts = one.parts(start, end)
        one.commit(end)
    for path in tmp_path.glob("*.journal"):
        path.unlink()
    assert rows(parts) == list(range(500))


def test_a_worker_that_does_not_see_the_journal_says_what_to_do(tmp_path: Path) -> None:
    with delivering(50, 1) as (broker, port), stream(port, tmp_path) as one:
        start = one.initial()
        assert broker.done.wait(60)
        parts = one.parts(start, one.latest())
    for path in tmp_path.glob("*.journal"):
        path.unlink()
    with pytest.raises(JournalError, match="journalShared to false"):
        rows(parts)


def test_a_journal_that_is_not_the_checkpoint_s_is_told(tmp_path: Path) -> None:
    with delivering(50, 1) as (broker, port):
        with stream(port, tmp_path / "one") as one:
            start = one.initial()
            assert broker.done.wait(60)
            end = one.latest()
        with stream(port, tmp_path / "two") as other, pytest.raises(DataLost, match="name the journal that belongs"):
            other.parts(start, end)
        with stream(port, tmp_path / "three", failOnDataLoss="false") as forgiving:
            assert forgiving.parts(start, end) == []


def test_without_a_journal_a_restart_begins_anew(tmp_path: Path) -> None:
    with delivering(50, 0) as (_, port):
        with stream(port, None) as one:
            start = one.initial()
            found, end = all_of(one, start, 50)
        assert found == list(range(50))
    with delivering(50, 0) as (_, port), stream(port, None) as one:
        assert one.parts(start, end) == []
        found, _ = all_of(one, end, 50)
        assert found == list(range(50))


def test_available_now_ends_with_what_there_was(tmp_path: Path) -> None:
    with delivering(3000, 1) as (broker, port), stream(port, tmp_path, maxOffsetsPerTrigger="1000") as one:
        start = one.initial()
        one.aim()
        assert broker.done.is_set()
        found, end = all_of(one, start, 3000)
        assert found == list(range(3000))
        assert one.latest(end) == end


def test_the_client_s_id_is_kept_in_the_journal(tmp_path: Path) -> None:
    with delivering(1, 1) as (_, port):
        seen = []
        for _ in range(2):
            with _unnamed(port, tmp_path) as one:
                one.initial()
                seen.append(one.open().state.client)
        assert seen[0] == seen[1] != ""


@contextmanager
def _unnamed(port: int, folder: Path) -> Iterator[Stream]:
    given = {"mqtt.broker.url": f"tcp://127.0.0.1:{port}", "subscribe": TOPIC, "journalLocation": str(folder)}
    one = Stream(read_source(given, streaming=True))
    try:
        yield one
    finally:
        one.stop()
