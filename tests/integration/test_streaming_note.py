"""The `streaming` note while it runs: edited, run again, stopped; its topic has quotes, `$`, braces and Thai in it."""

import json
import os
import time
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import pytest

from provision.embedded.application import application_file
from provision.streams.windows import Window
from zeppelin_sdk import ParagraphError

from .command import done, provision
from .conftest import Streams
from .streams import Stream, event, wait_for

AT = "2018-10-29T09:53:36+0700"
AVERAGES = "avg(loadavg), avg(cpu), avg(mem)"


@pytest.fixture
def stream(streams: Streams) -> Stream:
    return streams.running("streaming")


@contextmanager
def edited(stream: Stream, key: str, old: str, new: str) -> Iterator[str]:
    """The paragraph with `old` replaced by `new`, as a person edits it; yields its id; put back at the end."""
    paragraph = stream.paragraph(key)
    assert old in paragraph.text
    stream.client.update_paragraph(stream.note_id, paragraph.id, text=paragraph.text.replace(old, new))
    try:
        yield paragraph.id
    finally:
        stream.client.update_paragraph(stream.note_id, paragraph.id, text=paragraph.text)
        run(stream, paragraph.id)


def run(stream: Stream, paragraph_id: str) -> None:
    """Run a paragraph, once more when Scala's compiler crashes: a window that is computed meanwhile may look for
    classes through the shell's class loader, which asks the compiler, and that is not made for two threads.
    """
    try:
        stream.client.execute_paragraph(stream.note_id, paragraph_id)
    except ParagraphError as error:
        if "Error while emitting" not in error.message:
            raise
        stream.client.execute_paragraph(stream.note_id, paragraph_id)


def windows_with(stream: Stream, id: str) -> list[Window]:
    """The windows with rows of this id, once there is one."""
    return wait_for(
        f"a window with {id}",
        lambda: [window for window in stream.windows() if any(row[1] == id for row in window.rows)],
    )


def test_an_edited_query_is_what_the_next_window_uses(stream: Stream) -> None:
    with edited(stream, "query", AVERAGES, "count(*), min(cpu), max(cpu)") as query:
        run(stream, query)
        stream.publish([event(AT, "edited", cpu=1), event(AT, "edited", cpu=9)])
        first = windows_with(stream, "edited")[0]

    assert [row[2:] for row in first.rows if row[1] == "edited"] == [("2", "1.0", "9.0")]


def test_a_query_with_a_mistake_fails_in_its_paragraph_and_the_old_one_stays(stream: Stream) -> None:
    with edited(stream, "query", AVERAGES, "avg(nonsense)") as query:
        with pytest.raises(ParagraphError, match="nonsense"):
            stream.client.execute_paragraph(stream.note_id, query)
        stream.publish([event(AT, "old query", cpu=1), event(AT, "old query", cpu=2)])
        first = windows_with(stream, "old query")[0]

    assert [row[2:] for row in first.rows if row[1] == "old query"] == [("1.0", "1.5", "25.0")]


@pytest.mark.parametrize("key", ["connector", "context", "stream"])
def test_the_plumbing_shows_nothing_of_what_the_shell_echoes(stream: Stream, key: str) -> None:
    shown = [(output.type, output.data.partition(">")[0]) for output in stream.paragraph(key).results]
    assert shown == [("HTML", "<div hidden")]


def test_an_error_of_the_plumbing_is_shown_in_its_paragraph(stream: Stream) -> None:
    end = "// What the shell echoes"
    with edited(stream, "connector", end, f'sys.error("plumbing broke")\n{end}') as connector:
        with pytest.raises(ParagraphError, match="plumbing broke"):
            stream.client.execute_paragraph(stream.note_id, connector)
        (output,) = stream.paragraph("connector").results
    assert output.type == "TEXT"


def test_malformed_lines_and_late_events_are_counted_and_the_stream_goes_on(stream: Stream) -> None:
    before = stream.counts()
    stream.publish(["no JSON", '{"ts": "2018', "[]", "", event(AT, "among malformed ones")])
    stream.process()

    assert windows_with(stream, "among malformed ones")
    assert {name: number - before[name] for name, number in stream.counts().items()} | {"windows": 0} == {
        "events": 5, "late": 1, "malformed": 4, "windows": 0,
    }  # fmt: skip


