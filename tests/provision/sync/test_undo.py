"""Taking an apply back: what it wrote goes, what a person did since stays."""

import io
import json
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from provision.bundles.render import RenderedNote, RenderedParagraph
from provision.cli import run
from provision.errors import ProvisionError
from provision.options.server import ServerOptions
from provision.sync import undo_records
from provision.sync.apply import Applying, apply_note
from provision.sync.plan import OURS, THEIRS, Verdict, make_plan
from provision.sync.provenance import origin
from provision.sync.remove import hand_made, remove_note
from provision.sync.revisions import record_from_revision
from provision.sync.undo import Undone, undo_note
from provision.sync.undo_records import Record, Records
from zeppelin_sdk import ServerVersion, ZeppelinClient
from zeppelin_sdk.testing import FakeZeppelin

from ..note_bench import Bench, render, with_config

AB, A2B2 = render(a="a1", b="b1"), render(a="a2", b="b2")


@pytest.fixture
def records(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Records:
    monkeypatch.setenv("PROVISION_HOME", str(tmp_path))
    return Records("http://zeppelin.example:8080")


def undo(bench: Bench) -> Undone:
    assert bench.records is not None
    record = bench.records.find("folder/note")
    assert record is not None
    bench.server.writes.clear()
    return undo_note(bench.client, record, bench.records)


def verdicts(undone: Undone) -> dict[str, Verdict]:
    return {step.key: step.verdict for step in undone.steps}


def test_texts_titles_settings_and_order_become_what_they_were(records: Records) -> None:
    bench = Bench(render(a="a1", b="b1", c="c1"), records)
    bench.server.insert(bench.id, 1, "own")
    bench.edit(0, text="mine")
    before = bench.seen()
    wanted = with_config(render(c="c2", a="a1", b="b2"), "b", {"editorHide": True}, "New title")
    bench.apply(wanted)
    assert bench.texts() == ["c2", "mine", "own", "b2"]
    undo(bench)
    assert bench.seen() == before
    bench.apply(wanted)
    assert bench.texts() == ["c2", "mine", "own", "b2"]


def test_paragraphs_that_came_go_and_those_that_went_come_back_to_their_place(records: Records) -> None:
    bench = Bench(render(a="a1", b="b1", c="c1"), records)
    before = bench.seen()
    bench.apply(render(a="a1", c="c1", d="d1"))
    assert verdicts(undo(bench)) == {"a": Verdict.SAME, "b": Verdict.ADD, "c": Verdict.SAME, "d": Verdict.DROP}
    assert bench.seen() == before
    assert bench.verdicts(render(b="b1", d="d1")) | {"a": 0, "c": 0} == {"b": "same", "d": "add", "a": 0, "c": 0}


def test_an_edit_made_since_stays_and_the_rest_is_taken_back(records: Records) -> None:
    bench = Bench(AB, records)
    bench.apply(A2B2)
    bench.edit(0, text="mine")
    assert verdicts(undo(bench)) == {"a": Verdict.KEEP, "b": Verdict.UPDATE}
    assert bench.texts() == ["mine", "b1"]
    assert bench.verdicts(AB) == {"a": Verdict.KEEP, "b": Verdict.SAME}


def test_lines_edited_since_stay_among_lines_that_are_taken_back(records: Records) -> None:
    bench = Bench(render(a="one\ntwo\nthree"), records)
    bench.apply(render(a="ONE\ntwo\nthree"))
    bench.edit(0, text="ONE\ntwo\nmine")
    undo(bench)
    assert bench.texts() == ["one\ntwo\nmine"]


def test_an_edited_paragraph_that_the_apply_had_added_stays(records: Records) -> None:
    bench = Bench(render(a="a1"), records)
    bench.apply(AB)
    bench.edit(1, text="mine")
    undo(bench)
    assert bench.texts() == ["a1", "mine"]


def test_what_was_deleted_since_stays_away(records: Records) -> None:
    bench = Bench(AB, records)
    bench.apply(A2B2)
    bench.delete(1)
    assert verdicts(undo(bench)) == {"a": Verdict.UPDATE, "b": Verdict.GONE}
    assert bench.texts() == ["a1"]


def test_a_decision_is_taken_back_with_the_apply(records: Records) -> None:
    bench = Bench(AB, records)
    bench.edit(0, text="mine")
    bench.apply(A2B2, OURS)
    undo(bench)
    assert bench.verdicts(A2B2) == {"a": Verdict.CONFLICT, "b": Verdict.UPDATE}
    bench.apply(A2B2, THEIRS)
    assert bench.texts() == ["a2", "b2"]
    undo(bench)
    assert bench.texts() == ["mine", "b1"]


def test_a_note_that_the_apply_has_made_is_deleted(records: Records) -> None:
    bench = Bench(AB, records)
    assert undo(bench).note_id is None
    assert bench.server.notes == {}


def test_a_note_that_the_apply_has_made_stays_with_what_is_the_person_s(records: Records) -> None:
    bench = Bench(AB, records)
    bench.edit(0, text="mine")
    bench.server.insert(bench.id, 0, "own")
    assert undo(bench).note_id == bench.id
    assert bench.texts() == ["own", "mine"]


@pytest.mark.parametrize("text", ["", "%spark", "%md\n", "%spark.sql(saveAs=x)\n\n"])
def test_an_empty_paragraph_that_zeppelin_has_appended_keeps_no_note(records: Records, text: str) -> None:
    bench = Bench(AB, records)
    bench.server.insert(bench.id, 2, text)
    assert hand_made(bench.note) == ()
    assert undo(bench).note_id is None
    assert bench.server.notes == {}


def test_an_apply_whose_end_was_lost_and_that_has_nothing_left_to_do_is_not_undone_with_the_next(
    records: Records,
) -> None:
    bench = Bench(AB, records)
    made = records.find("folder/note")
    assert made is not None
    records.save(replace(made, done=False, note_id=""))
    bench.apply(AB)
    bench.apply(A2B2)
    assert undo(bench).note_id == bench.id
    assert bench.texts() == ["a1", "b1"]


def test_what_an_undo_takes_away_comes_with_the_next_apply(records: Records) -> None:
    bench = Bench(render(a="a1", b="b1", c="c1", d="d1"), records)
    bench.edit(2, text="mine")
    undo(bench)
    assert bench.texts() == ["mine"]
    bench.apply(render(a="a1", b="b1", c="c1", d="d1"))
    assert bench.texts() == ["a1", "b1", "mine", "d1"]


def test_what_an_undo_takes_away_beside_an_older_apply_comes_with_the_next(records: Records) -> None:
    bench = Bench(AB, records)
    wanted = render(a="a1", b="b1", c="c1", d="d1")
    bench.apply(wanted)
    bench.edit(2, text="mine")
    bench.delete(1)
    undo(bench)
    bench.apply(wanted)
    assert bench.texts() == ["a1", "mine", "d1"]


def test_a_note_that_stays_after_its_apply_is_undone_still_tells_what_it_was_made_from(records: Records) -> None:
    made = replace(AB, site={"path": "folder/note"})
    bench = Bench(made, records)
    bench.edit(1, text="mine")
    undo(bench)
    assert origin(bench.note).site == made.site


@pytest.mark.parametrize("second", [A2B2, render(a="a1", b="b1", c="c1"), render(a="a1"), render(b="b1", a="a1")])
def test_an_apply_of_another_machine_is_not_taken_away_with_an_older_one(
    records: Records, second: RenderedNote
) -> None:
    bench = Bench(AB, records)
    elsewhere = bench.records = Records("http://elsewhere.example:8080")
    bench.apply(second)
    after = bench.seen()
    bench.records = records
    with pytest.raises(ProvisionError, match="applied it since"):
        undo(bench)
    assert bench.seen() == after
    bench.records = elsewhere
    undo(bench)
    bench.records = records
    assert undo(bench).note_id is None


def test_an_apply_over_what_another_machine_s_apply_made_of_one_that_was_cut_off_starts_from_there(
    records: Records,
) -> None:
    bench = Bench(AB, records)
    apply_cut_off(bench, render(a="a1", b="b1", c="c1"), 1)
    bench.records = Records("http://elsewhere.example:8080")
    bench.apply(render(a="a2", b="b2", c="c2"))
    before = bench.seen()
    bench.records = records
    bench.apply(render(a="a3", b="b2", c="c2"))
    undo(bench)
    assert bench.seen() == before


def test_an_apply_that_failed_before_it_made_the_note_does_not_block_undo(
    records: Records, serve: Callable[[Bench], None], capsys: pytest.CaptureFixture[str]
) -> None:
    bench = Bench(AB, records)
    other = replace(AB, path="folder/other")
    records.run = "the next command"
    apply_cut_off(bench, other, 0)
    serve(bench)
    assert run(["undo", "--yes"]) == 0
    assert "failed before it made the note" in capsys.readouterr().out
    assert run(["undo", "--yes"]) == 0
    assert bench.server.notes == {}


def test_an_undo_leaves_nothing_to_undo(records: Records) -> None:
    bench = Bench(AB, records)
    bench.apply(A2B2)
    undo(bench)
    assert records.all() == []


def test_an_apply_that_writes_nothing_leaves_the_one_before_to_be_undone(records: Records) -> None:
    bench = Bench(AB, records)
    bench.apply(A2B2)
    bench.apply(A2B2)
    undo(bench)
    assert bench.texts() == ["a1", "b1"]


def commands(bench: Bench, *notes: RenderedNote) -> None:
    """Apply one after the other, each by a command of its own."""
    for number, note in enumerate(notes):
        assert bench.records is not None
        bench.records.run = f"command {number}"
        bench.apply(note)


A3B3 = render(a="a3", b="b3")


def test_one_undo_after_the_other_goes_back_apply_by_apply(records: Records) -> None:
    bench = Bench(AB, records)
    commands(bench, A2B2, A3B3)
    bench.edit(0, title="mine")
    undo(bench)
    assert bench.texts() == ["a2", "b2"]
    undo(bench)
    assert bench.texts() == ["a1", "b1"]
    assert bench.note.paragraphs[0].title == "mine"
    bench.edit(0, title="Title of a")
    undo(bench)
    assert bench.server.notes == {}
    assert records.all() == []


def test_what_is_applied_after_an_undo_is_undone_to_there(records: Records) -> None:
    bench = Bench(AB, records)
    commands(bench, A2B2)
    undo(bench)
    records.run = "another"
    bench.apply(A3B3)
    undo(bench)
    assert bench.texts() == ["a1", "b1"]
    undo(bench)
    assert bench.server.notes == {}


def test_a_removed_note_that_is_back_can_be_undone_further(records: Records) -> None:
    bench = Bench(AB, records)
    commands(bench, A2B2)
    records.run = "the removal"
    remove_note(bench.client, bench.note, records)
    bench.id = str(undo(bench).note_id)
    undo(bench)
    assert bench.texts() == ["a1", "b1"]
    undo(bench)
    assert bench.server.notes == {}


def test_a_note_that_was_deleted_and_applied_anew_is_undone_no_further_than_that(records: Records) -> None:
    bench = Bench(AB, records)
    commands(bench, A2B2)
    bench.server.notes.clear()
    records.run = "another"
    bench.id = bench.apply(AB).note_id
    undo(bench)
    assert bench.server.notes == {}
    assert records.all() == []


def test_a_note_that_is_no_more_leaves_no_earlier_apply_to_be_undone(records: Records) -> None:
    bench = Bench(AB, records)
    commands(bench, A2B2, A3B3)
    bench.server.notes.clear()
    with pytest.raises(ProvisionError, match="no longer on"):
        undo(bench)
    assert records.all() == []


def test_an_apply_that_was_cut_off_and_the_next_are_undone_together_and_then_the_one_before(records: Records) -> None:
    bench = Bench(AB, records)
    records.run = "cut off"
    apply_cut_off(bench, A2B2, 2)
    records.run = "the next"
    bench.apply(A3B3)
    undo(bench)
    assert bench.texts() == ["a1", "b1"]
    undo(bench)
    assert bench.server.notes == {}


def test_only_so_many_applies_can_be_undone(records: Records, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(undo_records, "EARLIER_MOST", 2)
    bench = Bench(AB, records)
    commands(bench, *(render(a=f"a{number}", b="b") for number in range(5)))
    for text in ("a3", "a2", "a1"):
        undo(bench)
        assert bench.texts()[0] == text
    assert records.all() == []


def test_a_note_that_is_no_more_can_not_be_undone(records: Records) -> None:
    bench = Bench(AB, records)
    bench.server.notes.clear()
    with pytest.raises(ProvisionError, match="no longer on"):
        undo(bench)
    assert records.all() == []


def apply_cut_off(bench: Bench, note: RenderedNote, after: int) -> None:
    """An apply of `note` that ends after so many writes."""
    bench.server.fail_at = after
    with pytest.raises(ConnectionError):
        bench.apply(note)
    bench.server.fail_at = None


def test_what_two_applies_left_when_they_were_cut_off_stays_when_it_was_edited(records: Records) -> None:
    bench = Bench(render(a="a1"), records)
    apply_cut_off(bench, render(a="a1", b="b1"), 1)
    apply_cut_off(bench, render(a="a2"), 0)
    assert bench.texts() == ["a1", "b1"]
    bench.edit(1, text="mine")
    bench.apply(render(a="a2"))
    undo(bench)
    assert bench.texts() == ["a1", "mine"]


def test_what_such_applies_left_and_was_edited_no_more_comes_back_as_it_last_was(records: Records) -> None:
    bench = Bench(render(a="a1"), records)
    apply_cut_off(bench, render(a="a1", b="b1"), 1)
    bench.edit(1, text="mine")
    apply_cut_off(bench, render(a="a2"), 0)
    bench.edit(1, text="b1")
    bench.apply(render(a="a2"))
    assert bench.texts() == ["a2"]
    undo(bench)
    assert bench.texts() == ["a1", "b1"]


WIDE = render(a="a1", b="one\ntwo\nthree", c="c1", d="d1")
CHANGED = with_config(render(d="d2", x="x1", a="a2", b="ONE\ntwo\nthree"), "a", {"editorHide": True}, "New")


def worked_on(records: Records) -> Bench:
    bench = Bench(WIDE, records)
    bench.server.insert(bench.id, 1, "own")
    bench.edit(2, text="one\ntwo\nmine")
    bench.set(4, enabled=False)
    return bench


def cut_off(bench: Bench, after: int, action: str, late: bool) -> None:
    bench.server.writes.clear()
    bench.server.fail_at, bench.server.fails_late = after, late
    try:
        bench.apply(CHANGED) if action == "apply" else undo(bench)
    except ConnectionError:
        assert "own" in bench.texts()
        assert any("mine" in text for text in bench.texts())
    bench.server.fail_at = None


@pytest.mark.parametrize("late", [False, True])
@pytest.mark.parametrize("after", range(22))
def test_an_apply_cut_off_anywhere_and_finished_by_the_next_is_taken_back_whole(
    records: Records, after: int, late: bool
) -> None:
    whole, bench = worked_on(records), worked_on(records)
    whole.apply(CHANGED)
    bench = worked_on(records)
    before = bench.seen()
    cut_off(bench, after, "apply", late)
    bench.apply(CHANGED)
    assert bench.seen() == whole.seen()
    assert [*make_plan(bench.note, CHANGED).writes] == []
    undo(bench)
    assert bench.seen() == before


@pytest.mark.parametrize("late", [False, True])
@pytest.mark.parametrize("after", range(22))
def test_an_undo_cut_off_anywhere_is_finished_by_the_next(records: Records, after: int, late: bool) -> None:
    bench = worked_on(records)
    before = bench.seen()
    bench.apply(CHANGED)
    cut_off(bench, after, "undo", late)
    if records.find("folder/note"):
        undo(bench)
    assert bench.seen() == before


@pytest.mark.parametrize("late", [False, True])
@pytest.mark.parametrize("after", range(22))
def test_an_apply_cut_off_anywhere_can_be_taken_back(records: Records, after: int, late: bool) -> None:
    bench = worked_on(records)
    before, made = bench.seen(), records.find("folder/note")
    cut_off(bench, after, "apply", late)
    if records.find("folder/note") != made:
        undo(bench)
    assert bench.seen() == before


versions = st.dictionaries(st.sampled_from("abcd"), st.sampled_from(["1", "2\nx", "3\nx\ny"]), min_size=1)
edits = st.lists(
    st.tuples(st.sampled_from(["edit", "delete", "insert", "move", "title"]), st.integers(0, 9)), max_size=4
)


def note_of(texts: dict[str, str]) -> RenderedNote:
    paragraphs = (RenderedParagraph(key, f"T{texts[key]}", key + texts[key]) for key in texts)
    return RenderedNote("bundle", "folder/note", tuple(paragraphs))


def work(bench: Bench, done: list[tuple[str, int]]) -> None:
    for number, (what, place) in enumerate(done):
        count = len(bench.note.paragraphs)
        if what == "insert":
            bench.server.insert(bench.id, place % (count + 1), f"own {number}")
        elif count:
            index = place % count
            match what:
                case "edit":
                    bench.edit(index, text=f"{bench.texts()[index]}\nmine {number}")
                case "delete":
                    bench.delete(index)
                case "move":
                    bench.move(index, (place + 1) % count)
                case "title":
                    bench.edit(index, title=f"mine {number}")


class Kept(Records):
    """Records in memory."""

    def __init__(self) -> None:
        self.kept: dict[str, Record] = {}
        self.run = ""

    def save(self, record: Record) -> None:
        data = json.dumps([vars(saved) for saved in (*record.before, *record.after)])
        assert json.loads(data)
        self.kept[record.path] = record

    def find(self, path: str) -> Record | None:
        return self.kept.get(path)

    def forget(self, path: str) -> None:
        self.kept.pop(path, None)


@given(versions, edits, versions)
@settings(max_examples=150, deadline=None)
def test_any_apply_is_taken_back_whole(first: dict, done: list, second: dict) -> None:
    bench = Bench(note_of(first), Kept())
    work(bench, done)
    before, plan = bench.seen(), make_plan(bench.note, note_of(first)).changes
    bench.records = Kept()
    bench.apply(note_of(second), THEIRS)
    if bench.records.find("folder/note"):
        undo(bench)
    assert bench.seen() == before
    again = make_plan(bench.note, note_of(first)).changes
    assert [(c.key, c.verdict) for c in again] == [(c.key, c.verdict) for c in plan]


@given(versions, versions, edits)
@settings(max_examples=150, deadline=None)
def test_no_edit_made_since_is_lost_by_an_undo(first: dict, second: dict, done: list) -> None:
    bench = Bench(note_of(first), Kept())
    bench.apply(note_of(second))
    work(bench, done)
    lines = [line for text in bench.texts() for line in text.split("\n") if line.startswith(("mine", "own"))]
    undo(bench)
    left = [line for text in bench.texts() for line in text.split("\n")] if bench.id in bench.server.notes else []
    assert set(lines) <= set(left)


def test_a_secret_in_a_text_is_in_no_record_and_that_text_stays(records: Records, tmp_path: Path) -> None:
    def inline(value: str) -> RenderedNote:
        paragraphs = (RenderedParagraph("s", "S", f"val s = {value}", secret=True), RenderedParagraph("a", "", "a1"))
        return RenderedNote("bundle", "folder/note", paragraphs, secrets=(value,))

    bench = Bench(inline("s-one"), records)
    bench.edit(1, text="a1\nprintln(s-two)")
    bench.apply(inline("s-two"))
    kept = [file.read_text() for file in tmp_path.rglob("*.json")]
    assert len(kept) == 1
    assert not [word for word in ("s-one", "s-two", "val s", "println") if word in kept[0]]
    assert verdicts(undo(bench)) == {"s": Verdict.KEEP, "a": Verdict.KEEP}
    assert bench.texts() == ["val s = s-two", "a1\nprintln(s-two)"]


def test_records_are_for_their_owner_only(records: Records, tmp_path: Path) -> None:
    Bench(AB, records)
    made = list((tmp_path / "state" / "records").rglob("*"))
    assert {path.stat().st_mode & 0o777 for path in made if path.is_dir()} == {0o700}
    assert {path.stat().st_mode & 0o777 for path in made if path.is_file()} == {0o600}


def test_where_this_machine_has_no_record_the_server_s_revision_tells(records: Records) -> None:
    bench = Bench(AB, records)
    bench.server.become(ServerVersion(0, 11, 0))
    before = bench.seen()
    bench.apply(render(b="b2", a="a2", c="c1"))
    records.forget("folder/note")
    bench.server.insert(bench.id, 0, "own")
    record = record_from_revision(bench.client, bench.note)
    assert record is not None
    undo_note(bench.client, record, records)
    assert bench.seen()[1:] == before
    assert record_from_revision(bench.client, bench.note) is None


@pytest.fixture
def serve(monkeypatch: pytest.MonkeyPatch, records: Records) -> Callable[[Bench], None]:
    """Puts a bench's server behind the command line."""
    monkeypatch.setenv("ZEPPELIN_URL", "http://zeppelin.example:8080")
    return lambda bench: monkeypatch.setattr(ServerOptions, "connect_running", lambda *_arguments: bench.server)


def with_revisions(records: Records | None) -> Bench:
    bench = Bench(AB, records)
    bench.server.become(ServerVersion(0, 11, 0))
    return bench


def test_a_note_that_was_as_the_last_revision_has_it_is_undone_to_there(records: Records) -> None:
    """The server makes no revision of what has not changed since a person, or an undo, made one."""
    bench = with_revisions(records)
    bench.apply(A2B2)
    bench.edit(0, text="mine")
    bench.client.checkpoint_note(bench.id, "a person's own")
    before = bench.seen()
    bench.apply(render(a="a2", b="b3"))
    records.forget("folder/note")
    record = record_from_revision(bench.client, bench.note)
    assert record is not None
    undo_note(bench.client, record, records)
    assert bench.seen() == before


def test_an_apply_from_another_machine_is_the_one_that_is_taken_back(
    records: Records, serve: Callable[[Bench], None]
) -> None:
    bench = with_revisions(records)
    bench.apply(A2B2)
    before = bench.seen()
    bench.records = Records("http://elsewhere.example:8080")
    bench.apply(render(a="a3", b="b3"))
    serve(bench)
    assert run(["undo", "note"]) == 0
    assert bench.seen() == before
    assert bench.client.list_revisions(bench.id)[0].message == "provision undo"


def test_a_revision_that_the_server_has_no_more_leaves_the_record(
    records: Records, serve: Callable[[Bench], None]
) -> None:
    bench = with_revisions(records)
    before = bench.seen()
    bench.apply(A2B2)
    bench.server.fake.revisions.clear()
    serve(bench)
    assert run(["undo", "--yes"]) == 0
    assert bench.seen() == before


@pytest.mark.parametrize("generation", ["0.11", "0.12"])
def test_a_server_with_revisions_is_enough_to_undo_from_another_machine(
    generation: str, records: Records, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    with FakeZeppelin(generation) as fake, ZeppelinClient(fake.url, timeout=30) as client:
        note_id = apply_note(client, AB, Applying(records=records)).note_id
        paragraphs = fake.notes[note_id]["paragraphs"]
        for number, paragraph in enumerate(paragraphs):  # as the real one does on import
            paragraph.update(id=f"p{number}", status="READY")
        paragraphs[0]["text"] = "mine"
        apply_note(client, render(a="a1", b="b2"), Applying(records=records))
        assert [each["text"] for each in paragraphs] == ["mine", "b2"]
        monkeypatch.setenv("ZEPPELIN_URL", fake.url)  # the records are of another address
        assert run(["undo", "folder/note"]) == 0
        assert [each["text"] for each in paragraphs] == ["mine", "b1"]
        capsys.readouterr()
        assert run(["undo", "folder/note"]) == 0
        assert capsys.readouterr().out == "nothing to undo\n"


def test_a_removed_note_comes_back_as_the_person_left_it(records: Records) -> None:
    bench = Bench(AB, records)
    bench.edit(0, text="mine")
    bench.server.insert(bench.id, 1, "own")
    before = bench.seen()
    remove_note(bench.client, bench.note, records)
    assert bench.server.notes == {}
    bench.id = undo(bench).note_id or ""
    assert bench.seen() == before
    assert bench.verdicts(A2B2) == {"a": Verdict.CONFLICT, "b": Verdict.UPDATE}


def test_a_removed_note_does_not_come_back_over_another(records: Records) -> None:
    bench = Bench(AB, records)
    remove_note(bench.client, bench.note, records)
    bench.server.import_note({"paragraphs": []}, "/folder/note")
    with pytest.raises(ProvisionError, match="again"):
        undo(bench)


class Terminal(io.StringIO):
    """A person at a terminal who types this."""

    def isatty(self) -> bool:
        return True


def test_what_is_not_named_is_undone_after_a_question_only(
    records: Records,
    serve: Callable[[Bench], None],
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    bench = Bench(AB, records)
    serve(bench)
    before = bench.seen()
    assert run(["undo"]) == 2
    error = capsys.readouterr().err
    assert "made the note folder/note, which is deleted then: nobody here to ask" in error
    assert error.rstrip().endswith("name the note, or add --yes")
    monkeypatch.setattr("sys.stdin", Terminal("n\n"))
    assert run(["undo"]) != 0
    assert bench.seen() == before
    assert "Take that back?" in capsys.readouterr().err
    monkeypatch.setattr("sys.stdin", Terminal("y\n"))
    assert run(["undo"]) == 0
    assert bench.server.notes == {}


def test_nothing_is_asked_where_there_is_nothing_to_undo_or_the_note_is_named(
    records: Records, serve: Callable[[Bench], None], capsys: pytest.CaptureFixture[str]
) -> None:
    bench = Bench(AB, records)
    serve(bench)
    assert run(["undo", "folder/note"]) == 0
    assert bench.server.notes == {}
    capsys.readouterr()
    assert run(["undo"]) == 0
    assert capsys.readouterr().out == "nothing to undo\n"


def test_a_note_that_goes_with_an_undo_restarts_no_interpreter_for_an_empty_paragraph(records: Records) -> None:
    bench = Bench(AB, records)
    bench.server.insert(bench.id, 2, "%spark ")  # as Zeppelin appends one
    undo(bench)
    assert bench.server.writes == ["delete", "delete", "delete", "delete note"]
