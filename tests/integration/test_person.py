"""A person at Zeppelin's web page, through the websocket that the page uses, between one apply and the next."""

import threading
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

import pytest

from provision.bundles.render import RenderedNote, RenderedParagraph
from provision.embedded import processes, zeppelin
from provision.embedded.application import application_file
from provision.embedded.ports import LOOPBACK, Ports, claim
from provision.embedded.starting import Starting, wait_until_ready
from provision.sync.apply import Applying, apply_note
from provision.sync.find_note import find_note
from provision.sync.provenance import by_key, provenance
from provision.sync.remove import remove_note
from provision.sync.undo import undo_note
from provision.sync.undo_records import Records
from zeppelin_sdk import Note, NoteSession, Paragraph, ParagraphStatus, ZeppelinClient, ZeppelinError

from .command import Outcome, done, provision
from .conftest import Embedded

PATH = "/person/note"
CHART = {"results": {"0": {"graph": {"mode": "pieChart", "height": 300}}}}


class AtWork:
    """One note of the streaming bundle that is applied, never run as a whole, and open in a person's browser."""

    def __init__(self, embedded: Embedded, page: NoteSession) -> None:
        self.client, self.page = embedded.client, page

    @property
    def note(self) -> Note:
        return find_note(self.client, PATH)

    def paragraph(self, key: str) -> Paragraph:
        return by_key(self.note)[key]

    def index(self, key: str) -> int:
        return [p.id for p in self.note.paragraphs].index(self.paragraph(key).id)

    def type(self, key: str, line: str) -> str:
        """Add a line to the end of a paragraph's text."""
        text = f"{self.paragraph(key).text}\n{line}"
        self.page.commit_paragraph(self.paragraph(key).id, text=text)
        return text


def apply(*options: object, **parameters: object) -> Outcome:
    return provision("apply", "--note", PATH, "--no-run", "--json", *given(parameters), *options)


def given(parameters: dict[str, Any]) -> list[str]:
    return [word for name, value in parameters.items() for word in ("--param", f"{name}={value}")]


def verdicts(outcome: Outcome) -> dict[str, str]:
    found = {change["key"]: change["verdict"] for change in outcome.json["changes"]}
    return {key: verdict for key, verdict in found.items() if verdict != "same"}


@pytest.fixture
def at_work(embedded: Embedded) -> Iterator[AtWork]:
    assert apply().status == 0
    note = find_note(embedded.client, PATH)
    with embedded.client.open_note(note.id) as page:
        yield AtWork(embedded, page)
    left = embedded.client.find_note(PATH)
    if left is not None:
        done("remove", PATH, "--yes")


def test_the_server_keeps_what_an_apply_compares_with(at_work: AtWork) -> None:
    """Provenance, base and settings come back from the server as they were sent."""
    again = apply()
    assert verdicts(again) == {}
    assert again.json["written"] == 0


def test_a_committed_edit_stays_while_others_are_updated(at_work: AtWork) -> None:
    text = at_work.type("query", "// mine")
    outcome = apply(window=120)
    assert verdicts(outcome)["query"] == "keep"
    assert outcome.json["written"] > 0
    assert at_work.paragraph("query").text == text
    assert "120" in at_work.paragraph("window").text


def test_an_edit_and_the_bundle_s_change_in_one_paragraph_are_merged(at_work: AtWork) -> None:
    at_work.type("window", "\n\n// mine")
    assert verdicts(apply(window=120))["window"] == "update"
    assert at_work.paragraph("window").text.endswith("// mine")
    assert "120" in at_work.paragraph("window").text


def test_the_same_lines_changed_on_both_sides_wait_for_a_decision(at_work: AtWork) -> None:
    mine = at_work.paragraph("window").text.replace("60", "90")
    at_work.page.commit_paragraph(at_work.paragraph("window").id, text=mine)
    assert provision("plan", "--note", PATH, *given({"window": 120})).status == 3
    outcome = apply(window=120)
    assert outcome.status == 3
    assert at_work.paragraph("window").text == mine
    assert verdicts(apply("--ours-of", "window", window=120))["window"] == "keep"
    assert at_work.paragraph("window").text == mine
    assert verdicts(apply("--theirs-of", "window", window=120))["window"] == "update"
    assert "120" in at_work.paragraph("window").text


