import math
from collections.abc import Callable, Collection
from dataclasses import replace
from typing import Any

import pytest

from provision import waiting
from provision.console import Console
from provision.errors import ProvisionError, RefusedError, UnreachableError, UsageError
from provision.streams import idle_end
from provision.streams import run_note as running
from provision.streams import run_paragraph as turns
from provision.streams.note_state import note_state
from provision.streams.run_note import FailingError, NoteRun, announce_live
from provision.streams.run_paragraph import HeldError
from provision.streams.spark_page import StreamState
from provision.streams.spark_probe import probe_spark, python_with_spark
from provision.streams.stop_note import stop_note
from provision.sync.provenance import MARK, PAGE
from zeppelin_sdk import (
    Note,
    Paragraph,
    ParagraphError,
    ParagraphStatus,
    ZeppelinClient,
)
from zeppelin_sdk.testing import Answer, FakeZeppelin, Request, ok

from ..notes_in_memory import Notes, paragraph_json

LAUNCHED = (
    "java.io.IOException: Can not change interpreter properties when interpreter process has already been launched"
)
UP_TO_0_8 = "Must be used before SparkInterpreter (%spark) initialized"
PROBE = "probe 3.1.3 2.12.10 http://driver:4040"
SHARED = {"perNote": "shared", "perUser": "shared"}
STATE = StreamState(
    batches=0, events=0, processing_ms=0, delay_ms=0, waiting_batches=0, receivers=1, last_error=""
)  # fmt: skip


class ScriptedZeppelin(FakeZeppelin):
    """Runs nothing: writes down what it is told to do, and ends paragraphs as `failures` and `outputs` say by title."""

    def __init__(self) -> None:
        super().__init__("0.10", pace=math.inf)
        spark = self.settings["spark"]
        self.settings = {
            f"{name}-id": spark | {"id": f"{name}-id", "name": name, "group": name, "option": dict(SHARED)}
            for name in ("spark", "python")
        }
        self.did: list[str] = []
        self.failures: dict[str, list[str]] = {}
        self.failed_as = ParagraphStatus.ERROR
        self.outputs: dict[str, str] = {"probe": PROBE}
        self.started_meanwhile: tuple[Paragraph, ...] = ()

    def respond(self, request: Request) -> Answer:
        match request.method, *request.path.removeprefix("/api/").split("/"):
            case "POST", "notebook", "job", note_id, paragraph_id:
                self.did.append(f"run {paragraph_id}")
                self.notes[note_id]["paragraphs"] += map(paragraph_json, self.started_meanwhile)
            case "DELETE", "notebook", "job", _, paragraph_id:
                self.did.append(f"cancel {paragraph_id}")
                if paragraph_id in self.stuck:
                    return ok()
            case "PUT", "notebook", _, "paragraph", paragraph_id, "config":
                self.did.append(f"page {paragraph_id} {request.json.get(PAGE, 'as it was')}")
            case "DELETE", "notebook", note_id:
                self.did.append(f"delete {note_id}")
            case "DELETE", "notebook", note_id, "paragraph", _:
                self.did.append(f"empty {note_id}")
            case "PUT", "interpreter", "setting", "restart", setting_id:
                self._restart(setting_id, request.json.get("noteId"))
            case "POST", "notebook", "import":
                self.did.append("probe")
                self.add(Note("probe", request.query["notePath"], (Paragraph("probe", title="probe"),)))
                return ok("probe")
        return super().respond(request)

    def add(self, note: Note) -> None:
        Notes(self)[note.id] = note

    def end(self, note_id: str, paragraph_id: str) -> None:
        """Let a paragraph that was run end."""
        ran = self.paragraph(note_id, paragraph_id)
        failures = self.failures.get(ran["title"])
        ran["status"] = str(self.failed_as if failures else ParagraphStatus.FINISHED)
        output = failures.pop(0) if failures else self.outputs.get(ran["title"], "")
        ran["results"] = {"code": "", "msg": [{"type": "TEXT", "data": output}]}

    def _restart(self, setting_id: str, note_id: str | None) -> None:
        self.did.append(f"restart {setting_id}{f' for {note_id}' if note_id else ''}")
        for note in self.notes.values():
            for entry in note["paragraphs"]:
                if entry["status"] in ("PENDING", "RUNNING"):
                    entry["status"] = "ABORT"


