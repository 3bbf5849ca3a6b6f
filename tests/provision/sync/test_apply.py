"""What an apply does to a note that a person has worked on: examples. `test_apply_keeps_edits` has the rule."""

import contextlib
from dataclasses import replace
from typing import Any, cast

import pytest

from provision.bundles.render import RenderedNote, RenderedParagraph
from provision.errors import ConflictError, UsageError
from provision.platforms.netpie2015 import entities
from provision.sync.apply import Applying, apply_note, put_credentials
from provision.sync.plan import OURS, THEIRS, Plan, Verdict
from provision.sync.provenance import MARK, ORIGIN, provenance
from zeppelin_sdk import Note, Paragraph, ZeppelinClient

from ..note_bench import Bench, render, with_config
from ..notes_in_memory import NotesInMemory
from ..rendering import LOGIN, SECRETS, rendered

A, A2, AB = render(a="a1"), render(a="a2"), render(a="a1", b="b1")


def test_a_first_apply_imports_the_whole_note() -> None:
    bench = Bench(AB)
    assert bench.texts() == ["a1", "b1"]
    assert bench.server.writes == ["import"]
    assert bench.note.path == "/folder/note"
    assert set(bench.verdicts(AB).values()) == {Verdict.SAME}


def test_a_second_apply_writes_nothing() -> None:
    bench = Bench(AB)
    assert bench.apply(AB).written == 0
    assert bench.server.writes == []


def test_a_new_version_of_an_untouched_paragraph_replaces_it() -> None:
    bench = Bench(AB)
    assert bench.apply(render(a="a2", b="b1")).written == 1
    assert bench.texts() == ["a2", "b1"]


def test_an_edit_stays_while_others_are_updated() -> None:
    bench = Bench(AB)
    bench.edit(0, text="mine")
    applied = bench.apply(render(a="a1", b="b2"))
    assert [change.verdict for change in applied.plan.changes] == [Verdict.KEEP, Verdict.UPDATE]
    assert bench.texts() == ["mine", "b2"]


def test_an_edit_of_what_the_bundle_changed_too_is_a_conflict_and_nothing_is_written() -> None:
    bench = Bench(AB)
    bench.edit(0, text="mine")
    before = bench.note
    with pytest.raises(ConflictError, match="'Title of a'") as caught:
        bench.apply(render(a="a2", b="b2"))
    assert bench.note == before
    assert caught.value.exit_code == 3
    assert "--ours" in caught.value.next_step
    assert "--theirs" in caught.value.next_step


def test_an_edit_that_was_kept_is_a_conflict_when_the_bundle_changes_later() -> None:
    bench = Bench(A)
    bench.edit(0, text="mine")
    bench.apply(A)
    with pytest.raises(ConflictError):
        bench.apply(A2)


def test_ours_keeps_the_text_and_makes_the_bundle_s_its_base() -> None:
    bench = Bench(A)
    bench.edit(0, text="mine")
    assert bench.apply(A2, OURS).written == 0
    assert bench.texts() == ["mine"]
    assert bench.verdicts(A2) == {"a": Verdict.KEEP}
    assert bench.verdicts(render(a="a3")) == {"a": Verdict.CONFLICT}


def test_theirs_replaces_the_text_at_a_conflict_and_nowhere_else() -> None:
    bench = Bench(AB)
    bench.edit(0, text="mine")
    bench.edit(1, text="mine too")
    assert bench.apply(render(a="a2", b="b1"), THEIRS).written == 1
    assert bench.texts() == ["a2", "mine too"]


def test_the_same_edit_on_both_sides_is_no_conflict() -> None:
    bench = Bench(A)
    bench.edit(0, text="a2\n")
    assert bench.verdicts(A2) == {"a": Verdict.SAME}
    bench.apply(A2)
    assert bench.verdicts(render(a="a3")) == {"a": Verdict.UPDATE}


