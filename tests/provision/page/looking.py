"""What tests look at in the page, and how they wait for it."""

from collections.abc import Callable

from playwright.sync_api import Locator, Page, expect

from ..live.stage import StagedNote
from .conftest import PATIENCE_MS

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