class FakeClient(ZeppelinClient):
    """A client of a Zeppelin that has the note "note" and runs nothing.

    While `clock` is set and one of the `others`, or a blocking paragraph of the note itself, runs, a paragraph that is
    run waits for its turn.
    """

    url = "http://zeppelin.example"

    def __init__(self, *paragraphs: Paragraph) -> None:
        self.fake = ScriptedZeppelin()
        super().__init__(self.url, session=self.fake.session())
        self.fake.add(Note("note", "/note", paragraphs))
        self.did, self.failures, self.outputs = self.fake.did, self.fake.failures, self.fake.outputs
        self.option: dict[str, str] = self.fake.settings["spark-id"]["option"]
        self.waited_for: tuple[ParagraphStatus, ...] = ()
        self.clock: FakeTime | None = None

    @property
    def note(self) -> Note:
        return self.get_note("note")

    def wait_paragraph(
        self,
        note_id: str,
        paragraph_id: str,
        *,
        timeout: float,
        until: Collection[ParagraphStatus] = (),
        on_poll: Callable[[Paragraph], None] | None = None,
    ) -> Paragraph:
        self.waited_for = tuple(until)
        while self.clock and self.is_held() and self.clock.now < timeout:
            assert on_poll
            on_poll(self.get_paragraph(note_id, paragraph_id))
            self.clock.sleep(1)
        self.fake.end(note_id, paragraph_id)
        return super().wait_paragraph(note_id, paragraph_id, timeout=timeout, until=until)

    def is_held(self) -> bool:
        return any(p.status is ParagraphStatus.RUNNING for note in Notes(self.fake).values() for p in note.paragraphs)


class Said(Console):
    """A console that keeps what it says."""

    def __init__(self) -> None:
        super().__init__()
        self.lines: list[str] = []

    def say(self, text: str, style: str | None = None) -> None:
        self.lines.append(text)


def paragraph(key: str, *, text: str = "%spark\n1", blocks: bool = False, **more: Any) -> Paragraph:
    config = {MARK: {"key": key, "blocks": blocks}} | more.pop("config", {})
    return Paragraph(key, title=key, text=text, config=config, **more)


def note_run(client: FakeClient, page: str = "") -> tuple[NoteRun, Said]:
    said = Said()
    return NoteRun(client, "note", said, page), said


STARTED = paragraph("start", status=ParagraphStatus.FINISHED)
CLASSIC = [paragraph(key) for key in ("dependencies", "context", "output")] + [paragraph("start", blocks=True)]


def test_paragraphs_run_in_the_note_s_order_a_person_s_own_included() -> None:
    own = Paragraph("own", title="own", text="println(1)")
    client = FakeClient(paragraph("dependencies"), own, paragraph("context"), paragraph("start"))
    run, _ = note_run(client)
    run.start()
    assert client.did == ["run dependencies", "run own", "run context", "run start"]


@pytest.mark.parametrize("text", ["", "  ", "%spark.sql", "%spark.sql\n", "%md ", "%spark(a=b)"])
def test_an_empty_paragraph_that_zeppelin_s_page_appended_is_not_run(text: str) -> None:
    client = FakeClient(paragraph("start"), Paragraph("appended", text=text))
    note_run(client)[0].start()
    assert client.did == ["run start"]


@pytest.mark.parametrize("how", ["Cannot call methods on a stopped SparkContext.", "LiveListenerBus is stopped."])
def test_a_note_whose_spark_has_ended_starts_over_on_a_fresh_interpreter(how: str) -> None:
    client = FakeClient(paragraph("dependencies"), paragraph("context"), paragraph("start"))
    client.failures["context"] = [f"java.lang.IllegalStateException: {how}"]
    run, said = note_run(client)
    run.start()
    again = ["run dependencies", "run context", "run start"]
    assert client.did == ["run dependencies", "run context", "restart spark-id", *again]
    assert any("Spark has ended" in line for line in said.lines)


DIED = "java.lang.RuntimeException: Interpreter process is not running\n\tat …"
PYTHON_DIED = "Python process is abnormally exited, please check your code and log."
ANOTHER_S = "another note's stream runs in this Python"
JAVA_DIED = "RuntimeError: Spark has ended: restart the interpreter of this paragraph, or `provision run` the note"


@pytest.mark.parametrize("how", [DIED, PYTHON_DIED, JAVA_DIED])
def test_a_note_whose_spark_was_killed_starts_from_the_top_in_another(how: str) -> None:
    client = FakeClient(paragraph("dependencies"), paragraph("context"), paragraph("start"))
    client.failures["context"] = [how]
    note_run(client)[0].start()
    again = ["run dependencies", "run context", "run start"]
    assert client.did == ["run dependencies", "run context", "restart spark-id", *again]


@pytest.mark.parametrize("how", [DIED, PYTHON_DIED])
def test_a_note_whose_spark_was_killed_has_nothing_to_stop(how: str) -> None:
    client, said = FakeClient(paragraph("stop"), STARTED), Said()
    client.failures["stop"] = [how]
    stop_note(client, client.note, said)
    assert said.lines[-1] == "no stream of this note: Spark's process has died, and its streams with it"

    client.failures["stop"] = ["java.lang.IllegalStateException: no"]
    with pytest.raises(ParagraphError):
        stop_note(client, client.note, said)