def test_what_is_typed_with_others_in_the_note_stays(at_work: AtWork) -> None:
    paragraph = at_work.paragraph("query")
    patched = at_work.page.patch_paragraph(paragraph.id, f"// typed\n{paragraph.text}")
    assert verdicts(apply(window=120))["query"] == "keep"
    assert at_work.paragraph("query").text == patched.text


def test_a_title_and_a_chart_stay_with_the_text_that_is_updated(at_work: AtWork) -> None:
    at_work.page.commit_paragraph(at_work.paragraph("window").id, title="My windows")
    at_work.page.commit_paragraph(at_work.paragraph("chart").id, config=CHART)
    assert verdicts(apply(window=120)) == verdicts(provision("plan", "--note", PATH, "--json")) | {
        "window": "update", "chart": "keep", "introduction": "update"
    }  # fmt: skip
    assert at_work.paragraph("window").title == "My windows"
    assert at_work.paragraph("chart").config["results"]["0"]["graph"]["mode"] == "pieChart"


def test_paragraphs_moved_deleted_and_inserted_by_hand_stay_so(at_work: AtWork) -> None:
    at_work.page.move_paragraph(at_work.paragraph("chart").id, 1)
    at_work.page.remove_paragraph(at_work.paragraph("latest").id)
    own = at_work.page.insert_paragraph(3, text="%spark.sql\nselect 1", title="Mine")
    before = [paragraph.id for paragraph in at_work.note.paragraphs]
    outcome = apply(window=120)
    assert verdicts(outcome)["latest"] == "gone"
    assert [paragraph.id for paragraph in at_work.note.paragraphs] == before
    assert at_work.note.paragraphs[3].text == own.text


def test_a_paragraph_that_the_person_runs_is_overwritten_only_when_it_has_ended(
    at_work: AtWork, quiet_spark: None
) -> None:
    paragraph = at_work.paragraph("query")
    at_work.page.run_paragraph(paragraph.id, text="%spark\nThread.sleep(2000)\nprintln(7 * 6)")
    began = time.monotonic()
    done_ = apply("--theirs-of", "query")
    if done_.status == 3:  # Spark takes longer to start than a run is awaited
        at_work.client.wait_paragraph(at_work.note.id, paragraph.id, timeout=120)
        done_ = apply("--theirs-of", "query")
    assert time.monotonic() - began > 1
    assert verdicts(done_)["query"] == "update"
    after = at_work.paragraph("query")
    assert after.text == paragraph.text
    assert after.status is not ParagraphStatus.RUNNING
    assert "42" in after.output


def test_what_an_open_page_saves_over_an_apply_is_told_and_stays(at_work: AtWork) -> None:
    held = at_work.paragraph("window")
    typed = f"{held.text}\n// typed before the apply"

    def save_late() -> None:
        while provenance(at_work.client.get_paragraph(at_work.page.note_id, held.id)) == provenance(held):
            time.sleep(0.05)
        at_work.page.commit_paragraph(held.id, text=typed, config=held.config)

    page = threading.Thread(target=save_late)
    page.start()
    outcome = apply("--settle", "1.5", window=120)
    page.join(10)
    assert outcome.status == 3
    assert "the note is open in Zeppelin's page: " in outcome.err
    assert "open page" in outcome.err
    assert at_work.paragraph("window").text == typed
    assert verdicts(apply(window=120))["window"] == "update"  # the page has put the old base back with the old text
    assert at_work.paragraph("window").text == typed.replace("Seconds(60)", "Seconds(120)")


