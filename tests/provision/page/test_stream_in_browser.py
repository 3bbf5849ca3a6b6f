"""What a person sees of a stream, in a real browser."""

import pytest
from playwright.sync_api import expect

from ..live.stage import Stage
from .conftest import Visits
from .looking import POINTS, charted
from .served import Served

pytestmark = pytest.mark.browser


def test_first_it_is_told_whether_all_is_well_and_drawn_how_it_went(
    stage: Stage, served: Served, visit: Visits
) -> None:
    note = stage.add("NETPIE/FIRST metrics csv")
    page = visit(served.note(note.id))
    expect(page.get_by_role("heading", name="NETPIE/FIRST metrics csv", level=1)).to_be_visible()
    expect(page.get_by_text("All is well.")).to_be_visible()
    expect(page.locator(".pill")).to_have_text("streaming")
    for measure in ("avg(loadavg)", "avg(cpu)", "avg(mem)"):
        expect(page.get_by_role("heading", name=measure, exact=True)).to_be_visible()
    assert charted(page, 0, "ant") == 12
    expect(page.locator(".stream .rows tbody tr")).to_have_count(4)
    expect(page).to_have_title("NETPIE/FIRST metrics csv")


def test_a_chart_moves_when_a_window_ends(stage: Stage, served: Served, visit: Visits) -> None:
    note = stage.add("NETPIE/MOVES metrics csv")
    page = visit(served.note(note.id))
    before = charted(page, 1, "bee")
    note.next_window()
    page.wait_for_function(f"(args) => ({POINTS})(args) > {before}", arg=[1, "bee"])
    expect(page.locator(".log")).to_contain_text("4 rows")


def test_keys_and_span_can_be_picked(stage: Stage, served: Served, visit: Visits) -> None:
    note = stage.add("NETPIE/PICKS metrics csv", windows=60)
    page = visit(served.note(note.id))
    assert charted(page, 0, "ant") == 60
    page.get_by_role("button", name="5 min", exact=True).click()
    page.wait_for_function(f"(args) => ({POINTS})(args) === 30", arg=[0, "ant"])
    page.get_by_role("combobox", name="Keys").click()
    page.get_by_role("option", name="cat").click()
    page.keyboard.press("Escape")
    page.wait_for_function(f"(args) => ({POINTS})(args) === 0", arg=[0, "ant"])
    assert charted(page, 0, "cat") == 30


def test_a_failing_stream_s_reason_is_told(stage: Stage, served: Served, visit: Visits) -> None:
    note = stage.add("NETPIE/FAILS metrics csv")
    note.failure = "org.apache.spark.sql.AnalysisException: cannot resolve 'cpuu'"
    page = visit(served.note(note.id))
    expect(page.get_by_text("The newest batch failed: org.apache.spark.sql.AnalysisException")).to_be_visible()
    expect(page.locator(".pill")).to_have_text("failing")


def test_a_hundred_keys(stage: Stage, served: Served, visit: Visits) -> None:
    note = stage.add("NETPIE/HUNDRED metrics csv", keys=[f"host-{number:03}" for number in range(100)])
    page = visit(served.note(note.id))
    before = charted(page, 0, "host-099")
    assert before == 6
    note.next_window()
    page.wait_for_function(f"(args) => ({POINTS})(args) > {before}", arg=[0, "host-099"])
    assert page.evaluate("() => document.querySelectorAll('.charts canvas').length") == 3


def test_the_class_is_seen_at_once(stage: Stage, served: Served, visit: Visits) -> None:
    stage.add("NETPIE/CLASS good csv")
    stage.add("NETPIE/CLASS bad csv").failure = "java.lang.ArithmeticException: in the class"
    page = visit(served.url)
    expect(page.get_by_text("java.lang.ArithmeticException: in the class")).to_be_visible()
    expect(page.get_by_role("status")).to_contain_text("failing")
    page.get_by_role("link", name="/NETPIE/CLASS good csv").click()
    expect(page.get_by_role("heading", name="NETPIE/CLASS good csv", level=1)).to_be_visible()
