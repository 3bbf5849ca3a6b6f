"""`provision list` and `provision status --zeppelin URL`: the notes of the tool on a server, and the server itself."""

import json
import threading
from collections.abc import Iterator
from dataclasses import replace
from typing import Any

import pytest

from provision.cli import run
from provision.streams import listing
from provision.streams.listing import list_notes
from provision.streams.spark_page import SparkPage, StreamState
from provision.sync.provenance import MARK, ORIGIN, PAGE, STARTED
from zeppelin_sdk import Paragraph, ZeppelinClient
from zeppelin_sdk.testing import FakeZeppelin, refused

from ..notes_in_memory import paragraph_json

MINUTE = 60_000
STREAM = StreamState(
    batches=7, events=100, processing_ms=1, delay_ms=1, waiting_batches=0, receivers=1, last_error="",
    batch_ms=10_000, first_batch=100 * MINUTE, newest_batch=107 * MINUTE + 50_000,
)  # fmt: skip
FAILING = replace(STREAM, failed_batches=2, failure="AnalysisException: cannot resolve 'ts'")


@pytest.fixture
def zeppelin(monkeypatch: pytest.MonkeyPatch, tmp_path) -> Iterator[FakeZeppelin]:
    monkeypatch.setenv("PROVISION_HOME", str(tmp_path))
    with FakeZeppelin("0.10") as server:
        monkeypatch.setenv("ZEPPELIN_URL", server.url)
        yield server


def add(zeppelin: FakeZeppelin, path: str, *, bundle: str = "streaming", **paragraph: Any) -> str:
    """A note; of the tool's unless `bundle` is empty."""
    note = zeppelin.add_note(path)
    mark = {MARK: {"version": 1, "bundle": bundle, "key": "start", "role": "start"}} if bundle else {}
    config = {**mark, **paragraph.pop("config", {})}
    made = Paragraph(f"p of {path}", text="%spark\n1", config=config, **paragraph)
    note["paragraphs"] = [paragraph_json(made)]
    return str(note["id"])


def pages(monkeypatch: pytest.MonkeyPatch, **streams: StreamState | None) -> list[str]:
    """The streams by their pages' hosts; returns the pages that are asked."""
    asked: list[str] = []

    def stream(page: SparkPage) -> StreamState | None:
        asked.append(page.url)
        return streams.get(page.url.removeprefix("http://").partition(":")[0])

    monkeypatch.setattr(SparkPage, "stream", stream)
    monkeypatch.setattr(SparkPage, "answers", lambda page: "away" not in page.url)
    return asked


def on(page: str, turn: int = 1) -> dict[str, Any]:
    """What is noted in the paragraph that started a stream, as the `turn`th on its page."""
    return {PAGE: f"http://{page}:4040", STARTED: {"at": float(turn), "turn": turn, "finished": "8 PM"}}


def listed(zeppelin: FakeZeppelin) -> list[listing.Listed]:
    with ZeppelinClient(zeppelin.url) as client:
        return list_notes(client, lambda: ZeppelinClient(zeppelin.url))


def test_the_tool_s_notes_are_listed_by_path_with_what_each_does(zeppelin: FakeZeppelin, monkeypatch) -> None:
    asked = pages(monkeypatch, one=STREAM, two=FAILING)
    add(zeppelin, "/Z/streams", config=on("one"), status="FINISHED", date_finished="8 PM")
    add(zeppelin, "/Y/fails", config=on("two"), status="FINISHED", date_finished="8 PM", bundle="classic")
    add(zeppelin, "/X/was stopped", config=on("three"), status="FINISHED", date_finished="8 PM")
    add(zeppelin, "/X/who knows", config=on("away"), status="FINISHED", date_finished="8 PM")
    add(zeppelin, "/W/broke", status="ERROR")
    add(zeppelin, "/V/new", status="READY")
    add(zeppelin, "/U/works", status="RUNNING")
    add(zeppelin, "/A/not ours", bundle="", status="FINISHED")
    add(zeppelin, "/~Trash/gone", status="FINISHED")
    assert [(each.note.path, each.bundle, each.state, each.failure) for each in listed(zeppelin)] == [
        ("/U/works", "streaming", "running", ""),
        ("/V/new", "streaming", "not run", ""),
        ("/W/broke", "streaming", "failed", ""),
        ("/X/was stopped", "streaming", "stopped", ""),
        ("/X/who knows", "streaming", "unknown", ""),
        ("/Y/fails", "classic", "failing", "AnalysisException: cannot resolve 'ts'"),
        ("/Z/streams", "streaming", "streaming", ""),
    ]
    assert sorted(asked) == [f"http://{host}:4040" for host in ("away", "one", "three", "two")]


