"""The `streaming` note on a standalone cluster: driver and executors are processes of their own."""

import time
from collections.abc import Iterator

import pytest

from provision.interpreter import spark_setting
from provision.notes import find_note
from provision.plan import by_key
from zeppelin_sdk import ParagraphError

from .cluster import Cluster, standalone_cluster
from .command import done
from .conftest import Embedded, Streams
from .streams import TOPIC, Stream, event, publisher, wait_for
from .test_numbers import check, known_events

AT = "2018-10-29T09:53:36+0700"
MEMORY = "spark.executor.memory=512m"
KEPT = ("--param", "qos=1", "--param", "session=persistent")
INFLIGHT = 20  # messages that a broker sends and has not seen acknowledged: these can come twice


@pytest.fixture(scope="module")
def cluster(embedded: Embedded, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Cluster]:
    with standalone_cluster(embedded.stack.runtime, tmp_path_factory.mktemp("cluster")) as running:
        yield running


@pytest.fixture(scope="module")
def stream(
    embedded: Embedded, cluster: Cluster, streams: Streams, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Stream]:
    """The note's stream on the cluster; Spark is restarted at the end, before its cluster goes."""
    out = tmp_path_factory.mktemp("out")
    streams.apply("streaming", out, "--spark-master", cluster.url, "--spark-property", MEMORY, *KEPT)
    streams.current = None
    note = find_note(embedded.client, "/streams/streaming")
    with publisher(embedded.stack, tmp_path_factory.mktemp("thing"), TOPIC, qos=1) as link:
        yield Stream(embedded.client, note.id, "streaming", out, link)
    done("stop", note.path)
    embedded.client.restart_interpreter(spark_setting(embedded.client).id)


def test_windows_hold_the_right_averages(stream: Stream) -> None:
    for group in range(3):
        stream.publish(known_events(group, number=16 + 8 * group))
    stream.drain()

    assert any(check(stream, "streaming"))
    assert stream.counts()["events"] == len(stream.sent)


def test_the_work_is_done_by_executors_on_both_workers(stream: Stream, cluster: Cluster) -> None:
    executors = [each for each in stream.executors() if each["id"] != "driver"]

    assert [each["completedTasks"] > 0 for each in executors] == [True, True]
    assert {process.ppid() for process in cluster.executors()} == {server.pid for server in cluster.servers[1:]}


def test_a_receiver_whose_executor_is_killed_goes_on_in_the_other_and_nothing_is_missing(
    stream: Stream, cluster: Cluster
) -> None:
    ids = [f"killed {number}" for number in range(300)]
    stream.publish(event(AT, id) for id in ids[:100])
    before = stream.receivers()[0]["executorId"]
    stream.publisher.publish([event(AT, id).encode() for id in ids[100:200]])
    assert stream.publisher.flush(10) == 0
    time.sleep(1)  # for the receiver to store and acknowledge them: now only Spark's own second copy can keep them
    cluster.kill_executor(before)
    stream.publisher.publish([event(AT, id).encode() for id in ids[200:]])
    assert stream.publisher.flush(10) == 0

    after = wait_for("a receiver elsewhere", lambda: [r for r in stream.receivers() if r["executorId"] != before])
    wait_for("every event", lambda: set(ids) <= {row[1] for window in stream.windows() for row in window.rows})
    assert len(after) == 1
    assert sum(stream.batches().values()) - len(stream.sent) - 200 <= INFLIGHT


def test_a_note_without_a_master_wants_another_spark(stream: Stream, streams: Streams) -> None:
    streams.apply("streaming", stream.out, "--no-run")

    with pytest.raises(ParagraphError) as refused:
        stream.client.execute_paragraph(stream.note_id, by_key(stream.note)["dependencies"].id)
    assert "launched" in refused.value.output
