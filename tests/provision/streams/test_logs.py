"""`provision logs`: outputs as text, the log of a followed note, the command on a server."""

import json
from collections.abc import Iterator
from dataclasses import replace
from types import SimpleNamespace

import pytest

from provision.cli import run
from provision.commands import logs as command
from provision.console import Console
from provision.streams import log as note_log
from provision.streams.latest_windows import Counted, Latest, counted, last_window, latest_paragraph
from provision.streams.log import LogLine, NoteLog, StreamWatch, follow
from provision.streams.outputs import columns, cut_at, plain
from provision.streams.spark_page import SparkPage, StreamState
from provision.streams.windows import Window
from provision.sync.provenance import MARK, PAGE, digest
from zeppelin_sdk import (
    ConnectionLost,
    Note,
    OutputAppended,
    OutputUpdated,
    Paragraph,
    ParagraphChanged,
    ParagraphStatus,
    ResultMessage,
    ZeppelinClient,
)
from zeppelin_sdk.testing import FakeZeppelin

CUT = ResultMessage(
    "HTML",
    '<div class="result-alert alert-warning" role="alert"><button type="button" class="close" data-dismiss="alert" '
    'aria-label="Close"><span aria-hidden="true">&times;</span></button><strong>Output is truncated</strong> to '
    "102400 bytes. Learn more about <strong>ZEPPELIN_INTERPRETER_OUTPUT_LIMIT</strong></div>",
)
WINDOWS = """window until 2018-10-29T02:53:40Z
+----+---+
|  ts| id|
+----+---+
|t{0}|  h|
+----+---+

counts: events=7 malformed=1 windows={0}
"""
READY, RUNNING, FINISHED = ParagraphStatus.READY, ParagraphStatus.RUNNING, ParagraphStatus.FINISHED


@pytest.fixture
def zeppelin(monkeypatch: pytest.MonkeyPatch, tmp_path) -> Iterator[FakeZeppelin]:
    monkeypatch.setenv("PROVISION_HOME", str(tmp_path))
    with FakeZeppelin("0.10") as server:
        monkeypatch.setenv("ZEPPELIN_URL", server.url)
        yield server


def add_note(zeppelin: FakeZeppelin, *paragraphs: dict, path: str = "/A/b") -> dict:
    note = zeppelin.add_note(path)
    for each in paragraphs:
        added = zeppelin.add_paragraph(note, {"text": "%spark\n1", "title": "One", **each})
        added |= {key: each[key] for key in ("status", "results") if key in each}
    return note


def results(*messages: tuple[str, str]) -> dict:
    return {"code": "SUCCESS", "msg": [{"type": kind, "data": data} for kind, data in messages]}


# --- outputs ---


@pytest.mark.parametrize(
    ("kind", "data", "text"),
    [
        ("TEXT", "a\nb", "a\nb\n"),
        ("TEXT", "\x1b[31mred\x1b[0m\n", "red\n"),
        ("TABLE", "id\tcpu\nhost-1\t3.5\n", "id      cpu\nhost-1  3.5\n"),
        ("TABLE", "a\n1\n\n%html <b>more</b>", "a\n1\nmore\n"),
        ("HTML", "<h1>Title</h1><script>x()</script><p>a &lt; b<br>c</p>", "Title\na < b\nc\n"),
        ("TABLE", "id\tcpu\nho\x1b[31mst\t3\x9b2J\n", "id    cpu\nhost  3\n"),
        ("HTML", "<p>\x1b]0;title\x07\x1b[2Ja</p>", "a\n"),
        ("IMG", "iVBOR", "(an image)\n"),
        ("TEXT", "", ""),
    ],
)
def test_an_output_is_plain_text_whatever_its_type(kind: str, data: str, text: str) -> None:
    assert plain(ResultMessage(kind, data)) == text


