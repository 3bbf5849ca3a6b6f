"""Which notes are followed, and for how long."""

from typing import Any

import pytest

from provision.page import serve
from provision.page.serve import Pages


@pytest.fixture
def pages(monkeypatch: pytest.MonkeyPatch) -> Pages:
    monkeypatch.setattr(serve.NoteFeed, "start", lambda _: None)
    monkeypatch.setattr(serve.NoteFeed, "close", lambda _: None)
    return Pages(lambda: None, "http://zeppelin")  # type: ignore[arg-type, return-value]


def later(monkeypatch: pytest.MonkeyPatch, seconds: float) -> None:
    now = serve.time.monotonic()
    monkeypatch.setattr(serve.time, "monotonic", lambda: now + seconds)


def test_all_who_look_at_a_note_share_one_feed(pages: Pages) -> None:
    assert pages.follow("2A") is pages.follow("2A")
    assert pages.follow("2A") is not pages.follow("2B")


def test_a_note_is_followed_for_a_while_after_the_last_one_has_gone(
    pages: Pages, monkeypatch: pytest.MonkeyPatch
) -> None:
    feed: Any = pages.follow("2A")
    pages.look("2A")
    pages.look("2A")
    pages.leave("2A")
    assert feed.is_watched
    later(monkeypatch, serve.LINGER_SECONDS + 1)
    pages.end_left()
    assert pages.follow("2A") is feed
    pages.leave("2A")
    assert not feed.is_watched
    pages.end_left()
    assert pages.follow("2A") is feed
    later(monkeypatch, serve.LINGER_SECONDS + 1)
    pages.end_left()
    assert pages.follow("2A") is not feed


def test_who_comes_back_has_time_to_connect(pages: Pages, monkeypatch: pytest.MonkeyPatch) -> None:
    feed = pages.follow("2A")
    later(monkeypatch, serve.LINGER_SECONDS - 1)
    pages.follow("2A")
    later(monkeypatch, 5)
    pages.end_left()
    assert pages.follow("2A") is feed
