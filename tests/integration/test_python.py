"""Python paragraphs on the embedded server: a note of them with a Spark of its own, applied by the tool."""

import re
from dataclasses import dataclass
from pathlib import Path

import psutil
import pytest

from provision.embedded import processes
from provision.sync.find_note import find_note

from .command import Outcome, done
from .conftest import Embedded
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
import os
print("process", os.getpid(), "shows", z.max_result)
{{ when spark = yes }}from pyspark.sql import SparkSession
{{ when spark = yes }}spark = SparkSession.builder.getOrCreate()
{{ when spark = yes }}squares = spark.sparkContext.parallelize(range(4), 2).map(lambda n: n * n)
{{ when spark = yes }}table = spark.range(3).selectExpr("sum(id) AS ids").toArrow()
{{ when spark = yes }}print("spark", spark.version, squares.sum(), table.to_pylist())
"""


@dataclass(frozen=True)
class Round:
    """One apply: what its start paragraph printed, its process, what listened then."""

    applied: Outcome
    output: str
    sockets: set[tuple[str, str, int]]

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
    applied = done("apply", "--json", "--bundle", folder, "--note", "/python", "--param", f"spark={spark}")
    note = find_note(embedded.client, "/python")
    return Round(applied, note.paragraphs[-1].output, listening(embedded.stack.mark))


def test_a_python_paragraph_has_a_spark_with_python_workers_and_arrow(rounds: list[Round]) -> None:
    assert re.search(r"^spark 4\.\d+\.\d+ 14 \[\{'ids': 3\}\]$", rounds[0].output, re.MULTILINE), rounds[0].output


def test_what_python_and_its_spark_open_is_on_loopback_only(rounds: list[Round], embedded: Embedded) -> None:
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
