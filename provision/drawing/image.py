"""Lines over time as a PNG or SVG file, by matplotlib, which is the extra `plot`."""

import os
from collections.abc import Callable
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

from provision.drawing.chart import Chart
from provision.errors import ProvisionError, UsageError
from provision.live.history import Lines

if TYPE_CHECKING:
    from matplotlib.axes import Axes

FORMATS = ("png", "svg")
LEGEND_MOST = 12
_INCHES_A_MEASURE, _DPI = 2.6, 120
# Okabe and Ito's colours, which the colour-blind can tell apart
COLOURS = ("#0072b2", "#c44601", "#00795a", "#a3467b", "#8a6d00", "#3d6fb6", "#7a3e9d", "#5b5b5b")
_DASHES = ("-", "--", ":")


def check_image(file: Path) -> None:
    """Raise `UsageError` for a file whose name ends otherwise, `ProvisionError` where the extra is missing."""
    if file.suffix.lower().lstrip(".") not in FORMATS:
        raise UsageError(f"{file}: no name of a picture", next_step="let it end in .png or .svg")
    if not file.absolute().parent.is_dir():
        raise UsageError(f"{file}: there is no folder {file.absolute().parent}", next_step="make it first")
    try:
        import matplotlib  # noqa: F401
    except ImportError as error:
        raise ProvisionError(
            f"{file}: pictures in files need matplotlib", next_step="install the extra: pip install '.[plot]'"
        ) from error


def write_image(chart: Chart, file: Path, shown: Callable[[str], str], *, width: float = 10.0) -> None:
    """Draw the chart, `width` inches wide, a part for each measure; what was in the file before is replaced at the end.

    Times are this machine's. Raises `OSError` where it can't be written.
    """
    from matplotlib import rc_context
    from matplotlib.figure import Figure

    with rc_context({"svg.fonttype": "none", "font.family": "sans-serif"}):
        height = 0.6 + _INCHES_A_MEASURE * len(chart.measures)
        figure = Figure(figsize=(width, height), dpi=_DPI, layout="constrained")
        parts = figure.subplots(len(chart.measures), sharex=True, squeeze=False)[:, 0]
        for lines, axes in zip(chart.measures, parts, strict=True):
            _draw(lines, axes, shown)
        figure.suptitle(shown(chart.title), parse_math=False, fontsize="large")
        keys = [shown(line.key) for line in chart.measures[0].lines]
        if 1 < len(keys) <= LEGEND_MOST:
            _name_lines(figure, parts[0], keys)
        partial = file.with_name(f".{file.name}.{os.getpid()}")
        try:
            figure.savefig(partial, format=file.suffix.lower().lstrip("."))
            partial.replace(file)
        finally:
            partial.unlink(missing_ok=True)


def _draw(lines: Lines, axes: "Axes", shown: Callable[[str], str]) -> None:
    from matplotlib import dates

    untyped: Any = dates
    here = datetime.now().astimezone().tzinfo
    ends: Any = [datetime.fromtimestamp(end / 1000, here) for end in lines.ends]
    for at, line in enumerate(lines.lines):
        values: Any = [float("nan") if value is None else value for value in line.values]
        marker = "o" if len(ends) <= 30 else None
        dash = _DASHES[at // len(COLOURS) % len(_DASHES)]
        axes.plot(ends, values, color=COLOURS[at % len(COLOURS)], linestyle=dash, marker=marker, markersize=3)
    locator = untyped.AutoDateLocator(tz=here)
    axes.xaxis.set_major_locator(locator)
    axes.xaxis.set_major_formatter(untyped.ConciseDateFormatter(locator, tz=here))
    axes.set_title(shown(lines.measure), loc="left", fontsize="medium", parse_math=False)
    axes.grid(alpha=0.3)
    axes.spines[["top", "right"]].set_visible(False)


def _name_lines(figure: Any, axes: "Axes", keys: list[str]) -> None:
    legend = figure.legend(
        axes.lines, [" "] * len(keys), loc="outside lower center", ncols=min(6, len(keys)), frameon=False
    )
    for text, key in zip(legend.get_texts(), keys, strict=True):
        text.set_parse_math(False)  # a dollar in a key is a dollar
        text.set_text(key)
