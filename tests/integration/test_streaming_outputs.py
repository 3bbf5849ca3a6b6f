"""The outputs of a `streaming` note while it runs: their rows, one that fails, a run again."""

import re
import time
from collections.abc import Iterator
from contextlib import ExitStack

import pytest

from bench.postgres import PASSWORD

from .command import done, provision
from .conftest import Embedded
from .streams import TOPIC, event, publisher, wait_for
from .tables import NoteWithOutputs, parquet_table, table, with_postgres, words

NOTE = "/streams/outputs in Scala"
AT = "2018-10-29T09:53:36+0700"
SLIDE, WINDOW = 3, 6


class Running(NoteWithOutputs):
    def has(self, id: str) -> bool:
        return any(row[1] == id for window in table(self.out) for row in window.rows)

    def failing(self) -> list[dict[str, object]]:
        """The outputs that fail, as `provision status` tells."""
        told: list[dict[str, object]] = provision("status", NOTE, "--json").json["stream"]["outputs"]
        return told


@pytest.fixture(scope="module", params=["jar", pytest.param("paragraph", marks=pytest.mark.long)])
def stream(
    embedded: Embedded, tmp_path_factory: pytest.TempPathFactory, request: pytest.FixtureRequest
) -> Iterator[Running]:
    out = tmp_path_factory.mktemp("streaming")
    values: dict[str, object] = {
        "topic": TOPIC, "out": out, "batch": SLIDE, "slide": SLIDE, "window": WINDOW, "variant": "outputs",
        "outputs": "csv,parquet", "connector": request.param,
    }  # fmt: skip
    with ExitStack() as exits:
        postgres = with_postgres(values, exits)
        done("apply", "--bundle", "streaming", "--note", NOTE, *words(values))
        exits.callback(done, "stop", NOTE)
        link = exits.enter_context(publisher(embedded.stack, tmp_path_factory.mktemp("thing"), TOPIC))
        yield Running(embedded.client, NOTE, out, link, postgres)


def test_a_window_is_in_every_output_and_an_edited_query_s_too(stream: Running) -> None:
    stream.publish(event(AT, "averaged", cpu=1), event(AT, "averaged", cpu=4))
    wait_for("its window", lambda: stream.has("averaged"))
    query = stream.paragraph("query").text
    stream.run("query", query.replace("avg(cpu)", "max(cpu)"))
    stream.publish(event(AT, "edited", cpu=9))
    wait_for("its window", lambda: stream.has("edited"))
    assert re.search(r"^output csv: \d+ windows$", stream.run("latest").output, re.MULTILINE)
    assert "edited\t1.0\t9.0\t25.0" in stream.run("chart").output
    stream.run("query", query)


def test_an_output_that_fails_is_told_stops_no_other_and_catches_up(stream: Running) -> None:
    before = stream.paragraph("output-parquet").text
    stream.run("output-parquet", re.sub(r'folder=".*?"', 'folder="/proc/no-such"', before))
    stream.publish(event(AT, "meanwhile"))
    wait_for("the other's window", lambda: stream.has("meanwhile"))
    told = wait_for("the failure", stream.failing)
    assert [each["name"] for each in told] == ["parquet"]
    assert "/proc/no-such" in str(told[0]["reason"])
    assert "output parquet" in provision("status", NOTE).out
    stream.run("output-parquet", before)
    wait_for("no failure", lambda: not stream.failing())


def test_the_note_runs_again_in_the_same_spark_and_a_stop_leaves_all_rows_in_each_output(stream: Running) -> None:
    assert "restart" not in done("run", NOTE, "--json").err
    stream.publish(event(AT, "again"))
    wait_for("a window of the new run", lambda: stream.has("again"))
    stream.publish(*(event(AT, f"last {number}") for number in range(50)))
    time.sleep(SLIDE)  # for the broker: nothing tells that a batch which has not ended holds them
    done("stop", NOTE)
    wait_for("all rows", lambda: stream.has("last 49") and parquet_table(stream.out) == table(stream.out))
    rows = table(stream.out)
    assert {f"last {number}" for number in range(50)} <= {row[1] for window in rows for row in window.rows}
    assert {window.end % (1000 * SLIDE) for window in rows} == {0}
    assert len(list(stream.out.glob("windows-*/csv/*"))) <= 2 * 4
    stream.check_table_has(rows)


def test_nothing_of_the_note_holds_the_database_s_password(stream: Running) -> None:
    texts = [each.text for each in stream.note.paragraphs] + [each.output for each in stream.note.paragraphs]
    assert not [text for text in texts if PASSWORD in text]
    assert any("org.postgresql.Driver" in text for text in texts) == bool(stream.postgres)
