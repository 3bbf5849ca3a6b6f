"""For everybody who may, and for nobody else: any window, keyboard and reader; no token, no script, no secret."""

import json
import os
import re
import subprocess
import sys
from pathlib import Path

import pytest
import requests
import websocket
from playwright.sync_api import expect

from ..live.stage import Stage
from .conftest import Visits
from .looking import charted, editor, paragraph, wait_for
from .served import Served, serving

pytestmark = pytest.mark.browser


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


UNNAMED = """() => {
  const named = element => (element.getAttribute('aria-label') || element.getAttribute('title') || element.alt
    || (element.getAttribute('aria-labelledby') && document.getElementById(element.getAttribute('aria-labelledby')))
    || (element.id && document.querySelector(`label[for="${element.id}"]`)) || element.closest('label')
    || element.innerText || '')
  const wanted = 'button, a[href], input:not([type=hidden]), select, textarea, img, [role=button], [role=combobox],'
    + ' [role=textbox], [contenteditable=true]'
  return [...document.querySelectorAll(wanted)]
    .filter(each => each.offsetParent && !each.closest('[aria-hidden=true]') && !String(named(each)).trim())
    .map(each => each.outerHTML.slice(0, 200))
}"""
FAINT = """() => {
  const canvas = document.createElement('canvas').getContext('2d', {willReadFrequently: true})
  const rgba = colour => {
    canvas.clearRect(0, 0, 1, 1); canvas.fillStyle = colour; canvas.fillRect(0, 0, 1, 1)
    return [...canvas.getImageData(0, 0, 1, 1).data]
  }
  const over = (top, below) => [0, 1, 2].map(i => top[i] * top[3] / 255 + below[i] * (1 - top[3] / 255)).concat(255)
  const behind = element => {
    const chain = []
    for (let each = element; each; each = each.parentElement) chain.push(rgba(getComputedStyle(each).backgroundColor))
    return chain.reverse().reduce((below, top) => over(top, below), [255, 255, 255, 255])
  }
  const light = colour => {
    const linear = v => v <= 0.04045 ? v / 12.92 : ((v + 0.055) / 1.055) ** 2.4
    const [r, g, b] = colour.slice(0, 3).map(v => linear(v / 255))
    return 0.2126 * r + 0.7152 * g + 0.0722 * b
  }
  const faint = []
  const walker = document.createTreeWalker(document.body, NodeFilter.SHOW_TEXT)
  while (walker.nextNode()) {
    const element = walker.currentNode.parentElement
    const isShown = walker.currentNode.data.trim() && element.checkVisibility({opacityProperty: true})
    if (!isShown || element.closest('i, [disabled]')) continue
    const style = getComputedStyle(element), below = behind(element)
    const [one, other] = [light(over(rgba(style.color), below)), light(below)].sort((a, b) => b - a)
    const isLarge = parseFloat(style.fontSize) >= 24 || (parseFloat(style.fontSize) >= 18.66 && style.fontWeight >= 700)
    const ratio = (one + 0.05) / (other + 0.05)
    const told = walker.currentNode.data.trim().slice(0, 40)
    if (ratio < (isLarge ? 3 : 4.5)) faint.push(`${ratio.toFixed(2)} ${style.color} ${told}`)
  }
  return [...new Set(faint)]
}"""


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_everything_has_a_name_and_can_be_read(stage: Stage, served: Served, visit: Visits, scheme: str) -> None:
    """What WCAG 2 asks at level AA of names (4.1.2), headings (1.3.1), language (3.1.1) and contrast (1.4.3)."""
    note = stage.add(f"NETPIE/WCAG {scheme} csv")
    note.failure = "java.lang.ArithmeticException: / by zero"
    page = visit(served.note(note.id), scheme=scheme)
    expect(page.get_by_text("The newest batch failed")).to_be_visible()
    expect(editor(page, note, "query")).to_be_visible()
    assert charted(page, 0, "ant") == 12
    assert page.evaluate(UNNAMED) == []
    faint = page.evaluate(FAINT)
    assert not faint, "; ".join(faint)
    assert page.evaluate("() => document.documentElement.lang")
    levels = page.evaluate(
        "() => [...document.querySelectorAll('h1,h2,h3,h4,[role=heading]')]"
        ".filter(e => e.checkVisibility() && !e.closest('.html')).map(e => Number(e.ariaLevel || e.tagName[1]))"
    )
    assert levels.count(1) == 1
    assert max(after - before for before, after in zip(levels, levels[1:], strict=False)) <= 1
