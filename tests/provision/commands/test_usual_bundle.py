"""The bundle of a note for which none is named."""

import json

import pytest

from provision.options.usual_bundle import usual_bundles
from provision.sync.provenance import ORIGIN, origin

from .bench import PATH, CommandBench

IN_PYTHON = "/NETPIE/MyApp metrics outputs in Python"


def with_python(bench: CommandBench) -> None:
    """Let the server's Spark answer in Python as a new one does."""
    bench.zeppelin.interpreters["spark"] = lambda _text: ["probe 4.1.4"]


def started(bench: CommandBench) -> int:
    """How often a paragraph was run, as an interpreter may be started by it."""
    return len(bench.zeppelin.asked("POST", "/api/notebook/job/"))


@pytest.mark.parametrize(
    ("pairs", "columns", "bundles"),
    [
        ([], [], ["structured", "streaming"]),
        (["topic=a", "window=120"], ["note", "topic"], ["structured", "streaming"]),
        (["receivers=2"], [], ["streaming"]),
        (["by=event"], [], ["structured"]),
        (["batch=0"], [], ["structured"]),
        ([], ["connector"], ["streaming"]),
        (["of_a_bundle_of_mine=1"], ["owner"], ["structured", "streaming"]),
        (["receivers=2", "by=event"], [], ["structured"]),
    ],
)
def test_bundles_that_have_what_is_asked_may_be_meant(pairs: list[str], columns: list[str], bundles: list[str]) -> None:
    assert usual_bundles(pairs, columns) == bundles


def test_a_new_note_is_in_python_where_the_server_has_spark_in_it(bench: CommandBench) -> None:
    with_python(bench)
    assert bench.apply()["written"] > 0
    note = bench.note(IN_PYTHON)
    assert (origin(note).bundle, origin(note).values["python"]) == ("structured", "spark.pyspark")
    asked = started(bench)
    assert bench.apply()["written"] == 0
    assert (started(bench), len(bench.zeppelin.notes)) == (asked, 1)


def test_a_new_note_is_in_scala_elsewhere_and_why_is_told(bench: CommandBench) -> None:
    bench.apply()
    assert origin(bench.note(PATH)).bundle == "streaming"
    assert "bundle streaming, in Scala: " in bench.said
    assert "no Python has pyarrow and a Spark from 3.3" in bench.said
    bench.apply()
    assert (len(bench.zeppelin.notes), "bundle" in bench.said.partition("{")[0]) == (1, False)


def test_a_note_in_scala_stays_what_it_is_where_python_has_come(bench: CommandBench) -> None:
    bench.apply()
    with_python(bench)
    asked = started(bench)
    assert bench.apply()["written"] == 0
    assert bench.apply("--note", PATH)["written"] == 0
    assert bench.run("plan", "--exit-code") == 0
    assert (started(bench), [note["path"] for note in bench.zeppelin.notes.values()]) == (asked, [PATH])


def test_a_plan_of_a_new_note_starts_nothing(bench: CommandBench) -> None:
    with_python(bench)
    assert bench.run("plan", "--json") == 0
    assert "planned with structured; an apply takes streaming where no Python of the server has Spark" in bench.said
    assert "before" in {change["key"] for change in json.loads(bench.out)["changes"]}
    assert bench.zeppelin.notes == {}
    assert started(bench) == 0


def test_what_is_wrong_is_told_before_an_interpreter_is_started(bench: CommandBench) -> None:
    with_python(bench)
    assert bench.run("apply", "--param", "window=125") == 2
    assert "window=125 is no multiple of slide=10" in bench.said
    assert started(bench) == 0


def test_what_one_of_them_alone_has_names_it(bench: CommandBench) -> None:
    with_python(bench)
    bench.apply("--param", "mqtt_jars=/paho.jar", "--param", "window=30", "--param", "slide=20")
    assert origin(bench.note(PATH)).bundle == "streaming"
    assert started(bench) == 0


def test_a_note_whose_marks_name_no_bundle_is_in_scala(bench: CommandBench) -> None:
    bench.apply()
    with_python(bench)
    (note,) = bench.zeppelin.notes.values()
    for paragraph in note["paragraphs"]:
        paragraph["config"].pop(ORIGIN, None)
    assert origin(bench.note(PATH)).bundle == ""
    assert bench.apply("--note", PATH)["written"] == 0
    assert origin(bench.note(PATH)).bundle == "streaming"
