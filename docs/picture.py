"""Draws the README's picture of the note, `docs/note.svg`: `python -m docs.picture`.

Titles and texts are the bundle's; windows and chart are what a real run of the note has left in `docs/note.json`.
`python -m docs.picture capture NOTE` first fills that from a note on the server that ZEPPELIN_URL names, after running
the paragraphs "Latest windows" and "Chart" there.
"""

import json
import os
import sys
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from datetime import datetime
from html import escape
from itertools import pairwise
from pathlib import Path
from typing import Any

from provision.bundles.bundle import DEFAULT_BUNDLE, load_bundle
from provision.bundles.event_form import template_values
from provision.bundles.placeholders import filled_pieces, filled_settings
from provision.bundles.render import chosen_templates
from provision.bundles.roles import Role
from provision.bundles.template import Template
from provision.sync.find_note import find_note
from provision.sync.provenance import by_role
from zeppelin_sdk import ServerVersion, ZeppelinClient

DATA = Path(__file__).with_name("note.json")
DRAWING = DATA.with_suffix(".svg")
RUN = (Role.LATEST, Role.CHART)
EDITED = ("query", "output-csv", "columns", "chart")
"""Keys of the paragraphs that the README says to edit."""

WIDTH, MARGIN, LINE = 960, 24, 17
LEFT = 272  # width of the outline
INK, GREY, RULE, ACCENT = "#24292f", "#6e7781", "#d0d7de", "#0969da"
COLOURS = ("#0969da", "#bc4c00", "#1a7f37", "#8250df", "#cf222e", "#6e7781")
SMALL = f'font-size="11" fill="{GREY}"'
MONO = 'font-family="ui-monospace, Menlo, Consolas, DejaVu Sans Mono, monospace" xml:space="preserve"'


# --- what is drawn ---


def capture(name: str) -> dict[str, str]:
    """The note's path, and the output of its paragraphs with a role of `RUN`."""
    with ZeppelinClient(os.environ["ZEPPELIN_URL"]) as client:
        note = find_note(client, name)
        found = by_role(note)
        outputs = {str(role): client.execute_paragraph(note.id, found[role].id).output for role in RUN}
    return {"path": note.path, **outputs}


def paragraphs() -> list[Template]:
    """The note's, as on the embedded stack."""
    bundle = load_bundle(DEFAULT_BUNDLE)
    values = bundle.values({"appid": "DEMO", **bundle.embedded})
    context = {**values, **template_values(values)}
    return [_filled(each, context) for each in chosen_templates(bundle, values, ServerVersion(0, 10, 0))]


def _filled(template: Template, context: Mapping[str, Any]) -> Template:
    if template.role not in (Role.QUERY, Role.CHART):
        return template  # only their titles are drawn
    text = "".join(piece.text for piece in filled_pieces(template.text, template.file, context))
    return replace(template, text=text, config=filled_settings(template.config, context))


# --- the drawing ---


def svg(data: Mapping[str, str], templates: Sequence[Template]) -> str:
    """The picture: the outline on the left; query, latest window and chart on the right."""
    by_role = {each.role: each for each in templates}
    x, width = LEFT + 2 * MARGIN, WIDTH - LEFT - 3 * MARGIN
    parts, y = [], 62
    panels = {
        Role.QUERY: _code(by_role[Role.QUERY].text, x + 12),
        Role.LATEST: _code(last_window(data[Role.LATEST]), x + 12),
        Role.CHART: chart(data[Role.CHART], drawn(by_role[Role.CHART]), x + 12, width - 24),
    }
    for role, (body, height) in panels.items():
        parts += _panel(by_role[role].title, x, y, width, height, body)
        y += height + 58
    height = max(y, 80 + 22 * (len(templates) + 3)) + 4
    return "\n".join([*_page(data["path"], height), *_outline(templates, MARGIN, 80), *parts, "</svg>"]) + "\n"


def drawn(template: Template) -> str:
    """The column that the chart draws."""
    graph: dict[str, Any] = template.config["results"]["0"]["graph"]
    return str(graph["values"][0]["name"])


def _page(path: str, height: int) -> list[str]:
    name = path.strip("/").replace("/", " / ")
    return [
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {WIDTH} {height}" font-family="Helvetica, Arial, '
        f'DejaVu Sans, sans-serif" font-size="13" fill="{INK}">',
        f'<rect x="0.5" y="0.5" width="{WIDTH - 1}" height="{height - 1}" rx="8" fill="white" stroke="{RULE}"/>',
        f'<path d="M0.5 8.5a8 8 0 0 1 8-8H{WIDTH - 8.5}a8 8 0 0 1 8 8V44H0.5z" fill="#f6f8fa" stroke="{RULE}"/>',
        _text(MARGIN, 28, name, 'font-size="16" font-weight="bold"'),
    ]


