"""The tables of parameters are those of the bundles."""

import pytest

from docs import parameters
from provision.bundles.bundle import bundle_names, load_bundle

PAGE = parameters.PAGE.read_text(encoding="utf-8")


def test_the_page_is_up_to_date() -> None:
    assert parameters.rewritten(PAGE) == PAGE, "write it with: python -m docs.parameters"


def test_a_table_that_is_out_of_date_is_written_anew() -> None:
    assert parameters.rewritten(PAGE.replace("1 to 3,600", "1 to 36")) == PAGE


def test_a_bundle_without_a_place_in_the_page_is_an_error() -> None:
    with pytest.raises(ValueError, match="no line <!-- classic"):
        parameters.rewritten(PAGE.replace("<!-- classic", "<!-- classics"))


@pytest.mark.parametrize("bundle", bundle_names())
def test_every_parameter_but_the_application_s_has_a_row(bundle: str) -> None:
    rows = parameters.table(load_bundle(bundle)).splitlines()[2:]

    assert [row.split("`")[1] for row in rows] == [name for name in load_bundle(bundle).parameters if name != "appid"]


@pytest.mark.parametrize(
    ("name", "row"),
    [
        ("window", "| `window` | `60` | 1 to 604,800, a multiple of `batch` | How far back a window reaches. |"),
        ("variant", "| `variant` | `csv` | `outputs`, `print`, `average`, `csv` |"),
        ("mqtt_jars", "| `mqtt_jars` | none | absolute paths |"),
        ("appid", "| `appid` | to be given | word |"),
    ],
)
def test_a_row_has_default_and_values(name: str, row: str) -> None:
    assert parameters.row(load_bundle("streaming").parameters[name]).startswith(row)


def test_a_row_has_the_default_on_the_embedded_stack() -> None:
    row = parameters.row(load_bundle("classic").parameters["connector"], "jar")

    assert row.startswith("| `connector` | `bahir`; `jar` on the embedded stack |")
