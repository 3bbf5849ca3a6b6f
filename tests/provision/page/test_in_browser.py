"""The page in a real browser: what a person sees, does, and has others do."""

import json
import os
import re
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest
import requests
import websocket
from playwright.sync_api import Locator, Page, expect

from zeppelin_sdk import ZeppelinClient

from ..live.forwarder import Forwarder
from ..live.stage import Stage, StagedNote
from .conftest import PATIENCE_MS, Visits
from .served import Served, serving

pytestmark = pytest.mark.browser
expect.set_options(timeout=PATIENCE_MS)
POINTS = """([at, key]) => {
  const chart = Object.values(mounted_app.$refs).flat().map(each => each?.chart).filter(Boolean)[at]
  return chart.getOption().series.find(each => each.name === key)?.data.length ?? 0
}"""


def charted(page: Page, at: int, key: str) -> int:
    """How many points the line of a key has in chart number `at`."""
    expect(page.locator(".charts canvas").nth(at)).to_be_visible()
    return int(page.evaluate(POINTS, [at, key]))


def paragraph(page: Page, note: StagedNote, key: str) -> Locator:
    return page.locator(f'[data-paragraph="{note.paragraph(key)["id"]}"]')


def editor(page: Page, note: StagedNote, key: str) -> Locator:
    return paragraph(page, note, key).locator(".cm-content")


def type_at_end(page: Page, where: Locator, text: str) -> None:
    where.click()
    page.keyboard.press("Control+End")
    page.keyboard.type(text)


