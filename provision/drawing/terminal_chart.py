"""Lines over time as text: braille dots, by plotille."""

import time
from collections.abc import Callable, Sequence

import plotille
from rich.console import Group
from rich.table import Table
from rich.text import Text

from provision.drawing.chart import Chart
from provision.live.history import Line, Lines
from provision.streams.measures import shown_number

COLOURS = ("cyan", "yellow", "green", "magenta", "blue", "red", "bright_cyan", "bright_yellow")
LEGEND_MOST = 12
"""Keys that a legend still tells apart."""
_LABEL = 10
_AXIS, _LEAST, _TICK, _CLOCK = 14, 18, 10, 8
"""Columns that the axis takes, of the least canvas, between two labels of the time, and of such a label."""
_SMALL, _LARGE, _SMALL_WIDTH, _GAP = 5, 12, 38, 2
"""Rows of a chart's canvas, the columns of a small one, those between two."""


def terminal_charts(
    chart: Chart, shown: Callable[[str], str], *, width: int, colours: bool, small: bool = False
) -> Group:
    """A chart for each measure, small ones side by side, and which line is whose; each text as `shown` has it.

    Without colours each line has a letter of its own at its values.
    """
    count = max(1, min(len(chart.measures), width // _SMALL_WIDTH)) if small else 1
    each_width, height = (width - _GAP * (count - 1)) // count, _SMALL if small else _LARGE
    drawn = [Text.from_ansi(_chart(lines, shown, each_width, height, colours=colours)) for lines in chart.measures]
    grid = Table.grid(padding=(0, _GAP, 1, 0), pad_edge=False)
    for _ in range(count):
        grid.add_column(width=each_width, no_wrap=True)
    for at in range(0, len(drawn), count):
        grid.add_row(*drawn[at : at + count])
    keys = [shown(line.key) for line in chart.measures[0].lines]
    legend = [Text.from_ansi(_legend(keys, width, colours=colours))] if len(keys) > 1 else []
    return Group(grid, *legend)


def _chart(lines: Lines, shown: Callable[[str], str], width: int, height: int, *, colours: bool) -> str:
    figure = plotille.Figure()
    figure.width, figure.height = _canvas(width), height
    figure.color_mode, figure.with_colors, figure.origin = "names", colours, False
    figure.x_label = figure.y_label = ""
    figure.register_label_formatter(float, _padded)
    figure.x_ticks_fkt = _time
    figure.y_ticks_fkt = lambda value, _: shown_number(value)[:_LABEL].rjust(_LABEL)
    told = [value for line in lines.lines for value in line.values if value is not None]
    if not told:
        return f"{shown(lines.measure)}: no values"
    low, high = min(told), max(told)
    room = (high - low) * 0.05 or abs(high) * 0.05 or 1.0
    first, last = lines.ends[0] / 1000, lines.ends[-1] / 1000
    figure.set_x_limits(first, last if last > first else first + 1)
    figure.set_y_limits(low - room, high + room)
    for at, line in enumerate(lines.lines):
        for ends, values in _pieces(lines.ends, line):
            colour = COLOURS[at % len(COLOURS)] if colours else None
            figure.plot(ends, values, lc=colour)
            if not colours or len(values) == 1:
                step = max(1, len(values) * _TICK // figure.width)
                figure.scatter(ends[::step], values[::step], lc=colour, marker=_letter(at))
    _, *drawn = figure.show().splitlines()
    return "\n".join([shown(lines.measure), *(line.removesuffix(" ()").rstrip() for line in drawn)])


def _canvas(width: int) -> int:
    """The columns of a canvas on so many: as many as end with a whole label of the time."""
    most = width - _AXIS
    return max(_LEAST, most - (most - _CLOCK) % _TICK)


def _pieces(ends: Sequence[int], line: Line) -> list[tuple[list[float], list[float]]]:
    """The parts of a line between its gaps, times in seconds since the epoch."""
    pieces: list[tuple[list[float], list[float]]] = []
    is_open = False
    for end, value in zip(ends, line.values, strict=True):
        if value is None:
            is_open = False
            continue
        if not is_open:
            pieces.append(([], []))
            is_open = True
        pieces[-1][0].append(end / 1000)
        pieces[-1][1].append(value)
    return pieces


def _letter(at: int) -> str:
    return chr(ord("a") + at % 26)


def _legend(keys: Sequence[str], width: int, *, colours: bool) -> str:
    if len(keys) > LEGEND_MOST:
        return f"{len(keys)} keys: pick some with --key to tell them apart"
    told = [
        plotille.color(f"━ {key}", fg=COLOURS[at % len(COLOURS)]) if colours else f"{_letter(at)} {key}"
        for at, key in enumerate(keys)
    ]
    lines, used = [""], 0
    for key, text in zip(keys, told, strict=True):
        if used and used + len(key) + 5 > width:
            lines.append("")
            used = 0
        lines[-1] += ("   " if used else "") + text
        used += len(key) + 5
    return "\n".join(lines)


def _padded(value: float, chars: int, delta: float, left: bool = False) -> str:
    text = shown_number(value)[:chars]
    return text.ljust(chars) if left else text.rjust(chars)


def _time(value: float, _: float) -> str:
    return time.strftime("%H:%M:%S", time.localtime(value))