def test_what_was_deleted_by_hand_stays_away_whatever_the_bundle_does() -> None:
    bench = Bench(AB)
    bench.delete(1)
    for note in (AB, render(a="a2", b="b2"), A, AB):
        bench.apply(note)
        assert len(bench.texts()) == 1


def test_one_paragraph_that_is_left_tells_of_all_that_were_deleted() -> None:
    everything = render(**{key: f"{key}1" for key in "abcdefgh"})
    bench = Bench(everything)
    for _ in range(7):
        bench.delete(0)
    assert set(bench.verdicts(everything).values()) == {Verdict.GONE, Verdict.SAME}
    bench.apply(everything)
    assert bench.texts() == ["h1"]


def test_what_a_later_version_brought_and_a_person_deleted_stays_away_beside_edits_only() -> None:
    bench = Bench(A)
    bench.edit(0, text="mine")
    bench.apply(AB)
    bench.delete(1)
    assert bench.verdicts(AB) == {"a": Verdict.KEEP, "b": Verdict.GONE}
    bench.apply(AB)
    assert bench.texts() == ["mine"]


def test_what_the_bundle_took_away_comes_back_with_it() -> None:
    bench = Bench(AB)
    bench.apply(A)
    assert bench.texts() == ["a1"]
    bench.apply(AB)
    assert bench.texts() == ["a1", "b1"]


def test_an_edited_paragraph_stays_when_the_bundle_leaves_it_out() -> None:
    bench = Bench(AB)
    bench.edit(1, text="mine")
    bench.apply(A)
    assert bench.texts() == ["a1", "mine"]
    assert bench.verdicts(A) == {"a": Verdict.SAME, "b": Verdict.KEEP}


def test_a_new_paragraph_goes_behind_the_one_that_it_follows_in_the_bundle() -> None:
    bench = Bench(render(a="a1", c="c1"))
    bench.server.insert(bench.id, 1, "own")
    bench.apply(render(z="z1", a="a1", b="b1", c="c1", d="d1"))
    assert bench.texts() == ["z1", "a1", "b1", "own", "c1", "d1"]


def test_paragraphs_that_were_moved_or_added_by_hand_stay_where_they_are() -> None:
    bench = Bench(AB)
    b = bench.note.paragraphs[1]
    bench.server.remove(bench.id, b.id)
    bench.server.put(bench.id, 0, b)
    bench.server.insert(bench.id, 1, "own")
    bench.apply(render(a="a2", b="b2"))
    assert bench.texts() == ["b2", "own", "a2"]


def test_a_title_that_nobody_edited_follows_the_bundle() -> None:
    bench = Bench(A)
    titled = RenderedNote("bundle", "folder/note", (RenderedParagraph("a", "New title", "a1"),))
    assert bench.apply(titled).written == 1
    assert bench.note.paragraphs[0].title == "New title"
    assert bench.apply(titled).written == 0


def test_a_title_edited_by_hand_stays_while_the_text_is_updated() -> None:
    bench = Bench(A)
    bench.edit(0, title="My title")
    bench.apply(RenderedNote("bundle", "folder/note", (RenderedParagraph("a", "New title", "a2"),)))
    bench.apply(RenderedNote("bundle", "folder/note", (RenderedParagraph("a", "Newer title", "a3"),)))
    assert (bench.note.paragraphs[0].title, bench.texts()) == ("My title", ["a3"])


def test_a_title_that_a_paragraph_did_not_have_is_shown() -> None:
    bench = Bench(RenderedNote("bundle", "folder/note", (RenderedParagraph("a", "", "a1", {"title": False}),)))
    bench.apply(A)
    assert bench.note.paragraphs[0].config["title"] is True


def test_a_copy_that_a_person_made_is_theirs() -> None:
    bench = Bench(AB)
    bench.server.copy(bench.id, 1, to=2)
    bench.apply(render(a="a1", b="b2"))
    assert bench.texts() == ["a1", "b2", "b1"]
    bench.apply(A)
    bench.apply(A)
    assert bench.texts() == ["a1", "b1"]


