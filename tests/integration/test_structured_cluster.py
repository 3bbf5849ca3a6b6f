"""The `structured` note on a standalone cluster: the reader is beside the driver, executors take what it has stored."""

from collections.abc import Iterator
from contextlib import ExitStack
from dataclasses import replace
from pathlib import Path

import pytest
import requests

from provision.embedded.python import python_environment

from .cluster import Cluster, standalone_cluster
from .command import done
from .conftest import Embedded
from .streams import TOPIC, event, publisher, wait_for
from .tables import NoteWithOutputs, table, words

pytestmark = pytest.mark.long

NOTE = "/streams/structured on a cluster"
AT = "2018-10-29T09:53:36+0700"
SLIDE, WINDOW = 4, 8


@pytest.fixture(scope="module")
def cluster(embedded: Embedded, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Cluster]:
    """A cluster of the Spark of %python, and of its Java, which is started by a script."""
    its, runtime = python_environment(), embedded.stack.runtime
    java = runtime.zeppelin_home / "interpreter" / "python" / "java"
    runtime = replace(runtime, spark_home=Path(its["EMBEDDED_SPARK"]), java_home=java)
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("EMBEDDED_JAVA", its["EMBEDDED_JAVA"])
        with standalone_cluster(runtime, tmp_path_factory.mktemp("cluster")) as running:
            yield running


@pytest.fixture(scope="module")
def stream(embedded: Embedded, cluster: Cluster, tmp_path_factory: pytest.TempPathFactory) -> Iterator[NoteWithOutputs]:
    out, its = tmp_path_factory.mktemp("structured"), python_environment()
    python = f"{its['EMBEDDED_SPARK']}/python:{its['EMBEDDED_PYARROW']}"
    settings = f"spark.executor.memory=512m,spark.executorEnv.PYTHONPATH={python}"
    values = {"topic": TOPIC, "out": out, "slide": SLIDE, "window": WINDOW, "qos": 1, "session": "persistent"}
    with ExitStack() as exits:
        master = ("--spark-master", cluster.url, "--param", f"spark_properties={settings}")
        done("apply", "--bundle", "structured", "--note", NOTE, *master, *words(values))
        exits.callback(done, "stop", NOTE)
        link = exits.enter_context(publisher(embedded.stack, tmp_path_factory.mktemp("thing"), TOPIC, qos=1))
        yield NoteWithOutputs(embedded.client, NOTE, out, link, None)


def ids(stream: NoteWithOutputs) -> set[str]:
    return {row[1] for window in table(stream.out) for row in window.rows}


def executors() -> list[dict[str, object]]:
    """What the driver's page tells of the executors."""
    page = done("status", NOTE, "--json").json["page"].rstrip("/")
    with requests.Session() as session:
        session.trust_env = False
        (application,) = session.get(f"{page}/api/v1/applications").json()
        found = session.get(f"{page}/api/v1/applications/{application['id']}/executors").json()
    return [each for each in found if each["id"] != "driver"]


def test_its_windows_are_right_and_the_work_is_done_by_executors_on_both_workers(
    stream: NoteWithOutputs, cluster: Cluster
) -> None:
    stream.publish(event(AT, "spread", cpu=1), event(AT, "spread", cpu=4), event(AT, "spread", cpu=10))
    wait_for(
        "their average", lambda: 5.0 in [float(r[3]) for w in table(stream.out) for r in w.rows if r[1] == "spread"]
    )
    assert done("status", NOTE, "--json").json["state"] == "streaming"
    wait_for("tasks on both", lambda: [each["completedTasks"] > 0 for each in executors()] == [True, True])
    assert {process.ppid() for process in cluster.executors()} == {server.pid for server in cluster.servers[1:]}


def test_nothing_is_missing_where_an_executor_is_killed(stream: NoteWithOutputs, cluster: Cluster) -> None:
    events = [f"killed {number}" for number in range(300)]
    stream.publish(*(event(AT, each) for each in events[:150]))
    cluster.kill_executor(str(executors()[0]["id"]))
    stream.publish(*(event(AT, each) for each in events[150:]))
    wait_for("every event", lambda: set(events) <= ids(stream))


def test_without_the_master_the_note_has_another_spark(stream: NoteWithOutputs) -> None:
    without = words(dict.fromkeys(("spark_master", "spark_properties"), ""))
    outcome = done("apply", "--note", NOTE, *without)
    assert "Spark runs with other dependencies" in outcome.err
    stream.publish(event(AT, "at home"))
    wait_for("its row", lambda: "at home" in ids(stream))
    assert executors() == []