def test_several_events_in_a_message_are_a_row_each_and_what_is_broken_among_them_is_counted(stream: Stream) -> None:
    before = stream.counts()
    several = [event(AT, "in one message", cpu=number) for number in (1, 2, 6)]
    stream.publish([f"[{several[0]}, {several[1]}, 42]", f"{several[2]}\n" + '{"ts": "2018'])
    stream.process()

    (first, *_) = windows_with(stream, "in one message")
    assert [row[3] for row in first.rows if row[1] == "in one message"] == ["3.0"]
    counted = {name: number - before[name] for name, number in stream.counts().items()}
    assert (counted["events"], counted["malformed"]) == (5, 2)


def test_the_note_says_why_its_batches_fail_and_that_they_do_no_longer(stream: Stream) -> None:
    with edited(stream, "query", AVERAGES, "max(assert_true(cpu < 5))") as query:
        run(stream, query)
        stream.publish([event(AT, "too much", cpu=7)])
        told = wait_for("the failure", lambda: (shown := stream.latest()).startswith("THE STREAM FAILS") and shown)
        assert "is not true" in told
        assert "Exception" not in told.partition("\n\n")[0]
    wait_for("a stream that is well", lambda: stream.latest().startswith("The stream is well again"))


@pytest.mark.long
def test_a_stream_that_fails_in_every_batch_is_told_with_its_reason_wherever_one_looks(
    streams: Streams, stream: Stream
) -> None:
    url, outputs = streams.embedded.stack.url, stream.paragraph("outputs")
    assert "avgDF.repartition" in outputs.text
    broken = outputs.text.replace("avgDF.repartition", 'avgDF.select("nonsense").repartition')
    stream.client.update_paragraph(stream.note_id, outputs.id, text=broken)
    try:
        outcome = provision("run", stream.note.path)
        assert outcome.status == 1
        assert "its newest batch failed" in outcome.errors[0]
        assert "nonsense" in outcome.errors[0]
        status = provision("status", stream.note.path, "--json")
        assert (status.status, status.json["state"]) == (1, "failing")
        listed = {note["path"]: note for note in done("list", "--json").json["notes"]}[stream.note.path]
        assert listed["state"] == "failing"
        assert "nonsense" in listed["failure"]
        assert "nonsense" in done("logs", stream.note.path, "--json").json["failure"]
        assert "── the stream (failing) ──" in done("logs", stream.note.path).out
        checks = provision("doctor", "--zeppelin", url, "--json").json["checks"]
        assert [check["level"] for check in checks if check["part"] == "stream"] == ["fail"]
        assert {check["part"]: check["level"] for check in checks}["websocket"] == "ok"
    finally:
        stream.client.update_paragraph(stream.note_id, outputs.id, text=outputs.text)
    done("run", stream.note.path)
    streams.started("streaming", stream.out)
    assert done("status", "--zeppelin", url, "--json").json["zeppelin"] == url


def test_the_chart_has_the_averages_of_the_windows(stream: Stream) -> None:
    stream.publish([event(AT, "charted", cpu=4), event(AT, "charted", cpu=5)])
    chart = stream.paragraph("chart").id

    def shown() -> str:
        return stream.client.execute_paragraph(stream.note_id, chart).output

    wait_for("its row in the chart", lambda: "charted\t1.0\t4.5\t25.0" in shown())
    assert stream.paragraph("chart").results[0].type == "TABLE"


def test_a_second_apply_writes_nothing(streams: Streams, stream: Stream) -> None:
    again = streams.apply("streaming", stream.out, "--no-run").json

    assert again["written"] == 0
    assert {change["verdict"] for change in again["changes"]} == {"same"}


def test_an_edit_survives_an_apply(streams: Streams, stream: Stream) -> None:
    with edited(stream, "query", "group by id", "where cpu < 1000 group by id"):
        text = stream.paragraph("query").text
        again = streams.apply("streaming", stream.out, "--no-run").json
        assert stream.paragraph("query").text == text

    assert [change["verdict"] for change in again["changes"] if change["key"] == "query"] == ["keep"]
    assert again["written"] == 0


