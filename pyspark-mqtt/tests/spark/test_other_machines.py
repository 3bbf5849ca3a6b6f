"""Executors that don't see the driver's files: processes with working folders of their own, and a journal that is named
relative to one. It is where the reader's working folder is, and nowhere for an executor.
"""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

from mqtt_support.delivering import TOPIC, delivering
from mqtt_support.waiting import wait_for

pytestmark = pytest.mark.long


@pytest.fixture(scope="module")
def master() -> str:
    return "local-cluster[2,1,1024]"


@contextmanager
def running(spark: Any, port: int, journal: Path, shared: str) -> Iterator[Any]:
    apart = f"/proc/self/cwd/{os.path.relpath(journal, os.getcwd())}"
    frame = spark.readStream.format("mqtt").options(
        **{"mqtt.broker.url": f"tcp://127.0.0.1:{port}", "subscribe": TOPIC, "mqtt.qos": "2", "minPartitions": "2"},
        journalLocation=apart,
        journalShared=shared,
    )
    query = frame.load().writeStream.format("memory").queryName(f"shared_{shared}").start()
    try:
        yield query
    finally:
        query.stop()


def test_a_journal_that_executors_dont_see_ends_the_query(spark: Any, tmp_path: Path) -> None:
    with delivering(100, 2) as (_, port), running(spark, port, tmp_path / "journal", "true") as query:
        wait_for(lambda: not query.isActive, 600)
        assert "set journalShared to false" in str(query.exception())


def test_partitions_carry_their_rows_to_executors(spark: Any, tmp_path: Path) -> None:
    with delivering(2000, 2) as (_, port), running(spark, port, tmp_path / "journal", "false") as query:
        wait_for(lambda: not query.isActive or spark.table(query.name).count() >= 2000, 600)
        assert query.exception() is None
        found = spark.table(query.name).orderBy("offset").collect()
        assert [int(row.value) for row in found] == list(range(2000))
