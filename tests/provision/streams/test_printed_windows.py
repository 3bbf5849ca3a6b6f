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


def test_the_heading_is_the_document_s_only_where_nothing_names_the_columns() -> None:
    (window,) = shown_windows("+-+-+-+-+-+\n|a|b|c|d|e|\n+-+-+-+-+-+\n|1|2|3|4|5|\n+-+-+-+-+-+\n", 0)
    assert window.heading() == ("a", "b", "c", "d", "e")
