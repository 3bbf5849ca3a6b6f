"""What has to run after an apply: nothing where the stream runs and nothing that it depends on has changed."""

from collections.abc import Callable
from dataclasses import replace
from typing import Any, cast

import pytest

from provision.streams.last_run import Needed, needed, started
from provision.streams.spark_page import SparkPage, StreamState
from provision.sync.provenance import MARK, PAGE, STARTED
from zeppelin_sdk import Note, Paragraph, ParagraphStatus, ZeppelinClient

from ..notes_in_memory import NotesInMemory
from .test_run_note import STATE, FakeClient, note_run

SPARK_PAGE, SINCE = "http://driver:4040", "2026-11-26T08:00:00.000GMT"
FINISHED = ParagraphStatus.FINISHED
ENTRY = "netpie-AppKey-0a1b2c3d"
Change = Callable[["Server"], None]


def part(key: str, text: str, role: str = "", **more: Any) -> Paragraph:
    mark = {"version": 1, "key": key, "role": role, "blocks": more.pop("blocks", False)}
    return Paragraph(key, key, text, FINISHED, {MARK: mark}, date_finished="8 PM", **more)


PARAGRAPHS = (
    part("introduction", "%md\n# Introduction"),
    part("dependencies", "%spark.conf\nx", "dependencies"),
    part("stop", "%spark\nstop", "stop"),
    part("context", f'%spark\nval id = "{{{ENTRY}.user}}"'),
    Paragraph("helper", "", "%spark\ndef mine = 1", FINISHED),
    part("query", "%spark\nselect 1", "query"),
    part("start", "%spark\nssc.start", "start"),
    part("latest", "%spark\nlatest", "latest"),
    part("chart", "%spark.sql\nchart", "chart"),
    Paragraph("look", "", "%spark.sql\nselect 2", FINISHED),
)


class Server(NotesInMemory):
    """A server with a note that the tool has just run."""

    def __init__(self, paragraphs: tuple[Paragraph, ...] = PARAGRAPHS) -> None:
        super().__init__()
        self.credentials = {ENTRY: ("token", "key"), "other": ("user", "password")}
        self.notes["note"] = Note("note", "/note", paragraphs)
        self.run_by_tool("note")

    @property
    def note(self) -> Note:
        return self.notes["note"]

    def run_by_tool(self, note_id: str, finished: str = "8 PM") -> None:
        config = started(cast(ZeppelinClient, self), self.notes[note_id], SPARK_PAGE, finished)
        start = next(p for p in self.notes[note_id].paragraphs if p.id in ("start", "last"))
        self.swap(note_id, replace(start, config={**start.config, **config}))

    def change(self, paragraph_id: str, **changes: Any) -> None:
        old = next(p for p in self.note.paragraphs if p.id == paragraph_id)
        self.swap("note", replace(old, **changes))

    def edit(self, paragraph_id: str, text: str = "%spark\nedited") -> None:
        self.change(paragraph_id, text=text)

    def needed(self, *written: str) -> Needed:
        return needed(cast(ZeppelinClient, self), self.note, written)

    def runs(self, *written: str) -> list[str]:
        """What is to be run: the ids of paragraphs, or `whole`."""
        need = self.needed(*written)
        return ["whole"] if need.whole else [paragraph.id for paragraph in need.paragraphs]


@pytest.fixture(autouse=True)
def streams(monkeypatch: pytest.MonkeyPatch) -> None:
    on_page(monkeypatch, replace(STATE, since=SINCE))


def on_page(monkeypatch: pytest.MonkeyPatch, stream: StreamState | None) -> None:
    monkeypatch.setattr(SparkPage, "stream", lambda _page: stream)


def test_nothing_is_run_where_nothing_has_changed() -> None:
    assert Server().needed() == Needed()


@pytest.mark.parametrize(
    "change",
    [
        lambda server: server.edit("introduction", "%md\nother"),
        lambda server: server.edit("stop"),
        lambda server: server.edit("latest"),
        lambda server: server.edit("chart", "%spark.sql\nother"),
        lambda server: server.edit("look", "%spark.sql\nother"),
        lambda server: server.change("context", text=server.note.paragraphs[3].text.replace("\n", "\r\n") + "\n"),
        lambda server: server.change("context", title="Mine", config=server.note.paragraphs[3].config | {"a": 1}),
        lambda server: server.insert("note", 0, "%md\nmine"),
        lambda server: server.insert("note", 4, "%sh\nls"),
        lambda server: server.insert("note", 9, "%spark\nmine"),
        lambda server: server.insert("note", 2, "  "),
        lambda server: server.remove("note", "chart"),
        lambda server: server.set_credential("other", "user", "changed"),
    ],
)
def test_what_no_stream_depends_on_starts_none_anew(change: Change) -> None:
    server = Server()
    change(server)
    assert server.runs() == []


