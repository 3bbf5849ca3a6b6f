"""Windows line ends are no edit, and a person's bytes stay where nothing changed."""

import hashlib

import pytest

from provision.sync.diff import plan_lines
from provision.sync.merge import merge_texts
from provision.sync.plan import Verdict, make_plan
from provision.sync.provenance import digest

from ..note_bench import Bench, render

BASE, MINE, NEW = "one\ntwo\nthree", "mine\ntwo\nthree", "one\ntwo\nnew"


def crlf(text: str) -> str:
    return text.replace("\n", "\r\n")


@pytest.mark.parametrize("end", ["\r\n", "\r"])
def test_other_line_ends_are_no_edit_and_nothing_is_written(end: str) -> None:
    bench = Bench(render(a=BASE))
    bench.edit(0, text=BASE.replace("\n", end))
    assert bench.verdicts(render(a=BASE)) == {"a": Verdict.SAME}
    assert bench.apply(render(a=BASE)).written == 0
    assert bench.texts() == [BASE.replace("\n", end)]


def test_a_paragraph_with_other_line_ends_follows_the_bundle() -> None:
    bench = Bench(render(a=BASE))
    bench.edit(0, text=crlf(BASE))
    bench.apply(render(a=NEW))
    assert bench.texts() == [NEW]


def test_an_edit_with_other_line_ends_stays_byte_for_byte() -> None:
    bench = Bench(render(a=BASE))
    bench.edit(0, text=crlf(MINE))
    assert bench.verdicts(render(a=BASE)) == {"a": Verdict.KEEP}
    assert bench.apply(render(a=BASE)).written == 0
    assert bench.texts() == [crlf(MINE)]


def test_an_edit_with_other_line_ends_is_merged_and_keeps_them() -> None:
    bench = Bench(render(a=BASE))
    bench.edit(0, text=crlf(MINE))
    (change,) = make_plan(bench.note, render(a=NEW)).changes
    assert (change.verdict, change.merged) == (Verdict.UPDATE, True)
    bench.apply(render(a=NEW))
    assert bench.texts() == [crlf("mine\ntwo\nnew")]
    assert bench.apply(render(a=NEW)).written == 0


def test_the_same_change_with_other_line_ends_on_both_sides_is_no_conflict() -> None:
    assert merge_texts(BASE, crlf(NEW), NEW) == crlf(NEW)
    assert merge_texts(BASE, crlf(BASE), NEW) == crlf(NEW)
    assert merge_texts(BASE, crlf(MINE), "one\nother\nthree") == crlf("mine\nother\nthree")
    assert merge_texts(BASE, crlf(MINE), "theirs\ntwo\nthree") is None


def test_a_person_s_own_paragraph_with_other_line_ends_is_adopted_as_it_is() -> None:
    bench = Bench(render(a=BASE))
    bench.server.insert(bench.id, 1, "%md\r\nmy own")
    bench.edit(1, title="Title of b")
    bench.apply(render(a=BASE, b="%md\nmy own"))
    assert bench.texts() == [BASE, "%md\r\nmy own"]


def test_a_diff_shows_only_the_lines_that_changed() -> None:
    bench = Bench(render(a=BASE))
    bench.edit(0, text=crlf(MINE))
    shown = [line.text.strip() for line in plan_lines(make_plan(bench.note, render(a=BASE)))]
    assert [line for line in shown if line in ("-one", "+mine", "two", "three")] == ["-one", "+mine", "two", "three"]
    assert not any("\N{REPLACEMENT CHARACTER}" in line for line in shown)


def test_marks_of_earlier_versions_still_fit() -> None:
    assert digest("a\nb\n") == hashlib.sha256(b"a\nb").hexdigest()
    assert digest(crlf("a\nb")) == digest("a\nb")
