"""Windows as the page has them: what is a measure, what names a row, and the lines of a chart."""

from provision.live.history import KEPT_WINDOWS, History, shown_windows_of, time_of_day
from provision.streams.measures import Columns, columns_of
from provision.streams.windows import Window
from zeppelin_sdk import Paragraph, ResultMessage

COLUMNS = ("ts", "id", "avg(cpu)")
START = 1_700_000_000_000


def window(number: int, *rows: tuple[str, ...], columns: tuple[str, ...] = COLUMNS) -> Window:
    return Window(START + number * 10_000, (), rows, columns)


def row(key: str, value: str) -> tuple[str, ...]:
    return ("2018-10-29T02:53:36.000Z", key, value)


def test_times_are_neither_measures_nor_keys() -> None:
    assert columns_of(window(1, row("ant", "1.5"))) == Columns(keys=(1,), measures=(2,))


def test_a_number_that_is_called_as_a_key_is_one() -> None:
    numbers = window(1, ("7", "1.5"), columns=("device_id", "avg(cpu)"))
    assert columns_of(numbers) == Columns(keys=(0,), measures=(1,))


def test_where_nothing_else_names_the_rows_the_first_number_that_differs_does() -> None:
    rooms = window(1, ("1", "20.5"), ("2", "20.5"), columns=("room", "temperature"))
    assert columns_of(rooms) == Columns(keys=(0,), measures=(1,))


def test_a_measure_may_have_gaps() -> None:
    assert columns_of(window(1, row("ant", "null"), row("bee", "2"))).measures == (2,)


def test_a_line_a_key_with_none_where_a_window_has_no_row() -> None:
    history = History()
    history.add([window(1, row("ant", "1"), row("bee", "2")), window(2, row("ant", "3"))])
    lines = history.lines("avg(cpu)", ["ant", "bee"])
    assert [(line.key, line.values) for line in lines.lines] == [("ant", (1.0, 3.0)), ("bee", (2.0, None))]


def test_a_line_breaks_where_windows_do_not_follow_each_other() -> None:
    history = History()
    history.add([window(number, row("ant", str(number))) for number in (1, 2, 9)])
    assert history.lines("avg(cpu)", ["ant"]).lines[0].values == (1.0, 2.0, None, 9.0)


def test_a_span_counts_back_from_the_newest_window() -> None:
    history = History()
    history.add([window(number, row("ant", "1")) for number in range(20)])
    assert len(history.lines("avg(cpu)", ["ant"], span=60).ends) == 6


def test_windows_of_another_query_are_not_drawn() -> None:
    history = History()
    history.add([window(1, row("ant", "1")), window(2, ("ant", "4"), columns=("id", "max(cpu)"))])
    assert history.measures() == ["max(cpu)"]
    assert len(history.lines("max(cpu)", ["ant"]).ends) == 1


def test_new_windows_are_told_once() -> None:
    history = History()
    assert [each.end for each in history.add([window(1, row("ant", "1"))])] == [window(1).end]
    assert history.add([window(1, row("ant", "1"))]) == []


def test_a_window_with_more_rows_replaces_one_that_was_cut() -> None:
    history = History()
    history.add([window(1, row("ant", "1"))])
    history.add([window(1, row("ant", "1"), row("bee", "2"))])
    assert history.keys() == ["ant", "bee"]


def test_what_is_kept_is_bounded() -> None:
    history = History()
    history.add([window(number, row("ant", "1")) for number in range(KEPT_WINDOWS + 5)])
    assert len(history.latest(10_000)) == KEPT_WINDOWS
    assert history.latest(1)[0].end == window(KEPT_WINDOWS + 4).end


def test_keys_are_sorted_as_a_person_would() -> None:
    history = History()
    history.add([window(1, *(row(key, "1") for key in ("host-10", "host-2", "²", "Bee")))])
    assert history.keys() == ["Bee", "host-2", "host-10", "²"]


TABLE = "window_end\tts\tid\tavg(cpu)\n2026-11-26T09:00:00Z\t2026-11-26T08:59:53.000Z\tant\t1.5\n"
TEXT = "window until 2026-11-26T09:00:00Z\n+---+\n| id|\n+---+\n|ant|\n+---+\n\ncounts: events=4 windows=1\n"


def test_a_table_of_windows_counts_before_the_text_below_headings() -> None:
    paragraph = Paragraph("p", results=(ResultMessage("TEXT", TEXT), ResultMessage("TABLE", TABLE)))
    (found,) = shown_windows_of(paragraph)
    assert (found.end, found.columns, found.rows) == (
        1_795_683_600_000, COLUMNS, (("2026-11-26T08:59:53.000Z", "ant", "1.5"),)
    )  # fmt: skip


def test_times_without_a_zone_are_those_of_the_headings() -> None:
    table = "window_end\tid\tavg(cpu)\n2026-11-26 16:00:00.0\tant\t1.5\n2026-11-26 15:59:50.0\tant\t1.4\n"
    paragraph = Paragraph("p", results=(ResultMessage("TEXT", TEXT), ResultMessage("TABLE", table)))
    assert [each.end for each in shown_windows_of(paragraph)] == [1_795_683_590_000, 1_795_683_600_000]


def test_other_tables_show_no_windows() -> None:
    tables = ("id\tcpu\nant\t1\n", "", "window_end\nyesterday\n")
    assert all(shown_windows_of(Paragraph("p", results=(ResultMessage("TABLE", each),))) == [] for each in tables)


def test_only_a_time_with_a_zone_is_shown_as_a_time_of_day() -> None:
    assert time_of_day("2018-10-29T02:53:36.000Z").endswith(":53:36")
    assert [time_of_day(cell) for cell in ("2018-10-29 02:53:36", "ant", "12", "2018-99-99T02:53:36Z")] == [""] * 4
