"""`mqtt_stream`, which every Spark from 3.3 on has."""

from __future__ import annotations

import time
from collections import Counter
from pathlib import Path
from typing import Any

import pytest

from mqtt_support.delivering import TOPIC, delivering
from mqtt_support.scripted import Peer, scripted
from mqtt_support.waiting import wait_for
from mqtt_support.written import written
from pyspark_mqtt import LoginRefused, mqtt_stream
from pyspark_mqtt import _packets as packets


def options(port: int, folder: Path, **more: str) -> dict[str, str]:
    broker = {"mqtt.broker.url": f"tcp://127.0.0.1:{port}", "subscribe": TOPIC}
    return {**broker, "journalLocation": str(folder / "journal"), **more}


def test_every_message_is_a_row_once_and_a_query_goes_on_where_it_was(spark: Any, tmp_path: Path) -> None:
    from mqtt_support.query import numbers

    with delivering(1000, 2) as (broker, port):
        for count in (1000, 2000):
            broker.count = count
            broker.done.clear()
            with mqtt_stream(spark, {**options(port, tmp_path), "mqtt.qos": "2"}) as mqtt:
                query = numbers(mqtt.frame, tmp_path).start()
                wait_for(lambda wanted=count: sum(written(tmp_path / "out").values()) >= wanted)
                query.stop()
                assert mqtt.metrics().received == 1000
            assert written(tmp_path / "out") == Counter(range(count))


def test_a_client_id_that_is_taken_over_ends_the_query(spark: Any, tmp_path: Path) -> None:
    def script(peer: Peer) -> None:
        peer.welcome(5)
        time.sleep(1)
        peer.send(b"\xe0\x02\x8e\x00")

    with (
        scripted(script) as broker,
        mqtt_stream(spark, options(broker.port, tmp_path, **{"mqtt.version": "5"})) as mqtt,
    ):
        query = mqtt.frame.writeStream.format("memory").queryName("taken_over").start()
        wait_for(lambda: not query.isActive)
        assert "to another client" in str(query.exception())


def test_a_refused_login_is_raised_at_once(spark: Any, tmp_path: Path) -> None:
    def script(peer: Peer) -> None:
        peer.expect(packets.CONNECT)
        peer.send(b"\x20\x02\x00\x05")

    with scripted(script) as broker, pytest.raises(LoginRefused, match="not authorized"):
        mqtt_stream(spark, options(broker.port, tmp_path))
