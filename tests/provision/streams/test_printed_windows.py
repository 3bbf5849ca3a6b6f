"""Windows read from what a note prints of them."""

import pytest

from provision.streams.printed_windows import headed_windows, shown_windows

HEADED = "window until 2018-10-29T02:53:40Z\n{0}\nwindow until 2018-10-29T02:53:50Z\n{0}\ncounts: windows=2\n"
BORDER = "+------+----------------+\n"
TABLE = f"{BORDER}|device|avg(temperature)|\n{BORDER}{{0}}{BORDER}"
ROW = "|     a|            24.5|\n"


def test_a_window_has_its_table_s_columns_and_rows() -> None:
    first, second = headed_windows(HEADED.format(TABLE.format(ROW)))
    assert (first.columns, first.rows) == (("device", "avg(temperature)"), (("a", "24.5"),))
    assert second.end - first.end == 10_000


def test_of_several_tables_the_last_counts() -> None:
    text = HEADED.format(TABLE.format("") + TABLE.format(ROW))
    assert [window.rows for window in headed_windows(text)] == [(("a", "24.5"),)] * 2


def test_an_empty_table_has_no_rows() -> None:
    assert [window.rows for window in headed_windows(HEADED.format(TABLE.format("")))] == [(), ()]


def test_lines_are_rows_of_one_cell() -> None:
    first, _ = headed_windows(HEADED.format("one\ntwo\n..."))
    assert (first.columns, first.rows) == ((), (("one",), ("two",)))


def test_of_a_table_with_a_line_break_in_a_cell_the_whole_rows_are_kept() -> None:
    first, _ = headed_windows(HEADED.format(TABLE.format(f"|a\nb|1|\n{ROW}")))
    assert first.rows == (("a", "24.5"),)


@pytest.mark.parametrize("text", [TABLE.format(ROW)[:-2], TABLE.format("")[:30]])
def test_a_table_that_is_still_being_printed_is_no_window(text: str) -> None:
    assert shown_windows(text, 0) == []


def test_a_printed_table_names_its_own_columns_however_many_there_are() -> None:
    (window,) = shown_windows("+-+-+-+-+-+\n|a|b|c|d|e|\n+-+-+-+-+-+\n|1|2|3|4|5|\n+-+-+-+-+-+\n", 0)
    assert window.columns == ("a", "b", "c", "d", "e")


def test_a_bar_in_a_cell_or_a_name_moves_no_value_under_another_name() -> None:
    (window,) = shown_windows("+----+---+\n| a|b|  c|\n+----+---+\n| x|y|  1|\n|   z|  2|\n+----+---+\n", 0)
    assert (window.columns, window.rows) == (("a|b", "c"), (("x|y", "1"), ("z", "2")))


def test_a_stream_that_fails_is_told_before_its_windows_and_is_no_window() -> None:
    fails = "THE STREAM FAILS: 2 batches in a row, since 2018-10-29T02:53:36Z.\n  no column x\n\n"
    windows = HEADED.format(TABLE.format(ROW))
    assert headed_windows(fails + windows) == headed_windows(windows)