def test_a_note_in_whose_python_another_s_stream_runs_has_nothing_to_stop() -> None:
    client, said = FakeClient(paragraph("stop", text="%python\n1"), STARTED), Said()
    client.failures["stop"] = [f"RuntimeError: {ANOTHER_S}, which notes share: run this note to end that one"]
    stop_note(client, client.note, said)
    assert said.lines[-1] == f"no stream of this note: {ANOTHER_S}"


def test_the_probe_has_a_spark_that_was_killed_started_again() -> None:
    client = FakeClient()
    client.failures["probe"] = [DIED]
    assert probe_spark(client).spark == "3.1.3"
    assert client.did == ["probe", "run probe", "restart spark-id", "run probe", "empty probe", "delete probe"]


def test_a_spark_that_ends_again_is_an_error() -> None:
    client = FakeClient(paragraph("context"))
    client.failures["context"] = ["Cannot call methods on a stopped SparkContext."] * 2
    run, _ = note_run(client)
    with pytest.raises(ParagraphError):
        run.start()


def test_empty_and_disabled_paragraphs_are_left_out() -> None:
    empty, disabled = paragraph("empty", text=" \n"), paragraph("disabled", config={"enabled": False})
    client = FakeClient(paragraph("context"), empty, disabled)
    run, _ = note_run(client)
    run.start()
    assert client.did == ["run context"]


def test_the_stream_does_not_wait_for_a_text_and_one_that_fails_is_told() -> None:
    client = FakeClient(paragraph("introduction", text="%md\n# Introduction"), paragraph("context"), paragraph("start"))
    client.failures["introduction"] = ["no interpreter"]
    run, said = note_run(client)
    run.start()
    assert client.did == ["run context", "run start", "run introduction"]
    run.wait_until_well()
    (line,) = [line for line in said.lines if "introduction" in line]
    assert line.endswith("no interpreter; the stream runs all the same")


def test_a_text_before_a_paragraph_that_blocks_is_run_before_it() -> None:
    client = FakeClient(paragraph("introduction", text="%md\n# Introduction"), paragraph("start", blocks=True))
    run, _ = note_run(client)
    run.start()
    assert [each for each in client.did if each.startswith("run ") and "probe" not in each] == [
        "run introduction",
        "run start",
    ]


def test_the_first_failure_ends_the_run_and_names_its_paragraph() -> None:
    client = FakeClient(paragraph("context"), paragraph("stream"), paragraph("start"))
    client.failures["stream"] = ["<console>:1: error: not found: value ssc"]
    run, _ = note_run(client)
    with pytest.raises(ParagraphError, match="'stream'.*not found") as caught:
        run.start()
    assert (caught.value.paragraph_id, caught.value.title) == ("stream", "stream")
    assert client.did == ["run context", "run stream"]


def test_a_chart_that_fails_is_told_and_hinders_nothing() -> None:
    client = FakeClient(paragraph("start"), paragraph("chart"), paragraph("own"))
    client.failures["chart"] = ["org.apache.spark.sql.AnalysisException: cannot resolve 'temp'"]
    run, said = note_run(client)
    run.start()
    assert client.did == ["run start", "run chart", "run own"]
    assert [line for line in said.lines if "cannot resolve 'temp'" in line]


def test_a_spark_that_ended_beneath_the_chart_is_started_again() -> None:
    client = FakeClient(paragraph("start"), paragraph("chart"))
    client.failures["chart"] = [DIED]
    note_run(client)[0].start()
    assert client.did == ["run start", "run chart", "restart spark-id", "run start", "run chart"]


@pytest.mark.parametrize("words", [LAUNCHED, UP_TO_0_8])
def test_spark_running_with_other_dependencies_is_restarted_which_is_told_in_one_line(words: str) -> None:
    client = FakeClient(paragraph("dependencies"), paragraph("context"))
    client.failures["dependencies"] = [words]
    run, said = note_run(client)
    run.start()
    assert client.did == ["run dependencies", "restart spark-id", "run dependencies", "run context"]
    assert [line for line in said.lines if "restart" in line] == [
        "  Spark runs with other dependencies: restarting Spark's interpreter …"
    ]


@pytest.mark.parametrize("fails", [False, True])
def test_what_the_note_s_stream_has_received_is_processed_before_the_restart(
    monkeypatch: pytest.MonkeyPatch, fails: bool
) -> None:
    monkeypatch.setattr(running, "stream_state", lambda note: STATE)
    client = FakeClient(paragraph("dependencies"), paragraph("stop"))
    client.fake.failures |= {"dependencies": [LAUNCHED], "stop": ["it hangs"] * fails}
    run, said = note_run(client)
    run.start()
    before = ["run dependencies", "run stop", "restart spark-id"]
    assert client.did == [*before, "run dependencies", "run stop"]
    assert any("it hangs" in line for line in said.lines) == fails


