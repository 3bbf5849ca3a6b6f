"""Typing in a paragraph that others change too."""

from hypothesis import given
from hypothesis import strategies as st

from provision.live.drafts import Draft, joined

BASE = "select avg(cpu)\nfrom measure\ngroup by id\n"
TEXTS = st.text(alphabet="ab\n", max_size=12)


def test_changes_of_different_lines_are_both_kept() -> None:
    mine, theirs = BASE.replace("avg", "max"), BASE + "order by id\n"
    assert joined(BASE, mine, theirs) == "select max(cpu)\nfrom measure\ngroup by id\norder by id\n"


def test_changes_of_one_line_are_both_kept() -> None:
    assert joined("select avg(cpu)", "select max(cpu)", "select avg(mem)") == "select max(mem)"


def test_what_two_typed_at_one_place_stands_behind_each_other() -> None:
    assert joined("", "mine", "theirs") == "theirsmine"


@given(TEXTS, TEXTS)
def test_where_one_changes_nothing_the_other_s_text_stands(base: str, text: str) -> None:
    assert joined(base, base, text) == text
    assert joined(base, text, base) == text
    assert joined(base, text, text) == text


@given(TEXTS, st.integers(0, 12), st.integers(0, 12))
def test_nothing_that_is_typed_is_lost(base: str, at: int, other: int) -> None:
    mine, theirs = base[:at] + "MINE" + base[at:], base[:other] + "THEIRS" + base[other:]
    together = joined(base, mine, theirs)
    assert "MINE" in together
    assert "THEIRS" in together
    assert sorted(together) == sorted(base + "MINETHEIRS")


def test_others_text_is_offered_along_with_what_was_typed() -> None:
    draft = Draft.of("one\ntwo\n")
    draft.typed("one\ntwo\nmine\n")
    assert draft.offer("ONE\ntwo\n") == "ONE\ntwo\nmine\n"


def test_nothing_is_offered_while_a_text_is_on_its_way() -> None:
    draft = Draft.of("one")
    draft.typed("one mine")
    assert draft.send() == "one mine"
    assert draft.offer("theirs one") is None
    draft.sent()
    assert draft.offer("theirs one mine") == "theirs one mine"


def test_a_text_that_was_not_sent_is_still_to_be_sent() -> None:
    draft = Draft.of("one")
    draft.typed("two")
    draft.send()
    draft.failed()
    assert draft.is_dirty
    draft.send()
    draft.sent()
    assert not draft.is_dirty


def test_the_server_s_own_echo_changes_nothing() -> None:
    draft = Draft.of("one")
    draft.typed("two")
    draft.send()
    draft.sent()
    assert draft.offer("two") is None
