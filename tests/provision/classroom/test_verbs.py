"""`plan`, `status`, `stop`, `run`, `remove` and `undo` for a class: a row each, in the file's order, a cause once."""

import json
import re
from collections.abc import Callable, Iterator
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from netpie_creds import AuthServer
from netpie_emulator import Emulator, RegisteredApp
from provision.classroom.causes import Failed
from provision.classroom.outcome import Outcome, Result, exit_code
from provision.classroom.side_by_side import do_rows
from provision.cli import run
from provision.errors import ConflictError, ProvisionError, UnreachableError, UsageError
from provision.streams.idle_end import CLASS
from provision.streams.spark_page import SparkPage, StreamState
from provision.sync.provenance import PAGE, STARTED
from zeppelin_sdk import LoginError, PermissionDeniedError, ServerUnreachableError, ZeppelinClient
from zeppelin_sdk.testing import Drop, FakeZeppelin

APP = RegisteredApp("ClassApp", "ClassKey1234567", "ClassSecret-123456789")
STREAM = StreamState(
    batches=7, events=100, processing_ms=1, delay_ms=1, waiting_batches=0, receivers=1, last_error="",
    events_per_second=1.5,
)  # fmt: skip
UNDO = ("undo", "--yes")
ROWS = ("note,topic", "Class/c,c", "Class/a,a", "Class/b,b")


@pytest.fixture
def netpie(tmp_path: Path) -> Iterator[Emulator]:
    with Emulator(APP.appid, APP.appkey, APP.appsecret, state=tmp_path / "netpie") as emulator:
        yield emulator


