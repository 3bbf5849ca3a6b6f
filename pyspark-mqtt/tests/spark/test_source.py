"""`format("mqtt")` on a real Spark 4, against brokers of the tests and of others."""

from __future__ import annotations

import ast
import os
import subprocess
import sys
import threading
import time
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

import pytest

from mqtt_support import sparks
from mqtt_support.delivering import TOPIC, Delivering, delivering
from mqtt_support.scripted import Gone, Peer, hold, scripted
from mqtt_support.waiting import wait_for
from mqtt_support.written import written
from pyspark_mqtt import _packets as packets
from pyspark_mqtt._options import read_source
from pyspark_mqtt._stream import Stream


def options(port: int, folder: Path, **more: str) -> dict[str, str]:
    given = {
        "mqtt.broker.url": f"tcp://127.0.0.1:{port}",
        "subscribe": TOPIC,
        "journalLocation": str(folder / "journal"),
    }
    return {**given, **{name.replace("_", "."): value for name, value in more.items()}}


@contextmanager
def running(spark: Any, port: int, folder: Path, **more: str) -> Iterator[Any]:
    """A query from the source to a table in memory."""
    frame = spark.readStream.format("mqtt").options(**options(port, folder, **more)).load()
    name = f"rows_{time.monotonic_ns()}"
    writer = frame.writeStream.format("memory").queryName(name)
    query = writer.trigger(processingTime="100 milliseconds").start()
    try:
        yield query
    finally:
        query.stop()


def rows(spark: Any, query: Any) -> list[Any]:
    if not query.isActive and query.exception() is not None:
        raise query.exception()
    return list(spark.table(query.name).orderBy("offset").collect())


def failure(query: Any) -> str:
    wait_for(lambda: not query.isActive)
    return str(query.exception())


def test_every_message_is_a_row_once(spark: Any, tmp_path: Path) -> None:
    with delivering(3000, 2) as (_, port), running(spark, port, tmp_path, mqtt_qos="2") as query:
        wait_for(lambda: len(rows(spark, query)) >= 3000)
        found = rows(spark, query)
        assert [int(row.value) for row in found] == list(range(3000))
        first = found[0]
        assert (first.topic, first.qos, first.retained, first.duplicate) == (TOPIC, 2, False, False)
        assert abs(first.timestamp.timestamp() - time.time()) < 60
        assert [row.offset - first.offset for row in found] == list(range(3000))


def test_a_query_goes_on_where_it_was(spark: Any, tmp_path: Path) -> None:
    """With a limit, so that it matters which place the reader takes for its own."""
    from mqtt_support.query import numbers

    frame = spark.readStream.format("mqtt")
    with delivering(1000, 1) as (broker, port):
        limited = frame.options(**options(port, tmp_path, maxOffsetsPerTrigger="300")).load()
        for count in (1000, 2000):
            broker.count = count
            broker.done.clear()
            query = numbers(limited, tmp_path).start()
            wait_for(lambda wanted=count: sum(written(tmp_path / "out").values()) >= wanted)
            query.stop()
            assert written(tmp_path / "out") == Counter(range(count))
        assert broker.again == 0


def test_a_refused_login_ends_the_query_with_the_reason(spark: Any, tmp_path: Path) -> None:
    def script(peer: Peer) -> None:
        peer.expect(packets.CONNECT)
        peer.send(b"\x20\x02\x00\x05")

    with scripted(script) as broker, running(spark, broker.port, tmp_path, mqtt_password="geheim") as query:
        said = failure(query)
        assert "refused the login" in said
        assert "not authorized" in said
        assert "geheim" not in said


