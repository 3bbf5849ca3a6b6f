"""The README's picture is of the note as it is now, and shows what a run of it has left."""

import json
import re
from html import unescape

import pytest

from docs import picture

DATA = json.loads(picture.DATA.read_text(encoding="utf-8"))
DRAWN = picture.DRAWING.read_text(encoding="utf-8")
CHART = (
    "window_end\tid\tavg(cpu)\n2026-11-26 07:00:10.0\tb\t2\n2026-11-26 07:00:00.0\tb\t1\n2026-11-26 07:00:00.0\ta\t3"
)


def test_the_drawing_is_up_to_date() -> None:
    assert picture.svg(DATA, picture.paragraphs()) == DRAWN, "draw it with: python -m docs.picture"


def test_it_has_the_note_s_titles_and_its_query() -> None:
    texts = [unescape(text) for text in re.findall(r"<text[^>]*>(.*?)</text>", DRAWN)]

    assert {"Introduction", "Query", "Output csv", "Start", "Latest windows"} <= set(texts)
    assert 'windows.use(r"""' in texts
    assert "  from measure" in texts


def test_the_last_window_and_its_counts_are_shown() -> None:
    lines = picture.last_window(DATA["latest"]).splitlines()

    assert lines[0].startswith("window until 20")
    assert re.match(r"counts: events=\d{3}", lines[-1])
    assert sum("host-000" in line for line in lines) == 4


def test_a_line_of_the_chart_is_an_id_s_windows_in_order() -> None:
    lines = picture.series(CHART, "avg(cpu)")

    assert {name: [value for _, value in line] for name, line in lines.items()} == {"a": [3.0], "b": [1.0, 2.0]}


@pytest.mark.parametrize(
    ("places", "apart"), [([10, 50], [10, 50]), ([50, 48], [61, 48]), ([10, 10, 10], [10, 23, 36])]
)
def test_names_beside_the_lines_do_not_cover_each_other(places: list[float], apart: list[float]) -> None:
    assert picture._apart(places) == apart