def test_undo_takes_the_apply_back_and_leaves_what_was_typed_since(at_work: AtWork) -> None:
    before = {p.id: (p.title, p.text) for p in at_work.note.paragraphs}
    apply(variant="print", window=120)
    text = at_work.type("context", "// mine")
    done("undo", PATH)
    now = {p.id: (p.title, p.text) for p in at_work.note.paragraphs}
    assert {key: value for key, value in now.items() if value not in before.values()} == {
        at_work.paragraph("context").id: (at_work.paragraph("context").title, text)
    }
    assert len(now) == len(before)
    assert "nothing to undo" in done("undo", PATH).out


def test_new_credentials_change_nothing_that_a_person_sees(at_work: AtWork, embedded: Embedded) -> None:
    at_work.type("query", "// mine")
    before = at_work.note
    stored = {entry.entity: entry.password for entry in at_work.client.list_credentials()}
    done("creds", "refresh", "--credentials-file", application_file(), "--auth", embedded.stack.netpie.auth)
    outcome = apply()
    assert verdicts(outcome) == {"query": "keep"}
    assert outcome.json["written"] == 0
    assert at_work.note == before
    renewed = {entry.entity: entry.password for entry in at_work.client.list_credentials()}
    assert renewed.keys() == stored.keys()
    assert renewed != stored


def test_a_note_is_pulled_removed_and_brought_back(at_work: AtWork, tmp_path: Path) -> None:
    at_work.type("query", "// mine")
    at_work.page.insert_paragraph(0, text="%spark\n// {{ x }}", title="Mine")
    at_work.page.move_paragraph(at_work.paragraph("chart").id, 1)
    done("pull", PATH, "--into", tmp_path / "mine")
    assert verdicts(provision("plan", "--note", PATH, "--json", "--bundle", tmp_path / "mine")) == {}
    assert apply("--bundle", tmp_path / "mine").json["written"] == 0
    texts = [(p.title, p.text) for p in at_work.note.paragraphs]
    entities = {entry.entity for entry in at_work.client.list_credentials()}
    done("remove", PATH, "--yes")
    assert at_work.client.find_note(PATH) is None
    gone = entities - {entry.entity for entry in at_work.client.list_credentials()}
    assert len(gone) == 1
    done("undo")
    assert [(p.title, p.text) for p in at_work.note.paragraphs] == texts
    assert apply("--bundle", tmp_path / "mine").json["written"] == 0
    assert gone <= {entry.entity for entry in at_work.client.list_credentials()}


class Killed(Exception):  # noqa: N818 - the end of a process is no error of it
    """The server was killed at the call that a test has chosen."""


class OwnServer:
    """A Zeppelin of the test's own, to be killed."""

    def __init__(self, embedded: Embedded, folder: Path) -> None:
        self._runtime, self._folders, self.port = (
            embedded.stack.runtime,
            zeppelin.Folders(folder),
            claim(Ports()).zeppelin,
        )
        self._mark = f"test-{folder.name}"
        self.start()

    @property
    def url(self) -> str:
        return f"http://{LOOPBACK}:{self.port}"

    def start(self) -> None:
        zeppelin.configure(self._runtime, self._folders, self.port)
        self._process = zeppelin.start(self._runtime, self._folders, self._mark)
        wait_until_ready([Starting("Zeppelin", self._process, [self._folders.log], self._answers)])

    def _answers(self) -> bool:
        try:
            with ZeppelinClient(self.url, timeout=5) as client:
                client.list_notes()
        except ZeppelinError:
            return False
        return True

    def kill(self) -> None:
        self._process.kill()
        self._process.wait()
        processes.end(processes.marked(self._mark))


WRITES = (
    "import_note",
    "add_paragraph",
    "update_paragraph",
    "update_paragraph_config",
    "move_paragraph",
    "delete_paragraph",
)