def test_of_notes_that_share_a_spark_the_one_run_last_has_the_stream(zeppelin: FakeZeppelin, monkeypatch) -> None:
    asked = pages(monkeypatch, one=STREAM)
    for number in range(5):
        add(zeppelin, f"/Class/{number}", config=on("one", number), status="FINISHED", date_finished="8 PM")
    assert [each.state for each in listed(zeppelin)] == ["stopped"] * 4 + ["streaming"]
    assert asked == ["http://one:4040"]


@pytest.mark.parametrize(
    ("slide", "changes", "expected"),
    [
        ("10", {}, 107 * MINUTE + 50_000),
        ("60", {}, 107 * MINUTE + 50_000),
        ("30", {"first_batch": 100 * MINUTE + 10_000}, 107 * MINUTE + 30_000),
        ("600", {}, 0),
        ("10", {"newest_batch": 0}, 0),
        ("10", {"receivers": 0}, 0),
    ],
)
def test_the_last_window_of_a_stream_that_runs_is_spark_s(
    zeppelin: FakeZeppelin, monkeypatch, slide: str, changes: dict[str, int], expected: int
) -> None:
    pages(monkeypatch, one=replace(STREAM, **changes))
    origin = {ORIGIN: {"version": 1, "values": {"slide": slide}}}
    add(zeppelin, "/A/b", config={**on("one"), **origin}, status="FINISHED", date_finished="8 PM")
    assert listed(zeppelin)[0].last_window == expected


def test_a_server_of_500_notes_is_read_once_each_by_some_connections_at_a_time(zeppelin, monkeypatch) -> None:
    pages(monkeypatch)
    for number in range(500):
        add(zeppelin, f"/Others/{number}", bundle="")
    add(zeppelin, "/A/b")
    threads: set[str] = set()
    read = ZeppelinClient.get_note
    monkeypatch.setattr(
        ZeppelinClient, "get_note", lambda self, id_: (threads.add(threading.current_thread().name), read(self, id_))[1]
    )
    assert [each.note.path for each in listed(zeppelin)] == ["/A/b"]
    assert len(zeppelin.asked("GET", "/api/notebook/")) == 501
    assert 1 < len(threads) <= listing.READERS_MOST


def test_a_small_server_is_read_by_one_login(zeppelin: FakeZeppelin, monkeypatch) -> None:
    pages(monkeypatch)
    add(zeppelin, "/A/b")
    with ZeppelinClient(zeppelin.url) as client:
        assert len(list_notes(client, lambda: pytest.fail("a second connection"))) == 1


def test_a_note_that_is_gone_meanwhile_or_not_for_this_user_is_left_out(zeppelin: FakeZeppelin, monkeypatch) -> None:
    pages(monkeypatch)
    for path in ("/A/a", "/A/b", "/A/c"):
        add(zeppelin, path)
    with ZeppelinClient(zeppelin.url) as client:
        infos = client.list_notes()
        monkeypatch.setattr(client, "list_notes", lambda: infos)
        zeppelin.fail_next("GET", refused(403, "FORBIDDEN", "not yours"), refused(404, "NOT_FOUND", "note not found"))
        found = list_notes(client, lambda: pytest.fail("a second connection"))
        assert [each.note.path for each in found] == ["/A/c"]


def test_a_newer_version_s_note_hides_no_other(zeppelin: FakeZeppelin, monkeypatch) -> None:
    pages(monkeypatch)
    add(zeppelin, "/A/a", config={MARK: {"version": 99, "bundle": "new", "key": "start"}}, status="FINISHED")
    add(zeppelin, "/A/b")
    assert [(each.note.path, each.state) for each in listed(zeppelin)] == [("/A/a", "stopped"), ("/A/b", "not run")]