def test_dependencies_that_fail_after_the_restart_too_end_the_run() -> None:
    client = FakeClient(paragraph("dependencies"), paragraph("context"))
    client.failures["dependencies"] = [LAUNCHED, LAUNCHED]
    run, _ = note_run(client)
    with pytest.raises(ParagraphError):
        run.start()
    assert client.did[-1] == "run dependencies"


@pytest.mark.parametrize("words", ["Cannot fetch dependencies", "a.jar: file already exists", "ERROR"])
def test_dependencies_that_fail_for_another_reason_restart_nothing(words: str) -> None:
    client = FakeClient(paragraph("dependencies"))
    client.failures["dependencies"] = [words]
    run, _ = note_run(client)
    with pytest.raises(ParagraphError):
        run.start()
    assert client.did == ["run dependencies"]


def test_a_paragraph_that_is_not_the_dependencies_restarts_nothing() -> None:
    client = FakeClient(paragraph("context"))
    client.failures["context"] = [LAUNCHED]
    run, _ = note_run(client)
    with pytest.raises(ParagraphError):
        run.start()
    assert client.did == ["run context"]


def test_the_blocking_paragraph_is_started_last_and_awaited_only_until_it_runs() -> None:
    client = FakeClient(*CLASSIC, paragraph("after"))
    run, _ = note_run(client)
    run.start()
    assert client.did[:3] == ["run dependencies", "run context", "run output"]
    assert client.did[-1] == "run start"
    assert client.waited_for == (ParagraphStatus.RUNNING,)


def test_the_driver_s_page_is_found_before_the_blocking_paragraph_and_kept_with_it() -> None:
    client = FakeClient(*CLASSIC)
    run, _ = note_run(client)
    run.start()
    assert run.page == "http://driver:4040"
    assert client.did[-2] == "page start http://driver:4040"


@pytest.mark.parametrize("which", ["perNote", "perUser"])
def test_no_page_is_looked_for_where_a_probe_would_have_a_spark_of_its_own(which: str) -> None:
    client = FakeClient(*CLASSIC)
    client.option[which] = "isolated"
    run, _ = note_run(client)
    run.start()
    assert run.page == ""
    assert "probe" not in client.did


@pytest.mark.parametrize("status", [ParagraphStatus.RUNNING, ParagraphStatus.ABORT, ParagraphStatus.ERROR])
def test_a_blocking_note_that_has_run_before_starts_on_a_fresh_interpreter(status: ParagraphStatus) -> None:
    client = FakeClient(*CLASSIC[:-1], replace(CLASSIC[-1], status=status))
    run, said = note_run(client)
    run.start()
    assert client.did[:2] == ["restart spark-id", "run dependencies"]
    assert len([line for line in said.lines if "restart" in line]) == 1


def test_a_spark_of_the_note_s_own_is_restarted_for_this_note_only() -> None:
    client = FakeClient(paragraph("dependencies"))
    client.option["perNote"] = "isolated"
    client.failures["dependencies"] = [LAUNCHED]
    run, said = note_run(client)
    run.start()
    assert client.did == ["run dependencies", "restart spark-id for note", "run dependencies"]
    assert "restarting this note's Spark" in said.lines[1]


IN_PYTHON = (
    paragraph("dependencies", text="%python.conf\nzeppelin.python.maxResult 7"),
    paragraph("start", text="%python\n1"),
)


def test_a_note_of_python_paragraphs_has_python_s_interpreter_restarted_and_no_spark() -> None:
    client = FakeClient(*IN_PYTHON)
    client.failures["dependencies"] = [LAUNCHED]
    run, said = note_run(client)
    run.start()
    assert client.did[:3] == ["run dependencies", "restart python-id", "run dependencies"]
    assert "restarting Python's interpreter" in said.lines[1]


def test_a_blocking_python_paragraph_has_no_spark_probed_for_its_page() -> None:
    client = FakeClient(paragraph("start", text="%python\n1", blocks=True))
    note_run(client)[0].start()
    assert "probe" not in client.did


HOLDER = Note("holder", "/holder", (paragraph("start", blocks=True, status=ParagraphStatus.RUNNING),))


def held(clock: "FakeTime", *paragraphs: Paragraph) -> FakeClient:
    """A note's client, while another note's stream keeps the Spark of all notes to itself."""
    client = FakeClient(*paragraphs)
    client.fake.add(Note("idle", "/idle", (paragraph("start", blocks=True),)))
    client.fake.add(HOLDER)
    client.clock = clock
    return client


