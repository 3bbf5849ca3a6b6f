"""What a note's page costs and how late it is: `python -m bench.page ADDRESS [WINDOWS]`.

ADDRESS is what `provision page NOTE` prints. It is opened in the distribution's Chromium; for each window that ends
meanwhile it prints how long after its end, by this machine's clock, its point was in the chart, then the memory and
the CPU of the page's process. The staged server of the page's tests makes a hundred keys:
`python -m tests.provision.live.staged 100`.
"""

import datetime
import json
import shutil
import statistics
import sys
import time
from urllib.parse import urlsplit

import psutil
from playwright.sync_api import Page, sync_playwright

CHROMIUM = ("chromium", "chromium-browser", "google-chrome")
_LAST = """() => {
  const chart = Object.values(mounted_app.$refs).flat().map(each => each?.chart).find(Boolean)
  return chart?.getOption().xAxis[0].data.at(-1) ?? ''
}"""


def main(address: str, windows: int = 6) -> None:
    """Measure, and print one JSON object."""
    process = _serving(urlsplit(address).port or 0)
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=_chromium(), args=["--no-sandbox"])
        page = browser.new_page()
        began = time.time()
        page.goto(address)
        page.wait_for_selector(".charts canvas", timeout=60_000)
        first_chart = time.time() - began
        process.cpu_percent()
        delays = _delays(page, windows)
        cpu = process.cpu_percent()
        browser.close()
    print(
        json.dumps(
            {
                "first_chart_s": round(first_chart, 2),
                "delays_s": [round(each, 2) for each in delays],
                "median_delay_s": round(statistics.median(delays), 2),
                "memory_mb": round(process.memory_info().rss / 1e6),
                "cpu_percent": round(cpu, 1),
            }
        )
    )


def _delays(page: Page, windows: int) -> list[float]:
    """How late each of the next points is, in seconds."""
    found: list[float] = []
    last = page.evaluate(_LAST)
    while len(found) < windows:
        now = page.evaluate(_LAST)
        if now != last:
            found.append(time.time() - _today(now))
            last = now
        page.wait_for_timeout(20)
    return found


def _today(text: str) -> float:
    """A time of today, in seconds since the epoch."""
    of_day = datetime.time.fromisoformat(text)
    return datetime.datetime.combine(datetime.date.today(), of_day).timestamp()


def _serving(port: int) -> psutil.Process:
    """The process that listens on this port."""
    for connection in psutil.net_connections("tcp"):
        if (
            connection.status == psutil.CONN_LISTEN
            and connection.pid
            and connection.laddr
            and connection.laddr.port == port
        ):
            return psutil.Process(connection.pid)
    sys.exit(f"error: nothing of yours listens on port {port}")


def _chromium() -> str:
    found = next(filter(None, map(shutil.which, CHROMIUM)), None)
    return found or sys.exit("error: no Chromium here; install the distribution's package `chromium`")


if __name__ == "__main__":
    main(sys.argv[1], *map(int, sys.argv[2:3]))
