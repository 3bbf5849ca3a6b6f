"""Options of ECharts for a measure's lines, and for a table that a paragraph shows. Pure.

Names from a note are values of the options, never keys of them: NiceGUI runs what stands below a key with a colon.
"""

import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from provision.bundles.values.numbers import number_of
from provision.live.history import Lines
from provision.streams.measures import shown_number
from zeppelin_sdk import Table

LEGEND_MOST = 12
"""Keys that a legend still tells apart."""
# Okabe and Ito's colours, which the colour-blind can tell apart; each readable on white, and on the dark surface
LIGHT = ("#0072b2", "#c44601", "#00795a", "#a3467b", "#8a6d00", "#3d6fb6", "#7a3e9d", "#5b5b5b")
DARK = ("#56b4e9", "#e69f00", "#2fc49a", "#e59ac4", "#f0e442", "#8fb3ff", "#c79cf0", "#bdbdbd")
_EDGE = 30
"""Pixels right of the lines: half a time, which is drawn below the last or one beside it."""
_DASHES = ("solid", "dashed", "dotted")


@dataclass(frozen=True)
class Look:
    """Colours of a chart's parts."""

    lines: tuple[str, ...]
    text: str
    grid: str
    surface: str

    @classmethod
    def of(cls, dark: bool) -> "Look":
        """The look of the dark or of the light page."""
        return cls(DARK, "#c9d1d9", "#30363d", "#161b22") if dark else cls(LIGHT, "#3d444d", "#d8dee4", "#ffffff")


def line_chart(lines: Lines, look: Look) -> dict[str, Any]:
    """A line for each key, over the ends of windows."""
    has_legend = 1 < len(lines.lines) <= LEGEND_MOST
    few = len(lines.ends) <= 3
    return {
        "aria": {"enabled": True, "label": {"description": _described(lines)}},
        "animation": False,
        "color": list(look.lines),
        "textStyle": {"color": look.text},
        "grid": {"left": 8, "right": _EDGE, "top": 34 if has_legend else 12, "bottom": 8, "containLabel": True},
        "legend": {
            "show": has_legend,
            "type": "scroll",
            "top": 0,
            "icon": "roundRect",
            "itemHeight": 4,
            "textStyle": {"color": look.text},
            "pageTextStyle": {"color": look.text},
            "pageIconColor": look.text,
        },
        "tooltip": _tooltip(look),
        "xAxis": {
            "type": "category",
            "boundaryGap": False,
            "data": [time.strftime("%H:%M:%S", time.localtime(end / 1000)) for end in lines.ends],
            "axisLabel": {
                "color": look.text,
                "hideOverlap": True,
                "alignMinLabel": "left",
                "alignMaxLabel": "right",
            },
            "axisLine": {"lineStyle": {"color": look.grid}},
        },
        "yAxis": _values_axis(look),
        "series": [
            {
                "name": line.key,
                "type": "line",
                "data": [None if value is None else _rounded(value) for value in line.values],
                "showSymbol": has_legend or few or len(lines.lines) == 1,
                "symbol": "circle",
                "symbolSize": 7 if few else 4,
                "lineStyle": {"width": 2, "type": _DASHES[at // len(look.lines) % len(_DASHES)]},
                "emphasis": {"focus": "series"},
            }
            for at, line in enumerate(lines.lines)
        ],
    }


def _tooltip(look: Look) -> dict[str, Any]:
    """Hover: all keys at one time, the highest first; it scrolls where they are many."""
    return {
        "trigger": "axis",
        "order": "valueDesc",
        "confine": True,
        "enterable": True,
        "backgroundColor": look.surface,
        "borderColor": look.grid,
        "textStyle": {"color": look.text},
        "extraCssText": "max-height: 16rem; overflow-y: auto",
    }


def _values_axis(look: Look) -> dict[str, Any]:
    return {
        "type": "value",
        "scale": True,
        "axisLabel": {"color": look.text},
        "splitLine": {"lineStyle": {"color": look.grid}},
    }


def _described(lines: Lines) -> str:
    """The chart in words, for a screen reader."""
    last = [line.values[-1] for line in lines.lines if line.values and line.values[-1] is not None]
    told = [value for value in last if value is not None]
    if not told:
        return f"{lines.measure}: no values"
    between = f"from {shown_number(min(told))} to {shown_number(max(told))}"
    return f"{lines.measure} of {len(lines.lines)} keys over {len(lines.ends)} windows; the latest {between}"


def _rounded(value: float) -> float:
    return float(f"{value:.6g}")


def table_chart(table: Table, look: Look, graph: Mapping[str, Any] | None = None) -> dict[str, Any] | None:
    """A table of a paragraph as lines; None where it has no numbers to draw.

    `graph` is the chart that the note's reader has set up in Zeppelin's page (`config.results["0"].graph`): which
    columns are the key, the group and the value. Else the first column is the key, and each column of numbers a line.
    """
    numeric = [at for at in range(len(table.columns)) if _is_numeric([row[at] for row in table.rows])]
    key, groups, values = _picked(graph or {}, "keys"), _picked(graph or {}, "groups"), _picked(graph or {}, "values")
    at = key[0] if key else 0
    drawn = [each for each in values or numeric if each in numeric and each != at]
    if not table.rows or not drawn or max(at, *groups, 0) >= len(table.columns):
        return None
    keys = list(dict.fromkeys(row[at] for row in table.rows))
    series: dict[str, dict[str, float | None]] = {}
    for row in table.rows:
        for column in drawn:
            named = [
                *(row[each] for each in groups),
                *([table.columns[column]] if len(drawn) > 1 or not groups else []),
            ]
            series.setdefault(" ".join(named), {})[row[at]] = number_of(row[column])
    return {
        "animation": False,
        "color": list(look.lines),
        "textStyle": {"color": look.text},
        "grid": {"left": 8, "right": 16, "top": 34, "bottom": 8, "containLabel": True},
        "legend": {"type": "scroll", "top": 0, "textStyle": {"color": look.text}},
        "tooltip": _tooltip(look),
        "xAxis": {"type": "category", "data": keys, "axisLabel": {"color": look.text, "hideOverlap": True}},
        "yAxis": _values_axis(look),
        "series": [
            {"name": name, "type": "line", "data": [points.get(each) for each in keys], "symbolSize": 4}
            for name, points in series.items()
        ],
    }


def _picked(graph: Mapping[str, Any], part: str) -> list[int]:
    """The indices of the columns that a chart of Zeppelin's has as keys, groups or values."""
    entries = graph.get(part)
    found = [each.get("index") for each in entries if isinstance(each, Mapping)] if isinstance(entries, list) else []
    return [int(each) for each in found if isinstance(each, int | float) and each >= 0]


def _is_numeric(cells: Sequence[str]) -> bool:
    return any(number_of(cell) is not None for cell in cells) and all(
        number_of(cell) is not None or cell in ("", "null", "NULL") for cell in cells
    )
