"""Values in one row."""

from provision.drawing.sparkline import sparkline


def test_it_goes_from_the_lowest_to_the_highest() -> None:
    assert sparkline([0, 1, 2, 3, 4, 5, 6, 7], 8) == "▁▂▃▄▅▆▇█"
    assert sparkline([-5.5, 5.5], 8) == "▁█"


def test_only_the_latest_are_drawn_where_there_is_little_room() -> None:
    assert sparkline([100, 0, 1], 2) == "▁█"
    assert sparkline([1, 2], 0) == ""


def test_a_gap_is_a_gap_and_a_level_is_a_level() -> None:
    assert sparkline([1, None, 2], 3) == "▁ █"
    assert sparkline([4.2, 4.2], 5) == "▄▄"
    assert sparkline([None], 3) == " "
    assert sparkline([], 3) == ""
