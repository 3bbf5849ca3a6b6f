import pytest
from hypothesis import given
from hypothesis import strategies as st

from zeppelin_sdk import apply_patch, make_patch

TEXTS = st.text(alphabet="ab\n +%,@-é😀", max_size=40)


@given(TEXTS, TEXTS)
def test_a_patch_makes_one_text_out_of_another(old: str, new: str) -> None:
    assert apply_patch(old, make_patch(old, new)) == new


def test_a_patch_is_written_as_diff_match_patch_writes_it() -> None:
    patch = make_patch("%md one\ntwo\nthree", "%md one\ntw0 + ü\nthree")
    assert patch == "@@ -7,9 +7,13 @@\n e%0Atw\n-o\n+0 + %C3%BC\n %0Athr\n"


@pytest.mark.parametrize(
    ("old", "new", "patch"),
    [
        ("", "a", "@@ -0,0 +1 @@\n+a\n"),
        ("a", "", "@@ -1 +0,0 @@\n-a\n"),
        ("", "", ""),
        ("same", "same", ""),
        ("😀a", "😀b", "@@ -1,3 +1,3 @@\n %F0%9F%98%80\n-a\n+b\n"),
    ],
)
def test_positions_count_from_one_in_utf_16_units(old: str, new: str, patch: str) -> None:
    assert make_patch(old, new) == patch
    assert apply_patch(old, patch) == new


def test_lines_that_changed_apart_are_changes_of_their_own() -> None:
    old = "".join(f"line {n}\n" for n in range(20))
    patch = make_patch(old, old.replace("line 3\n", "line three\n").replace("line 15\n", ""))
    assert patch.count("@@ -") == 2


@pytest.mark.parametrize("patch", ["no patch", "@@ -1,3 +1,3 @@\n other\n", "@@ -1 +1 @@\n*x\n", " a\n"])
def test_a_patch_for_another_text_is_not_applied(patch: str) -> None:
    assert apply_patch("text", patch) is None