@contextmanager
def killing(
    server: OwnServer, client: ZeppelinClient, step: int | None, patch: pytest.MonkeyPatch
) -> Iterator[list[str]]:
    """Kill the server at the write with this number (from 0): while an even one is on its way, before an odd one.

    Gives the names of the writes that were made.
    """
    made: list[str] = []

    def counted(name: str, write: Callable[..., Any]) -> Callable[..., Any]:
        def call(*arguments: Any, **more: Any) -> Any:
            if len(made) != step:
                made.append(name)
                return write(*arguments, **more)
            with suppress(ZeppelinError), ThreadPoolExecutor() as pool:
                on_its_way = [pool.submit(write, *arguments, **more)] if step % 2 == 0 else []
                server.kill()
                for each in on_its_way:
                    each.result()
            raise Killed

        return call

    with patch.context() as writes:
        for name in WRITES:
            writes.setattr(client, name, counted(name, getattr(client, name)))
        yield made


def of(**texts: str) -> RenderedNote:
    paragraphs = (RenderedParagraph(key, f"Title of {key}", f"%spark\n{text}") for key, text in texts.items())
    return RenderedNote("bundle", "/killed/note", tuple(paragraphs))


FIRST = of(a="one\ntwo\nthree", b="b1", c="c1", d="d1")
WANTED = of(c="c2", a="one\ntwo\nTHREE", b="b1", e="e1")
MOST_KILLS = 8


class Killable:
    """A note on a server that is killed in the middle of an apply."""

    def __init__(self, server: OwnServer, client: ZeppelinClient, patch: pytest.MonkeyPatch) -> None:
        self._server, self._client, self._patch = server, client, patch
        self._records = Records(server.url)

    def apply(self, wanted: RenderedNote, kill_at: int | None = None) -> list[str]:
        """Apply, and again where the server was killed; the names of the writes before that."""
        with killing(self._server, self._client, kill_at, self._patch) as made, suppress(Killed):
            apply_note(self._client, wanted, Applying(records=self._records))
            assert kill_at is None, "the apply was over before it"
        if kill_at is not None:
            self._server.start()
            apply_note(self._client, wanted, Applying(records=self._records))
        return made

    def edit(self) -> None:
        """What a person does to the note: a line in one paragraph, another wholly, and one of their own."""
        mine = by_key(self.note)
        self._client.update_paragraph(self.note.id, mine["a"].id, text="%spark\nONE\ntwo\nthree")
        self._client.update_paragraph(self.note.id, mine["b"].id, text="%spark\nmine")
        self._client.add_paragraph(self.note.id, text="%spark\nown", index=2)

    @property
    def note(self) -> Note:
        return find_note(self._client, "/killed/note")

    def seen(self) -> list[tuple[str, str]]:
        return [(paragraph.title, paragraph.text) for paragraph in self.note.paragraphs]

    def undo(self) -> None:
        record = self._records.find("/killed/note")
        assert record is not None
        undo_note(self._client, record, self._records)

    def remove(self) -> None:
        remove_note(self._client, self.note, self._records)


def test_a_server_killed_at_any_step_of_an_apply_loses_nothing(
    embedded: Embedded, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    server = OwnServer(embedded, tmp_path / "zeppelin")
    try:
        with ZeppelinClient(server.url) as client:
            note = Killable(server, client, monkeypatch)
            assert note.apply(FIRST) == ["import_note"]
            new = note.seen()
            note.edit()
            edited = note.seen()
            steps = telling(note.apply(WANTED))
            applied = note.seen()
            assert {("", "%spark\nown"), ("Title of b", "%spark\nmine")} <= set(applied)
            assert ("Title of a", "%spark\nONE\ntwo\nTHREE") in applied
            note.remove()
            note.apply(FIRST, kill_at=0)
            assert note.seen() == new
            for step in steps:
                note.edit()
                note.apply(WANTED, kill_at=step)
                assert note.seen() == applied, step
                note.undo()
                assert note.seen() == edited, step
                note.remove()
                note.apply(FIRST)
    finally:
        server.kill()


def telling(made: list[str]) -> list[int]:
    """The writes that follow one of another kind; the last ones, as a start of Zeppelin takes seconds."""
    return [step for step in range(1, len(made)) if made[step] != made[step - 1]][1 - MOST_KILLS :]
