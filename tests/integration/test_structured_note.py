"""The `structured` note while it runs: one that was started once, its topic with quotes, `$`, braces and Thai in it."""

import json
import re
import subprocess
import time
import venv
from collections.abc import Iterator
from contextlib import ExitStack
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any

import pytest
from paho.mqtt.publish import single

from bench.postgres import PASSWORD
from provision.bundles.bundle import load_bundle
from provision.bundles.event_form import event_form
from provision.bundles.reading import reading
from provision.embedded.python import python_environment
from provision.events.rows import RowReader
from provision.streams.windows import Window
from zeppelin_sdk import ParagraphError

from ..connector.conftest import QUICK_START
from ..outputs.receiver import Receiver
from ..provision.rendering import code, rendered
from .command import Outcome, done, provision
from .conftest import Embedded
from .mosquitto import mosquitto
from .streams import TOPIC, event, publisher, wait_for
from .tables import NoteWithOutputs, parquet_table, table, with_postgres, words

NOTE = "/streams/structured"
AT = "2018-10-29T09:53:36+0700"
SLIDE, WINDOW = 4, 8
AVERAGES = "avg(loadavg), avg(cpu), avg(mem)"
SEED, STREAMS = 2, 2
"""Which random streams are computed: one by arrival and one by event time, both with batches that Spark gives twice."""


@dataclass
class Running(NoteWithOutputs):
    applied: Outcome
    receiver: Receiver

    def windows(self, id: str) -> list[Window]:
        """The windows with rows of this id, once there is one."""
        return wait_for(
            f"a window with {id}",
            lambda: [each for each in table(self.out) if any(row[1] == id for row in each.rows)],
        )

    def counts(self) -> dict[str, int]:
        line = next(line for line in self.run("latest").output.splitlines() if line.startswith("counts: "))
        return {name: int(number) for name, number in (pair.split("=") for pair in line.split()[1:])}


@pytest.fixture(scope="module")
def stream(embedded: Embedded, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Running]:
    out = tmp_path_factory.mktemp("structured")
    values = {"topic": TOPIC, "out": out, "slide": SLIDE, "window": WINDOW}
    exits = ExitStack()
    receiver = Receiver()
    exits.callback(receiver.server_close)
    exits.callback(receiver.shutdown)
    values |= {"outputs": "csv,parquet,webhook", "webhook_url": receiver.url, "alert": "avg(cpu) > 1000"}
    with exits:
        postgres = with_postgres(values, exits)
        applied = done("apply", "--json", "--bundle", "structured", "--note", NOTE, *words(values))
        exits.callback(done, "stop", NOTE)
        link = exits.enter_context(publisher(embedded.stack, tmp_path_factory.mktemp("thing"), TOPIC))
        yield Running(embedded.client, NOTE, out, link, postgres, applied, receiver)


def test_a_window_has_the_averages_of_its_events_and_the_page_tells_of_the_stream(stream: Running) -> None:
    assert done("status", NOTE, "--json").json["stream"]["receivers"] == 1
    stream.publish(event(AT, "alarming", cpu=2000))
    stream.publish(event(AT, "averaged", cpu=1), event(AT, "averaged", cpu=4), f"[{event(AT, 'averaged', cpu=10)}, 42]")
    found = stream.windows("averaged")
    assert {window.end % (1000 * SLIDE) for window in found} == {0}
    full = wait_for("a window with all three", lambda: [w for w in stream.windows("averaged") if rows_of(w) == [5.0]])
    assert full[-1].rows[-1][1] == "averaged"
    assert stream.counts() | {"windows": 0} == {"events": 5, "late": 4, "malformed": 1, "windows": 0}
    wait_for("its figures", lambda: done("status", NOTE, "--json").json["stream"]["events"] == 5)


def rows_of(window: Window, id: str = "averaged") -> list[float]:
    return [float(row[3]) for row in window.rows if row[1] == id]


def test_an_edited_query_is_what_the_next_window_uses_and_a_mistake_leaves_the_old_one(stream: Running) -> None:
    before = stream.paragraph("query").text
    edited = before.replace(AVERAGES, "count(*), min(cpu), max(cpu)")
    assert edited != before
    assert "Each window: " in stream.run("query", edited).output
    with pytest.raises(ParagraphError, match="nonsense") as failure:
        stream.run("query", before.replace(AVERAGES, "avg(nonsense)"))
    assert "\n" not in failure.value.message
    stream.publish(event(AT, "edited", cpu=1), event(AT, "edited", cpu=9))
    wait_for(
        "both in a window", lambda: ("2", "1.0", "9.0") in [r[2:] for w in stream.windows("edited") for r in w.rows]
    )
    stream.run("query", before)