def test_a_note_that_waits_behind_another_s_stream_ends_that_and_starts_from_the_top(clock: "FakeTime") -> None:
    client = held(clock, paragraph("context"), paragraph("start"))
    run, said = note_run(client)
    run.start()
    assert client.did == [
        "run context", "cancel context", "cancel start", "restart spark-id", "run context", "run start",
    ]  # fmt: skip
    assert turns.QUEUED <= clock.now < turns.QUEUED + 3
    (line,) = (line for line in said.lines if "restart" in line)
    assert (
        line == "  /holder streams in the same Spark, and lets no other paragraph run: restarting Spark's interpreter …"
    )


def test_a_stream_that_comes_back_at_once_is_a_conflict(clock: "FakeTime", monkeypatch: pytest.MonkeyPatch) -> None:
    client = held(clock, paragraph("context"))
    monkeypatch.setattr(client, "stop_interpreter", lambda *_arguments: client.fake.add(HOLDER))
    run, _ = note_run(client)
    with pytest.raises(HeldError, match="/holder streams") as caught:
        run.start()
    assert caught.value.exit_code == 3
    assert client.did[-1] == "cancel context"


def test_a_run_that_an_earlier_cancellation_ends_at_once_is_tried_again() -> None:
    client = FakeClient(paragraph("context"), paragraph("start"))
    client.failures["context"], client.fake.failed_as = [""], ParagraphStatus.ABORT
    note_run(client)[0].start()
    assert client.did == ["run context", "run context", "run start"]

    client.failures["context"] = ["", ""]
    with pytest.raises(ParagraphError, match="'context' ended in ABORT"):
        note_run(client)[0].start()


def test_a_run_that_somebody_cancels_is_not_tried_again(clock: "FakeTime", monkeypatch: pytest.MonkeyPatch) -> None:
    client = FakeClient(paragraph("context"))
    client.failures["context"], client.fake.failed_as = [""], ParagraphStatus.ABORT
    monkeypatch.setattr(client, "submit_paragraph", lambda *_: clock.sleep(turns.AT_ONCE + 1))
    with pytest.raises(ParagraphError, match="'context' ended in ABORT"):
        note_run(client)[0].start()


@pytest.mark.parametrize(
    "holder",
    [
        replace(HOLDER, paragraphs=(replace(HOLDER.paragraphs[0], config={}),)),
        replace(HOLDER, id="note"),
    ],
    ids=["a person's own long paragraph", "the note's own"],
)
def test_what_waits_for_something_else_waits_on(clock: "FakeTime", holder: Note) -> None:
    client = held(clock, paragraph("context"))
    if holder.id == "note":
        client.fake.started_meanwhile = holder.paragraphs
        del client.fake.notes["holder"]
    else:
        client.fake.add(holder)
    run, _ = note_run(client)
    run.start()
    assert client.did == ["run context"]
    assert clock.now >= turns.PARAGRAPH_TIMEOUT


def test_a_paragraph_of_another_interpreter_waits_for_no_spark(clock: "FakeTime") -> None:
    client = held(clock, paragraph("introduction", text="%md\n# Introduction"))
    note_run(client)[0].start()
    assert client.did == ["run introduction"]


def test_a_python_paragraph_does_not_wait_for_the_stream_in_zeppelin_s_spark(clock: "FakeTime") -> None:
    client = held(clock, *IN_PYTHON)
    client.fake.add(replace(HOLDER, id="note-2", path="/note-2"))
    note_run(client)[0].start()
    assert not [line for line in client.did if line.startswith(("cancel", "restart"))]


def test_where_notes_have_a_spark_each_none_waits_for_another(clock: "FakeTime") -> None:
    client = held(clock, paragraph("context"))
    client.option["perNote"] = "isolated"
    note_run(client)[0].start()
    assert client.did == ["run context"]


def test_a_note_whose_spark_another_s_stream_holds_has_nothing_to_stop(clock: "FakeTime") -> None:
    client, said = held(clock, paragraph("stop"), STARTED), Said()
    stop_note(client, client.note, said)
    assert client.did == ["run stop", "cancel stop"]
    assert "no stream of this note: /holder streams" in said.lines[-1]


def test_a_blocking_paragraph_that_fails_is_named() -> None:
    client = FakeClient(*CLASSIC)
    client.failures["start"] = ["IllegalStateException: no output operations"]
    run, _ = note_run(client)
    with pytest.raises(ParagraphError, match="'start'"):
        run.start()