def test_settings_of_a_paragraph_outlast_an_update() -> None:
    bench = Bench(A)
    bench.edit(0, config={**bench.note.paragraphs[0].config, "editorHide": True, "mine": {"chart": 1}})
    bench.apply(A2)
    config = bench.note.paragraphs[0].config
    assert (config["editorHide"], config["mine"]) == (True, {"chart": 1})


@pytest.mark.parametrize("late", [False, True])
@pytest.mark.parametrize("after", range(12))
def test_an_apply_cut_off_anywhere_is_completed_by_the_next_and_no_edit_is_lost(after: int, late: bool) -> None:
    bench = Bench(render(a="a1", b="b1", c="c1", d="d1"))
    bench.server.fails_late = late
    bench.edit(1, text="mine")
    bench.server.insert(bench.id, 2, "own")
    wanted = render(x="x1", a="a2", b="b1", c="c2", e="e1", f="f1")
    bench.server.writes.clear()
    bench.server.fail_at = after
    try:
        apply_note(cast(ZeppelinClient, bench.server), wanted)
    except ConnectionError:
        assert {"mine", "own"} <= set(bench.texts())
    bench.server.fail_at = None
    bench.apply(wanted)
    assert bench.texts() == ["x1", "a2", "mine", "own", "c2", "e1", "f1"]
    back = bench.verdicts(render(a="a2", d="d1"))
    assert back["d"] is Verdict.ADD


@pytest.mark.parametrize("then", [["cb"], ["ab", "ba"], ["bc"]])
@pytest.mark.parametrize("after", range(8))
def test_an_arrangement_cut_off_anywhere_is_not_in_the_way_of_any_later_one(after: int, then: list[str]) -> None:
    texts = {key: f"{key}1" for key in "abc"}
    bench = Bench(render(**texts))
    bench.server.insert(bench.id, 2, "own, behind b")
    bench.server.writes.clear()
    bench.server.fail_at = after
    with contextlib.suppress(ConnectionError):
        apply_note(cast(ZeppelinClient, bench.server), render(c="c1", b="b1"))
    bench.server.fail_at = None
    for keys in then:
        wanted = render(**{key: texts[key] for key in keys})
        bench.apply(wanted)
        bench.apply(wanted)
        assert bench.server.writes == []
        there = "".join(text[0] for text in bench.texts())
        assert there.replace("o", "") == "".join(key for key in keys if key in there)
        assert "bo" in there


def test_an_arrangement_cut_off_is_no_matter_when_all_its_paragraphs_leave() -> None:
    bench = Bench(render(a="a1", b="b1"))
    bench.server.writes.clear()
    bench.server.fail_at = 1
    with contextlib.suppress(ConnectionError):
        apply_note(cast(ZeppelinClient, bench.server), render(b="b1", a="a1"))
    bench.server.fail_at = None
    bench.apply(render(c="c1"))
    assert bench.texts() == ["c1"]


def edit_b_while_a_is_written(bench: Bench, monkeypatch: pytest.MonkeyPatch) -> None:
    update = bench.server.update_paragraph

    def update_and_edit_the_next(*arguments: Any, **more: Any) -> None:
        update(*arguments, **more)
        bench.edit(1, text="mine")

    monkeypatch.setattr(bench.server, "update_paragraph", update_and_edit_the_next)


def test_an_edit_saved_while_the_note_is_being_written_is_planned_in(monkeypatch: pytest.MonkeyPatch) -> None:
    bench = Bench(AB)
    edit_b_while_a_is_written(bench, monkeypatch)
    applied = bench.apply(render(a="a2"))
    assert bench.texts() == ["a2", "mine"]
    assert [(c.key, c.verdict) for c in applied.plan.changes] == [("a", Verdict.UPDATE), ("b", Verdict.KEEP)]
    assert applied.written == 1