def test_a_window_that_fails_is_told_with_its_reason_wherever_one_looks(stream: Running) -> None:
    before = stream.paragraph("query").text
    stream.run("query", before.replace(AVERAGES, "assert_true(count(*) < 0)"))
    try:
        stream.publish(event(AT, "never less"))
        wait_for("the failure", lambda: provision("status", NOTE, "--json").json["state"] == "failing")
        assert "is not true" in stream.run("latest").output.partition("\n\n")[0]
        assert provision("status", NOTE).status == 1
        assert "is not true" in done("logs", NOTE, "--json").json["failure"]
    finally:
        stream.run("query", before)
    wait_for("a stream that is well", lambda: stream.run("latest").output.startswith("The stream is well again"))


def test_the_chart_is_a_table_of_the_windows(stream: Running) -> None:
    stream.publish(event(AT, "charted", cpu=4))
    wait_for("its row in the chart", lambda: "charted\t1.0\t4.0\t25.0" in stream.run("chart").output)
    assert stream.paragraph("chart").results[0].type == "TABLE"
    before = stream.paragraph("chart").text
    query = "select window_end, `avg(cpu)` from averages where id = 'charted' order by 1 desc limit 1"
    try:
        drawn = stream.run("chart", f'%python\nwindows.results.chart("{query}")').output.splitlines()
    finally:
        stream.run("chart", before)
    assert drawn[0] == "window_end\tavg(cpu)"
    assert re.fullmatch(r"20\d\d-\d\d-\d\d \d\d:\d\d:\d\d\t4\.0", drawn[1])


def test_an_output_that_fails_is_told_stops_no_other_and_catches_up(stream: Running) -> None:
    before = stream.paragraph("output-parquet").text
    folder = before.partition('folder="')[2].partition('"')[0]
    far = f'outputs.to("far", Csv("file://{stream.out}/far"))'
    stream.run("output-csv", f"{(own := stream.paragraph('output-csv').text)}\n{far}")
    stream.run("output-parquet", before.replace(f'"{folder}"', '"/proc/no-such"'))
    stream.publish(event(AT, "meanwhile"))
    (first, *_) = stream.windows("meanwhile")
    told = wait_for("the failure", lambda: provision("status", NOTE, "--json").json["stream"]["outputs"])
    assert [each["name"] for each in told] == ["parquet"]
    assert "/proc/no-such" in told[0]["reason"]
    assert "output parquet" in provision("status", NOTE).out
    wait_for("all that waits", lambda: "wait, from " in stream.run("latest").output.partition("output parquet: ")[2])
    stream.run("output-parquet", before)
    wait_for("what waited", lambda: first in parquet_table(stream.out))
    wait_for("no failure", lambda: provision("status", NOTE, "--json").json["stream"]["outputs"] == [])
    wait_for("it elsewhere too", lambda: first in table(stream.out, "far/*.csv"))
    stream.run("output-csv", f'{own}\noutputs.without("far")')
    stream.run("output-csv", own)


def test_the_note_runs_again_in_the_same_spark_and_an_apply_writes_nothing(stream: Running) -> None:
    again = done("run", NOTE, "--json")
    assert "restart" not in again.err
    stream.publish(event(AT, "after a rerun"))
    assert stream.windows("after a rerun")
    assert stream.counts()["events"] == 1
    assert done("apply", "--json", "--bundle", "structured", "--note", NOTE).json["written"] == 0


def test_a_stop_processes_what_was_received(stream: Running) -> None:
    stream.publish(*(event(AT, f"last {number}") for number in range(50)))
    time.sleep(3)  # for the broker and the source: nothing tells that a batch which has not ended holds them
    done("stop", NOTE)
    assert len({row[1] for window in table(stream.out) for row in window.rows if row[1].startswith("last ")}) == 50
    assert (rows := parquet_table(stream.out)) == table(stream.out)
    posted = {body["window_end"]: body["rows"] for _, body in stream.receiver.got if "rows" in body}
    assert len(posted) == len([body for _, body in stream.receiver.got if "rows" in body])
    ended = {each.end: len(each.rows) for each in rows}
    told = {round(datetime.fromisoformat(end).timestamp() * 1000): len(each) for end, each in posted.items() if each}
    assert told == ended
    stream.check_table_has(rows)


