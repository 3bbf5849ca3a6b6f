"""Python paragraphs on the embedded server: a note of them with a Spark of its own, applied by the tool."""

import hashlib
import re
from dataclasses import dataclass
from pathlib import Path

import psutil
import pytest

from provision.bundles.literals.stored import entities_in
from provision.embedded import processes
from provision.sync.find_note import find_note
from zeppelin_sdk import Paragraph

from .command import Outcome, done
from .conftest import Embedded
from .streams import TOPIC
from .test_loopback import beyond_loopback, listening

NOTE = """
title = "Python"
help = "A Python with Spark in it."
path = "Python"

[parameters]
appid = { type = "word", help = "-" }
topic = { type = "topics", default = "metrics", help = "-" }
out = { type = "folder", default = "/tmp", help = "-" }
connector = { type = "choice", choices = ["none"], default = "none", help = "-" }
mqtt_package = { type = "coordinate", default = "", help = "-" }
mqtt_jars = { type = "files", default = [], help = "-" }
secrets = { type = "choice", choices = ["store"], default = "store", help = "-" }
spark = { type = "choice", choices = ["yes", "no"], default = "yes", help = "-" }

[[paragraphs]]
key = "dependencies"
role = "dependencies"
file = "dependencies.conf"
interpreter = "python.conf"

[[paragraphs]]
key = "start"
role = "start"
file = "start"
interpreter = "python"
"""
DEPENDENCIES = """\
{{ when spark = yes }}zeppelin.python.maxResult 7
{{ when spark = no }}zeppelin.python.maxResult 9
"""
START = """\
import hashlib, os
print("process", os.getpid(), "shows", z.max_result)
print("topic", hashlib.sha256({{ topic | python }}.encode()).hexdigest())
print("login", hashlib.sha256({{ client_id | python }}.encode() + {{ hmac_key | python }}.encode()).hexdigest())
{{ when spark = yes }}from pyspark.sql import SparkSession
{{ when spark = yes }}spark = SparkSession.builder.getOrCreate()
{{ when spark = yes }}squares = spark.sparkContext.parallelize(range(4), 2).map(lambda n: n * n)
{{ when spark = yes }}table = spark.range(3).selectExpr("sum(id) AS ids").toArrow()
{{ when spark = yes }}print("spark", spark.version, squares.sum(), table.to_pylist())
{{ when spark = yes }}maps = open(f"/proc/{spark._jvm.ProcessHandle.current().pid()}/maps").read()
{{ when spark = yes }}retries = spark.sparkContext.getConf().get("spark.port.maxRetries")
{{ when spark = yes }}task = spark.sparkContext.parallelize([0], 1)
{{ when spark = yes }}where = task.map(lambda _: __import__("pyspark").__file__).first()
{{ when spark = yes }}print("worker", "zip" if ".zip" in where else "folder")
{{ when spark = yes }}print("archive", "/spark.jsa" in maps, "retries", retries)
"""


@dataclass(frozen=True)
class Round:
    """One apply: its start paragraph, the process that it printed, what listened then."""

    applied: Outcome
    start: Paragraph
    sockets: set[tuple[str, str, int]]

    @property
    def output(self) -> str:
        return self.start.output

    @property
    def process(self) -> int:
        found = re.search(r"process (\d+)", self.output)
        assert found, self.output
        return int(found[1])


@pytest.fixture(scope="module")
def rounds(embedded: Embedded, tmp_path_factory: pytest.TempPathFactory) -> list[Round]:
    """The note, and the same with other settings of its interpreter."""
    folder = tmp_path_factory.mktemp("bundles") / "python"
    folder.mkdir()
    for name, text in {"note.toml": NOTE, "dependencies.conf": DEPENDENCIES, "start": START}.items():
        (folder / name).write_text(text)
    return [_round(embedded, folder, spark) for spark in ("yes", "no")]


def _round(embedded: Embedded, folder: Path, spark: str) -> Round:
    parameters = ("--param", f"spark={spark}", "--param", f"topic={TOPIC}")
    applied = done("apply", "--json", "--bundle", folder, "--note", "/python", *parameters)
    note = find_note(embedded.client, "/python")
    return Round(applied, note.paragraphs[-1], listening(embedded.stack.mark))


def test_a_python_paragraph_has_a_spark_with_python_workers_and_arrow(rounds: list[Round]) -> None:
    assert re.search(r"^spark 4\.\d+\.\d+ 14 \[\{'ids': 3\}\]$", rounds[0].output, re.MULTILINE), rounds[0].output


def test_its_java_takes_spark_s_classes_from_their_archive_and_spark_its_settings(
    rounds: list[Round], embedded: Embedded
) -> None:
    assert "archive True retries 100" in rounds[0].output
    assert "WARN" not in rounds[0].output
    log = embedded.stack.logs / "interpreter-python-spark.log"
    assert "WARN" in log.read_text(), "log4j has other settings"


def test_its_workers_have_pyspark_in_a_folder(rounds: list[Round]) -> None:
    """Each of their tasks would read an archive's list of files anew."""
    assert "worker folder" in rounds[0].output


def test_a_python_paragraph_gets_any_topic_and_reads_secrets_that_no_text_holds(
    rounds: list[Round], embedded: Embedded
) -> None:
    assert f"topic {hashlib.sha256(TOPIC.encode()).hexdigest()}" in rounds[0].output
    stored = {entry.entity: entry for entry in embedded.client.list_credentials()}
    (entity,) = entities_in(rounds[0].start.text)
    thing = stored[entity]
    login = hashlib.sha256(thing.user.encode() + thing.password.encode()).hexdigest()
    assert f"login {login}" in rounds[0].output
    assert thing.user not in rounds[0].start.text
    assert thing.password not in rounds[0].start.text


def test_what_python_and_its_spark_open_is_on_loopback_only(rounds: list[Round]) -> None:
    assert beyond_loopback(rounds[0].sockets) == []
    new = rounds[0].sockets - rounds[1].sockets
    assert len({port for name, _, port in new if name == "java"}) >= 3  # RPC, and at least two of Spark's driver


def test_other_settings_restart_python_s_interpreter_and_its_spark_ends_with_it(
    rounds: list[Round], embedded: Embedded
) -> None:
    first, second = rounds
    assert "restarting Python's interpreter" in second.applied.err
    assert "Spark's interpreter" not in second.applied.err
    assert (f"process {first.process} shows 7" in first.output, "shows 9" in second.output) == (True, True)
    assert second.process != first.process
    assert not psutil.pid_exists(first.process)
    homes = [" ".join(process.cmdline()) for process in processes.marked(embedded.stack.mark)]
    assert [home for home in homes if "spark-4" in home and "SparkSubmit" in home] == []