def test_an_edit_saved_while_the_note_is_being_written_can_make_a_conflict(monkeypatch: pytest.MonkeyPatch) -> None:
    bench = Bench(AB)
    edit_b_while_a_is_written(bench, monkeypatch)
    with pytest.raises(ConflictError, match="'Title of b'.*while others were written"):
        bench.apply(render(a="a2", b="b2"))
    assert bench.texts() == ["a2", "mine"]


CHARTS = [
    with_config(render(a=text, b="b1"), "b", {"results": {"height": height}}) for text, height in [("a1", 1), ("a2", 2)]
]


@pytest.mark.parametrize("wanted", [CHARTS[1], render(a="a2")], ids=["changed", "dropped"])
def test_a_chart_edited_while_the_note_is_being_written_is_planned_in(
    monkeypatch: pytest.MonkeyPatch, wanted: RenderedNote
) -> None:
    bench = Bench(CHARTS[0])
    update = bench.server.update_paragraph

    def update_and_edit_the_next(*arguments: Any, **more: Any) -> None:
        update(*arguments, **more)
        bench.set(1, results={"height": 99})

    monkeypatch.setattr(bench.server, "update_paragraph", update_and_edit_the_next)
    bench.apply(wanted)
    assert bench.texts() == ["a2", "b1"]
    assert bench.note.paragraphs[1].config["results"] == {"height": 99}


def test_a_note_that_never_rests_is_a_conflict_in_the_end(monkeypatch: pytest.MonkeyPatch) -> None:
    bench = Bench(A)
    texts = (f"line\n{number}" for number in range(99))
    read = bench.server.get_note

    def read_and_edit(note_id: str) -> Note:
        note = read(note_id)
        bench.edit(0, text=next(texts))
        return note

    monkeypatch.setattr(bench.server, "get_note", read_and_edit)
    with pytest.raises(ConflictError, match="keeps changing it"):
        bench.apply(A2, THEIRS)


def test_a_person_s_own_paragraph_that_the_bundle_brings_too_is_not_brought_again() -> None:
    bench = Bench(A)
    own = bench.server.insert(bench.id, 0, "b1")
    bench.edit(0, title="Title of b")
    assert bench.apply(AB).written == 0
    assert bench.texts() == ["b1", "a1"]
    bench.apply(render(a="a1", b="b2"))
    assert bench.texts() == ["b2", "a1"]
    bench.apply(A)
    assert [p.id for p in bench.note.paragraphs][0] == own.id


def test_a_note_of_a_person_s_own_at_the_path_loses_nothing() -> None:
    bench = Bench(render())
    bench.server.put(bench.id, 0, Paragraph("own", text="own", config={MARK: "not a mapping"}))
    bench.apply(A)
    assert bench.texts() == ["a1", "own"]


def test_switching_the_variant_updates_what_both_have_and_drops_what_one_has() -> None:
    server = NotesInMemory()
    client = cast(ZeppelinClient, server)
    first, second = (rendered("streaming", variant=v, path="note") for v in ("csv", "print"))
    note_id = apply_note(client, first).note_id
    plan = apply_note(client, second).plan
    changed = {change.key: change.verdict for change in plan.writes}
    assert changed == {
        **dict.fromkeys(("introduction", "window", "outputs"), Verdict.UPDATE),
        **dict.fromkeys(("columns", "slices", "query", "chart"), Verdict.DROP),
    }
    assert [p.text for p in server.notes[note_id].paragraphs] == [p.text for p in second.paragraphs]
    apply_note(client, first)
    assert [p.text for p in server.notes[note_id].paragraphs] == [p.text for p in first.paragraphs]


def typed_and_jar() -> tuple[RenderedNote, RenderedNote]:
    return rendered("streaming", path="note"), rendered("streaming", path="note", connector="jar", mqtt_jars="/a.jar")


