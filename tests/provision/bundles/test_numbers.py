"""The number that a text is, one for events and for windows."""

import pytest

from provision.bundles.values.numbers import number_of


@pytest.mark.parametrize(
    ("text", "number"),
    [("1", 1), ("-2.5", -2.5), (" 3 ", 3), ("1e3", 1000), ("", None), ("x", None), ("1_000", None), ("nan", None),
     ("-inf", None), ("1e999", None), ("\u0e51", None), ("1,5", None)],
)  # fmt: skip
def test_a_finite_number_is_told_from_any_other_text(text: str, number: float | None) -> None:
    assert number_of(text) == number