@pytest.fixture
def zeppelin(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Iterator[FakeZeppelin]:
    monkeypatch.setenv("PROVISION_HOME", str(tmp_path / "home"))
    for name, value in (("APPID", APP.appid), ("APPKEY", APP.appkey), ("APPSECRET", APP.appsecret)):
        monkeypatch.setenv(f"NETPIE_{name}", value)
    monkeypatch.setattr(SparkPage, "stream", lambda _page: None)
    with FakeZeppelin("0.10") as server:
        monkeypatch.setenv("ZEPPELIN_URL", server.url)
        yield server


@pytest.fixture
def command(
    netpie: Emulator, zeppelin: FakeZeppelin, tmp_path: Path, capsys, monkeypatch: pytest.MonkeyPatch
) -> Callable[..., tuple[int, dict[str, Any]]]:
    """Run a command with --each on these lines, and return its exit status and its answer."""
    monkeypatch.setenv("NETPIE_AUTH", netpie.auth_url)

    def each(verb: str, *lines: str, options: tuple[str, ...] = ()) -> tuple[int, dict[str, Any]]:
        file = tmp_path / "people.csv"
        file.write_text("\n".join(lines) + "\n")
        status = run([verb, "--each", str(file), "--json", *options])
        settle(zeppelin)
        return status, json.loads(capsys.readouterr().out)

    return each


def settle(zeppelin: FakeZeppelin) -> None:
    """Give imported paragraphs what the real server gives them."""
    for note in zeppelin.notes.values():
        for number, paragraph in enumerate(note["paragraphs"]):
            paragraph.setdefault("id", f"paragraph_{note['id']}_{number}")
            paragraph.setdefault("status", "READY")


def rows(answer: dict[str, Any], *keys: str) -> list[tuple[Any, ...]]:
    return [tuple(row[key] for key in keys) for row in answer["rows"]]


def note_at(zeppelin: FakeZeppelin, path: str) -> dict[str, Any]:
    return next(note for note in zeppelin.notes.values() if note["path"] == path)


def streams_on(zeppelin: FakeZeppelin, path: str, page: str) -> None:
    """Let the note be one that the tool has run."""
    paragraph = note_at(zeppelin, path)["paragraphs"][0]
    paragraph["config"] |= {PAGE: page, STARTED: {"turn": 1, "at": 1.0, "finished": ""}}
    paragraph["status"] = "FINISHED"


def paths(zeppelin: FakeZeppelin) -> set[str]:
    return {note["path"] for note in zeppelin.notes.values()}


# --- status ---


def test_the_state_of_each_row_s_note_is_shown_in_the_file_s_order(command, zeppelin, monkeypatch) -> None:
    command("apply", *ROWS)
    streams_on(zeppelin, "/Class/a", "http://driver-a:4040")
    monkeypatch.setattr(SparkPage, "stream", lambda page: STREAM if "driver-a" in page.url else None)
    status, answer = command("status", *ROWS)
    assert status == 1
    assert rows(answer, "line", "note", "result", "state") == [
        (2, "/Class/c", "done", "not run"),
        (3, "/Class/a", "done", "streaming"),
        (4, "/Class/b", "done", "not run"),
    ]
    assert answer["rows"][1]["stream"]["events"] == 100
    assert answer["rows"][1]["url"].endswith(f"/#/notebook/{note_at(zeppelin, '/Class/a')['id']}")
    status, answer = command("status", ROWS[0], ROWS[2])
    assert status == 0


def test_a_row_without_a_note_fails_and_the_others_are_shown(command, zeppelin) -> None:
    command("apply", *ROWS)
    status, answer = command("status", *ROWS, "Class/nobody,x")
    assert status == 1
    assert [row["result"] for row in answer["rows"]] == ["done", "done", "done", "failed"]
    assert "no note is there" in answer["rows"][3]["error"]["message"]


def test_a_note_that_was_moved_is_still_the_row_s(command, zeppelin: FakeZeppelin) -> None:
    command("apply", *ROWS)
    note_at(zeppelin, "/Class/a")["path"] = "/Archive/a"
    _, answer = command("status", *ROWS)
    assert [row["note"] for row in answer["rows"]] == ["/Class/c", "/Archive/a", "/Class/b"]


def test_a_row_s_note_is_the_bundle_s_where_the_file_names_none(command, zeppelin: FakeZeppelin) -> None:
    command("apply", "topic", "a", "b")
    _, answer = command("status", "topic", "a", "b")
    assert [row["result"] for row in answer["rows"]] == ["done", "done"]
    assert [row["note"] for row in answer["rows"]] == ["/NETPIE/ClassApp a csv", "/NETPIE/ClassApp b csv"]


def test_a_class_has_one_bundle_that_the_server_runs_and_keeps_it(command, zeppelin: FakeZeppelin) -> None:
    def started() -> int:
        return len(zeppelin.asked("POST", "/api/notebook/job/"))

    command("apply", "topic", "a", "b")
    in_scala = {"/NETPIE/ClassApp a csv", "/NETPIE/ClassApp b csv"}
    assert paths(zeppelin) == in_scala
    zeppelin.interpreters["spark"] = lambda _text: ["probe 4.1.4"]  # it has got a Python
    asked = started()
    for verb in ("apply", "plan", "status"):
        _, answer = command(verb, "topic", "a", "b")
        assert {row["note"] for row in answer["rows"]} == in_scala
        assert [row["result"] for row in answer["rows"]] == (["done"] if verb == "status" else ["same"]) * 2
    assert started() == asked
    command("apply", "topic,by", "c,event")
    command("apply", "topic", "d")
    in_python = {"/NETPIE/ClassApp c outputs in Python", "/NETPIE/ClassApp d outputs in Python"}
    assert paths(zeppelin) == in_scala | in_python
    _, answer = command("remove", "topic", "d", options=("--yes",))
    assert [row["result"] for row in answer["rows"]] == ["done"]
    assert paths(zeppelin) == {*in_scala, "/NETPIE/ClassApp c outputs in Python"}


def test_without_an_appid_a_row_that_names_no_note_fails(command, zeppelin, monkeypatch, tmp_path: Path) -> None:
    monkeypatch.delenv("NETPIE_APPID")
    status, answer = command("status", "topic", "a")
    assert status == 1
    assert "no APPID" in answer["rows"][0]["error"]["message"]
    (tmp_path / "app.env").write_text("appid=Other\n")
    for options in (("--appid", "Other"), ("--credentials-file", str(tmp_path / "app.env"))):
        _, answer = command("status", "topic", "a", options=options)
        assert answer["rows"][0]["note"] == "/NETPIE/Other a outputs in Python"


def test_a_file_of_600_notes_on_the_server_is_read_once_each(command, zeppelin: FakeZeppelin) -> None:
    command("apply", *ROWS)
    for number in range(600):
        zeppelin.add_note(f"/Others/{number}")
    del zeppelin.requests[:]
    command("status", *ROWS)
    assert len(zeppelin.asked("GET", "/api/notebook/")) <= 603 + 3


# --- plan ---


def test_a_plan_of_a_class_tells_of_each_row_what_an_apply_would_do_and_writes_nothing(command, zeppelin) -> None:
    command("apply", *ROWS[:3])
    window = next(p for p in note_at(zeppelin, "/Class/a")["paragraphs"] if p["title"] == "Sliding window")
    window["text"] = "%spark\nmine"
    del zeppelin.requests[:]
    status, answer = command("plan", f"{ROWS[0]},window", "Class/c,c,60", "Class/a,a,120", "Class/b,b,60")
    assert status == 3
    assert [row["result"] for row in answer["rows"]] == ["same", "failed", "done"]
    assert answer["rows"][1]["error"]["kind"] == "conflict"
    verdicts = [{change["verdict"] for change in row["changes"]} for row in answer["rows"]]
    assert verdicts[0] == {"same"}
    assert "conflict" in verdicts[1]
    assert verdicts[2] == {"add"}
    assert not [request for request in zeppelin.requests if request.method != "GET"]


def test_a_plan_is_a_line_a_row(command, zeppelin, tmp_path: Path, capsys) -> None:
    command("apply", *ROWS[:3])
    (tmp_path / "people.csv").write_text("note,topic,window\nClass/c,c,60\nClass/a,a,120\nClass/b,b,60\n")
    assert run(["plan", "--each", str(tmp_path / "people.csv")]) == 0
    lines = capsys.readouterr().out.splitlines()
    assert lines[0] == "same      /Class/c (line 2)"
    assert lines[1].startswith("change    /Class/a (line 3): ")
    assert "update" in lines[1]
    assert lines[2] == "new       /Class/b (line 4)"


# --- stop and run ---


def test_only_rows_whose_stream_runs_are_stopped(command, zeppelin: FakeZeppelin, monkeypatch) -> None:
    command("apply", *ROWS)
    streams_on(zeppelin, "/Class/a", "http://driver-a:4040")
    monkeypatch.setattr(SparkPage, "stream", lambda page: STREAM if "driver-a" in page.url else None)
    del zeppelin.requests[:]
    status, answer = command("stop", *ROWS)
    assert status == 0
    assert rows(answer, "result", "stopped") == [("same", False), ("done", True), ("same", False)]
    started = zeppelin.asked("POST", "/api/notebook/job/")
    assert [request.path.split("/")[4] for request in started] == [note_at(zeppelin, "/Class/a")["id"]]


def test_notes_that_share_a_spark_are_not_run_together(command, zeppelin: FakeZeppelin) -> None:
    command("apply", *ROWS)
    del zeppelin.requests[:]
    status, answer = command("run", *ROWS)
    assert status == 2
    assert "share one Spark" in answer["error"]["message"]
    assert "--isolate" in answer["error"]["next"]
    assert zeppelin.asked("POST", "/api/notebook/job/") == []


def test_rows_with_a_spark_each_are_run(command, zeppelin: FakeZeppelin) -> None:
    zeppelin.interpreters["spark"] = lambda _text: ["done"]
    command("apply", *ROWS, options=("--isolate",))
    asked = len(zeppelin.asked("POST", "/api/notebook/job/"))
    status, answer = command("run", *ROWS)
    assert status == 0, [row["error"] for row in answer["rows"]]
    assert [row["result"] for row in answer["rows"]] == ["done"] * 3
    ran = {request.path.split("/")[4] for request in zeppelin.asked("POST", "/api/notebook/job/")[asked:]}
    assert ran == set(zeppelin.notes)


def test_a_class_that_is_run_is_told_once_that_its_server_ends_an_idle_spark(
    command, zeppelin, tmp_path, capsys
) -> None:
    zeppelin.interpreters["spark"] = lambda _text: ["done"]
    zeppelin.configurations |= {CLASS: "org.apache.zeppelin.interpreter.lifecycle.TimeoutLifecycleManager"}
    command("apply", *ROWS)
    assert run(["apply", "--each", str(tmp_path / "people.csv"), "--isolate", "--run"]) == 0
    assert capsys.readouterr().err.count("TimeoutLifecycleManager") == 1


# --- remove and undo ---


def test_a_class_is_removed_after_a_yes_and_one_undo_brings_it_back(command, zeppelin: FakeZeppelin, capsys) -> None:
    command("apply", *ROWS)
    zeppelin.add_note("/Somebody/else")
    assert command("remove", *ROWS)[0] == 2
    assert len(zeppelin.notes) == 4
    status, answer = command("remove", *ROWS, options=("--yes",))
    assert (status, answer["done"]) == (0, 3)
    assert paths(zeppelin) == {"/Somebody/else"}
    status, answer = command("remove", *ROWS, options=("--yes",))
    assert (status, answer["same"]) == (0, 3)
    assert run([*UNDO, "--json"]) == 0
    capsys.readouterr()
    assert paths(zeppelin) == {"/Somebody/else", "/Class/a", "/Class/b", "/Class/c"}


@pytest.mark.parametrize("taken_away_by", ["remove", "undo"])
def test_a_note_that_goes_takes_the_spark_of_its_own_along(command, zeppelin: FakeZeppelin, taken_away_by: str) -> None:
    command("apply", *ROWS, options=("--isolate",))
    command("apply", *ROWS, "Class/d,d")
    ids = {note["id"] for note in zeppelin.notes.values()} - {note_at(zeppelin, "/Class/d")["id"]}
    zeppelin.settings["python"] = {**zeppelin.settings["spark"], "id": "python", "name": "python"}
    options = ("--yes",) if taken_away_by == "remove" else ()
    assert command(taken_away_by, *ROWS, options=options)[0] == 0
    assert {(setting, body["noteId"]) for setting, body in zeppelin.restarts} == {("spark", note_id) for note_id in ids}
    assert paths(zeppelin) == {"/Class/d"}


def test_a_note_that_goes_leaves_the_spark_that_all_share(command, zeppelin: FakeZeppelin) -> None:
    command("apply", *ROWS)
    assert command("remove", *ROWS, options=("--yes",))[0] == 0
    assert zeppelin.restarts == []


def test_a_note_that_goes_leaves_what_its_user_may_not_see(command, zeppelin: FakeZeppelin, monkeypatch) -> None:
    command("apply", *ROWS, options=("--isolate",))

    def refuse(_client: object) -> None:
        raise PermissionDeniedError("not yours")

    monkeypatch.setattr(ZeppelinClient, "list_interpreter_settings", refuse)
    assert command("remove", *ROWS, options=("--yes",))[0] == 0
    assert (paths(zeppelin), zeppelin.restarts) == (set(), [])


def test_a_note_that_no_apply_has_made_is_not_removed(command, zeppelin: FakeZeppelin) -> None:
    zeppelin.add_note("/Class/a")
    status, answer = command("remove", *ROWS, options=("--yes",))
    assert status == 1
    assert [row["result"] for row in answer["rows"]] == ["same", "failed", "same"]
    assert paths(zeppelin) == {"/Class/a"}


def test_each_row_s_last_apply_is_undone(command, zeppelin: FakeZeppelin) -> None:
    command("apply", *ROWS)
    status, answer = command("undo", ROWS[0], ROWS[1], ROWS[2])
    assert status == 0
    assert rows(answer, "note", "result") == [("/Class/c", "done"), ("/Class/a", "done")]
    assert paths(zeppelin) == {"/Class/b"}
    status, answer = command("undo", ROWS[0], ROWS[1])
    assert (status, answer["same"]) == (0, 1)


@pytest.mark.parametrize("second", [ROWS[:3], ROWS])
def test_undo_goes_back_run_by_run_until_no_note_is_left_that_the_first_has_made(
    command, zeppelin: FakeZeppelin, capsys, second: tuple[str, ...]
) -> None:
    def undo() -> int:
        status = run([*UNDO, "--json"])
        settle(zeppelin)
        capsys.readouterr()
        return status

    command("apply", *ROWS)
    made = {note["path"]: texts(note) for note in zeppelin.notes.values()}
    command("apply", f"{second[0]},window", *(f"{line},120" for line in second[1:]))
    assert any(texts(note) != made[note["path"]] for note in zeppelin.notes.values())
    assert undo() == 0
    assert {note["path"]: texts(note) for note in zeppelin.notes.values()} == made
    assert undo() == 0
    assert zeppelin.notes == {}


def test_a_row_that_was_applied_alone_since_is_no_exception(command, zeppelin: FakeZeppelin, capsys) -> None:
    command("apply", *ROWS)
    command("apply", "note,topic,window", "Class/a,a,120")
    command("apply", "note,topic,window", "Class/b,b,120")
    for _ in range(3):
        assert run([*UNDO, "--json"]) == 0
        settle(zeppelin)
    capsys.readouterr()
    assert zeppelin.notes == {}


def texts(note: dict[str, Any]) -> list[str]:
    return [paragraph["text"] for paragraph in note["paragraphs"]]


# --- what goes wrong for all ---


@pytest.mark.parametrize("verb", ["plan", "apply", "status", "stop", "run", "remove", "undo"])
def test_a_server_that_is_away_is_one_error_at_once_with_its_status(command, verb: str) -> None:
    status, answer = command(verb, *ROWS, options=("--zeppelin", "http://127.0.0.1:9"))
    assert status == 4
    assert answer["error"]["kind"] == "unreachable"


@pytest.mark.parametrize("verb", ["plan", "apply", "status", "stop", "run", "remove", "undo"])
def test_a_login_that_is_refused_is_one_error_with_its_status(command, zeppelin, monkeypatch, verb: str) -> None:
    zeppelin.users = {"teacher": "chalk"}
    monkeypatch.setenv("ZEPPELIN_PASSWORD", "wrong")
    status, answer = command(verb, *ROWS, options=("--user", "teacher"))
    assert status == 5
    assert answer["error"]["kind"] == "login"


def test_an_auth_server_that_is_away_is_one_error_at_once(command, zeppelin, monkeypatch, tmp_path, capsys) -> None:
    monkeypatch.setattr("netpie_creds.backoff.time", SimpleNamespace(sleep=lambda _: pytest.fail("waited")))
    lines = ["topic", *(f"t{number}" for number in range(30))]
    status, answer = command("apply", *lines, options=("--auth", "http://127.0.0.1:9"))
    assert status == 4
    assert "auth server http://127.0.0.1:9" in answer["error"]["message"]
    assert zeppelin.notes == {}
    assert run(["apply", "--each", str(tmp_path / "people.csv"), "--auth", "http://127.0.0.1:9"]) == 4
    assert capsys.readouterr().err.count("auth server") == 1


def test_rows_that_have_their_thing_do_without_the_auth_server_and_the_others_fail_by_it_once(
    command, zeppelin: FakeZeppelin, monkeypatch, tmp_path, capsys
) -> None:
    command("apply", *ROWS)
    away = ("--auth", "http://127.0.0.1:9")
    status, answer = command("apply", *ROWS, "Class/d,d", "Class/e,e", options=away)
    assert status == 4
    assert [row["result"] for row in answer["rows"]] == ["same", "same", "same", "failed", "failed"]
    assert [row["error"] and row["error"]["kind"] for row in answer["rows"]][3:] == ["unreachable"] * 2
    run(["apply", "--each", str(tmp_path / "people.csv"), *away])
    lines = capsys.readouterr().out.splitlines()
    assert "auth server http://127.0.0.1:9: connection refused" in lines[3]
    assert lines[4] == "failed    /Class/e (line 6): as line 5"


def test_a_secret_that_netpie_refuses_is_tried_once_and_ends_with_its_status(command, monkeypatch) -> None:
    monkeypatch.setenv("NETPIE_APPSECRET", "WrongSecret-987654321")
    tried: list[object] = []
    ask = AuthServer.access_token
    monkeypatch.setattr(
        AuthServer, "access_token", lambda self, app, code: (tried.append(app), ask(self, app, code))[1]
    )
    status, answer = command("apply", "topic", *"abcdefghijkl", options=("--jobs", "1"))
    assert status == 5
    assert {row["error"]["kind"] for row in answer["rows"]} == {"wrong_secret"}
    assert len(tried) == 1


def test_a_server_that_goes_away_meanwhile_is_asked_no_further(command, zeppelin: FakeZeppelin, monkeypatch) -> None:
    monkeypatch.setattr("zeppelin_sdk._transport.BACKOFF", ())
    command("apply", *ROWS)
    notes = [f"Class/{number},{number}" for number in range(20)]
    command("apply", "note,topic", *notes)
    del zeppelin.requests[:]
    responded = zeppelin.respond

    def respond(request: Any) -> Any:
        if re.fullmatch(r"/api/notebook/[^/]+", request.path) and request.method == "GET":
            raise Drop
        return responded(request)

    monkeypatch.setattr(zeppelin, "respond", respond)
    status, answer = command("undo", "note,topic", *notes)
    assert status == 4
    assert answer["failed"] == 20
    assert len(zeppelin.asked("GET", "/api/notebook/")) < 10


# --- the machinery ---


class Counted:
    """Work that fails in some rows."""

    def __init__(self, errors: dict[int, Exception]) -> None:
        self.errors, self.tried = errors, list[int]()

    def needs(self, row: Any) -> list[tuple[str, ...]]:
        return [("zeppelin",), ("login", row.user)]

    def more(self, row: Any) -> dict[str, Any]:
        return {"extra": row.line}

    def do(self, row: Any) -> Outcome:
        self.tried.append(row.line)
        if row.line in self.errors:
            raise self.errors[row.line]
        return Outcome(row.line, Result.DONE, row.path)


def row(line: int, user: str = "") -> Any:
    return SimpleNamespace(line=line, path=f"/n{line}", user=user)


def test_a_row_that_needs_what_has_failed_is_not_tried() -> None:
    work = Counted({2: LoginError("no"), 4: ServerUnreachableError("gone")})
    every = [row(1), row(2, "ann"), row(3, "ann"), row(4), row(5)]
    outcomes = do_rows(work, every, 1, lambda _: None)
    assert work.tried == [1, 2, 4]
    assert [outcome.cause for outcome in outcomes] == [
        None, ("login", "ann"), ("login", "ann"), ("zeppelin",), ("zeppelin",)
    ]  # fmt: skip
    assert [outcome.more for outcome in outcomes[1:]] == [{"extra": line} for line in (2, 3, 4, 5)]


def test_an_error_of_a_row_s_own_keeps_no_other_from_its_turn() -> None:
    work = Counted({1: UsageError("its own"), 2: ValueError("a bug")})
    outcomes = do_rows(work, [row(1), row(2), row(3)], 2, lambda _: None)
    assert [outcome.result for outcome in outcomes] == [Result.FAILED, Result.FAILED, Result.DONE]
    assert [outcome.cause for outcome in outcomes] == [None] * 3


def test_what_is_known_to_have_failed_is_not_tried_at_all() -> None:
    failed, work = Failed(), Counted({})
    failed.add(("zeppelin",), UnreachableError("gone"))
    assert [outcome.result for outcome in do_rows(work, [row(1), row(2)], 1, lambda _: None, failed)] == ["failed"] * 2
    assert work.tried == []


AWAY, AUTH = ("zeppelin",), ("auth server", "http://a")


@pytest.mark.parametrize(
    ("failures", "code"),
    [
        ([None, None], 0),
        ([(UnreachableError("a"), AWAY), (UnreachableError("a"), AWAY)], 4),
        ([(UnreachableError("a"), AUTH), (UnreachableError("a"), AUTH), None], 4),
        ([(LoginError("a"), ("login", "ann", "")), None], 1),
        ([(LoginError("a"), ("login", "", ""))], 5),
        ([(ConflictError("a"), None), None], 3),
        ([(UsageError("a"), None), (UsageError("b"), None)], 1),
        ([(UnreachableError("a"), AWAY), (UnreachableError("b"), AUTH)], 1),
        ([(UnreachableError("a"), AWAY), (UnreachableError("a"), AWAY), (ConflictError("b"), None)], 1),
        ([(ProvisionError("a"), None)], 1),
    ],
)
def test_the_exit_status_is_that_of_a_cause_that_all_failures_share(failures: list[Any], code: int) -> None:
    outcomes = [
        Outcome(1, Result.FAILED, "", error=each[0], cause=each[1]) if each else Outcome(1, Result.DONE, "")
        for each in failures
    ]
    assert exit_code(outcomes) == code


@pytest.mark.parametrize("verb", ["run", "stop", "remove"])
def test_a_note_and_a_file_are_two_things(verb: str, tmp_path: Path) -> None:
    (tmp_path / "people.csv").write_text("note\na\n")
    assert run([verb, "NOTE", "--each", str(tmp_path / "people.csv")]) == 2
    assert run([verb]) == 2


def test_without_json_there_is_a_line_a_row_in_the_file_s_order(command, zeppelin, capsys, tmp_path: Path) -> None:
    command("apply", *ROWS)
    assert run(["status", "--each", str(tmp_path / "people.csv"), "--jobs", "3"]) == 1
    said = capsys.readouterr()
    assert said.out.splitlines() == [f"not run   /Class/{name} (line {line})" for line, name in enumerate("cab", 2)]
    assert said.err.splitlines()[-1] == "3 done"


def test_an_interrupt_shows_what_is_done_and_says_so(command, zeppelin, capsys, tmp_path, monkeypatch) -> None:
    command("apply", *ROWS)

    def interrupted(_work: object, every: Any, _jobs: int, tell: Callable[[Outcome], None], _failed: object) -> None:
        tell(Outcome(every[1].line, Result.DONE, every[1].path))
        raise KeyboardInterrupt

    monkeypatch.setattr("provision.classroom.show.do_rows", interrupted)
    assert run(["stop", "--each", str(tmp_path / "people.csv")]) == 130
    said = capsys.readouterr()
    assert said.out == "done      /Class/a (line 3)\n"
    assert "1 of 3 rows were done" in said.err
    assert said.err.splitlines()[-1] == "error: interrupted"