def test_a_typed_note_that_gets_the_jar_loses_the_typed_engine_and_gets_it_back() -> None:
    server = NotesInMemory()
    client = cast(ZeppelinClient, server)
    typed, jar = typed_and_jar()
    note_id = apply_note(client, typed).note_id
    plan = apply_note(client, jar).plan
    assert {change.key: change.verdict for change in plan.writes} == {
        "dependencies": Verdict.UPDATE,
        "connector": Verdict.UPDATE,
        "results": Verdict.DROP,
        "slices": Verdict.DROP,
    }
    assert [p.text for p in server.notes[note_id].paragraphs] == [p.text for p in jar.paragraphs]
    apply_note(client, typed)
    assert [p.text for p in server.notes[note_id].paragraphs] == [p.text for p in typed.paragraphs]


def test_a_typed_paragraph_that_a_person_edited_stays_when_the_jar_comes() -> None:
    typed, jar = typed_and_jar()
    bench = Bench(typed)
    at = next(i for i, paragraph in enumerate(typed.paragraphs) if paragraph.key == "slices")
    edited = f"{bench.texts()[at]}\n// mine"
    bench.edit(at, text=edited)
    bench.apply(jar)
    assert edited in bench.texts()
    assert [text for text in bench.texts() if text != edited] == [p.text for p in jar.paragraphs]


def test_classic_s_titles_follow_its_variant() -> None:
    server = NotesInMemory()
    client = cast(ZeppelinClient, server)
    for variant in ("csv", "average", "print"):
        note = replace(rendered("classic", variant=variant), path="note")
        note_id = apply_note(client, note).note_id
        assert [p.title for p in server.notes[note_id].paragraphs] == [p.title for p in note.paragraphs]


def test_secrets_go_to_the_credential_store_and_to_no_note() -> None:
    server = NotesInMemory()
    note = rendered("classic")
    put_credentials(cast(ZeppelinClient, server), note)
    apply_note(cast(ZeppelinClient, server), note)
    assert server.credentials[entities(LOGIN.appkey, note.path)[1]] == (LOGIN.username, LOGIN.password)
    stored = repr(server.notes)
    assert not [secret for secret in SECRETS if secret in stored]


def test_the_json_answer_has_each_change_s_key_verdict_and_title() -> None:
    bench = Bench(AB)
    answer = bench.apply(render(a="a2", b="b1")).to_json("http://host/#/notebook/x")
    assert answer == {
        "note": "http://host/#/notebook/x",
        "changes": [
            {"key": "a", "verdict": "update", "title": "Title of a"},
            {"key": "b", "verdict": "same", "title": "Title of b"},
        ],
        "written": 1,
    }


@pytest.mark.parametrize("decide", [OURS, THEIRS])
def test_a_page_that_sends_its_old_config_changes_no_plan(decide: str) -> None:
    bench = Bench(render(a="a1", b="b1", c="c1", d="d1"))
    bench.edit(1, text="mine")
    bench.server.open_page(bench.id)
    wanted = render(a="a2", b="b2", c="c1", e="e1")
    bench.apply(wanted, decide)
    noted = [{key: p.config.get(key) for key in (MARK, ORIGIN)} for p in bench.note.paragraphs]
    plan = bench.verdicts(wanted)
    bench.server.send_page(bench.id)
    assert bench.verdicts(wanted) == plan
    assert bench.verdicts(render(a="a2", b="b2", c="c1", d="d1", e="e1"))["d"] == Verdict.ADD
    now = [{key: p.config.get(key) for key in (MARK, ORIGIN)} for p in bench.note.paragraphs]
    assert [each[ORIGIN] for each in now] == [each[ORIGIN] for each in noted]