def test_the_whole_note_runs_again_without_a_restart(streams: Streams, stream: Stream) -> None:
    spark = stream.application()
    outcome = done("run", stream.note.path, "--json")
    again = streams.started("streaming", stream.out)
    again.publish([event(AT, "after a rerun")])

    assert windows_with(again, "after a rerun")
    assert again.application() == spark
    assert "restart" not in outcome.err
    assert again.counts()["events"] == 1


@pytest.mark.long
def test_the_whole_note_runs_again_and_again_in_one_spark(streams: Streams, stream: Stream) -> None:
    """TEST_NOTE_RUNS is how often: more than a few is for a longer look."""
    spark, runs = stream.application(), int(os.environ.get("TEST_NOTE_RUNS", "3"))
    for _ in range(runs):
        outcome = done("run", stream.note.path, "--json")
        stream = streams.started("streaming", stream.out)
        assert "restart" not in outcome.err
    stream.publish([event(AT, f"after {runs} runs")])

    assert windows_with(stream, f"after {runs} runs")
    assert stream.application() == spark
    assert stream.counts()["events"] == 1


def test_new_credentials_restart_the_stream_and_nothing_else(streams: Streams, stream: Stream) -> None:
    spark, stack = stream.application(), streams.embedded.stack
    with edited(stream, "query", "group by id", "where cpu < 1000 group by id"):
        before = seen(stream)
        thing = ["--credentials-file", application_file(), "--auth", stack.netpie.auth]
        old = done("creds", "show", "--json", *thing).json
        assert done("creds", "refresh", "--json", *thing).json != old
        outcome = streams.apply("streaming", stream.out)
        again = streams.started("streaming", stream.out)
        assert outcome.json["written"] == 0
        assert seen(again) == before
        again.publish([event(AT, "new credentials")])
        assert windows_with(again, "new credentials")

    assert again.application() == spark
    assert "restart" not in outcome.err


def seen(stream: Stream) -> list[tuple[str, str, dict[str, Any]]]:
    """What a person sees of the note's paragraphs: all but the tool's own settings, and outputs."""
    return [
        (p.title, p.text, {key: value for key, value in p.config.items() if not key.startswith("provision")})
        for p in stream.note.paragraphs
    ]


def test_a_stop_processes_what_was_received(streams: Streams, stream: Stream) -> None:
    stream.publish([event(AT, "first")])
    stream.publisher.publish([event(AT, f"last {number}").encode() for number in range(50)])
    stream.publisher.flush(10)
    time.sleep(2)  # for the broker and the receiver: nothing tells that a batch which has not ended holds them
    done("stop", stream.note.path)

    processed = {row[1] for window in stream.windows() for row in window.rows if row[1].startswith("last ")}
    assert processed == {f"last {number}" for number in range(50)}
    assert provision("status", stream.note.path, "--json").json["state"] == "stopped"


@pytest.mark.long
def test_events_of_ones_own_form_are_averaged_by_parameters_alone(streams: Streams, stream: Stream) -> None:
    out = stream.out.with_name("own-form")
    schema = "device string, data struct<temp: double>, at bigint"
    streams.apply("streaming", out, "--param", f"schema={schema}", "--param", "event_time=at")
    try:
        own = streams.started("streaming", out)
        late, sent = int(time.time()) - 3600, [("gh-1", 20), ("gh-1", 40.5), ("gh-2", 31)]
        events = [json.dumps({"device": device, "data": {"temp": temp}, "at": late}) for device, temp in sent]
        own.publish([*events, '{"device": "gh-1"}', "no JSON"])
        averages = {"gh-1": (late, 30.25), "gh-2": (late, 31.0)}
        wait_for("a window with all", lambda: averages in [by_device(window) for window in own.windows()])
        assert own.counts() | {"windows": 0} == {"events": 5, "late": 3, "malformed": 2, "windows": 0}
        chart = own.paragraph("chart").id

        def shown() -> str:
            return own.client.execute_paragraph(own.note_id, chart).output

        wait_for("its row in the chart", lambda: "gh-1\t30.25" in shown())
        assert "window_end\tat\tdevice\tavg(data.temp)" in shown()
    finally:
        streams.stop()


def by_device(window: Window) -> dict[str, tuple[int, float]]:
    """Time and average of each device; what is malformed has no time."""
    return {device: (int(at), float(average)) for at, device, average in window.rows if at}
