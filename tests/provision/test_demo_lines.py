"""The demo's last lines."""

from types import SimpleNamespace
from typing import Any

import pytest

from provision import demo
from provision.console import Console
from provision.demo import closing_lines, picture
from provision.errors import ProvisionError
from provision.streams.windows import Window

NOTE = "http://127.0.0.1:1/#/notebook/2A"
PAGE = "http://127.0.0.1:2/TOKEN/note/2A"


def lines(*, keep: bool, page: str = "", web_page: bool = False) -> list[str]:
    shown: Any = SimpleNamespace(note=NOTE, windows=(), published=3, counted=3, rows="")
    running: Any = SimpleNamespace(web_page=web_page)
    return closing_lines(shown, running, keep=keep, page=page)


def test_the_last_line_is_the_page_s_address_and_what_ends_it_stands_before() -> None:
    *_, how_to_end, last = lines(keep=True, page=PAGE)
    assert last.split() == ["page", PAGE]
    assert "provision down" in how_to_end
    assert "no web page" not in "\n".join(lines(keep=True, page=PAGE))


def test_without_a_page_the_note_s_address_says_that_nothing_is_there() -> None:
    assert f"{NOTE} (this Zeppelin has no web page: give --zeppelin-version 0.12.1)" in "\n".join(lines(keep=False))
    assert "no web page" not in "\n".join(lines(keep=False, web_page=True))


def test_the_picture_at_the_end_is_of_the_windows_that_were_shown() -> None:
    windows = tuple(
        Window(end, (), (("t", "host", f"{end / 7}"),), ("ts", "id", "avg(cpu)")) for end in (10_000, 20_000)
    )
    shown: Any = SimpleNamespace(windows=windows)
    chart = picture(shown)
    assert chart
    (lines,) = chart.measures
    assert (lines.measure, lines.ends, lines.lines[0].key) == ("avg(cpu)", (10_000, 20_000), "host")


def test_one_window_and_windows_without_numbers_make_no_picture() -> None:
    one, text = Window(10_000, (), (("host", "1"),), ("id", "cpu")), Window(20_000, (), (("a line",),))
    for windows in ((), (one,), (text, text)):
        shown: Any = SimpleNamespace(windows=windows)
        assert picture(shown) is None


class Silent:
    """A note whose windows have no rows; each look sees so many more."""

    def __init__(self, more: int) -> None:
        self.empty, self._more = 0, more

    def windows(self) -> list[Window]:
        self.empty += self._more
        return []


@pytest.mark.parametrize(
    ("more", "told"),
    [(0, "no window came for 0 s"), (1, "no event came for 0 s: the windows were empty (1)")],
)
def test_a_demo_without_windows_says_whether_they_come_and_are_empty(
    monkeypatch: pytest.MonkeyPatch, more: int, told: str
) -> None:
    monkeypatch.setattr(demo, "WINDOW_TIMEOUT", 0.0)
    with pytest.raises(ProvisionError) as caught:
        demo._show_windows(Silent(more), 1, Console())
    assert caught.value.message == told