def test_a_streaming_note_s_page_is_what_its_start_paragraph_prints() -> None:
    client = FakeClient(paragraph("start"), paragraph("latest"))
    client.outputs["start"] = "The stream runs. Spark's own page: http://127.0.0.1:4041\n"
    run, _ = note_run(client)
    run.start()
    assert run.page == "http://127.0.0.1:4041"
    assert client.did == ["run start", "page start http://127.0.0.1:4041", "run latest"]


def test_the_probe_reads_spark_s_versions_and_leaves_no_note_emptied_before_it_is_deleted() -> None:
    client = FakeClient()
    client.fake.add(Note("left", "/.provision/probe", (Paragraph("probe"),)))
    probe = probe_spark(client)
    assert (probe.spark, probe.scala, probe.page) == ("3.1.3", "2.12", "http://driver:4040")
    assert client.did == ["empty left", "delete left", "probe", "run probe", "empty probe", "delete probe"]


def test_the_probe_ends_the_spark_that_it_had_of_its_own() -> None:
    client = FakeClient()
    client.option["perNote"] = "isolated"
    probe_spark(client)
    assert client.did == ["probe", "run probe", "restart spark-id for probe", "empty probe", "delete probe"]


@pytest.mark.parametrize(
    ("output", "page"), [("probe 2.4.8 2.11.12 -", ""), (f"warning: x\n{PROBE}\n", "http://driver:4040")]
)
def test_the_probe_s_page_may_be_off(output: str, page: str) -> None:
    client = FakeClient()
    client.outputs["probe"] = output
    assert probe_spark(client).page == page


def test_a_probe_that_fails_leaves_no_note() -> None:
    client = FakeClient()
    client.failures["probe"] = ["Fail to launch"]
    with pytest.raises(ParagraphError):
        probe_spark(client)
    assert client.did[-1] == "delete probe"


def test_a_probe_without_versions_is_an_error_that_names_the_server() -> None:
    client = FakeClient()
    client.outputs["probe"] = "hello"
    with pytest.raises(ProvisionError, match="zeppelin.example: Spark gave no version"):
        probe_spark(client)


def in_python(monkeypatch: pytest.MonkeyPatch, **told: str) -> list[str]:
    """What was asked, of a server whose interpreters print this, or fail where there is none of them."""
    asked: list[str] = []

    def answer(_client: object, text: str, _group: str) -> str:
        interpreter = text.partition("\n")[0]
        asked.append(interpreter)
        output = told.get(interpreter.removeprefix("%").replace(".", "_"))
        if output is None:
            raise ParagraphError("no such thing", paragraph_id="p", title="", status="ERROR", output="")
        return output

    monkeypatch.setattr("provision.streams.spark_probe._told", answer)
    return asked


def test_the_python_of_spark_s_interpreter_comes_first(monkeypatch: pytest.MonkeyPatch) -> None:
    asked = in_python(monkeypatch, spark_pyspark="probe 3.3.4\n", python="probe 4.1.4\n")
    assert python_with_spark(FakeClient()) == "spark.pyspark"
    assert asked == ["%spark.pyspark"]


@pytest.mark.parametrize("in_spark", [{}, {"spark_pyspark": "probe 3.1.3\n"}, {"spark_pyspark": "hello"}])
def test_the_python_interpreter_is_taken_where_spark_s_is_too_old_or_none(
    monkeypatch: pytest.MonkeyPatch, in_spark: dict[str, str]
) -> None:
    in_python(monkeypatch, python="noise\nprobe 4.0.5\n", **in_spark)
    assert python_with_spark(FakeClient()) == "python"


