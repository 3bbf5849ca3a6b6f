"""A person at Zeppelin's web page, through the websocket that the page uses, between one apply and the next."""

import threading
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from provision.embedded.application import application_file
from provision.sync.find_note import find_note
from provision.sync.provenance import by_key, provenance
from zeppelin_sdk import Note, NoteSession, Paragraph, ParagraphStatus

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
        self.page.update_paragraph(self.paragraph(key).id, text=text)
        return text


def apply(*options: object, **parameters: object) -> Outcome:
    words = ("--bundle", "streaming", "--note", PATH, "--no-run", "--json")
    return provision("apply", *words, *given(parameters), *options)


def given(parameters: dict[str, Any]) -> list[str]:
    return [word for name, value in parameters.items() for word in ("--param", f"{name}={value}")]


def verdicts(outcome: Outcome) -> dict[str, str]:
    found = {change["key"]: change["verdict"] for change in outcome.json["changes"]}
    return {key: verdict for key, verdict in found.items() if verdict != "same"}


@pytest.fixture
def at_work(embedded: Embedded, monkeypatch: pytest.MonkeyPatch) -> Iterator[AtWork]:
    """The page of these tests saves at once, so an apply that finds it open has little to wait for."""
    monkeypatch.setattr("provision.commands.apply.AUTOSAVE_WAIT", 0.5)
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
    at_work.page.update_paragraph(at_work.paragraph("window").id, text=mine)
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
    at_work.page.update_paragraph(at_work.paragraph("window").id, title="My windows")
    at_work.page.update_paragraph(at_work.paragraph("chart").id, config=CHART)
    assert verdicts(apply(window=120)) == verdicts(provision("plan", "--note", PATH, "--json")) | {
        "window": "update", "chart": "keep", "introduction": "update"
    }  # fmt: skip
    assert at_work.paragraph("window").title == "My windows"
    assert at_work.paragraph("chart").config["results"]["0"]["graph"]["mode"] == "pieChart"


def test_paragraphs_moved_deleted_and_inserted_by_hand_stay_so(at_work: AtWork) -> None:
    at_work.page.move_paragraph(at_work.paragraph("chart").id, 1)
    at_work.page.delete_paragraph(at_work.paragraph("latest").id)
    own = at_work.page.add_paragraph(3, text="%spark.sql\nselect 1", title="Mine")
    before = [paragraph.id for paragraph in at_work.note.paragraphs]
    outcome = apply(window=120)
    assert verdicts(outcome)["latest"] == "gone"
    assert [paragraph.id for paragraph in at_work.note.paragraphs] == before
    assert at_work.note.paragraphs[3].text == own.text


def test_a_paragraph_that_the_person_runs_is_overwritten_only_when_it_has_ended(
    at_work: AtWork, quiet_spark: None
) -> None:
    paragraph = at_work.paragraph("query")
    at_work.page.submit_paragraph(paragraph.id, text="%spark\nThread.sleep(2000)\nprintln(7 * 6)")
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
        time.sleep(0.5)  # until all is written: the server has no locks, and what is saved within a write is lost
        at_work.page.update_paragraph(held.id, text=typed, config=held.config)

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
    done("undo", PATH)  # the apply before, which had made the note
    assert [each.text for each in at_work.note.paragraphs if each.text.strip()] == [text]
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
    at_work.page.add_paragraph(0, text="%spark\n// {{ x }}", title="Mine")
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
    done("undo", "--yes")
    assert [(p.title, p.text) for p in at_work.note.paragraphs] == texts
    assert apply("--bundle", tmp_path / "mine").json["written"] == 0
    assert gone <= {entry.entity for entry in at_work.client.list_credentials()}
