"""What every view has: style, dark or light, the bar at the top."""

from collections.abc import Callable
from pathlib import Path

from nicegui import ui

from provision.page.charts import Look

_CSS = (Path(__file__).parent / "page.css").read_text(encoding="utf-8")
_PREFERS_DARK = "window.matchMedia('(prefers-color-scheme: dark)').matches"


class Theme:
    """Dark or light: as the browser prefers until somebody chooses. `on_change` are called with each change."""

    def __init__(self) -> None:
        self._mode = ui.dark_mode(None)
        self.is_dark = False
        self.on_change: list[Callable[[], None]] = []

    @property
    def look(self) -> Look:
        """The colours of charts."""
        return Look.of(self.is_dark)

    async def ask(self) -> None:
        """Ask the browser what it prefers."""
        self._set(bool(await ui.run_javascript(_PREFERS_DARK, timeout=10)))

    def toggle(self) -> None:
        """Dark to light, or light to dark."""
        self._set(not self.is_dark)

    def _set(self, dark: bool) -> None:
        self._mode.value = self.is_dark = dark
        for changed in self.on_change:
            changed()


def begin(title: str) -> Theme:
    """Style and theme of a page; to be called first."""
    ui.add_css(_CSS)
    ui.page_title(title)
    ui.link("Skip to the content", "#main").classes("skip")
    return Theme()


def theme_button(theme: Theme) -> None:
    """A button that changes between dark and light."""
    ui.button("Dark / light", on_click=theme.toggle).props("outline dense padding='2px 10px'")


class Heading(ui.label):
    """A line that is a heading to a screen reader, and to the style."""

    def __init__(self, text: str, level: int) -> None:
        super().__init__(text)
        self.tag = f"h{level}"
