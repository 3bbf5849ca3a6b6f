"""What a paragraph has printed: text, tables, charts of tables, HTML, images."""

from collections.abc import Mapping
from typing import Any

from nicegui import ui

from provision.page.charts import table_chart
from provision.page.shell import Theme
from provision.page.shown_outputs import (
    HtmlOutput,
    ImageOutput,
    ShownOutput,
    TableOutput,
    TextOutput,
    shown_outputs,
)
from zeppelin_sdk import Paragraph, ResultMessage, Table


class OutputView:
    """The outputs of one paragraph; `show` draws them anew where they have changed."""

    def __init__(self, paragraph: Paragraph, theme: Theme) -> None:
        self._theme = theme
        self._paragraph = paragraph
        self._messages: tuple[ResultMessage, ...] = ()
        self._draws_chart: dict[int, bool] = {}
        self._box = ui.element("div").classes("pane").props("aria-live=off")
        theme.on_change.append(self._draw)

    def show(self, paragraph: Paragraph, messages: tuple[ResultMessage, ...]) -> None:
        """These are the outputs now."""
        self._paragraph = paragraph
        if messages != self._messages:
            self._messages = messages
            self._draw()

    def _draw(self) -> None:
        shown = shown_outputs(self._messages)
        if self._only_text_grew(shown):
            return
        self._box.clear()
        with self._box:
            for at, output in enumerate(shown):
                self._draw_one(at, output)

    def _only_text_grew(self, shown: list[ShownOutput]) -> bool:
        """Write the text of what is one text, and was: it may come in many pieces."""
        boxes = self._box.default_slot.children
        if len(shown) != 1 or not isinstance(shown[0], TextOutput) or len(boxes) != 1:
            return False
        inner = boxes[0].default_slot.children
        if len(inner) != 1 or not isinstance(inner[0], _Preformatted):
            return False
        inner[0].text = shown[0].text
        return True

    def _draw_one(self, at: int, output: ShownOutput) -> None:
        with ui.element("div").classes("output"):
            match output:
                case TextOutput(text=text):
                    _Preformatted(text)
                case HtmlOutput(html=html):
                    ui.html(html, sanitize=True).classes("html")  # made safe already; the browser looks once more
                case ImageOutput(source=source):
                    ui.element("img").props["src"] = source
                case TableOutput(table=table, rows=rows):
                    self._draw_table(at, table, rows)

    def _draw_table(self, at: int, table: Table, rows: int) -> None:
        graph = _graph(self._paragraph, at)
        options = table_chart(table, self._theme.look, graph)
        draws = self._draws_chart.setdefault(at, options is not None and graph.get("mode", "table") != "table")
        if options is not None:

            def change() -> None:
                self._draws_chart[at] = not draws
                self._draw()

            name = "Show the table" if draws else "Show a chart"
            ui.button(name, on_click=change).props("flat dense padding='2px 8px'")
        if draws and options is not None:
            ui.echart(options).classes("chart")
        else:
            _table(table)
        if rows > len(table.rows):
            ui.label(f"the first {len(table.rows)} of {rows} rows").classes("soft")


class _Preformatted(ui.label):
    """Text as it stands."""

    def __init__(self, text: str) -> None:
        super().__init__(text)
        self.tag = "pre"


def _table(table: Table) -> None:
    columns = [
        {"name": f"c{at}", "field": f"c{at}", "label": name, "sortable": True, "align": "left"}
        for at, name in enumerate(table.columns)
    ]
    rows = [{"at": at, **{f"c{n}": cell for n, cell in enumerate(row)}} for at, row in enumerate(table.rows)]
    shown = ui.table(rows=rows, columns=columns, row_key="at", pagination={"rowsPerPage": 10}).classes("rows")
    shown.props("dense flat :rows-per-page-options='[10,100,0]'")


def _graph(paragraph: Paragraph, at: int) -> Mapping[str, Any]:
    """How Zeppelin's page draws output number `at`."""
    results = paragraph.config.get("results")
    one = results.get(str(at)) if isinstance(results, Mapping) else None
    graph = one.get("graph") if isinstance(one, Mapping) else None
    return graph if isinstance(graph, Mapping) else {}