def test_a_server_where_no_python_has_a_spark_is_refused_with_the_bundle_that_fits(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    in_python(monkeypatch, spark_pyspark="probe 3.1.3\n")
    with pytest.raises(UsageError) as caught:
        python_with_spark(FakeClient())
    assert "%spark.pyspark has Spark 3.1.3; %python: no such thing" in caught.value.message
    assert "--bundle streaming" in caught.value.next_step


class FakeTime:
    """A clock that moves only when somebody sleeps."""

    def __init__(self) -> None:
        self.now = 0.0

    def monotonic(self) -> float:
        return self.now

    def sleep(self, seconds: float) -> None:
        self.now += seconds


class FakeSparkPage:
    """Answers `states` one after the other, the last one from then on."""

    def __init__(self, *states: StreamState | None, reachable: bool = True) -> None:
        self.states, self.reachable = list(states), reachable

    def __call__(self, url: str) -> "FakeSparkPage":
        return self

    def stream(self) -> StreamState | None:
        return self.states.pop(0) if len(self.states) > 1 else self.states[0]

    def answers(self) -> bool:
        return self.reachable


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> FakeTime:
    clock = FakeTime()
    monkeypatch.setattr(running, "time", clock)
    monkeypatch.setattr(turns, "time", clock)
    monkeypatch.setattr(waiting, "time", clock)
    return clock


def await_live(monkeypatch: pytest.MonkeyPatch, page: FakeSparkPage) -> StreamState | None:
    monkeypatch.setattr(running, "SparkPage", page)
    run, _ = note_run(FakeClient(), "http://driver:4040")
    return run.wait_until_live()


def with_error(error: str, **more: Any) -> StreamState:
    return replace(STATE, receivers=0, last_error=error, **more)


def test_a_stream_is_live_when_events_come(monkeypatch: pytest.MonkeyPatch, clock: FakeTime) -> None:
    live = replace(STATE, events=3)
    assert await_live(monkeypatch, FakeSparkPage(None, STATE, STATE, live)) == live
    assert clock.now < 2


def test_a_quiet_stream_is_live_after_a_batch(monkeypatch: pytest.MonkeyPatch, clock: FakeTime) -> None:
    live = replace(STATE, batches=1)
    assert await_live(monkeypatch, FakeSparkPage(STATE, live)) == live


@pytest.mark.parametrize(
    "error",
    [
        "MQTT tcp://h:1: user name or password refused (CONNACK 4); the token may be gone: get new credentials",
        "MQTT tcp://h:1: not authorised (CONNACK 5); the key may be disabled; next try in 2 s",
        "Restarting receiver with delay 2000 ms: Error starting receiver 0: Bad user name or password (4)",
        "Error starting receiver 0: Not authorized to connect (5)",
    ],
)
def test_a_receiver_that_the_broker_refuses_is_a_refusal_at_once(
    monkeypatch: pytest.MonkeyPatch, clock: FakeTime, error: str
) -> None:
    with pytest.raises(RefusedError) as caught:
        await_live(monkeypatch, FakeSparkPage(STATE, with_error(error)))
    assert caught.value.exit_code == 5
    assert "creds refresh" in caught.value.next_step
    assert clock.now < running.CONNECT_GRACE


def test_a_broker_out_of_the_receiver_s_reach_is_told_after_a_grace(
    monkeypatch: pytest.MonkeyPatch, clock: FakeTime
) -> None:
    error = "MQTT tcp://h:1: Connection refused (Connection refused); next try in 1 s"
    with pytest.raises(UnreachableError, match="Connection refused") as caught:
        await_live(monkeypatch, FakeSparkPage(with_error(error, batches=2)))
    assert caught.value.exit_code == 4
    assert running.CONNECT_GRACE < clock.now < running.CONNECT_GRACE + 2


def test_a_receiver_that_gets_through_at_last_is_live_in_spite_of_its_last_error(
    monkeypatch: pytest.MonkeyPatch, clock: FakeTime
) -> None:
    live = replace(STATE, events=1, last_error="MQTT tcp://h:1: connection lost")
    assert await_live(monkeypatch, FakeSparkPage(with_error("MQTT tcp://h:1: connection lost"), live)) == live


def test_spark_s_page_out_of_reach_from_here_is_given_up_soon(monkeypatch: pytest.MonkeyPatch, clock: FakeTime) -> None:
    assert await_live(monkeypatch, FakeSparkPage(None, reachable=False)) is None
    assert clock.now < running.CONNECT_GRACE + 2


def test_a_stream_that_is_slow_to_start_is_waited_for(monkeypatch: pytest.MonkeyPatch, clock: FakeTime) -> None:
    live = replace(STATE, events=1)
    assert await_live(monkeypatch, FakeSparkPage(*[None] * 60, live)) == live


def test_without_a_page_nothing_is_waited_for(clock: FakeTime) -> None:
    run, _ = note_run(FakeClient())
    assert run.wait_until_live() is None
    assert clock.now == 0


FIRST_BATCH = replace(STATE, events=3, batch_ms=10_000)


def announce(monkeypatch: pytest.MonkeyPatch, *states: StreamState) -> list[str]:
    monkeypatch.setattr(running, "SparkPage", FakeSparkPage(*states))
    run, said = note_run(FakeClient(paragraph("start")), "http://driver:4040")
    announce_live(run)
    return said.lines


def test_a_stream_that_fails_in_its_first_batches_is_no_live_one_and_the_reason_is_told(monkeypatch, clock) -> None:
    failed = replace(FIRST_BATCH, batches=1, processed=3, failed_batches=1, failure="AnalysisException: no 'ts'")
    with pytest.raises(FailingError, match="AnalysisException: no 'ts'") as caught:
        announce(monkeypatch, FIRST_BATCH, FIRST_BATCH, failed, failed, replace(failed, batches=2, failed_batches=2))
    assert caught.value.exit_code == 1
    assert "run" in caught.value.next_step
    assert clock.now < 3


def test_one_batch_that_fails_among_others_that_do_not_makes_no_stream_a_failing_one(monkeypatch, clock) -> None:
    failed = replace(FIRST_BATCH, batches=1, processed=3, failed_batches=1, failure="ClassNotFoundException")
    well = replace(failed, batches=2, failure="")
    assert any("the stream is live" in line for line in announce(monkeypatch, FIRST_BATCH, failed, failed, well))


def test_a_first_batch_that_fails_is_enough_where_the_next_takes_long(monkeypatch, clock) -> None:
    failed = replace(FIRST_BATCH, batches=1, processed=3, failed_batches=1, failure="why", batch_ms=3_600_000)
    with pytest.raises(FailingError):
        announce(monkeypatch, failed)
    assert clock.now == pytest.approx(running.FIRST_BATCH_MOST, abs=1)


def test_a_stream_whose_first_events_are_processed_is_live(monkeypatch: pytest.MonkeyPatch, clock: FakeTime) -> None:
    processed = replace(FIRST_BATCH, batches=1, processed=3)
    said = announce(monkeypatch, FIRST_BATCH, FIRST_BATCH, processed)
    assert any("the stream is live (3 events so far)" in line for line in said)
    assert clock.now < 2


@pytest.mark.parametrize(("batch_ms", "seconds"), [(10_000, 21), (3_600_000, running.FIRST_BATCH_MOST)])
def test_a_first_batch_that_takes_long_is_not_waited_for_without_end(monkeypatch, clock, batch_ms, seconds) -> None:
    announce(monkeypatch, replace(FIRST_BATCH, batch_ms=batch_ms))
    assert clock.now == pytest.approx(seconds, abs=1)


def test_a_server_that_ends_an_idle_spark_is_told_with_what_keeps_it(monkeypatch, clock: FakeTime) -> None:
    monkeypatch.setattr(running, "SparkPage", FakeSparkPage(replace(STATE, batches=1)))
    for blocks, count in ((False, 1), (True, 0)):
        run, said = note_run(client := FakeClient(paragraph("start", blocks=blocks)), "http://driver:4040")
        client.fake.configurations |= {
            idle_end.CLASS: "org.apache.zeppelin.interpreter.lifecycle.TimeoutLifecycleManager",
            idle_end.THRESHOLD: "3600000",
        }
        announce_live(run)
        warned = [line for line in said.lines if "TimeoutLifecycleManager" in line]
        assert len(warned) == count
        assert all("for 1 h" in line and "NullLifecycleManager" in line for line in warned)


def test_the_stop_paragraph_stops_a_stream() -> None:
    client = FakeClient(paragraph("stop"), STARTED)
    stop_note(client, client.note, Said())
    assert client.did == ["run stop"]


def test_without_a_stop_paragraph_the_interpreter_is_restarted() -> None:
    client = FakeClient(*CLASSIC[:-1], replace(CLASSIC[-1], status=ParagraphStatus.ABORT))
    stop_note(client, client.note, Said())
    assert client.did == ["restart spark-id"]


def test_a_paragraph_that_blocks_is_cancelled_and_no_other_one() -> None:
    blocking = replace(CLASSIC[-1], status=ParagraphStatus.RUNNING)
    client = FakeClient(paragraph("stop"), blocking)
    stop_note(client, client.note, Said())
    assert client.did == [f"cancel {blocking.id}", "restart spark-id"]


@pytest.mark.parametrize(
    ("statuses", "stream", "state"),
    [
        (["FINISHED", "FINISHED"], STATE, "streaming"),
        (["FINISHED", "RUNNING"], None, "running"),
        (["FINISHED", "ERROR"], None, "failed"),
        (["FINISHED", "FINISHED"], replace(STATE, receivers=0), "stopped"),
        (["FINISHED", "READY"], None, "stopped"),
        (["READY", "READY"], None, "not run"),
        ([], None, "not run"),
    ],
)
def test_a_note_s_state_in_a_word(statuses: list[str], stream: StreamState | None, state: str) -> None:
    paragraphs = tuple(Paragraph(str(n), status=ParagraphStatus(s)) for n, s in enumerate(statuses))
    assert note_state(Note("n", "/n", paragraphs), stream) == state


def test_an_open_page_gets_what_is_noted_with_the_start() -> None:
    client = FakeClient(paragraph("start"))
    start = client.fake.notes["note"]["paragraphs"][0]
    start["config"] = {MARK: {"key": "start", "role": "start"}}
    client.fake.outputs = {start["title"]: "http://driver:4040"}
    note_run(client)[0].start()
    assert [(each.method, each.path.rpartition("/")[2]) for each in client.fake.asked("PUT", "paragraph")] == [
        ("PUT", "config"),
        ("PUT", start["id"]),
    ]
