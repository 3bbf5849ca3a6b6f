"""Serves the page on the loopback address, until it is interrupted."""

import logging
import socket
import threading
import time
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass, field

import uvicorn
from fastapi import FastAPI
from nicegui import app, run, ui

from provision.errors import ProvisionError
from provision.live.feed import NoteFeed
from provision.page.access import Access, Guard
from provision.page.hidden import hidden
from provision.page.note_view import NoteView
from provision.page.overview_view import Notes, OverviewView
from provision.page.shell import Heading, Theme, begin, theme_button
from provision.page.stream_view import StreamView
from zeppelin_sdk import ZeppelinClient

REFRESH_SECONDS = 0.2
LINGER_SECONDS = 300.0
"""How long a note is followed after the last one who looked at it has gone: who comes back finds its windows."""
LOOPBACK = "127.0.0.1"
_VIEWS = 3


@dataclass
class Pages:
    """What the page is about: a server, whether it may be changed, and the notes that are followed."""

    connect: Callable[[], ZeppelinClient]
    address: str
    """The server's, as it is shown."""
    read_only: bool = False
    _feeds: dict[str, NoteFeed] = field(default_factory=dict)
    _left_at: dict[str, float] = field(default_factory=dict)
    _viewers: dict[str, int] = field(default_factory=dict)
    _lock: threading.Lock = field(default_factory=threading.Lock)

    def follow(self, note_id: str) -> NoteFeed:
        """The feed of a note, started if need be; it ends some time after the last one who looks has gone."""
        with self._lock:
            if note_id not in self._feeds:
                self._feeds[note_id] = NoteFeed(self.connect, note_id, read_only=self.read_only)
                self._feeds[note_id].start()
            self._left_at[note_id] = time.monotonic()
            return self._feeds[note_id]

    def look(self, note_id: str) -> None:
        """Somebody looks at a note that is followed."""
        with self._lock:
            self._viewers[note_id] = self._viewers.get(note_id, 0) + 1
            self._feeds[note_id].is_watched = True

    def leave(self, note_id: str) -> None:
        """Somebody looks at it no more."""
        with self._lock:
            self._viewers[note_id] -= 1
            self._feeds[note_id].is_watched = self._viewers[note_id] > 0
            self._left_at[note_id] = time.monotonic()

    def end_left(self) -> None:
        """Follow no more what nobody has looked at for `LINGER_SECONDS`."""
        with self._lock:
            old = time.monotonic() - LINGER_SECONDS
            names = [name for name in self._feeds if not self._viewers.get(name) and self._left_at[name] < old]
            ended = [self._feeds.pop(name) for name in names]
        for feed in ended:
            feed.close()

    def close(self) -> None:
        """Follow no note any more."""
        for feed in self._feeds.values():
            feed.close()


def listening(port: int) -> socket.socket:
    """A socket on the loopback address. Raises `ProvisionError` where the port is taken."""
    listener = socket.socket()
    listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    try:
        listener.bind((LOOPBACK, port))
        listener.listen(128)  # its address is told before it is served: who comes early waits
    except OSError as error:
        listener.close()
        raise ProvisionError(
            f"port {port} of {LOOPBACK} can't be had: {error.strerror}", next_step="give another --port, or none"
        ) from error
    return listener


def serve(pages: Pages, access: Access, listener: socket.socket) -> None:
    """Serve until SIGINT or SIGTERM."""
    ui.page("/")(_overview_page(pages))
    ui.page("/note/{note_id}")(_note_page(pages))
    site = FastAPI(openapi_url=None)
    ui.run_with(
        site, title="provision", dark=None, tailwind=False, show_welcome_message=False, language="en-US",
        reconnect_timeout=20.0, favicon="📈",
    )  # fmt: skip
    app.colors(primary="#0969da")
    app.timer(LINGER_SECONDS / 10, lambda: run.io_bound(pages.end_left))
    logging.getLogger("nicegui").setLevel(logging.ERROR)
    config = uvicorn.Config(
        Guard(site, access), log_level="error", access_log=False, ws="wsproto", server_header=False,
        timeout_graceful_shutdown=2,
    )  # fmt: skip
    try:
        with suppress(KeyboardInterrupt):  # uvicorn raises it once more when all is closed
            uvicorn.Server(config).run(sockets=[listener])
    finally:
        pages.close()