def test_topics_that_are_not_shown_are_in_nothing_that_spark_tells(
    spark: Any, tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    secret = {"subscribe": "tap/TOKEN-1", "showTopics": "false"}
    with delivering(10, 1) as (_, port), running(spark, port, tmp_path, **secret) as query:
        wait_for(lambda: len(rows(spark, query)) >= 10)
        query.explain(extended=True)
        told = [str(query.lastProgress), str(query.status), query._jsq.toString(), *shown_by_spark(spark)]

    def refuses(peer: Peer) -> None:
        peer.welcome(qos=0x80)
        hold(peer)

    with scripted(refuses) as broker, running(spark, broker.port, tmp_path / "refused", **secret) as query:
        told.append(failure(query))
        assert "the topic (not shown)" in told[-1]
    out, err = capfd.readouterr()
    assert "MicroBatchScan" in out
    assert [text for text in (*told, out, err) if "TOKEN-1" in text] == []


def shown_by_spark(spark: Any) -> list[str]:
    """What Spark's page has of each query: its plan, and the settings that it changed."""
    found = spark._jsparkSession.sharedState().statusStore().executionsList()
    each = [found.apply(place) for place in range(found.size())]
    return [f"{one.physicalPlanDescription()} {one.details()} {one.modifiedConfigs()}" for one in each]


def test_a_client_id_that_is_taken_over_ends_the_query(spark: Any, tmp_path: Path) -> None:
    def script(peer: Peer) -> None:
        peer.welcome(5)
        time.sleep(1)
        peer.send(b"\xe0\x02\x8e\x00")

    with scripted(script) as broker, running(spark, broker.port, tmp_path, mqtt_version="5") as query:
        assert "to another client" in failure(query)


def test_a_wrong_option_is_told_when_the_frame_is_made(spark: Any) -> None:
    with pytest.raises(Exception, match="did you mean subscribe"):
        spark.readStream.format("mqtt").option("mqtt.broker.url", "h").option("subscrib", "t").load()


def test_stopping_says_goodbye_and_frees_the_journal(spark: Any, tmp_path: Path) -> None:
    left = threading.Event()

    def script(peer: Peer) -> None:
        peer.welcome(present=broker.connections > 1)
        with suppress(Gone):
            while True:
                if peer.packet()[0] == packets.DISCONNECT:
                    left.set()

    with scripted(script) as broker:
        for connection in (1, 2):
            with running(spark, broker.port, tmp_path):
                wait_for(lambda wanted=connection: broker.connections == wanted)
                time.sleep(0.5)
            assert left.wait(60)
            left.clear()


def test_a_process_that_ends_without_a_stop_says_goodbye(spark: Any, tmp_path: Path) -> None:
    """As Spark's signal may come while `stop` begins."""
    left = threading.Event()

    def script(peer: Peer) -> None:
        peer.welcome()
        peer.expect(packets.DISCONNECT)
        left.set()

    program = (
        "import ast, sys; from pyspark_mqtt import MqttDataSource; "
        "MqttDataSource(ast.literal_eval(sys.argv[1])).streamReader(None).initialOffset()"
    )
    with scripted(script) as broker:
        given = str(options(broker.port, tmp_path))
        path = os.pathsep.join(sys.path)
        subprocess.run([sys.executable, "-c", program, given], check=True, env={**os.environ, "PYTHONPATH": path})
        assert left.wait(60)


def test_the_progress_has_what_the_reader_counted(spark: Any, tmp_path: Path) -> None:
    """Of a broker that goes when it has the reader's PUBREC, and therefore sends all of it again."""

    def publish(peer: Peer, numbers: range, *, dup: bool) -> None:
        sent = [packets.publish(4, TOPIC, b"%d" % n, qos=2, packet_id=n, retain=False, dup=dup) for n in numbers]
        peer.send(*sent)
        for _ in numbers:
            peer.expect(packets.PUBREC)

    def first(peer: Peer) -> None:
        peer.welcome(qos=2)
        publish(peer, range(1, 4), dup=False)

    def second(peer: Peer) -> None:
        peer.welcome(present=True)
        publish(peer, range(1, 4), dup=True)
        publish(peer, range(4, 5), dup=False)
        hold(peer)

    with scripted(first, second) as broker, running(spark, broker.port, tmp_path, mqtt_qos="2") as query:
        wait_for(lambda: len(rows(spark, query)) == 4)
        wait_for(lambda: counted(query).get("received") == 4)
        found = counted(query)
    sizes = [found.pop("journal_bytes"), found.pop("waiting_bytes")]
    found.pop("offset")
    assert found == {
        "received": 4,
        "acknowledged": 7,
        "redelivered": 3,
        "repeated": 3,
        "reconnects": 1,
        "truncated_bytes": 0,
    }
    assert sizes[0] >= sizes[1] > 0


def counted(query: Any) -> dict[str, int]:
    """The last end offset that the query's progress has; Spark 4.0 gives the text of its mapping."""
    ends = [one["sources"][0]["endOffset"] for one in query.recentProgress if one["sources"][0]["endOffset"]]
    found = ends[-1] if ends else {}
    return dict(ast.literal_eval(found) if isinstance(found, str) else found)


def run_out(start: Callable[[], Any]) -> Any:
    """The query that is started, when it has ended well. Spark gives a Python 10 s to start, which a busy machine may
    not keep: then it is started again.
    """
    for _ in range(10):
        query = start()
        wait_for(lambda running=query: not running.isActive)
        if query.exception() is None:
            break
        assert "failed to connect back" in str(query.exception())
    assert query.exception() is None
    return query


def test_available_now_takes_what_there_is_and_ends(spark: Any, tmp_path: Path) -> None:
    from mqtt_support.query import numbers

    with delivering(500, 1) as (broker, port):
        fill(broker, port, tmp_path)
        frame = spark.readStream.format("mqtt").options(**options(port, tmp_path)).load()
        run_out(lambda: numbers(frame, tmp_path).trigger(availableNow=True).start())
    assert written(tmp_path / "out") == Counter(range(500))


def fill(broker: Delivering, port: int, folder: Path) -> None:
    """Have all that the broker has in the journal."""
    stream = Stream(read_source(options(port, folder), streaming=True))
    stream.initial()
    assert broker.done.wait(60)
    stream.stop()


def test_available_now_heeds_the_limits(spark: Any, tmp_path: Path) -> None:
    """Before Spark 4.2 a run takes one batch, and leaves the rest to the next run."""
    from mqtt_support.query import numbers

    limited = spark.readStream.format("mqtt")
    runs, out = 0, tmp_path / "out"
    with delivering(500, 1) as (broker, port):
        fill(broker, port, tmp_path)
        frame = limited.options(**options(port, tmp_path, maxOffsetsPerTrigger="200")).load()
        while sum(written(out).values()) < 500:
            query = run_out(lambda: numbers(frame, tmp_path).trigger(availableNow=True).start())
            assert all(one["numInputRows"] <= 200 for one in query.recentProgress)
            runs += 1
    assert written(out) == Counter(range(500))
    assert runs == (1 if sparks.HAS_LIMITS else 3)


def test_partitions_may_carry_their_rows(spark: Any, tmp_path: Path) -> None:
    more = {"journalShared": "false", "minPartitions": "3", "maxOffsetsPerTrigger": "400"}
    with delivering(1000, 1) as (_, port), running(spark, port, tmp_path, **more) as query:
        wait_for(lambda: len(rows(spark, query)) >= 1000)
        assert [int(row.value) for row in rows(spark, query)] == list(range(1000))
        assert all(one["numInputRows"] <= 400 for one in query.recentProgress)


def test_a_fresh_login_is_made_by_a_callable(spark: Any, tmp_path: Path) -> None:
    from pyspark_mqtt import MqttDataSource

    heard = []

    def script(peer: Peer) -> None:
        heard.append(peer.welcome())
        hold(peer)

    spark.dataSource.register(MqttDataSource.with_login(lambda: ("user", "made")))
    try:
        with scripted(script) as broker, running(spark, broker.port, tmp_path):
            wait_for(lambda: bool(heard))
    finally:
        spark.dataSource.register(MqttDataSource)
    assert heard[0].endswith(b"\x00\x04user\x00\x04made")


def test_a_read_has_what_is_retained(spark: Any) -> None:
    def script(peer: Peer) -> None:
        peer.welcome()
        peer.send(packets.publish(4, "a/b", b"old", qos=1, packet_id=1, retain=True, dup=False))
        assert peer.expect(packets.PUBACK) == b"\x00\x01"
        hold(peer)

    with scripted(script) as broker:
        url = f"tcp://127.0.0.1:{broker.port}"
        frame = (
            spark.read.format("mqtt").options(**{"mqtt.broker.url": url, "subscribe": "a/#", "duration": "0.5"}).load()
        )
        (row,) = frame.collect()
        assert (bytes(row.value), row.topic, row.retained) == (b"old", "a/b", True)


def test_a_write_publishes_each_row(spark: Any) -> None:
    heard: list[tuple[bytes, int]] = []

    def script(peer: Peer) -> None:
        peer.expect(packets.CONNECT)
        peer.send(b"\x20\x02\x00\x00")
        with suppress(Gone):
            while True:
                kind, body = peer.packet()
                if kind == packets.PUBLISH:
                    heard.append((body, 1))
                    peer.send(packets.acknowledgement(packets.PUBACK, int.from_bytes(body[5:7], "big")))
                elif kind == packets.PINGREQ:
                    peer.send(b"\xd0\x00")

    with scripted(script) as broker:
        frame = spark.range(50).coalesce(1).selectExpr("'t/1' AS topic", "CAST(id AS string) AS value")
        url = f"tcp://127.0.0.1:{broker.port}"
        frame.write.format("mqtt").mode("append").options(**{"mqtt.broker.url": url}).save()
    assert [body[:5] for body, _ in heard] == [b"\x00\x03t/1"] * 50
    assert [int(body[7:]) for body, _ in heard] == list(range(50))
