"""The README's picture is of the note as it is now, and shows what a run of it has left."""

import json
import re

import pytest

from docs import picture
from provision.bundles.bundle import load_bundle
from provision.bundles.render import chosen_templates
from zeppelin_sdk import ServerVersion

DATA = json.loads(picture.DATA.read_text(encoding="utf-8"))
DRAWN = picture.DRAWING.read_text(encoding="utf-8")
BY_KEY = {paragraph["key"]: paragraph for paragraph in DATA["paragraphs"]}
CHART = (
    "window_end\tid\tavg(cpu)\n2026-11-26 07:00:10.0\tb\t2\n2026-11-26 07:00:00.0\tb\t1\n2026-11-26 07:00:00.0\ta\t3"
)


def test_the_drawing_is_made_of_the_data() -> None:
    assert picture.svg(DATA) == DRAWN, "draw it with: python -m docs.picture"


def test_its_paragraphs_are_the_note_s() -> None:
    bundle = load_bundle("streaming")
    values = bundle.values({"appid": "DEMO", "variant": "average", **bundle.embedded})
    templates = chosen_templates(bundle, values, ServerVersion(0, 10, 0))

    now = [(template.key, template.title) for template in templates]
    assert [(each["key"], each["title"]) for each in DATA["paragraphs"]] == now, f"capture it anew: {picture.__doc__}"
    assert BY_KEY["query"]["text"].partition("\n")[2] == next(t.text for t in templates if t.key == "query")


def test_all_of_the_run_went_well() -> None:
    assert {each["status"] for each in DATA["paragraphs"]} == {"FINISHED"}


def test_the_last_window_and_its_counts_are_shown() -> None:
    lines = picture.last_window(BY_KEY["latest"]["output"]).splitlines()

    assert lines[0].startswith("window until 20")
    assert re.match(r"counts: events=\d{3}", lines[-1])
    assert sum("host-000" in line for line in lines) == 4


def test_a_line_of_the_chart_is_an_id_s_windows_in_order() -> None:
    lines = picture.series(CHART)

    assert {name: [value for _, value in line] for name, line in lines.items()} == {"a": [3.0], "b": [1.0, 2.0]}


@pytest.mark.parametrize(
    ("places", "apart"), [([10, 50], [10, 50]), ([50, 48], [61, 48]), ([10, 10, 10], [10, 23, 36])]
)
def test_names_beside_the_lines_do_not_cover_each_other(places: list[float], apart: list[float]) -> None:
    assert picture._apart(places) == apart
