"""Numbers as a person reads them."""

import pytest

from provision.streams.measures import rounded, rounded_cell
from provision.streams.windows import Window


@pytest.mark.parametrize(
    ("cell", "shown"),
    [
        ("12.184633333333333", "12.185"),
        ("0.08196333333333333", "0.082"),
        ("0.00123456", "0.0012"),
        ("1234567.891", "1234568"),
        ("1.0E-5", "1e-05"),
        ("100.0", "100"),
        ("41", "41"),
        ("host-1.5", "host-1.5"),
        ("null", "null"),
        ("NaN", "NaN"),
        ("2026-11-22T22:07:53.000Z", "2026-11-22T22:07:53.000Z"),
    ],
)
def test_a_fraction_has_five_digits_at_most(cell: str, shown: str) -> None:
    assert rounded_cell(cell) == shown


def test_keys_and_times_stay_as_they_are() -> None:
    row = ("1540781616.123456789", "1.123456789", "2.123456789")
    assert rounded(Window(0, (), (row,), ("ts", "id", "cpu"))).rows == ((*row[:2], "2.1235"),)


def test_rows_without_names_are_rounded_too() -> None:
    assert rounded(Window(0, (), (("ant", "2.123456789"),))).rows == (("ant", "2.1235"),)