def wait_for(page: Page, holds: Callable[[], object]) -> None:
    """Wait until a condition of this side holds, while the browser goes on."""
    for _ in range(PATIENCE_MS // 100):
        if holds():
            return
        page.wait_for_timeout(100)
    raise AssertionError("it does not hold after a minute")


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


def test_an_edit_reaches_the_server_as_a_person_s(stage: Stage, served: Served, visit: Visits) -> None:
    note = stage.add("NETPIE/EDITS metrics csv")
    page = visit(served.note(note.id))
    type_at_end(page, editor(page, note, "query"), "\n// hotter")
    wait_for(page, lambda: note.paragraph("query")["text"].endswith("// hotter"))
    wait_for(page, lambda: any(m["op"] == "COMMIT_PARAGRAPH" for m in stage.zeppelin.socket_messages))
    assert not stage.zeppelin.asked("PUT", note.paragraph("query")["id"])


def test_an_edit_from_elsewhere_appears(stage: Stage, served: Served, visit: Visits) -> None:
    note = stage.add("NETPIE/ELSEWHERE metrics csv")
    page = visit(served.note(note.id))
    expect(editor(page, note, "query")).to_contain_text("select max(ts)")
    with ZeppelinClient(stage.url) as client, client.open_note(note.id) as other:
        name = note.paragraph("query")["id"]
        other.update_paragraph(name, text=note.paragraph("query")["text"].replace("avg(cpu)", "max(cpu)"))
    expect(editor(page, note, "query")).to_contain_text("max(cpu)")
    expect(paragraph(page, note, "query")).to_contain_text("ready")


def test_two_people_in_one_paragraph_lose_nothing(stage: Stage, served: Served, visit: Visits) -> None:
    note = stage.add("NETPIE/TWO metrics csv")
    ann, ben = visit(served.note(note.id)), visit(served.note(note.id))
    for page in (ann, ben):
        expect(editor(page, note, "query")).to_contain_text("select max(ts)")
    editor(ben, note, "query").click()
    ben.keyboard.press("Control+Home")
    ben.keyboard.press("End")
    type_at_end(ann, editor(ann, note, "query"), "\n// ann was ")
    ben.keyboard.type(" // ben was ")
    ann.keyboard.type("here")
    ben.keyboard.type("there")
    for page in (ann, ben):
        expect(editor(page, note, "query")).to_contain_text("// ann was here")
        expect(editor(page, note, "query")).to_contain_text("// ben was there")
    wait_for(
        ann, lambda: {"// ann was here", "%spark // ben was there"} <= set(note.paragraph("query")["text"].split("\n"))
    )


def test_a_run_shows_its_output_and_a_stop_ends_it(stage: Stage, served: Served, visit: Visits) -> None:
    note = stage.add("NETPIE/RUNS metrics csv")
    page = visit(served.note(note.id))
    card = paragraph(page, note, "query")
    card.get_by_role("button", name=re.compile("^Run")).click()
    expect(card.locator("pre")).to_contain_text("ran val query")
    expect(card).to_contain_text("finished")
    stage.zeppelin.stuck.add(note.paragraph("query")["id"])
    card.get_by_role("button", name=re.compile("^Run")).click()
    card.get_by_role("button", name=re.compile("^Stop")).click()
    expect(card).to_contain_text("abort")


def test_a_server_that_goes_and_comes_back(stage: Stage, tmp_path: Path, visit: Visits) -> None:
    note = stage.add("NETPIE/GONE metrics csv")
    with Forwarder(stage.zeppelin.address) as road, serving(tmp_path, road.url) as served:
        page = visit(served.note(note.id))
        expect(editor(page, note, "query")).to_contain_text("select max(ts)")
        road.down()
        expect(page.get_by_role("alert")).to_contain_text("out of reach")
        type_at_end(page, editor(page, note, "query"), "\n// meanwhile")
        expect(paragraph(page, note, "query")).to_contain_text("not sent yet")
        road.up()
        expect(page.get_by_role("alert")).to_be_hidden()
        wait_for(page, lambda: note.paragraph("query")["text"].endswith("// meanwhile"))


def test_a_hundred_keys(stage: Stage, served: Served, visit: Visits) -> None:
    note = stage.add("NETPIE/HUNDRED metrics csv", keys=[f"host-{number:03}" for number in range(100)])
    page = visit(served.note(note.id))
    before = charted(page, 0, "host-099")
    assert before == 6
    note.next_window()
    page.wait_for_function(f"(args) => ({POINTS})(args) > {before}", arg=[0, "host-099"])
    assert page.evaluate("() => document.querySelectorAll('.charts canvas').length") == 3


def test_a_narrow_window_needs_no_sideways_scrolling(stage: Stage, served: Served, visit: Visits) -> None:
    note = stage.add("NETPIE/NARROW metrics csv")
    page = visit(served.note(note.id), width=390, height=844)
    assert charted(page, 0, "ant") == 12
    assert page.evaluate("() => document.documentElement.scrollWidth") <= 390
    page.get_by_role("button", name="Paragraphs").click()
    expect(editor(page, note, "query")).to_be_visible()
    assert page.evaluate("() => document.documentElement.scrollWidth") <= 390


def test_the_keyboard_alone_edits_and_runs(stage: Stage, served: Served, visit: Visits) -> None:
    note = stage.add("NETPIE/KEYBOARD metrics csv")
    page = visit(served.note(note.id))
    expect(editor(page, note, "query")).to_be_visible()
    inside = "() => document.activeElement?.closest('.cm-content') !== null"
    for _ in range(60):
        page.keyboard.press("Tab")
        if page.evaluate(inside):
            break
    assert page.evaluate(inside)
    page.keyboard.press("Control+End")
    page.keyboard.type("\n// typed")
    page.keyboard.press("Shift+Enter")
    expect(paragraph(page, note, "query").locator("pre")).to_contain_text("ran val query")
    wait_for(page, lambda: note.paragraph("query")["text"].endswith("// typed"))
    page.keyboard.press("Escape")
    page.keyboard.press("Tab")
    assert not page.evaluate(inside)


def test_read_only_lets_nobody_change_anything(stage: Stage, tmp_path: Path, visit: Visits) -> None:
    note = stage.add("NETPIE/WALL metrics csv")
    with serving(tmp_path, stage.url, "--read-only") as served:
        page = visit(served.note(note.id), scheme="dark")
        expect(page.get_by_text("read only")).to_be_visible()
        expect(editor(page, note, "query")).to_have_attribute("contenteditable", "false")
        assert page.get_by_role("button", name=re.compile("^(Run|Stop)")).count() == 0
        assert page.evaluate("() => document.body.classList.contains('body--dark')")


def test_the_class_is_seen_at_once(stage: Stage, served: Served, visit: Visits) -> None:
    stage.add("NETPIE/CLASS good csv")
    stage.add("NETPIE/CLASS bad csv").failure = "java.lang.ArithmeticException: / by zero"
    page = visit(served.url)
    expect(page.get_by_text("java.lang.ArithmeticException: / by zero")).to_be_visible()
    expect(page.get_by_role("status")).to_contain_text("failing")
    page.get_by_role("link", name="/NETPIE/CLASS good csv").click()
    expect(page.get_by_role("heading", name="NETPIE/CLASS good csv", level=1)).to_be_visible()


@pytest.mark.parametrize("path", ["", "note/2A", "_nicegui_ws/socket.io/?EIO=4&transport=polling", "favicon.ico"])
def test_nothing_is_served_without_the_token_or_to_another_site(served: Served, path: str) -> None:
    root = f"http://127.0.0.1:{served.port}/"
    with requests.Session() as session:
        session.trust_env = False
        assert session.get(f"{root}{path}").status_code == 403
        assert session.get(f"{root}{'x' * len(served.token)}/{path}").status_code == 403
        assert session.get(f"{served.url}{path}", headers={"Origin": "http://evil.example"}).status_code == 403
        assert session.get(f"{served.url}{path}", headers={"Host": "evil.example"}).status_code == 421
        mine = session.get(f"{served.url}{path}", headers={"Origin": root.rstrip("/")})
    assert mine.status_code == 200
    assert mine.headers["X-Frame-Options"] == "DENY"


def test_no_websocket_opens_without_the_token_or_for_another_site(served: Served) -> None:
    below = "_nicegui_ws/socket.io/?EIO=4&transport=websocket"
    own = f"http://127.0.0.1:{served.port}"
    for url, origin in ((f"{own}/{below}", own), (f"{served.url}{below}", "http://evil.example")):
        with pytest.raises(websocket.WebSocketBadStatusException) as refused:
            websocket.create_connection(url.replace("http:", "ws:"), origin=origin, http_no_proxy=["*"])
        assert refused.value.status_code == 403
    opened = websocket.create_connection(
        f"{served.url}{below}".replace("http:", "ws:"), origin=own, http_no_proxy=["*"]
    )
    opened.close()


EVIL = "<img src=x onerror=\"window.owned='yes'\"><script>window.owned='yes'</script>"


def test_nothing_of_a_note_runs_in_the_page(stage: Stage, served: Served, visit: Visits) -> None:
    note = stage.add(f"NETPIE/{EVIL.replace('/', ' ')}", keys=[EVIL, "{{7*7}}", "</script>", ":onclick"])
    query, latest = note.paragraph("query"), note.paragraph("latest")
    query["title"] = EVIL
    messages = [
        {
            "type": "HTML",
            "data": f"<b>bold</b>{EVIL}<a href=\"javascript:window.owned='yes'\">link</a><form action=http://x><input></form>",
        },
        {"type": "TABLE", "data": f":a\t{EVIL}\n{EVIL}\t1\n"},
        {"type": "IMG", "data": "x\" onerror=\"window.owned='yes'"},
        {"type": "ANGULAR", "data": EVIL},
        {"type": "TEXT", "data": EVIL},
    ]
    query |= {"status": "FINISHED", "results": {"code": "SUCCESS", "msg": messages}}
    page = visit(served.note(note.id))
    card = page.locator(f'[data-paragraph="{query["id"]}"]')
    expect(card.locator(".html b")).to_have_text("bold")
    expect(card.locator("pre").last).to_contain_text("<script>")
    page.locator(".charts canvas").first.hover()
    expect(page.locator(".stream .rows tbody tr")).to_have_count(4)
    assert latest["status"] == "FINISHED"
    assert card.locator(".html form, .html input, script").count() == 0
    assert card.locator("a[href]").count() == 0
    page.get_by_role("combobox", name="Keys").click()
    page.wait_for_timeout(500)
    assert page.evaluate("() => window.owned") is None


def test_a_secret_that_was_seen_is_nowhere_in_the_page(stage: Stage, tmp_path: Path, visit: Visits) -> None:
    secret = "q8ZpR4tXw2Lm7VnB"
    note = stage.add("NETPIE/SECRET metrics csv")
    remember = "from provision.sync.seen_secrets import remember; import sys; remember([sys.stdin.read()])"
    subprocess.run(
        [sys.executable, "-c", remember],
        input=secret,
        text=True,
        check=True,
        env={**os.environ, "PROVISION_HOME": str(tmp_path)},
    )
    query = note.paragraph("query")
    query["text"] += f'\nval password = "{secret}"'
    query |= {"status": "FINISHED", "results": {"code": "SUCCESS", "msg": [{"type": "TEXT", "data": f"got {secret}"}]}}
    with serving(tmp_path, stage.url) as served:
        page = visit(served.note(note.id))
        heard: list[str] = []
        page.on("websocket", lambda socket: socket.on("framereceived", lambda frame: heard.append(str(frame))))
        page.reload()
        expect(paragraph(page, note, "query")).to_contain_text("A secret stands in this text")
        expect(paragraph(page, note, "query").locator("pre")).to_contain_text("got ***")
        expect(editor(page, note, "query")).to_have_attribute("contenteditable", "false")
        assert secret not in page.content()
        assert heard
        assert secret not in json.dumps(heard)
    assert secret in query["text"]