def _outline(templates: Sequence[Template], x: int, y: int) -> list[str]:
    parts = []
    for template in templates:
        edited = template.key in EDITED
        title = template.title.partition(":")[0] or template.key.capitalize()
        parts += [_dot(x + 5, y, edited), _text(x + 20, y, title, "" if edited else f'fill="{GREY}"')]
        y += 22
    parts.append(f'<path d="M{x} {y - 6}H{x + LEFT}" stroke="{RULE}"/>')
    for edited, words in ((True, "yours to edit first"), (False, "the rest; yours too, if you like")):
        y += 16
        parts += [_dot(x + 5, y, edited), _text(x + 20, y, words, f'font-size="12" fill="{GREY}"')]
        y += 4
    return parts


def _dot(x: int, y: int, filled: bool) -> str:
    return f'<circle cx="{x}" cy="{y - 4}" r="4" fill="{ACCENT if filled else "white"}" stroke="{ACCENT}"/>'


def _panel(title: str, x: int, y: int, width: int, height: int, body: Iterable[str]) -> list[str]:
    return [
        f'<g transform="translate(0 {y})">',
        f'<rect x="{x}" width="{width}" height="{height + 46}" rx="4" fill="none" stroke="{RULE}"/>',
        _text(x + 12, 22, title, 'font-weight="bold"'),
        *body,
        "</g>",
    ]


def _code(text: str, x: int) -> tuple[list[str], int]:
    """Lines of text below a panel's title, and their height."""
    lines = text.splitlines()
    drawn = [_text(x, 46 + LINE * row, line, f'{MONO} font-size="11"') for row, line in enumerate(lines) if line]
    return drawn, LINE * len(lines)


def last_window(output: str) -> str:
    """The last of the windows that the paragraph prints, and the counts below it, without what fills a line up."""
    windows, counts = output.rpartition("\ncounts:")[::2]
    window = "window until" + windows.rpartition("window until")[2]
    lines = [line for line in window.splitlines() if line.strip() and not line.startswith("+")]
    return "\n".join([*lines, "", "counts:" + counts.partition("\n")[0]])


def chart(output: str, column: str, x: int, width: int, height: int = 190) -> tuple[list[str], int]:
    """A line of `column` for each id over the windows' ends, as Zeppelin draws the table, and the chart's height."""
    lines = series(output, column)
    points = [point for line in lines.values() for point in line]
    begin, end = min(at for at, _ in points), max(at for at, _ in points)
    top, bottom, right = 46, 46 + height - 30, x + width - 90

    def place(point: tuple[datetime, float]) -> str:
        across = (point[0] - begin) / (end - begin)
        return f"{x + 28 + across * (right - x - 28):.1f},{bottom - point[1] / 100 * (bottom - top):.1f}"

    parts = []
    for percent in (0, 25, 50, 75, 100):
        y = bottom - percent / 100 * (bottom - top)
        parts.append(f'<path d="M{x + 28} {y:.1f}H{right}" stroke="{RULE}"/>')
        parts.append(_text(x + 22, y + 4, str(percent), f'{SMALL} text-anchor="end"'))
    below = (
        (x + 28, f"{begin:%H:%M:%S}", "start"),
        ((x + 28 + right) / 2, f"{column} by id", "middle"),
        (right, f"{end:%H:%M:%S}", "end"),
    )
    for where, words, anchor in below:
        parts.append(_text(where, bottom + 20, words, f'{SMALL} text-anchor="{anchor}"'))
    labels = _apart([bottom - line[-1][1] / 100 * (bottom - top) for line in lines.values()])
    for (name, line), colour, y in zip(lines.items(), COLOURS, labels, strict=False):
        corners = " ".join(map(place, line))
        parts.append(f'<polyline points="{corners}" fill="none" stroke="{colour}" stroke-width="2"/>')
        parts.append(_text(right + 8, y + 4, name, f'font-size="11" fill="{colour}"'))
    return parts, height


def series(output: str, column: str) -> dict[str, list[tuple[datetime, float]]]:
    """id -> (end of the window, value), from the chart's table."""
    header, *lines = (line.split("\t") for line in output.splitlines() if line.strip())
    when, who, what = (header.index(name) for name in ("window_end", "id", column))
    found: dict[str, list[tuple[datetime, float]]] = {}
    for line in sorted(lines):
        found.setdefault(line[who], []).append((datetime.fromisoformat(line[when]), float(line[what])))
    return dict(sorted(found.items()))


def _apart(places: Sequence[float], least: float = 13.0) -> list[float]:
    """The places, moved down until no two are closer than `least`."""
    order = sorted(range(len(places)), key=places.__getitem__)
    moved = list(places)
    for upper, lower in pairwise(order):
        moved[lower] = max(moved[lower], moved[upper] + least)
    return moved


def _text(x: float, y: float, text: str, style: str = "") -> str:
    return f'<text x="{x:.1f}" y="{y:.1f}"{" " * bool(style)}{style}>{escape(text)}</text>'


if __name__ == "__main__":
    if sys.argv[1:2] == ["capture"]:
        DATA.write_text(json.dumps(capture(sys.argv[2]), indent=1, ensure_ascii=False) + "\n", encoding="utf-8")
    DRAWING.write_text(svg(json.loads(DATA.read_text(encoding="utf-8")), paragraphs()), encoding="utf-8")
