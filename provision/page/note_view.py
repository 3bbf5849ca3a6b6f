"""The part of a note's page that has its paragraphs: editors, run and stop, outputs as they come."""

import asyncio
import time
from collections.abc import Callable
from concurrent.futures import Future
from typing import Any

from nicegui import run, ui

from provision.live.drafts import Draft
from provision.live.feed import Failure, NoteFeed
from provision.page.editor import Editor
from provision.page.hidden import hidden
from provision.page.output_view import OutputView
from provision.page.shell import Heading, Theme
from provision.streams.log import title_of
from zeppelin_sdk import Paragraph, ParagraphStatus

SEND_SECONDS = 0.4
"""How long after the last letter a text is sent."""
SAVE_SECONDS = 3.0
"""How long after it was sent the server is asked to keep it."""
_LEVELS = {
    ParagraphStatus.ERROR: "bad",
    ParagraphStatus.ABORT: "warn",
    ParagraphStatus.FINISHED: "good",
    ParagraphStatus.RUNNING: "warn",
    ParagraphStatus.PENDING: "warn",
}


class NoteView:
    """The note's paragraphs, a card each; call `refresh` often."""

    def __init__(self, feed: NoteFeed, theme: Theme, *, read_only: bool) -> None:
        self._feed, self._theme, self._read_only = feed, theme, read_only
        self._cards: dict[str, ParagraphCard] = {}
        self._version = -1
        with ui.element("div").classes("bar"):
            Heading("Paragraphs", 2)
            self._others = ui.label("").classes("soft")
            if not read_only:
                self._button("Run the note", feed.run_note, "the stream runs")
                self._button("Stop the stream", feed.stop_note, "stopped")
        self._list = ui.element("div").classes("pane")

    def _button(self, text: str, work: Callable[[], None], done: str) -> None:
        async def click() -> None:
            button.disable()
            try:
                await run.io_bound(work)
                ui.notify(done, type="positive")
            except Failure as error:
                ui.notify(hidden(one_line(error)), type="negative", timeout=10_000, close_button="close")
            finally:
                button.enable()

        button = ui.button(text, on_click=click).props("outline dense padding='2px 10px'")

    def refresh(self) -> None:
        """Bring it up to date, and send what was typed."""
        state = self._feed.state
        note = state.note
        if note is not None and state.version != self._version:
            self._version = state.version
            self._others.text = "open elsewhere too" if state.others.present else ""
            paragraphs = {each.id: each for each in note.paragraphs}
            if list(self._cards) != list(paragraphs):
                self._arrange(paragraphs)
            for name, paragraph in paragraphs.items():
                self._cards[name].show(paragraph)
        for card in self._cards.values():
            card.tick()

    def _arrange(self, paragraphs: dict[str, Paragraph]) -> None:
        """A card for each paragraph, in their order; those that are there already keep what is typed in them."""
        for gone in [name for name in self._cards if name not in paragraphs]:
            self._list.remove(self._cards.pop(gone).card)
        with self._list:
            for name, paragraph in paragraphs.items():
                if name not in self._cards:
                    self._cards[name] = ParagraphCard(self._feed, paragraph, self._theme, read_only=self._read_only)
        self._cards = {name: self._cards[name] for name in paragraphs}
        for at, each in enumerate(self._cards.values()):
            if self._list.default_slot.children[at] is not each.card:
                each.card.move(target_index=at)