def test_an_alert_is_sent_once_and_once_when_it_is_over(stream: Running) -> None:
    """Sent by now: its event came with the first test."""
    said = [(body["id"], body["state"]) for _, body in stream.receiver.got if "alert" in body]
    assert said == [("alarming", "begun"), ("alarming", "over")]


def test_nothing_of_the_note_holds_an_output_s_password(stream: Running) -> None:
    texts = [each.text for each in stream.note.paragraphs] + [each.output for each in stream.note.paragraphs]
    assert not [text for text in texts if PASSWORD in text]


def test_a_stopped_stream_is_told(stream: Running) -> None:
    assert len(list(stream.out.glob("windows-*/csv/*"))) <= 2 * 3
    assert provision("status", NOTE, "--json").json["state"] == "stopped"


def test_its_first_events_are_printed_and_no_warning_of_spark_s_among_what_paragraphs_show(stream: Running) -> None:
    chosen = dict.fromkeys(("outputs", "alert", "webhook_url", "postgresql_url"), "")
    done("apply", "--bundle", "structured", "--note", NOTE, *words({"variant": "print", **chosen}))
    stream.publish(event(AT, "printed"))
    wait_for("its row", lambda: re.search(r"\|\s*printed\|\s*1.0\|\s*50.0\|\s*25.0\|", stream.run("latest").output))
    assert [p.title for p in stream.note.paragraphs if re.search(r"\bWARN\b|log4j", p.output)] == []


def test_start_alone_begins_anew_after_a_stop(stream: Running) -> None:
    assert "has ended" in stream.run("stop").output
    assert "The stream runs." in stream.run("start").output
    stream.publish(event(AT, "after a start"))
    wait_for("its row", lambda: "after a start" in stream.run("latest").output)
    assert "THE STREAM FAILS" not in stream.run("latest").output


def test_a_note_that_shares_its_python_ends_its_stream_and_no_paragraph_of_it_reaches_the_other_s(
    stream: Running, tmp_path: Path
) -> None:
    values = {"topic": TOPIC, "out": tmp_path, "slide": SLIDE, "window": WINDOW}
    done("apply", "--bundle", "structured", "--note", "/streams/beside", *words(values))
    try:
        for key in ("window", "query", "outputs", "start", "latest", "stop"):
            with pytest.raises(ParagraphError, match="another note's stream runs in this Python"):
                stream.run(key)
        assert "no stream of this note" in done("stop", NOTE).err
        stream.publish(event(AT, "for the other"))
        wait_for("its row", lambda: "for the other" in {row[1] for each in table(tmp_path) for row in each.rows})
        assert done("status", "/streams/beside", "--json").json["stream"]["failed_batches"] == 0
        done("run", NOTE)
        stream.publish(event(AT, "back again"))
        wait_for("its row", lambda: "back again" in stream.run("latest").output)
        assert provision("status", "/streams/beside", "--json").json["state"] == "stopped"
    finally:
        done("remove", "/streams/beside", "--yes")


EVENT = {
    "data": {"temp": 21.5}, "text": "21.5", "list": [{"x": 1}, {"x": 2}], "odd name": 3, "word": "x", "on": True,
    "s": 1540781616, "ms": 1540781616000, "iso": "2018-10-29T09:53:36+0700",
}  # fmt: skip
READ = {
    "a double": "$.data.temp", "b double": "$.text", "c bigint": "$.text", "d double": "$.list[1].x",
    "e double": "$.list[7].x", "f double": "$['odd name']", "g double": "$.word", "h boolean": "$.on",
    "i string": "topic[-2]", "j string": "topic[9]", "k string": "'it\\'s'", "l double": "12.5", "m timestamp": "$.s",
    "n timestamp": "$.ms epoch_ms", "o timestamp": "$.iso iso", "p timestamp": "$.word", "q timestamp": "arrival",
}  # fmt: skip
FROM_JSON = {
    "schema": ", ".join(READ),
    "mapping": ", ".join(f"{name.partition(' ')[0]}={source}" for name, source in READ.items()),
}
CASES: list[tuple[dict[str, str], list[str]]] = [
    (FROM_JSON, [json.dumps(EVENT), f"[{json.dumps(EVENT)}, {json.dumps(EVENT)}]"]),
    (
        {"payload": "shadow", "schema": "deviceid string, temp double, timestamp timestamp"},
        ['{"deviceid": "d1", "data": {"temp": 21.5}, "timestamp": 1540781616000, "rev": 3}'],
    ),
    (
        {"payload": "csv", "schema": "device string, temp double"},
        ["gh-1,21.5", "gh-1;21,5\r\ngh-2;3", '"a, b",1', "gh-1"],
    ),
    ({"payload": "csv", "schema": "device string, temp double", "mapping": "device=topic[-2]"}, ["21.5", "x"]),
    ({"payload": "csv_header", "schema": "device string, temp double"}, ["temp,device\n21.5,gh-1\n3,gh-2"]),
]