# --- the commands ---


def test_the_command_prints_a_line_a_note_and_why_a_stream_fails(zeppelin: FakeZeppelin, monkeypatch, capsys) -> None:
    pages(monkeypatch, two=FAILING)
    note_id = add(zeppelin, "/Y/fa\x1b[31mils", config=on("two"), status="FINISHED", date_finished="8 PM")
    assert run(["list"]) == 0
    said = capsys.readouterr()
    heading, line = said.out.splitlines()
    assert heading.split() == ["state", "bundle", "last", "window", "path", "id"]
    assert line.split()[:2] == ["failing", "streaming"]
    assert line.split()[-2:] == ["/Y/fails", note_id]
    assert "/Y/fails fails: AnalysisException: cannot resolve 'ts'" in said.err


def test_the_json_answer_names_the_server_and_its_notes(zeppelin: FakeZeppelin, monkeypatch, capsys) -> None:
    pages(monkeypatch, one=STREAM)
    note_id = add(zeppelin, "/A/b", config=on("one"), status="FINISHED", date_finished="8 PM")
    assert run(["list", "--json"]) == 0
    assert json.loads(capsys.readouterr().out) == {
        "zeppelin": zeppelin.url,
        "notes": [
            {
                "id": note_id,
                "path": "/A/b",
                "url": f"{zeppelin.url}/#/notebook/{note_id}",
                "bundle": "streaming",
                "state": "streaming",
                "failure": None,
                "last_window": 107 * MINUTE + 50_000,
            }
        ],
    }


def test_a_server_without_notes_of_the_tool_is_told(zeppelin: FakeZeppelin, capsys) -> None:
    assert run(["list"]) == 0
    assert capsys.readouterr().out == f"no note on {zeppelin.url} was made by provision\n"


def test_a_server_that_is_away_or_lets_nobody_in_ends_with_its_status(zeppelin: FakeZeppelin, monkeypatch) -> None:
    assert run(["list", "--zeppelin", "http://127.0.0.1:9"]) == 4
    assert run(["status", "--zeppelin", "http://127.0.0.1:9"]) == 4
    zeppelin.users = {"ann": "pencil"}
    monkeypatch.setenv("ZEPPELIN_PASSWORD", "wrong")
    assert run(["list", "--user", "ann"]) == 5
    assert run(["status", "--user", "ann"]) == 5


def test_without_a_server_there_is_none_to_list(monkeypatch: pytest.MonkeyPatch, tmp_path) -> None:
    monkeypatch.setenv("PROVISION_HOME", str(tmp_path))
    monkeypatch.delenv("ZEPPELIN_URL", raising=False)
    assert run(["list"]) == 2


def test_status_is_of_the_server_that_is_named(zeppelin: FakeZeppelin, monkeypatch, capsys) -> None:
    pages(monkeypatch)
    add(zeppelin, "/A/b", status="ERROR")
    assert run(["status"]) == 0
    out = capsys.readouterr().out
    assert f"Zeppelin  {zeppelin.url}, version 0.10" in out
    assert "as anonymous" in out
    assert "Spark     READY, one process for all notes" in out
    assert "/A/b" in out
    assert run(["status", "--json"]) == 0
    answer = json.loads(capsys.readouterr().out)
    keys = ("zeppelin", "user", "spark", "isolated", "python", "python_isolated")
    assert {key: answer[key] for key in keys} == {
        "zeppelin": zeppelin.url,
        "user": "anonymous",
        "spark": "READY",
        "isolated": False,
        "python": None,
        "python_isolated": None,
    }
    assert [note["state"] for note in answer["notes"]] == ["failed"]
    assert PAGE not in json.dumps(answer)
    zeppelin.settings["python"] = {**zeppelin.settings["spark"], "name": "python", "option": {"perNote": "isolated"}}
    assert run(["status"]) == 0
    assert "\nPython    READY, a process for each note\n" in capsys.readouterr().out
