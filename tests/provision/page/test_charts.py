"""Options of the charts."""

import json

import pytest

from provision.live.history import Line, Lines
from provision.page.charts import LEGEND_MOST, Look, line_chart, table_chart
from provision.streams.measures import shown_number
from zeppelin_sdk import Table

LIGHT, DARK = Look.of(False), Look.of(True)


def lines(*keys: str) -> Lines:
    return Lines("avg(cpu)", (1_000, 11_000), tuple(Line(key, (1.23456789, None)) for key in keys))


def test_a_series_a_key_with_its_values_rounded() -> None:
    chart = line_chart(lines("ant", "bee"), LIGHT)
    assert [(each["name"], each["data"]) for each in chart["series"]] == [
        ("ant", [1.23457, None]),
        ("bee", [1.23457, None]),
    ]


def test_many_keys_have_no_legend_and_no_symbols() -> None:
    few, many = line_chart(lines("a", "b"), LIGHT), line_chart(lines(*map(str, range(LEGEND_MOST + 1))), LIGHT)
    assert (few["legend"]["show"], many["legend"]["show"]) == (True, False)


def test_a_time_below_the_last_window_has_room_to_the_edge() -> None:
    digit = 0.6 * 12  # pixels, of ECharts' own size of text
    assert line_chart(lines("ant"), LIGHT)["grid"]["right"] > len("00:00:00") * digit / 2


def test_lines_of_one_colour_differ_by_their_dashes() -> None:
    series = line_chart(lines(*map(str, range(9))), LIGHT)["series"]
    assert (series[0]["lineStyle"]["type"], series[8]["lineStyle"]["type"]) == ("solid", "dashed")


def test_no_name_of_a_note_is_a_key_of_the_options() -> None:
    evil = ":formatter"
    chart = line_chart(Lines(evil, (1_000,), (Line(evil, (1.0,)),)), LIGHT)
    table = table_chart(Table.of([[evil, f"{evil}2"], [evil, "1"]]), LIGHT)
    keys: list[str] = []
    json.loads(
        json.dumps([chart, table]), object_pairs_hook=lambda pairs: keys.extend(key for key, _ in pairs) or dict(pairs)
    )
    assert [key for key in keys if key.startswith(":")] == []


@pytest.mark.parametrize(
    ("value", "shown"),
    [
        (0, "0"),
        (75.7954, "75.795"),
        (1234567.8, "1,234,568"),
        (0.00012, "0.0001"),
        (1e12, "1e+12"),
        (2.5, "2.5"),
        (10, "10"),
    ],
)
def test_numbers_as_a_person_reads_them(value: float, shown: str) -> None:
    assert shown_number(value) == shown


def test_colours_can_be_read_on_both_pages() -> None:
    for look in (LIGHT, DARK):
        assert all(contrast(colour, look.surface) >= 3 for colour in look.lines)
        assert contrast(look.text, look.surface) >= 7


def contrast(one: str, other: str) -> float:
    """The contrast of two colours (WCAG 2.2)."""

    def light(colour: str) -> float:
        parts = [int(colour[at : at + 2], 16) / 255 for at in (1, 3, 5)]
        red, green, blue = (part / 12.92 if part <= 0.04045 else ((part + 0.055) / 1.055) ** 2.4 for part in parts)
        return 0.2126 * red + 0.7152 * green + 0.0722 * blue

    bright, dark = sorted((light(one), light(other)), reverse=True)
    return (bright + 0.05) / (dark + 0.05)


def test_a_table_is_drawn_as_zeppelin_s_page_was_told_to() -> None:
    table = Table.of([["window_end", "id", "cpu"], ["1", "ant", "5"], ["1", "bee", "6"], ["2", "ant", "7"]])
    graph = {"keys": [{"index": 0.0}], "groups": [{"index": 1.0}], "values": [{"index": 2.0}]}
    chart = table_chart(table, LIGHT, graph)
    assert chart
    assert [(each["name"], each["data"]) for each in chart["series"]] == [("ant", [5.0, 7.0]), ("bee", [6.0, None])]


def test_a_table_without_numbers_is_no_chart() -> None:
    assert table_chart(Table.of([["a", "b"], ["x", "y"]]), LIGHT) is None
    assert table_chart(Table.of([["a", "b"]]), LIGHT) is None


@pytest.mark.parametrize("graph", [{"keys": 5}, {"keys": [{"index": 9}]}, {"groups": [{}]}, {"values": [{"index": 7}]}])
def test_a_chart_s_settings_that_do_not_fit_break_nothing(graph: dict[str, object]) -> None:
    table_chart(Table.of([["a", "b"], ["x", "1"]]), LIGHT, graph)