def test_columns_come_from_their_sources_as_sub_shows_them(embedded: Embedded, tmp_path: Path) -> None:
    topic, arrival = "/MyApp/greenhouse/gh-1/readings", 1540781616.0
    for paragraph in rendered("structured").paragraphs[1:]:
        (tmp_path / f"{paragraph.key}.py").write_text(code(rendered("structured"), paragraph.key))
    cases, wanted = [], []
    for given, messages in CASES:
        names: dict[str, Any] = {}
        exec(code(rendered("structured", **given), "columns"), names)
        columns = {name: value for name, value in vars(names["Columns"]).items() if not name.startswith("_")}
        cases.append({"columns": columns, "topic": topic, "messages": messages})
        values = load_bundle("structured").values({"appid": "MyApp", **given})
        form = event_form(values)
        rows = [
            row
            for text in messages
            for row in RowReader(form, reading(values, form.fields)).rows(text.encode(), topic, arrival)
        ]
        wanted.append(
            {
                "rows": sorted(json.dumps(list(row.values.values())) for row in rows),
                "events": len(rows),
                "malformed": len([row for row in rows if row.malformed]),
            }
        )
    (tmp_path / "cases.json").write_text(json.dumps(cases))

    told = in_spark(embedded, "columns.py", tmp_path)
    assert [json.loads(line) for line in told.splitlines() if line.startswith('{"rows"')] == wanted
    assert told.endswith("Columns.fields has the column _time, a name of the note's own: give it another one\n")


def test_a_python_without_the_source_gets_it_from_the_note(embedded: Embedded, tmp_path: Path) -> None:
    venv.create(tmp_path / "bare", with_pip=False, symlinks=True)
    paragraph = tmp_path / "package.py"
    paragraph.write_text(code(rendered("structured"), "package"))
    with mosquitto(tmp_path) as broker:
        single("kept", "said", qos=1, retain=True, hostname="127.0.0.1", port=broker.port)
        bare = str(tmp_path / "bare" / "bin" / "python")
        told = in_spark(embedded, "without_package.py", paragraph, broker.port, tmp_path, EMBEDDED_PYTHON=bare)
    assert told.startswith("[('said', 'kept')] ")
    assert "pyspark_mqtt.zip" in told


def in_spark(embedded: Embedded, script: str, *words: object, **settings: str) -> str:
    """What a script of the folder `structured` prints in the Python of the embedded server."""
    python = embedded.stack.runtime.zeppelin_home / "interpreter" / "python" / "bin" / "python"
    java = {"JAVA_TOOL_OPTIONS": QUICK_START, "SPARK_LOCAL_IP": "127.0.0.1"}
    told = subprocess.run(
        [python, Path(__file__).parent / "structured" / script, *map(str, words)],
        env={"PATH": "/usr/bin:/bin", **java, **python_environment(), **settings},
        capture_output=True,
        text=True,
        timeout=600,
    )
    assert told.returncode == 0, told.stdout + told.stderr
    return told.stdout


@pytest.mark.long
def test_windows_of_random_streams_hold_what_is_computed_apart_and_no_restart_shows(
    embedded: Embedded, tmp_path: Path
) -> None:
    for paragraph in rendered("structured").paragraphs[1:]:
        (tmp_path / f"{paragraph.key}.py").write_text(code(rendered("structured"), paragraph.key))
    told = in_spark(embedded, "windows.py", tmp_path, SEED, STREAMS)
    assert "compiled anew: {'arrival': 0, 'event': 0}" in told
    assert f"of {STREAMS} streams: 0 streams differ" in told
