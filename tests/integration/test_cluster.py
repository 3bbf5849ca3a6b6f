"""The `streaming` note on a standalone cluster: driver and executors are processes of their own."""

import time
from collections.abc import Iterator
from contextlib import ExitStack

import pytest

from provision.embedded.application import demo_application
from provision.mqtt.login import Login
from provision.publisher import Publisher
from provision.streams.interpreter import spark_setting
from provision.sync.find_note import find_note
from provision.sync.provenance import by_key
from zeppelin_sdk import ParagraphError

from .cluster import Cluster, standalone_cluster
from .command import done
from .conftest import Embedded, Streams
from .mosquitto import mosquitto
from .streams import TOPIC, Stream, event, parameters, publisher, wait_for
from .test_numbers import check, known_events

pytestmark = pytest.mark.long

AT = "2018-10-29T09:53:36+0700"
PROPERTIES = "spark.executor.memory=512m,spark.executor.heartbeatInterval=1s"
KEPT = ("--param", "qos=1", "--param", "session=persistent")
INFLIGHT = 20  # messages that a broker sends and has not seen acknowledged: these can come twice


@pytest.fixture(scope="module")
def cluster(embedded: Embedded, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Cluster]:
    with standalone_cluster(embedded.stack.runtime, tmp_path_factory.mktemp("cluster")) as running:
        yield running


def on(cluster: Cluster) -> list[str]:
    """The options of a note whose Spark is the cluster."""
    return ["--spark-master", cluster.url, "--param", f"spark_properties={PROPERTIES}"]


@pytest.fixture(scope="module")
def stream(
    embedded: Embedded, cluster: Cluster, streams: Streams, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Stream]:
    """The note's stream on the cluster; Spark is restarted at the end, before its cluster goes."""
    out = tmp_path_factory.mktemp("out")
    streams.apply("streaming", out, *on(cluster), *KEPT)
    streams.current = None
    note = find_note(embedded.client, "/streams/streaming")
    with publisher(embedded.stack, tmp_path_factory.mktemp("thing"), TOPIC, qos=1) as link:
        yield Stream(embedded.client, note.id, "streaming", out, link)
    done("stop", note.path)
    embedded.client.stop_interpreter(spark_setting(embedded.client).id)


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
    wait_for("all of them counted", lambda: sum(stream.batches().values()) >= len(stream.sent) + 200)
    assert sum(stream.batches().values()) <= len(stream.sent) + 200 + INFLIGHT


def test_two_receivers_are_spread_over_the_executors_and_share_the_events_of_several_topics(
    stream: Stream, cluster: Cluster, tmp_path_factory: pytest.TempPathFactory
) -> None:
    ids = [f"shared {number}" for number in range(400)]
    appid = demo_application().appid
    with mosquitto(tmp_path_factory.mktemp("mosquitto")) as broker, ExitStack() as put_back:
        own = {"broker": f"tcp://127.0.0.1:{broker.port}", "broker_login": "none", "qos": 1, "receivers": 2}
        topics = {"topic": "one,many/+", "topic_column": "yes", "session": "clean", "out": stream.out}
        done("apply", "--no-run", "--note", stream.note.path, *on(cluster), *parameters("streaming", **own, **topics))
        query = stream.paragraph("query")
        put_back.callback(stream.client.update_paragraph, stream.note_id, query.id, text=query.text)
        text = query.text.replace("as ts, id,", "as ts, id, topic,").replace("group by id", "group by id, topic")
        stream.client.update_paragraph(stream.note_id, query.id, text=text)
        done("run", stream.note.path)
        receivers = wait_for("two receivers", lambda: len(stream.receivers()) == 2 and stream.receivers())
        wait_for("their subscriptions", lambda: broker.log().count("Sending SUBACK") == 2)
        login = Login(f"tcp://127.0.0.1:{broker.port}", "many-publisher", "any", "any")
        sent = {f"/{appid}/one": ids[:200], f"/{appid}/many/x": ids[200:]}
        for topic, some in sent.items():
            with Publisher(lambda: login, topic, qos=1) as link:
                link.publish([event(AT, id).encode() for id in some])
                assert link.flush(20) == 0
        published = {(id, topic) for topic, some in sent.items() for id in some}
        wait_for("every event", lambda: published <= {row[1:3] for window in stream.windows() for row in window.rows})

        assert len({receiver["executorId"] for receiver in receivers}) == 2
        assert all(receiver["avgEventRate"] > 0 for receiver in stream.receivers())
        wait_for("all of them counted", lambda: sum(stream.batches().values()) >= len(ids))
        assert sum(stream.batches().values()) == len(ids)
        told = {"received": 400, "stored": 400, "acknowledged": 400, "reconnects": 0, "redelivered": 0}
        wait_for("what the executors counted", lambda: messages(stream) == told)
        done("stop", stream.note.path)


def messages(stream: Stream) -> dict[str, int]:
    """What `provision status` tells of the connector's messages."""
    return done("status", stream.note.path, "--json").json["stream"]["messages"]


def test_a_note_without_a_master_wants_another_spark(stream: Stream, streams: Streams) -> None:
    streams.apply("streaming", stream.out, "--no-run")

    with pytest.raises(ParagraphError) as refused:
        stream.client.execute_paragraph(stream.note_id, by_key(stream.note)["dependencies"].id)
    assert "launched" in refused.value.output