def test_rows_of_different_lengths_line_up() -> None:
    assert columns([["a", "b"], ["ccc"], ["d", "e", "f"]]) == "a    b\nccc\nd    e  f"
    assert columns([]) == ""


def test_zeppelin_s_own_words_of_a_cut_are_known_in_html_only() -> None:
    assert cut_at(CUT) == "102400 bytes"
    assert cut_at(ResultMessage("TEXT", CUT.data)) is None


# --- the log ---


def told(log: NoteLog, *events: object) -> list[tuple[str, str]]:
    return [(line.event, line.text) for event in events for line in log.of(event)]


def changed(status: ParagraphStatus, *messages: ResultMessage) -> ParagraphChanged:
    return ParagraphChanged(Paragraph("p", title="One", status=status, results=messages))


def test_what_a_paragraph_printed_before_is_told_first_then_what_it_appends() -> None:
    log = NoteLog()
    assert told(log, changed(FINISHED, ResultMessage("TEXT", "old\n"))) == [("output", "old\n")]
    run_again = (changed(RUNNING), OutputUpdated("p", 0, "TEXT", ""), OutputAppended("p", 0, "a\n"))
    assert told(log, *run_again) == [("status", "RUNNING"), ("output", "a\n")]
    rest = (OutputAppended("p", 0, "b\n"), changed(FINISHED, ResultMessage("TEXT", "a\nb\n")))
    assert told(log, *rest) == [("output", "b\n"), ("status", "FINISHED")]


def test_the_same_output_again_is_not_told_twice() -> None:
    log = NoteLog()
    assert len(told(log, *[changed(FINISHED, ResultMessage("TEXT", "x\n"))] * 3)) == 1


def test_output_that_repeats_itself_is_told_line_by_line() -> None:
    log = NoteLog()
    told(log, changed(RUNNING))
    again = [OutputAppended("p", 0, "same\n") for _ in range(3)]
    assert told(log, *again) == [("output", "same\n")] * 3
    assert told(log, changed(FINISHED, ResultMessage("TEXT", "same\n" * 4)))[0] == ("output", "same\n")


def test_an_escape_sequence_that_comes_in_pieces_is_told_in_none() -> None:
    log = NoteLog()
    pieces = (
        OutputAppended("p", 0, "a\x1b[3"),
        OutputAppended("p", 0, "1mb\x1b]0;t"),
        OutputAppended("p", 0, "\x07c\n"),
    )
    assert told(log, changed(RUNNING), *pieces) == [("output", "a"), ("output", "b"), ("output", "c\n")]


def test_who_joins_late_is_told_the_missing_end_once_the_run_ends() -> None:
    log = NoteLog()
    told(log, changed(RUNNING), OutputAppended("p", 0, "b\n"))
    assert told(log, changed(FINISHED, ResultMessage("TEXT", "a\nb\nc\n")))[0] == ("output", "c\n")


def test_a_table_is_told_whole_when_its_run_has_ended() -> None:
    log = NoteLog()
    assert told(log, changed(RUNNING), OutputUpdated("p", 0, "TABLE", "a\tb\n"), OutputAppended("p", 0, "1\t2\n")) == []
    ended = changed(FINISHED, ResultMessage("TABLE", "a\tb\n1\t2\n"))
    assert told(log, ended)[0] == ("output", "a  b\n1  2\n")


def test_a_cut_is_told_once_and_not_as_output() -> None:
    log = NoteLog()
    text = ResultMessage("TEXT", "x\n")
    assert told(log, changed(RUNNING), OutputAppended("p", 0, "x\n"), OutputUpdated("p", 1, "HTML", CUT.data)) == [
        ("output", "x\n"),
        ("cut", "102400 bytes"),
    ]
    assert told(log, changed(FINISHED, text, CUT)) == [("status", "FINISHED")]


