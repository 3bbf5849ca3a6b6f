"""Titles, settings, order, merges and decisions in a plan; paragraphs that run."""

from typing import Any

import pytest

from provision.bundles.render import RenderedNote, RenderedParagraph
from provision.errors import ConflictError, UsageError
from provision.sync.apply import Applying, apply_note, came_back
from provision.sync.plan import OURS, THEIRS, Decision, Verdict, make_plan
from provision.sync.provenance import MARK, base_text
from zeppelin_sdk import Note, ParagraphStatus

from ..note_bench import Bench, render, with_config

CHART = {"results": {"0": {"graph": {"mode": "lineChart", "height": 300}}}, "editorHide": True}
BASE, OURS_TEXT, THEIRS_TEXT = "one\ntwo\nthree", "mine\ntwo\nthree", "one\ntwo\nnew"


def test_lines_changed_on_both_sides_in_different_places_are_merged() -> None:
    bench = Bench(render(a=BASE))
    bench.edit(0, text=OURS_TEXT)
    (change,) = make_plan(bench.note, render(a=THEIRS_TEXT)).changes
    assert (change.verdict, change.merged) == (Verdict.UPDATE, True)
    bench.apply(render(a=THEIRS_TEXT))
    assert bench.texts() == ["mine\ntwo\nnew"]
    assert bench.verdicts(render(a=THEIRS_TEXT)) == {"a": Verdict.KEEP}


def test_the_base_survives_in_the_note_itself() -> None:
    bench = Bench(render(a=BASE))
    bench.edit(0, text=OURS_TEXT)
    assert base_text(bench.note.paragraphs[0]) == BASE


def test_a_base_with_a_secret_is_not_in_the_note_and_its_paragraph_is_not_merged() -> None:
    def inline(text: str) -> RenderedNote:
        return RenderedNote("bundle", "folder/note", (RenderedParagraph("a", "A", text, secret=True),))

    bench = Bench(inline(BASE))
    bench.edit(0, text=OURS_TEXT)
    assert "base" not in bench.note.paragraphs[0].config[MARK]
    assert bench.verdicts(inline(THEIRS_TEXT)) == {"a": Verdict.CONFLICT}


def test_a_base_that_somebody_has_spoilt_makes_a_conflict_and_no_wrong_merge() -> None:
    bench = Bench(render(a=BASE))
    bench.edit(0, text=OURS_TEXT)
    mark = bench.note.paragraphs[0].config[MARK]
    for spoilt in ("not base64!", "AAAA", None, Bench(render(a="other")).note.paragraphs[0].config[MARK]["base"]):
        bench.set(0, **{MARK: {**mark, "base": spoilt}})
        assert bench.verdicts(render(a=THEIRS_TEXT)) == {"a": Verdict.CONFLICT}


@pytest.mark.parametrize(
    ("of", "texts"), [({"a": OURS}, ["mine\ntwo\nthree", "new"]), ({"a": THEIRS}, ["one\ntwo\nnew", "new"])]
)
def test_a_paragraph_that_is_decided_by_its_key_is_not_merged(of: dict[str, str], texts: list[str]) -> None:
    bench = Bench(render(a=BASE, b="old"))
    bench.edit(0, text=OURS_TEXT)
    bench.edit(1, text="mine too")
    bench.apply(render(a=THEIRS_TEXT, b="new"), of={**of, "b": THEIRS})
    assert bench.texts() == texts


def test_a_decision_for_one_paragraph_leaves_the_conflict_of_another() -> None:
    bench = Bench(render(a="a1", b="b1"))
    bench.edit(0, text="mine")
    bench.edit(1, text="mine")
    with pytest.raises(ConflictError, match=r"\(b\)"):
        bench.apply(render(a="a2", b="b2"), of={"a": OURS})


def test_an_edit_is_given_up_where_the_bundle_s_text_is_asked_for() -> None:
    bench = Bench(render(a="a1"))
    bench.edit(0, text="mine")
    assert bench.apply(render(a="a1"), of={"a": THEIRS}).written == 1
    assert bench.texts() == ["a1"]


def test_a_decision_of_a_paragraph_that_is_not_there_is_refused() -> None:
    with pytest.raises(UsageError, match="no paragraph 'x'"):
        make_plan(None, render(a="a1"), Decision(of={"x": OURS}))


def test_a_chart_that_nobody_edited_follows_the_bundle() -> None:
    note = with_config(render(a="a1"), "a", CHART)
    bench = Bench(note)
    new = with_config(note, "a", {"results": {"0": {"graph": {"mode": "pieChart", "height": 300}}}})
    assert bench.apply(new).written == 1
    config = bench.note.paragraphs[0].config
    assert config["results"]["0"]["graph"]["mode"] == "pieChart"
    assert config["editorHide"] is False
    assert bench.apply(new).written == 0


def test_an_edited_chart_stays_and_counts_as_an_edit() -> None:
    note = with_config(render(a="a1", b="b1"), "a", CHART)
    bench = Bench(note)
    bench.set(0, results={"0": {"graph": {"mode": "pieChart", "height": 300.0}}})
    assert bench.verdicts(note) == {"a": Verdict.KEEP, "b": Verdict.SAME}
    taller = with_config(note, "a", {"results": {"0": {"graph": {"mode": "lineChart", "height": 500}}}})
    bench.apply(taller)
    assert bench.note.paragraphs[0].config["results"] == {"0": {"graph": {"mode": "pieChart", "height": 500}}}
    assert bench.apply(render(b="b1")).written == 0, "an edited chart is deleted with its paragraph"


