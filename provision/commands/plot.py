"""`provision plot`: windows as a picture, in the terminal or in a file."""

import math
from contextlib import closing
from pathlib import Path

import click

from provision.console import Console
from provision.drawing.chart import Chart, chart_of
from provision.drawing.image import check_image, write_image
from provision.drawing.terminal_chart import terminal_charts
from provision.errors import UsageError
from provision.live.history import History, shown_windows_of
from provision.options.duration import Duration
from provision.options.output import json_option
from provision.options.server import ServerOptions, server_options
from provision.streams.tidy_files import read_folders, read_tidy
from provision.sync.find_note import find_note

MOST_WINDOWS = 100_000
"""More than eleven days of ten-second windows."""
PLAIN_WIDTH = 100
"""Columns where there is no terminal."""


@click.command()
@click.argument("source", metavar="NOTE|PATH")
@click.option(
    "--out",
    type=click.Path(dir_okay=False, path_type=Path),
    help="Write a picture, .png or .svg (the extra `plot`).  [default: draw it in the terminal]",
)
@click.option("--measure", "measures", multiple=True, metavar="NAME", help="Only this column; repeatable.")
@click.option("--key", "keys", multiple=True, metavar="KEY", help="Only the rows of this key; repeatable.")
@click.option("--last", type=Duration(), metavar="DURATION", help="Only the last 90s, 15m, 2h.  [default: all]")
@click.option("--columns", metavar="NAME,…", help="What the columns are called, for files without a header.")
@server_options
@json_option
@click.pass_obj
def plot(
    console: Console,
    server: ServerOptions,
    source: str,
    out: Path | None,
    measures: tuple[str, ...],
    keys: tuple[str, ...],
    last: float | None,
    columns: str | None,
) -> None:
    """Draw averages over time: a chart for each measure, a line for each key.

    PATH is a CSV or Parquet file, or a folder of them: a dataset with a header and a column `window_end`, or the
    folders `avg-…` that the document's note writes (name their columns with --columns). Where there is no such path,
    it is a NOTE: its id, its path, its name or the first words of that; drawn are the windows that it shows.

    Columns of numbers are measures, but for one that is called as a key is (`id`, `host`, `device_id`).

    \b
    provision plot "APPID metrics"
    provision plot /tmp/averages --measure "avg(cpu)" --last 2h --out cpu.png
    provision plot /tmp/out --columns ts,id,loadavg,cpu,mem
    """
    if out:
        check_image(out)
    title, history = _of_files(Path(source), columns) if Path(source).exists() else _of_note(server, source, columns)
    chart = chart_of(title, history, measures=measures, keys=keys, span=math.inf if last is None else last)
    if out:
        write_image(chart, out, console.shown)
    answer = {
        "file": str(out) if out else None,
        "measures": [
            {
                "measure": lines.measure,
                "ends": list(lines.ends),
                "lines": {line.key: list(line.values) for line in lines.lines},
            }
            for lines in chart.measures
        ],
    }
    console.result(answer, str(out) if out else None)
    if not out and not console.as_json:
        draw(console, chart)


def draw(console: Console, chart: Chart, *, small: bool = False) -> None:
    """Print the chart, in the terminal's colours if it has any."""
    is_terminal = console.out.is_terminal
    width = console.out.width if is_terminal else PLAIN_WIDTH
    colours = is_terminal and console.out.color_system is not None
    console.out.print(terminal_charts(chart, console.shown, width=width, colours=colours, small=small), width=width)


def _of_files(path: Path, columns: str | None) -> tuple[str, History]:
    names = tuple(name.strip() for name in columns.split(",")) if columns else ()
    history = History(MOST_WINDOWS)
    history.add(read_folders(path, names) or read_tidy(path))
    return path.name or str(path), history


def _of_note(server: ServerOptions, source: str, columns: str | None) -> tuple[str, History]:
    if columns:
        raise UsageError("--columns is for files", next_step="leave it out, or name a file or folder that is there")
    if "/" in source and source.endswith((".csv", ".parquet")):
        raise UsageError(f"{source}: no such file", next_step="name one that is there, or a note")
    with closing(server.connect_running()) as client:
        note = find_note(client, source)
    history = History(MOST_WINDOWS)
    for paragraph in note.paragraphs:
        history.add(shown_windows_of(paragraph))
    return note.path.removeprefix("/"), history