class ParagraphCard:
    """One paragraph."""

    def __init__(self, feed: NoteFeed, paragraph: Paragraph, theme: Theme, *, read_only: bool) -> None:
        self._feed, self._theme, self._read_only = feed, theme, read_only
        self._paragraph = paragraph
        self._draft = Draft.of(paragraph.text)
        self._typed_at = self._unsaved_at = 0.0
        self._offering = False
        self._editor: Editor | None = None
        self._note = ui.label("")
        title = hidden(title_of(paragraph))
        with ui.element("section").classes("card paragraph").props(f"data-paragraph={paragraph.id}") as self.card:
            with ui.element("div").classes("bar"):
                self._title = Heading(title, 3)
                self._title.style("flex: 1 1 10rem")
                self._status = ui.label("").classes("soft")
                self._toggle = ui.button("Code", on_click=self._toggle_code).props("flat dense padding='2px 8px'")
                self._toggle.props["aria-label"] = f"Code of {title}"
                if not read_only:
                    self._run = ui.button("Run", on_click=self._run_or_stop).props("outline dense padding='2px 12px'")
                    self._run.props["aria-label"] = f"Run {title}"
            self._text = ui.element("div").classes("text")
            self._note.move(self.card)
            self._note.classes("soft")
            self._outputs = OutputView(paragraph, theme)
        self._text.visible = False
        if not paragraph.config.get("editorHide") and paragraph.text.strip():
            self._toggle_code()

    def _toggle_code(self) -> None:
        self._text.visible = not self._text.visible
        self._toggle.props["aria-expanded"] = str(self._text.visible).lower()
        if self._editor is None:
            with self._text:
                self._editor = Editor(
                    self._shown_text(),
                    directive=self._paragraph.text,
                    label=f"Text of {hidden(title_of(self._paragraph))}; Escape, then Tab leaves it",
                    theme=self._theme,
                    read_only=self._read_only or self._has_secret,
                    on_text=self._typed,
                    on_run=self._start_run,
                    on_leave=self._save_now,
                )
        if self._has_secret:
            self._note.text = "A secret stands in this text: it is hidden, so the text can't be edited here."

    @property
    def _has_secret(self) -> bool:
        return hidden(self._draft.text) != self._draft.text

    def _shown_text(self) -> str:
        return hidden(self._draft.text)

    # --- what the server says ---

    def show(self, paragraph: Paragraph) -> None:
        """The paragraph as it is in the server."""
        self._paragraph = paragraph
        state = self._feed.state
        self._title.text = hidden(title_of(paragraph))
        percent = state.progress.get(paragraph.id)
        runs = paragraph.status.is_active
        self._status.text = str(paragraph.status).lower() + (f" {percent} %" if runs and percent else "")
        self._status.classes(replace=f"soft {_LEVELS.get(paragraph.status, '')}")
        self.card.classes(**{"add" if paragraph.status is ParagraphStatus.ERROR else "remove": "failed"})
        if not self._read_only:
            self._run.text = "Stop" if runs else "Run"
            self._run.props["aria-label"] = f"{self._run.text} {self._title.text}"
        self._outputs.show(paragraph, state.outputs_of(paragraph))

    def tick(self) -> None:
        """Send what was typed, keep what was sent, show what others typed."""
        now = time.monotonic()
        if (
            self._draft.is_dirty
            and self._draft.sending is None
            and self._typed_at
            and now - self._typed_at >= SEND_SECONDS
        ):
            self._send()
        elif self._unsaved_at and now - self._unsaved_at >= SAVE_SECONDS and not self._draft.is_dirty:
            self._save()
        if not self._offering and self._draft.offer(self._paragraph.text) is not None:
            self._offering = True
            asyncio.get_running_loop().create_task(self._offer())

    async def _offer(self) -> None:
        """Have the editor show what others typed, along with what was typed in it, if that is still all."""
        try:
            live = self._paragraph.text
            together = self._draft.offer(live)
            if together is None:
                return
            before = self._draft.text
            shows = self._editor is None or await self._editor.replace(hidden(before), hidden(together))
            if shows and self._draft.text == before:
                self._draft.took(live, together)
                self._typed_at = time.monotonic() if self._draft.is_dirty else 0.0
        finally:
            self._offering = False

    # --- what the person does ---

    def _typed(self, text: str) -> None:
        if not self._has_secret:
            self._draft.typed(text)
            self._typed_at = time.monotonic()
            self._note.text = "not sent yet" if self._draft.is_dirty else ""

    def _send(self) -> None:
        self._typed_at = 0.0
        base, text = self._draft.base, self._draft.send()
        self._then(self._feed.write(self._paragraph.id, base, text), self._sent, self._not_sent)

    def _sent(self) -> None:
        self._draft.sent()
        self._unsaved_at = time.monotonic()
        self._note.text = "" if not self._draft.is_dirty else self._note.text
        note = self._feed.state.note
        self._paragraph = (note.paragraph(self._paragraph.id) if note else None) or self._paragraph

    def _not_sent(self, error: BaseException) -> None:
        self._draft.failed()
        self._typed_at = time.monotonic() + 1.0
        self._note.text = f"not sent yet: {hidden(one_line(error))}"

    def _save(self) -> None:
        self._unsaved_at = 0.0
        self._then(self._feed.save(self._paragraph.id), lambda: None, self._not_saved)

    def _not_saved(self, error: BaseException) -> None:
        self._unsaved_at = time.monotonic()
        self._note.text = f"not kept yet: {hidden(one_line(error))}"

    def _save_now(self) -> None:
        """The editor was left: send at once, and have it kept."""
        if self._draft.is_dirty and self._draft.sending is None:
            self._send()

    def _start_run(self) -> None:
        if self._draft.is_dirty and self._draft.sending is None:
            self._send()  # the feed does one after the other: the run has this text
        self._unsaved_at = 0.0  # a run keeps the text
        self._then(self._feed.run(self._paragraph.id), lambda: None, self._failed)

    def _run_or_stop(self) -> None:
        if self._paragraph.status.is_active:
            self._then(self._feed.cancel(self._paragraph.id), lambda: None, self._failed)
        else:
            self._start_run()

    def _failed(self, error: BaseException) -> None:
        self._note.text = hidden(one_line(error))

    def _then(self, future: Future[Any], done: Callable[[], None], failed: Callable[[BaseException], None]) -> None:
        """Call back on the page's own thread, once the feed has done it."""
        loop = asyncio.get_running_loop()

        def back(ended: Future[Any]) -> None:
            error = ended.exception()
            loop.call_soon_threadsafe(done) if error is None else loop.call_soon_threadsafe(failed, error)

        future.add_done_callback(back)


def one_line(error: BaseException) -> str:
    """An error in one line: the cause, and the next step."""
    next_step = getattr(error, "next_step", "")
    return " ".join(f"{error}{f'; {next_step}' if next_step else ''}".split())