@pytest.mark.parametrize(
    "change",
    [
        lambda server: server.edit("dependencies", "%spark.conf\ny"),
        lambda server: server.edit("context"),
        lambda server: server.edit("helper"),
        lambda server: server.edit("start"),
        lambda server: (server.edit("query"), server.edit("context")),
        lambda server: server.remove("note", "context"),
        lambda server: server.remove("note", "helper"),
        lambda server: server.insert("note", 4, "%spark\nmine"),
        lambda server: server.insert("note", 4, "println(1)"),
        lambda server: server.insert("note", 4, "%spark.sql\ncreate view v"),
        lambda server: server.move_paragraph("note", "helper", 0),
        lambda server: server.change("context", config=server.note.paragraphs[3].config | {"enabled": False}),
    ],
)
def test_what_the_stream_depends_on_starts_it_anew(change: Change) -> None:
    server = Server()
    change(server)
    assert server.needed() == Needed(whole=True, why="paragraphs that it depends on have changed")


@pytest.mark.parametrize("entry", [("other", "key"), ("token", "other")])
def test_other_credentials_start_it_anew(entry: tuple[str, str]) -> None:
    server = Server()
    server.set_credential(ENTRY, *entry)
    assert server.needed() == Needed(whole=True, why="its credentials have changed")


def test_no_secret_is_noted() -> None:
    noted = str([paragraph.config for paragraph in Server().note.paragraphs])
    assert "token" not in noted
    assert "'key'," not in noted


def test_a_changed_query_is_run_beside_the_stream_and_once() -> None:
    client = FakeClient(*PARAGRAPHS)
    client.fake.outputs = {"start": SPARK_PAGE}
    run, _ = note_run(client)
    run.start()
    entry = client.fake.paragraph("note", "query")
    entry["text"] = "%spark\nselect 3"
    client.did.clear()
    need = needed(client, client.note)
    assert [paragraph.id for paragraph in need.paragraphs] == ["query"]
    run.beside(need.paragraphs)
    assert client.did == ["run query", "page start as it was"]
    assert needed(client, client.note) == Needed()


def test_paragraphs_beside_the_stream_that_an_apply_has_written_are_run_but_for_the_stop() -> None:
    assert Server().runs("introduction", "stop", "chart", "query") == ["introduction", "chart"]


@pytest.mark.parametrize("stream", [None, replace(STATE, receivers=0, since=SINCE), replace(STATE, since="later")])
def test_a_stream_that_is_not_there_any_more_is_started(
    monkeypatch: pytest.MonkeyPatch, stream: StreamState | None
) -> None:
    server = Server()
    on_page(monkeypatch, stream)  # as after a restart of the interpreter
    assert server.needed() == Needed(whole=True)


def test_a_stream_that_a_person_has_started_again_is_the_note_s(monkeypatch: pytest.MonkeyPatch) -> None:
    server = Server()
    on_page(monkeypatch, replace(STATE, since="later"))
    server.change("start", date_finished="9 PM")
    assert server.runs() == []


def test_another_note_s_stream_on_the_same_page_is_not_the_note_s() -> None:
    server = Server()
    server.notes["other"] = Note("other", "/other", (replace(PARAGRAPHS[6], id="last"),))
    server.run_by_tool("other")
    assert server.runs() == ["whole"]


@pytest.mark.parametrize(
    "noted", [{}, {PAGE: SPARK_PAGE}, {PAGE: SPARK_PAGE, STARTED: {"at": 1.0, "finished": "8 PM"}}]
)
def test_a_note_that_was_never_run_or_by_an_older_version_is_run(noted: dict[str, Any]) -> None:
    server = Server()
    config = {key: value for key, value in server.note.paragraphs[6].config.items() if key == MARK}
    server.change("start", config=config | noted)
    assert server.needed() == Needed(whole=True)


@pytest.mark.parametrize(("status", "runs"), [("RUNNING", []), ("ABORT", ["whole"]), ("ERROR", ["whole"])])
def test_a_stream_that_blocks_is_there_while_its_paragraph_runs(
    monkeypatch: pytest.MonkeyPatch, status: str, runs: list[str]
) -> None:
    on_page(monkeypatch, None)
    server = Server((PARAGRAPHS[3], part("start", "%spark\nawait", "start", blocks=True)))
    server.run_by_tool("note", "")
    server.change("start", status=ParagraphStatus(status))
    assert server.runs() == runs


def test_beside_a_stream_that_blocks_nothing_is_run_in_spark(monkeypatch: pytest.MonkeyPatch) -> None:
    on_page(monkeypatch, None)
    start = part("start", "%spark\nawait", "start", blocks=True)
    server = Server((PARAGRAPHS[0], PARAGRAPHS[5], start, PARAGRAPHS[8]))
    server.run_by_tool("note", "")
    server.change("start", status=ParagraphStatus.RUNNING)
    assert server.runs("introduction", "chart") == ["introduction"]
    server.edit("query")
    assert server.runs() == ["whole"]
