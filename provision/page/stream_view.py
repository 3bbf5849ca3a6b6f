"""The part of a note's page that shows its stream: whether it is well, charts, the latest windows, the log."""

import math
import time
from typing import Any

from nicegui import ui

from provision.live.feed import Entry, NoteFeed
from provision.live.health import Figure, Tone, figures_of, health_of
from provision.live.history import time_of_day
from provision.page.charts import line_chart
from provision.page.hidden import hidden
from provision.page.shell import Heading, Theme
from provision.streams.measures import columns_of, rounded_cell
from provision.streams.windows import Window

SPANS = {300: "5 min", 900: "15 min", 3600: "1 h", 0: "all"}
CHOSEN_WINDOWS = 12
_FIGURES_SECONDS = 1.0
_NO_WINDOWS = "No window has ended yet. One ends a slide after the stream's start, if there are events."


class StreamView:
    """Draws what a feed has; call `refresh` often, it does what is needed."""

    def __init__(self, feed: NoteFeed, theme: Theme) -> None:
        self._feed, self._theme = feed, theme
        self._drawn = self._figures_at = -1.0
        self._told = 0
        self._charts: dict[str, ui.echart] = {}
        self._cards: dict[str, _FigureCard] = {}
        self._health = _HealthLine()
        self._figures = ui.element("div").classes("figures")
        with ui.element("div").classes("controls"):
            self._keys = ui.select([], multiple=True, label="Keys (none chosen: all)", on_change=self._draw)
            self._keys.props("dense outlined use-chips clearable use-input options-dense").classes("keys")
            self._span = ui.toggle(SPANS, value=900, on_change=self._draw)
            self._span.props("dense no-caps padding='3px 10px' toggle-color=blue-8 aria-label='Span of the charts'")
        self._empty = ui.label(_NO_WINDOWS).classes("card soft")
        self._grid = ui.element("div").classes("charts").props("aria-live=off")
        self._windows = _WindowsTable(feed)
        with ui.element("section").classes("card"):
            Heading("Log", 2)
            self._log = ui.log(max_lines=300).classes("log").props("role=log aria-label=Log tabindex=0")
        theme.on_change.append(self._draw)

    def refresh(self) -> None:
        """Bring it up to date."""
        now = time.time()
        if now - self._figures_at >= _FIGURES_SECONDS:
            self._figures_at = now
            self._show_figures(figures_of(self._feed.state.status, self._feed.history, now))
            self._health.show(self._feed)
        if self._drawn != self._feed.history.version:
            self._draw()
        self._tell()

    def _show_figures(self, figures: list[Figure]) -> None:
        if list(self._cards) != [figure.name for figure in figures]:
            self._figures.clear()
            with self._figures:
                self._cards = {figure.name: _FigureCard(figure) for figure in figures}
        for figure in figures:
            self._cards[figure.name].show(figure)

    def _draw(self) -> None:
        """All charts, with the keys and the span that are chosen."""
        history = self._feed.history
        self._drawn = history.version
        keys, measures = history.keys(), history.measures()
        if self._keys.options != keys:
            self._keys.set_options(keys, value=[key for key in self._keys.value or [] if key in keys])
        chosen = [key for key in keys if key in self._keys.value] if self._keys.value else keys
        self._empty.visible = not measures
        if list(self._charts) != measures:
            self._grid.clear()
            with self._grid:
                self._charts = {measure: _chart_card(measure) for measure in measures}
        for measure, chart in self._charts.items():
            lines = history.lines(measure, chosen, float(self._span.value or math.inf))
            chart.props["options"] = line_chart(lines, self._theme.look)
            chart.update()
        self._windows.draw()

    def _tell(self) -> None:
        new = self._feed.logged - self._told
        if new:
            self._told = self._feed.logged
            for entry in list(self._feed.log)[-new:]:
                self._log.push(_log_line(entry), classes="bad" if entry.is_bad else "")


class _HealthLine:
    """The state in a word, and what is wrong."""

    def __init__(self) -> None:
        with ui.element("div").classes("bar").props("role=status"):
            self._word = ui.label("…").classes("pill off")
            self._sentence = ui.label("").style("flex: 1 1 12rem; overflow-wrap: anywhere")

    def show(self, feed: NoteFeed) -> None:
        """What is known now."""
        health = health_of(feed.state.status)
        self._word.text = health.word
        self._word.classes(replace=f"pill {health.level}")
        self._sentence.text = hidden(health.sentence)


class _FigureCard:
    """A number with its name."""

    def __init__(self, figure: Figure) -> None:
        with ui.element("div").classes("figure") as self._card:
            self._value = ui.label("").classes("value")
            ui.label(figure.name).classes("name")

    def show(self, figure: Figure) -> None:
        """This is the number now."""
        self._value.text = figure.value
        self._value.classes(replace=f"value {'' if figure.level is Tone.GOOD else figure.level}")
        self._card.props["title"] = figure.hint


def _chart_card(measure: str) -> ui.echart:
    with ui.element("section").classes("card"):
        Heading(hidden(measure), 2)
        return ui.echart({}).classes("chart")


def _log_line(entry: Entry) -> str:
    at = time.strftime("%H:%M:%S", time.localtime(entry.at))
    return f"{at} {hidden(entry.about)}: {hidden(entry.text)}"


class _WindowsTable:
    """One window's rows, the newest one's unless another is chosen."""

    def __init__(self, feed: NoteFeed) -> None:
        self._feed = feed
        self._columns: tuple[str, ...] | None = None
        with ui.element("section").classes("card"):
            with ui.element("div").classes("bar"):
                Heading("Latest windows", 2)
                self._choice = ui.select({0: "newest"}, value=0, label="Window", on_change=self.draw)
                self._choice.props("dense outlined options-dense").style("min-width: 9rem")
            self._table = ui.table(rows=[], columns=[], row_key="at", pagination={"rowsPerPage": 25}).classes("rows")
            self._table.props("dense flat :rows-per-page-options='[25,100,0]'")

    def draw(self) -> None:
        """The window that is chosen."""
        windows = self._feed.history.latest(CHOSEN_WINDOWS)
        ends = {0: "newest"} | {window.end: _until(window) for window in windows}
        if self._choice.options != ends:
            self._choice.set_options(ends, value=self._choice.value if self._choice.value in ends else 0)
        chosen = next((each for each in windows if each.end == self._choice.value), windows[0] if windows else None)
        if chosen is None:
            self._table.rows = []
            return
        if chosen.columns != self._columns:
            self._columns = chosen.columns
            self._table.columns = _table_columns(chosen)
        self._table.rows = [
            {"at": at, **{f"c{column}": _cell(cell) for column, cell in enumerate(row)}}
            for at, row in enumerate(chosen.rows)
        ]


def _until(window: Window) -> str:
    return time.strftime("until %H:%M:%S", time.localtime(window.end / 1000))


def _table_columns(window: Window) -> list[dict[str, Any]]:
    """Columns under names of our own: a name from a note is a label only."""
    measures = columns_of(window).measures
    return [
        {"name": f"c{at}", "field": f"c{at}", "label": hidden(name), "sortable": True,
         "align": "right" if at in measures else "left"}
        for at, name in enumerate(window.columns)
    ]  # fmt: skip


def _cell(cell: str) -> str:
    """A number rounded as in the charts, a point in time by this machine's clock; any other text as it stands."""
    if shown := time_of_day(cell):
        return shown
    return hidden(rounded_cell(cell))