def _overview_page(pages: Pages) -> Callable[[], object]:
    notes = Notes(pages.connect)

    async def overview() -> None:
        theme = begin("Notes")
        with ui.element("div").classes("page alone").props("id=main"):
            with ui.element("header").classes("bar"):
                Heading("Notes", 1)
                _about_the_server(pages, theme)
            view = OverviewView(notes)
        await ui.context.client.connected()
        await theme.ask()

        async def look() -> None:
            await run.io_bound(notes.look)
            view.refresh()

        ui.timer(1.0, look)

    return overview


def _about_the_server(pages: Pages, theme: Theme) -> None:
    """The end of a page's bar."""
    if pages.read_only:
        ui.label("read only").classes("pill off")
    ui.label(hidden(pages.address)).classes("soft")
    theme_button(theme)


def _note_page(pages: Pages) -> Callable[[str], object]:
    async def note(note_id: str) -> None:
        feed = pages.follow(note_id)
        theme = begin("Note")
        with ui.element("div").classes("page").props("id=main"):
            title = _NoteBar(pages, theme, feed)
            panes = ui.element("div").classes("panes").props("data-view=stream")
            title.tabs(panes)
            with panes:
                with ui.element("div").classes("pane stream"):
                    stream = StreamView(feed, theme)
                note_pane = ui.element("div").classes("pane note")
        await ui.context.client.connected()
        pages.look(note_id)
        ui.context.client.on_delete(lambda: pages.leave(note_id))
        await theme.ask()
        views = [title.refresh, stream.refresh]

        def add_paragraphs() -> None:
            with note_pane:
                views.append(NoteView(feed, theme, read_only=pages.read_only).refresh)

        def refresh() -> None:
            for view in views:
                view()
            if len(views) < _VIEWS and title.is_read:
                add_paragraphs()  # after the charts: editors take their time

        ui.timer(REFRESH_SECONDS, refresh)

    return note


class _NoteBar:
    """The note's path, and whether its server is there."""

    def __init__(self, pages: Pages, theme: Theme, feed: NoteFeed) -> None:
        self._feed = feed
        self._told = ""
        self.is_read = False
        with ui.element("header").classes("bar"):
            self._title = Heading("…", 1)
            ui.link("All notes", "/")
            _about_the_server(pages, theme)
        self._gone = ui.label("").classes("banner bad").props("role=alert")
        self._gone.visible = False

    def tabs(self, panes: ui.element) -> None:
        """Two buttons that choose what a narrow window shows, above `panes`."""

        def show(view: str) -> None:
            panes.props["data-view"] = view
            for name, button in buttons.items():
                button.props["aria-pressed"] = str(name == view).lower()
                button.props["outline"] = name != view
                button.props["color"] = "blue-8" if name == view else "primary"

        with ui.element("nav").classes("tabs").props("aria-label=Views") as nav:
            names = {"stream": "Stream", "note": "Paragraphs"}
            buttons = {
                view: ui.button(name, on_click=lambda _, view=view: show(view)).props("dense padding='3px 14px'")
                for view, name in names.items()
            }
        show("stream")
        nav.move(target_index=2)

    def refresh(self) -> None:
        """Bring it up to date."""
        state = self._feed.state
        self.is_read = state.note is not None
        path = hidden(state.note.path.strip("/")) if state.note else "…"
        if path != self._told:
            self._told = self._title.text = path
            ui.page_title(path)
        self._gone.visible = not state.is_connected and bool(state.cause)
        self._gone.text = hidden(
            f"The server is out of reach: {state.cause}. What you type is kept here and sent later."
        )