@pytest.mark.parametrize("first", [True, False])
def test_a_paragraph_that_another_machine_adds_at_the_same_time_is_there_once(first: bool) -> None:
    """The other's stands before or behind one's own; one's own goes where it stands behind."""
    bench = Bench(A)
    add, added = bench.client.add_paragraph, []

    def both(note_id: str, **given: Any) -> str:
        if not added:
            add(note_id, **given)
        mine = add(note_id, **{**given, "index": given["index"] + (1 if first else 0)})
        added.append(mine)
        return mine

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(bench.server, "add_paragraph", both)
        bench.apply(AB)
    keys = [provenance(each).key for each in bench.note.paragraphs]
    assert keys.count("b") == (1 if first else 2)
    assert bench.texts()[1] == "b1"


def test_a_note_that_nobody_has_open_is_written_without_a_call_more() -> None:
    bench = Bench(render(a="a1"))
    bench.apply(render(a="a2"))
    assert bench.server.writes == ["text", "config"]
    bench.server.open_page(bench.id)
    bench.apply(render(a="a3"))
    assert bench.server.writes == ["text", "config", "text"]


def test_what_a_page_saves_while_it_is_waited_for_is_planned_with() -> None:
    bench = Bench(render(a="one\ntwo\nthree"))

    def saves(_live: Note, _plan: Plan) -> bool:
        bench.edit(0, text="one\ntwo\nmine")
        return True

    applied = apply_note(bench.client, render(a="ONE\ntwo\nthree"), Applying(pages=saves))
    assert bench.texts() == ["ONE\ntwo\nmine"]
    assert applied.plan.changes[0].merged


MADE = replace(A, site={"path": "folder/note"})


def test_a_note_that_a_person_has_moved_is_followed() -> None:
    bench = Bench(MADE)
    bench.edit(0, text="mine")
    bench.client.rename_note(bench.id, "/archive/note")
    bench.client.create_note("/folder/other")
    applied = bench.apply(replace(AB, site=MADE.site))
    assert applied.note_id == bench.id
    assert bench.texts() == ["mine", "b1"]
    assert bench.note.path == "/archive/note"


def test_a_note_in_the_trash_is_not_followed() -> None:
    bench = Bench(MADE)
    bench.client.rename_note(bench.id, "/~Trash/folder/note")
    assert bench.apply(MADE).note_id != bench.id


def test_two_copies_of_a_note_that_is_no_longer_there_are_not_guessed_between() -> None:
    bench = Bench(MADE)
    bench.client.clone_note(bench.id, "/copy")
    bench.client.rename_note(bench.id, "/archive/note")
    with pytest.raises(UsageError, match="/archive/note"):
        bench.apply(MADE)


def secret(**texts: str) -> RenderedNote:
    """A note of a bundle with secrets in its texts."""
    note = render(**texts)
    return replace(note, paragraphs=tuple(replace(each, secret=True) for each in note.paragraphs))


def test_a_text_with_a_secret_is_not_in_the_call_that_zeppelin_logs() -> None:
    bench = Bench(secret(a="a1"))
    bench.apply(secret(a="a1", b="TokenSecret&AppSecret"))
    added = bench.server.fake.asked("POST", "/paragraph")
    assert len(added) == 1
    assert b"TokenSecret" not in added[0].body
    assert bench.texts() == ["a1", "TokenSecret&AppSecret"]
    assert bench.verdicts(secret(a="a1", b="TokenSecret&AppSecret")) == {"a": Verdict.SAME, "b": Verdict.SAME}


@pytest.mark.parametrize("late", [False, True])
@pytest.mark.parametrize("after", range(6))
def test_an_added_text_with_a_secret_that_is_cut_off_is_finished_by_the_next_apply(after: int, late: bool) -> None:
    bench, wanted = Bench(secret(a="a1", c="c1")), secret(a="a1", b="b1", c="c1")
    bench.server.fail_at, bench.server.fails_late = after, late
    with contextlib.suppress(ConnectionError):
        bench.apply(wanted)
    bench.server.fail_at = None
    bench.apply(wanted)
    assert bench.texts() == ["a1", "b1", "c1"]
    assert bench.apply(wanted).written == 0