def test_a_setting_of_the_page_s_own_is_no_edit() -> None:
    note = with_config(render(a="a1"), "a", CHART)
    bench = Bench(note)
    graph = {**CHART["results"]["0"]["graph"], "keys": [], "optionOpen": False}  # type: ignore[index]
    bench.set(0, results={"0": {"graph": graph, "helium": {}}}, editorSetting={"language": "scala"})
    assert bench.verdicts(note) == {"a": Verdict.SAME}


def test_a_hand_edited_title_counts_as_an_edit() -> None:
    bench = Bench(render(a="a1"))
    bench.edit(0, title="Mine")
    assert bench.verdicts(render(a="a1")) == {"a": Verdict.KEEP}
    assert bench.apply(render(b="b1")).plan.changes[-1].verdict is Verdict.KEEP
    assert "a1" in bench.texts()


def test_paragraphs_follow_the_bundle_s_order_with_what_stands_behind_them() -> None:
    bench = Bench(render(a="a1", b="b1", c="c1"))
    bench.server.insert(bench.id, 1, "own of a")
    bench.server.insert(bench.id, 0, "first")
    bench.apply(render(c="c1", a="a1", b="b1"))
    assert bench.texts() == ["first", "c1", "a1", "own of a", "b1"]
    assert bench.apply(render(c="c1", a="a1", b="b1")).written == 0
    assert bench.server.writes == []


def test_paragraphs_that_a_person_has_moved_stay_though_the_bundle_s_order_changes() -> None:
    bench = Bench(render(a="a1", b="b1", c="c1"))
    bench.move(2, 1)
    bench.apply(render(c="c1", a="a1", b="b1"))
    assert bench.texts() == ["a1", "c1", "b1"]


def running(bench: Bench, index: int, status: ParagraphStatus = ParagraphStatus.RUNNING) -> None:
    bench.edit(index, status=status)


def test_a_paragraph_that_runs_on_is_not_overwritten_and_nothing_is_written() -> None:
    bench = Bench(render(a="a1", b="b1"))
    running(bench, 0)
    with pytest.raises(ConflictError, match="not overwritten: 'Title of a'"):
        bench.apply(render(a="a2", b="b2"))
    assert bench.server.writes == []


def test_a_paragraph_that_runs_and_stays_as_it_is_holds_nothing_up() -> None:
    bench = Bench(render(a="a1", b="b1"))
    running(bench, 0)
    bench.apply(render(a="a1", b="b2"))
    assert bench.texts() == ["a1", "b2"]


def test_the_end_of_a_run_is_awaited(monkeypatch: pytest.MonkeyPatch) -> None:
    bench = Bench(render(a="a1"))
    running(bench, 0, ParagraphStatus.PENDING)
    monkeypatch.setattr("time.sleep", lambda _seconds: running(bench, 0, ParagraphStatus.FINISHED))
    apply_note(bench.client, render(a="a2"), Applying(patience=1))
    assert bench.texts() == ["a2"]


def test_a_paragraph_that_starts_while_the_note_is_written_is_not_overwritten(monkeypatch: pytest.MonkeyPatch) -> None:
    bench = Bench(render(a="a1", b="b1"))
    update = bench.server.update_paragraph

    def update_and_start_the_next(*arguments: Any, **more: Any) -> None:
        update(*arguments, **more)
        running(bench, 1)

    monkeypatch.setattr(bench.server, "update_paragraph", update_and_start_the_next)
    with pytest.raises(ConflictError, match="not overwritten: 'Title of b'"):
        bench.apply(render(a="a2", b="b2"))
    assert bench.texts() == ["a2", "b1"]


def test_a_blocking_paragraph_is_stopped_only_where_the_note_is_run_anyway() -> None:
    def blocking(text: str) -> RenderedNote:
        return RenderedNote("bundle", "folder/note", (RenderedParagraph("start", "Start", text, blocks=True),))

    bench = Bench(blocking("s1"))
    running(bench, 0)
    with pytest.raises(ConflictError, match="'Start'"):
        bench.apply(blocking("s2"))
    stopped: list[Note] = []

    def stop(live: Note) -> None:
        stopped.append(live)
        running(bench, 0, ParagraphStatus.ABORT)

    apply_note(bench.client, blocking("s2"), Applying(stop=stop))
    assert len(stopped) == 1
    assert bench.texts() == ["s2"]


def test_what_an_open_page_saves_over_an_apply_is_told_and_stays() -> None:
    bench = Bench(render(a="a1", b="b1", c="c1"))
    applied = bench.apply(render(a="a2", b="b2"))
    assert came_back(bench.client, applied) == []
    bench.edit(1, text="typed before, saved after")
    assert came_back(bench.client, applied) == ["Title of b"]
    assert bench.texts() == ["a2", "typed before, saved after"]


def test_a_changed_note_costs_three_calls_a_paragraph_and_an_unchanged_one_none() -> None:
    names = "abcdefghij"
    bench = Bench(render(**dict.fromkeys(names, "1")))
    assert bench.server.writes == ["import"]
    bench.apply(render(**dict.fromkeys(names, "2")))
    assert bench.server.writes == ["text", "config"] * 10
    bench.apply(render(**dict.fromkeys(names, "2")))
    assert bench.server.writes == []