def test_a_run_that_went_silent_at_the_limit_is_told_as_cut_before_it_ends(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(note_log, "SETTLED_SECONDS", 0.0)
    log = NoteLog(limit=10)
    told(log, changed(RUNNING), OutputAppended("p", 0, "123456789"))
    assert told(log, None) == []
    told_then = told(log, OutputAppended("p", 0, "0"), None, None)
    assert [line for line in told_then if line[0] == "cut"] == [("cut", "10 bytes")]


def test_a_lost_connection_is_told() -> None:
    assert told(NoteLog(), ConnectionLost("gone"))[0][0] == "connection"


def latest(**more: object) -> Latest:
    return Latest(ZeppelinClient("http://nowhere.invalid"), "n", page="", paragraph_id="p", every=10, **more)


def test_windows_that_the_note_keeps_are_told_once_each_and_their_text_is_not() -> None:
    log = NoteLog(latest())
    first = changed(FINISHED, ResultMessage("TEXT", WINDOWS.format(1)))
    later = WINDOWS.format(1) + WINDOWS.format(2).replace("02:53:40", "02:53:50")
    again = (
        changed(RUNNING),
        OutputAppended("p", 0, "window"),
        changed(FINISHED, ResultMessage("TEXT", later)),
    )
    lines = [line for event in (first, *again) for line in log.of(event)]
    assert [(line.event, line.window and line.window.rows) for line in lines] == [
        ("window", (("t1", "h"),)),
        ("window", (("t2", "h"),)),
    ]
    assert lines[0].to_json()["rows"] == [["t1", "h"]]


def test_a_stream_that_is_started_anew_brings_its_new_page() -> None:
    asked = latest()
    told(NoteLog(asked), ParagraphChanged(Paragraph("start", config={PAGE: "http://driver:4041"})))
    assert asked.page == "http://driver:4041"


def test_nothing_is_asked_of_a_stream_whose_page_does_not_answer() -> None:
    assert not latest().ask()
    asked = latest()
    asked.page = "http://127.0.0.1:9"
    assert not asked.ask()


def test_the_paragraph_that_keeps_windows_is_run_only_as_the_bundle_has_it() -> None:
    mark = {MARK: {"key": "latest", "sha256": digest("%spark\nResults.show(3)")}}
    kept = Paragraph("p", text="%spark\nResults.show(3)", config=mark)
    assert latest_paragraph(Note("n", "/n", (kept,))) == kept
    edited = Paragraph("p", text="%spark\nlaunchRockets()", config=mark)
    assert latest_paragraph(Note("n", "/n", (edited,))) is None


def test_the_counts_and_the_last_window_are_read_from_the_note() -> None:
    assert counted(Note("n", "/n")) == Counted()
    assert last_window(Note("n", "/n")) is None

    at = "2026-11-26 09:00:00.123"
    results = (ResultMessage("TEXT", WINDOWS.format(3)),)
    shown = Paragraph("p", config={MARK: {"key": "latest"}}, results=results, date_finished=at)
    assert counted(Note("n", "/n", (shown,))) == Counted({"events": 7, "malformed": 1, "windows": 3}, at)
    window = last_window(Note("n", "/n", (shown,)))
    assert window is not None
    assert window.end == 1540781620000


@pytest.mark.parametrize(
    ("started", "ended", "is_known"),
    [
        ("2026-11-26 09:00:00.000", "2026-11-26 08:59:59.999", False),
        ("2026-11-26 09:00:00.000", "2026-11-26 09:00:01.000", True),
        ("Nov 26, 2026 1:00:00 PM", "Nov 26, 2026 12:00:00 PM", False),
        ("Nov 26, 2026, 9:00:00\u202fAM", "Nov 26, 2026, 10:00:00\u202fAM", True),
        ("someday", "another day", True),
    ],
)
def test_counts_and_windows_of_an_earlier_stream_are_not_taken_for_this_one_s(
    started: str, ended: str, is_known: bool
) -> None:
    results = (ResultMessage("TEXT", WINDOWS.format(3)),)
    start = Paragraph("s", config={MARK: {"key": "start"}}, date_finished=started)
    latest = Paragraph("p", config={MARK: {"key": "latest"}}, results=results, date_finished=ended)
    note = Note("n", "/n", (start, latest))
    assert bool(counted(note).counts) == is_known
    assert (last_window(note) is not None) == is_known


# --- the command ---


def test_the_command_prints_headings_text_and_where_the_full_rows_are(zeppelin: FakeZeppelin, capsys) -> None:
    add_note(
        zeppelin,
        {"title": "Averages", "status": "FINISHED", "results": results(("TABLE", "id\tcpu\nh\t1\n"))},
        {"title": "Silent"},
        {
            "title": "Outputs",
            "text": '%spark\ndf.write.csv("/data/avg-" + t)',
            "status": "ERROR",
            "results": results(("TEXT", "line\n"), ("HTML", CUT.data)),
        },
    )
    assert run(["logs", "b"]) == 0
    out = capsys.readouterr().out
    assert "── Averages ──\nid  cpu\nh   1\n" in out
    assert "Silent" not in out
    assert "── Outputs (ERROR) ──\nline\n" in out
    assert "102400 bytes" in out
    assert "/data/avg-*" in out


def test_a_table_of_the_windows_that_stand_as_text_is_not_told_again(zeppelin: FakeZeppelin, capsys) -> None:
    table = ("TABLE", "window_end\tts\tid\n2018-10-29T02:53:40Z\tt1\th\n")
    add_note(
        zeppelin,
        {"title": "Latest", "status": "FINISHED", "results": results(("TEXT", WINDOWS.format(1)), table)},
        {"title": "Chart", "status": "FINISHED", "results": results(table)},
    )
    assert run(["logs", "/A/b"]) == 0
    latest, chart = capsys.readouterr().out.split("── Chart ──")
    assert "window_end" not in latest
    assert "window_end" in chart


def test_the_json_answer_has_every_paragraph_its_outputs_and_cuts(zeppelin: FakeZeppelin, capsys) -> None:
    add_note(zeppelin, {"status": "FINISHED", "results": results(("TEXT", "a\n"), ("HTML", CUT.data))}, {})
    assert run(["logs", "b", "--json"]) == 0
    answer = json.loads(capsys.readouterr().out)
    assert [p["cut"] for p in answer["paragraphs"]] == ["102400 bytes", None]
    assert answer["paragraphs"][0]["outputs"][0] == {"type": "TEXT", "text": "a\n"}
    assert answer["rows"] is None


class Enough(Exception):
    """Ends a follower that would go on for ever."""


def test_following_goes_on_after_the_server_has_cut_the_connection(zeppelin: FakeZeppelin) -> None:
    note = add_note(zeppelin, {"status": "FINISHED", "results": results(("TEXT", "before\n"))})
    lines: list[LogLine] = []

    def tell(line: LogLine) -> None:
        lines.append(line)
        if line.text == "before\n":
            note["paragraphs"][0]["results"] = results(("TEXT", "before\nafter\n"))
            zeppelin.drop_connections()
        if line.text == "after\n":
            raise Enough

    with ZeppelinClient(zeppelin.url, timeout=30) as client, pytest.raises(Enough):
        follow(client, note["id"], None, tell)
    assert [line.event for line in lines] == ["output", "connection", "connection", "output"]


def scripted(monkeypatch: pytest.MonkeyPatch, *lines: LogLine) -> None:
    def follow_script(_client, _note, _latest, tell, _page) -> None:
        for line in lines:
            tell(line)
        raise KeyboardInterrupt

    monkeypatch.setattr(command, "follow", follow_script)


def test_ctrl_c_ends_the_following_well_and_text_stands_under_its_paragraph(
    zeppelin: FakeZeppelin, capsys, monkeypatch: pytest.MonkeyPatch
) -> None:
    add_note(zeppelin, {})
    one, two = Paragraph("1", title="One"), Paragraph("2", title="Two")
    scripted(
        monkeypatch,
        LogLine("output", one, "a"),
        LogLine("output", one, "b\n"),
        LogLine("output", two, "c"),
        LogLine("cut", one, "102400 bytes"),
        LogLine("status", two, "ERROR"),
    )
    assert run(["logs", "-f", "b"]) == 0
    out = capsys.readouterr().out
    assert out.startswith("── One ──\nab\n── Two ──\nc\n── One ──\n(Zeppelin cut this off at 102400 bytes")
    assert out.endswith("── Two ──\n(ERROR)\n")


def test_followed_events_are_an_object_a_line(zeppelin: FakeZeppelin, capsys, monkeypatch: pytest.MonkeyPatch) -> None:
    add_note(zeppelin, {})
    one = Paragraph("1", title="One", config={MARK: {"key": "k"}})
    scripted(
        monkeypatch, LogLine("status", one, "RUNNING"), LogLine("output", one, "[a]", "TEXT"), LogLine("connection")
    )
    assert run(["logs", "-f", "b", "--json"]) == 0
    events = [json.loads(line) for line in capsys.readouterr().out.splitlines()]
    assert [each["event"] for each in events] == ["status", "output", "connection"]
    assert events[1] | {"at": 0} == {
        "event": "output", "at": 0, "paragraph": "1", "key": "k", "title": "One", "text": "[a]", "type": "TEXT"
    }  # fmt: skip


# --- a stream that fails ---

FAILING = StreamState(
    batches=7, events=100, processing_ms=1, delay_ms=1, waiting_batches=0, receivers=1, last_error="",
    failed_batches=7, failure="AnalysisException: cannot resolve 'ts'",
)  # fmt: skip
WELL = replace(FAILING, failure="")


def spark_says(monkeypatch: pytest.MonkeyPatch, *states: StreamState | None) -> None:
    left = list(states)
    monkeypatch.setattr(SparkPage, "stream", lambda _page: left.pop(0) if len(left) > 1 else left[0])
    monkeypatch.setattr(SparkPage, "answers", lambda _page: True)


def test_the_command_tells_that_the_stream_fails_and_why(zeppelin: FakeZeppelin, capsys, monkeypatch) -> None:
    add_note(zeppelin, {"config": {PAGE: "http://driver:4040"}})
    spark_says(monkeypatch, FAILING)
    assert run(["logs", "b"]) == 0
    assert capsys.readouterr().out == "── the stream (failing) ──\nAnalysisException: cannot resolve 'ts'\n"
    assert run(["logs", "b", "--json"]) == 0
    assert json.loads(capsys.readouterr().out)["failure"] == "AnalysisException: cannot resolve 'ts'"
    spark_says(monkeypatch, WELL)
    assert run(["logs", "b", "--json"]) == 0
    assert json.loads(capsys.readouterr().out)["failure"] is None


def test_a_follower_is_told_once_that_the_stream_fails_and_once_that_it_is_well_again(monkeypatch) -> None:
    now = iter(range(0, 1000, 100))
    monkeypatch.setattr(note_log, "time", SimpleNamespace(monotonic=lambda: next(now)))
    other = replace(FAILING, failure="OutOfMemoryError")
    spark_says(monkeypatch, WELL, FAILING, FAILING, None, FAILING, other, WELL, WELL)
    watch = StreamWatch("http://driver:4040")
    assert [line.text for _ in range(5) for line in watch.news()] == ["failing: AnalysisException: cannot resolve 'ts'"]
    monkeypatch.setattr(note_log, "time", SimpleNamespace(monotonic=lambda: 1e9))
    watch._next = 0
    told = []
    for _ in range(3):
        told += [line.text for line in watch.news()]
        watch._next = 0
    assert told == ["failing: OutOfMemoryError", "its newest batch did not fail"]


def test_a_page_is_asked_every_few_seconds_and_less_often_while_it_is_out_of_reach(monkeypatch) -> None:
    asked: list[float] = []
    clock = SimpleNamespace(now=0.0)
    monkeypatch.setattr(note_log, "time", SimpleNamespace(monotonic=lambda: clock.now))
    monkeypatch.setattr(SparkPage, "stream", lambda _page: asked.append(clock.now))
    watch = StreamWatch("http://driver:4040")
    for second in range(300):
        clock.now = float(second)
        assert list(watch.news()) == []
    assert asked == [0, 10, 30, 70, 130, 190, 250]


def test_without_a_page_none_is_asked(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(SparkPage, "stream", lambda _page: pytest.fail("asked"))
    assert list(StreamWatch("").news()) == []


def test_a_followed_stream_that_fails_is_told_to_a_person_and_in_json(zeppelin, capsys, monkeypatch) -> None:
    add_note(zeppelin, {})
    scripted(monkeypatch, LogLine("stream", text="failing: why"))
    assert run(["logs", "-f", "b"]) == 0
    assert "the stream: failing: why" in capsys.readouterr().err
    scripted(monkeypatch, LogLine("stream", text="failing: why"))
    assert run(["logs", "-f", "b", "--json"]) == 0
    assert json.loads(capsys.readouterr().out) | {"at": 0} == {"event": "stream", "at": 0, "text": "failing: why"}


def test_a_followed_note_that_is_started_again_is_watched_on_its_new_page(zeppelin: FakeZeppelin, monkeypatch) -> None:
    add_note(zeppelin, {"config": {PAGE: "http://driver:4041"}})
    pages: list[str] = []

    def tell(line: LogLine) -> None:
        if line.event == "stream":
            raise Enough

    monkeypatch.setattr(
        note_log, "SparkPage", lambda page, _application: pages.append(page) or SimpleNamespace(stream=lambda: FAILING)
    )
    with ZeppelinClient(zeppelin.url, timeout=30) as client, pytest.raises(Enough):
        follow(client, next(iter(zeppelin.notes)), None, tell)
    assert pages == ["http://driver:4041"]


LONG = "12.184633333333333"


def test_numbers_in_tables_are_rounded_for_a_person_and_whole_for_a_script(zeppelin: FakeZeppelin, capsys) -> None:
    border = f"+---+{'-' * len(LONG)}+"
    table = [border, f"| id|{'avg(cpu)':>{len(LONG)}}|", border, f"|  h|{LONG}|", border]
    shown = "\n".join([f"before {LONG}", *table, ""])
    messages = results(("TEXT", shown), ("TABLE", f"id\tcpu\nh\t{LONG}\n"))
    add_note(zeppelin, {"title": "Latest", "status": "FINISHED", "results": messages})
    assert run(["logs", "b"]) == 0
    assert capsys.readouterr().out.splitlines()[1:] == [
        f"before {LONG}", "id  avg(cpu)", "h   12.185", "id  cpu", "h   12.185",
    ]  # fmt: skip
    assert run(["logs", "b", "--json"]) == 0
    (paragraph,) = json.loads(capsys.readouterr().out)["paragraphs"]
    assert all(LONG in each["text"] for each in paragraph["outputs"])


def test_a_followed_window_is_rounded_for_a_person_and_whole_for_a_script(zeppelin: FakeZeppelin, capsys) -> None:
    note = add_note(zeppelin, {"title": "One"})
    window = Window(1540781620000, (), (("h", LONG),), ("id", "cpu"))
    line = LogLine("window", Paragraph("p", title="Latest"), window=window)
    with ZeppelinClient(zeppelin.url) as client:
        command._Teller(Console(), client, client.get_note(note["id"])).tell(line)
    assert "h   12.185\n" in capsys.readouterr().out
    command._JsonTeller(Console()).tell(line)
    assert json.loads(capsys.readouterr().out)["rows"] == [["h", LONG]]
