"""Takes the pictures of a note's page, in the distribution's Chromium: `python -m docs.screenshots ADDRESS FOLDER`.

ADDRESS is what `provision page NOTE` prints. README and docs/page.md show `page.png`, made so from the page of a staged
server: `python -m tests.provision.live.staged`.
"""

import shutil
import sys
from pathlib import Path

from playwright.sync_api import Browser, sync_playwright

CHROMIUM = ("chromium", "chromium-browser", "google-chrome")
SHOTS = (
    ("page", 1280, 800, "light"),
    ("page-dark", 1280, 800, "dark"),
    ("page-phone", 390, 844, "light"),
    ("page-phone-dark", 390, 844, "dark"),
    ("page-wall", 2560, 1440, "light"),
    ("page-wall-dark", 2560, 1440, "dark"),
)
"""Name, width, height, and what the browser prefers."""
SETTLED_MS = 4000


def take(browser: Browser, address: str, folder: Path, name: str, width: int, height: int, scheme: str) -> Path:
    """One picture; returns its file."""
    dark = scheme == "dark"
    context = browser.new_context(viewport={"width": width, "height": height}, color_scheme="dark" if dark else "light")
    page = context.new_page()
    page.goto(address)
    page.wait_for_selector(".charts canvas", timeout=60_000)
    page.wait_for_timeout(SETTLED_MS)
    file = folder / f"{name}.png"
    page.screenshot(path=file)
    context.close()
    return file


def main(address: str, folder: Path) -> None:
    """Take all pictures of the page at this address."""
    found = next(filter(None, map(shutil.which, CHROMIUM)), None)
    if found is None:
        sys.exit("error: no Chromium here; install the distribution's package `chromium`")
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=found, args=["--no-sandbox"])
        for shot in SHOTS:
            print(take(browser, address, folder, *shot))
        browser.close()


if __name__ == "__main__":
    main(sys.argv[1], Path(sys.argv[2]))
