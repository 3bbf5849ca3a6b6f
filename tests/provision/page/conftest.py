"""The page as a process of its own, before a staged server, in the distribution's Chromium."""

import shutil
from collections.abc import Iterator

import pytest
from playwright.sync_api import Browser, Page, sync_playwright

from ..live.stage import Stage
from .served import Served, serving

CHROMIUM = ("chromium", "chromium-browser", "google-chrome")
PATIENCE_MS = 60_000


def chromium() -> str:
    """Where the distribution's Chromium is; a test that needs one fails without it."""
    found = next(filter(None, map(shutil.which, CHROMIUM)), None)
    assert found, "no Chromium: install the distribution's package, or leave these tests out with -m 'not browser'"
    return found


@pytest.fixture(scope="package")
def browser() -> Iterator[Browser]:
    with sync_playwright() as playwright:
        running = playwright.chromium.launch(executable_path=chromium(), args=["--no-sandbox"])
        yield running
        running.close()


@pytest.fixture(scope="package")
def stage() -> Iterator[Stage]:
    with Stage() as running:
        yield running


@pytest.fixture(scope="package")
def served(stage: Stage, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Served]:
    with serving(tmp_path_factory.mktemp("page"), stage.url) as running:
        yield running


class Visitor:
    """A person at a browser of their own."""

    def __init__(self, browser: Browser, url: str, width: int, height: int, scheme: str) -> None:
        self._context = browser.new_context(
            viewport={"width": width, "height": height}, color_scheme="dark" if scheme == "dark" else "light"
        )
        self._context.set_default_timeout(PATIENCE_MS)
        self.page: Page = self._context.new_page()
        self.errors: list[str] = []
        self.page.on("pageerror", lambda error: self.errors.append(str(error)))
        self.page.goto(url)

    def close(self) -> None:
        self._context.close()


class Visits:
    """Opens pages, and closes them all at the end of a test."""

    def __init__(self, browser: Browser) -> None:
        self._browser = browser
        self._visitors: list[Visitor] = []

    def __call__(self, url: str, width: int = 1600, height: int = 1000, scheme: str = "light") -> Page:
        self._visitors.append(Visitor(self._browser, url, width, height, scheme))
        return self._visitors[-1].page

    def close(self) -> list[str]:
        """Close all; returns the errors that their scripts had."""
        for visitor in self._visitors:
            visitor.close()
        return [error for visitor in self._visitors for error in visitor.errors]


@pytest.fixture
def visit(browser: Browser) -> Iterator[Visits]:
    visits = Visits(browser)
    yield visits
    assert visits.close() == []
