"""Merges of texts and of settings."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from provision.sync.merge import departs, merge_settings, merge_texts

texts = st.lists(st.sampled_from("abcd") | st.text("xy", max_size=2), max_size=8).map("\n".join)
values = st.recursive(
    st.sampled_from([1, 2, "x", True]), lambda inner: st.dictionaries(st.sampled_from("pqr"), inner, max_size=3)
)
mappings = st.dictionaries(st.sampled_from("pqr"), values, max_size=3)


def test_lines_changed_in_different_places_are_all_there() -> None:
    base = "one\ntwo\nthree\nfour\nfive"
    assert merge_texts(base, "ONE\ntwo\nthree\nfour\nfive", "one\ntwo\nthree\nfour\nFIVE\nsix") == (
        "ONE\ntwo\nthree\nfour\nFIVE\nsix"
    )


@pytest.mark.parametrize(
    ("ours", "theirs"),
    [
        ("ONE\ntwo\nthree", "Eins\ntwo\nthree"),
        ("two\nthree", "ONE\ntwo\nthree"),
        ("one\nTWO\nTHREE", "one\ntwo\nmine\nthree"),
        ("one\nmine\ntwo\nthree", "one\nbundle's\ntwo\nthree"),
    ],
)
def test_the_same_lines_changed_on_both_sides_are_no_merge(ours: str, theirs: str) -> None:
    assert merge_texts("one\ntwo\nthree", ours, theirs) is None


@pytest.mark.parametrize(
    ("ours", "theirs", "merged"),
    [
        ("one\nmine\ntwo", "ONE\ntwo", "ONE\nmine\ntwo"),
        ("one\ntwo\nmine", "one\nTWO", "one\nTWO\nmine"),
        ("mine\none\ntwo", "ONE\ntwo", "mine\nONE\ntwo"),
        ("ONE\ntwo", "one\nTWO", "ONE\nTWO"),
    ],
)
def test_lines_next_to_each_other_are_different_lines(ours: str, theirs: str, merged: str) -> None:
    assert merge_texts("one\ntwo", ours, theirs) == merged


def test_the_same_change_on_both_sides_is_made_once() -> None:
    assert merge_texts("a\nb\nc\nd", "A\nb\nc\nd", "A\nb\nc\nD") == "A\nb\nc\nD"


@given(texts, texts)
def test_a_side_that_changed_nothing_gets_the_other_s_text(base: str, changed: str) -> None:
    assert merge_texts(base, changed, base) == changed
    assert merge_texts(base, base, changed) == changed
    assert merge_texts(base, changed, changed) == changed


@given(texts, texts, texts)
@settings(max_examples=300)
def test_no_line_that_a_person_wrote_is_lost(base: str, ours: str, theirs: str) -> None:
    merged = merge_texts(base, ours, theirs)
    if merged is not None:
        known = base.split("\n")
        lines = iter(merged.split("\n"))
        assert all(line in lines for line in ours.split("\n") if line not in known)  # in their order, too


@given(texts, texts, texts)
def test_it_does_not_matter_which_side_is_whose(base: str, ours: str, theirs: str) -> None:
    assert merge_texts(base, ours, theirs) == merge_texts(base, theirs, ours)


@given(mappings, mappings)
def test_settings_that_nobody_edited_follow_the_bundle_and_edited_ones_stay(base: dict, changed: dict) -> None:
    assert merge_settings(base, base, changed) == changed
    assert merge_settings(base, changed, base) == changed


def test_settings_are_merged_one_by_one() -> None:
    base = {"graph": {"mode": "table", "height": 300, "keys": ["a"]}, "hide": True}
    ours = {"graph": {"mode": "pieChart", "height": 300.0, "keys": ["a"], "page's": 1}, "hide": True}
    theirs = {"graph": {"mode": "lineChart", "height": 500}}
    assert merge_settings(base, ours, theirs) == {"graph": {"mode": "pieChart", "height": 500, "page's": 1}}


def test_what_the_page_adds_to_a_setting_is_no_departure_from_it() -> None:
    base = {"graph": {"mode": "lineChart", "height": 300}}
    assert not departs(base, {"graph": {"mode": "lineChart", "height": 300.0, "keys": []}, "lineNumbers": True})
    assert departs(base, {"graph": {"mode": "table", "height": 300}})
    assert departs(base, {})
