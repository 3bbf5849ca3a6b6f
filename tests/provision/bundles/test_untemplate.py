"""From edited texts back to templates."""

from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from provision.bundles.placeholders import BRACES, check_places, escaped, filled_pieces
from provision.bundles.untemplate import Reversed, to_template

VALUES = {"window": 60, "slide": 10, "topic": "metrics", "out": "", "mode": "a"}
TEMPLATE = (
    "val topic = {{ topic | scala }}\nval window = Seconds({{ window | scala }})\nevery {{ slide | markdown }}s\n"
)
FILE = Path("some.scala")


def back(edited: str, template: str = TEMPLATE) -> Reversed:
    result = to_template(filled_pieces(template, FILE, VALUES), edited)
    check_places(result.text, FILE, VALUES)
    assert filled(result.text) == edited
    return result


def filled(template: str = TEMPLATE) -> str:
    return "".join(piece.text for piece in filled_pieces(template, FILE, VALUES))


def test_a_text_without_an_edit_is_its_template() -> None:
    assert back(filled()) == Reversed(TEMPLATE, ())


@pytest.mark.parametrize(
    ("old", "new"),
    [
        ("val topic", "// mine\nval topic"),
        ("Seconds(60)", "Minutes(60)"),
        ("val window = ", "lazy val w: Duration = "),
        ("every 10s\n", "every 10s or so"),
    ],
)
def test_places_stay_where_their_values_still_stand(old: str, new: str) -> None:
    assert back(filled().replace(old, new)).lost == ()


@pytest.mark.parametrize(
    ("old", "new", "lost"),
    [
        ("Seconds(60)", "Seconds(90)", "window"),
        ("Seconds(60)", "Seconds(600)", "window"),
        ("every 10s", "every 110s", "slide"),
        ('"metrics"', '"metrics/cpu"', "topic"),
        ("Seconds(60)", "Seconds()", "window"),
    ],
)
def test_a_value_that_was_edited_is_plain_text_and_told(old: str, new: str, lost: str) -> None:
    result = back(filled().replace(old, new))
    assert result.lost == (lost,)
    assert new.partition("(")[2] in result.text


def test_a_place_that_stands_before_a_letter_in_the_template_stays() -> None:
    assert back("now every 10s\n", "every {{ slide | markdown }}s\n").lost == ()


def test_a_moved_line_takes_its_place_along_or_loses_it_but_the_text_is_right() -> None:
    lines = filled().split("\n")
    back("\n".join([lines[1], lines[0], *lines[2:]]))


def test_what_a_person_types_is_no_place() -> None:
    typed = "{{ window | scala }} {{x}} {{ braces }} {{{{ a }}}} {{"
    result = back(filled() + typed)
    assert BRACES in result.text


TWO = "{{ when mode = b }}  two={{ slide | scala }},\n"
OPTIONAL = f"first(\n{{{{ when mode = a }}}}  one={{{{ window | scala }}}},\n{TWO}last)"


@pytest.mark.parametrize(
    ("old", "new"),
    [("first", "  other"), ("=60,", "=60 + 1,"), ("first(\n", "first(\n// mine\n"), ("last)", "// mine\nlast)")],
)
def test_optional_lines_stay_optional_beside_an_edit(old: str, new: str) -> None:
    result = back(filled(OPTIONAL).replace(old, new), OPTIONAL)
    assert result.lost == ()
    assert "\n{{ when mode = a }}  one={{ window | scala }}" in result.text
    assert f"\n{TWO}" in result.text


def test_an_optional_line_whose_start_was_edited_stands_in_every_note_and_is_told() -> None:
    result = back(filled(OPTIONAL).replace("  one", "\tone"), OPTIONAL)
    assert result.lost == ("{{ when mode = a }}",)
    assert "\n\tone={{ window | scala }},\n{{ when mode = b }}" in result.text


def test_of_two_optional_lines_that_became_one_the_first_stays() -> None:
    result = back("\n10", "\n{{ when mode = a }}1\n{{ when mode = b }}\n{{ slide | markdown }}")
    assert result == Reversed("\n{{ when mode = a }}{{ slide | markdown }}", ("{{ when mode = b }}",))


@given(st.text("{} ab|", max_size=20))
def test_any_text_can_stand_in_a_template(text: str) -> None:
    check_places(escaped(text), FILE, VALUES)
    assert filled(escaped(text)) == text


parts = st.sampled_from(
    ["{{ topic | scala }}", "{{ window | scala }}", "{{ slide | markdown }}", "a", "1", "60", "\n", " ", "x("]
    + ["\n{{ when mode = a }}", "\n{{ when mode = b, c }}"]
)
cuts = st.lists(
    st.tuples(st.integers(0, 60), st.integers(0, 9), st.sampled_from(["", "6", "a\n", "{{ x }}"])), max_size=4
)


@given(st.lists(parts, max_size=15).map("".join), cuts)
@settings(max_examples=300, deadline=None)
def test_whatever_the_edit_the_template_gives_the_edited_text(template: str, edits: list) -> None:
    edited = filled(template)
    for at, length, text in edits:
        edited = edited[:at] + text + edited[at + length :]
    back(edited, template)
