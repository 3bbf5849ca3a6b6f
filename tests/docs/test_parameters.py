"""The tables of parameters are those of the bundles."""

from docs import parameters
from provision.bundles.bundle import bundle_names


def test_the_page_is_up_to_date() -> None:
    page = parameters.PAGE.read_text(encoding="utf-8")

    assert parameters.rewritten(page) == page, "write it with: python -m docs.parameters"


def test_a_table_that_is_out_of_date_is_written_anew() -> None:
    page = parameters.PAGE.read_text(encoding="utf-8")

    assert parameters.rewritten(page.replace("1 to 3,600", "1 to 36")) == page


def test_a_row_has_default_and_range() -> None:
    page = parameters.PAGE.read_text(encoding="utf-8")

    assert "| `window` | `60` | 1 to 604,800, a multiple of `batch` | How far back a window reaches. |" in page
    assert page.count("| `topic` |") == len(bundle_names())
    assert "`appid`" not in page
