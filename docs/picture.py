"""Draws the README's picture of the note, `docs/note.svg`, from what a run of the note has left in `docs/note.json`.

`python -m docs.picture` draws it. `python -m docs.picture capture NOTE` first fills `note.json` from a note on the
server that ZEPPELIN_URL names, after running its paragraphs "Latest windows" and "Chart" there.
"""

import json
import os
import sys
from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime
from html import escape
from itertools import pairwise
from pathlib import Path
from typing import Any

from provision.sync.find_note import find_note
from zeppelin_sdk import Note, Paragraph, ZeppelinClient

DATA = Path(__file__).with_name("note.json")
DRAWING = DATA.with_suffix(".svg")
RUN = ("latest", "chart")
WHOLE = ("query", *RUN)
"""Keys of the paragraphs that are drawn whole; the others are in the outline only."""
EDITED = ("query", "outputs", "columns", "chart")
"""Keys of the paragraphs that the README says to edit."""
DRAWN = "avg(cpu)"

WIDTH, MARGIN, LINE = 960, 24, 17
LEFT = 272  # width of the outline
INK, GREY, RULE, ACCENT = "#24292f", "#6e7781", "#d0d7de", "#0969da"
COLOURS = ("#0969da", "#bc4c00", "#1a7f37", "#8250df", "#cf222e", "#6e7781")
SMALL = f'font-size="11" fill="{GREY}"'
MONO = 'font-family="ui-monospace, Menlo, Consolas, DejaVu Sans Mono, monospace" xml:space="preserve"'


# --- what a run has left ---


def capture(name: str) -> dict[str, Any]:
    """The note's path and paragraphs; text and output of those that are drawn whole."""
    with ZeppelinClient(os.environ["ZEPPELIN_URL"]) as client:
        note = find_note(client, name)
        for paragraph in note.paragraphs:
            if _key(paragraph) in RUN:
                client.execute_paragraph(note.id, paragraph.id)
        return left_by(client.get_note(note.id))


def left_by(note: Note) -> dict[str, Any]:
    """What the picture is made of."""
    return {"path": note.path, "paragraphs": [_kept(paragraph) for paragraph in note.paragraphs]}


def _kept(paragraph: Paragraph) -> dict[str, Any]:
    kept = {"key": _key(paragraph), "title": paragraph.title, "status": str(paragraph.status)}
    whole = {"text": paragraph.text, "output": paragraph.output} if _key(paragraph) in WHOLE else {}
    return {**kept, **whole}


def _key(paragraph: Paragraph) -> str:
    return str(paragraph.config.get("provision", {}).get("key", ""))


# --- the drawing ---


def svg(data: Mapping[str, Any]) -> str:
    """The picture: the outline on the left; query, latest window and chart on the right."""
    by_key = {each["key"]: each for each in data["paragraphs"]}
    x, width = LEFT + 2 * MARGIN, WIDTH - LEFT - 3 * MARGIN
    parts, y = [], 62
    panels = (
        (by_key["query"], _code(by_key["query"]["text"], x + 12)),
        (by_key["latest"], _code(last_window(by_key["latest"]["output"]), x + 12)),
        (by_key["chart"], chart(by_key["chart"]["output"], x + 12, width - 24)),
    )
    for paragraph, (body, height) in panels:
        parts += _panel(paragraph, x, y, width, height, body)
        y += height + 58
    outline = _outline(data["paragraphs"], MARGIN, 80)
    height = max(y, 80 + 22 * (len(data["paragraphs"]) + 3)) + 4
    return "\n".join([*_page(data["path"], height), *outline, *parts, "</svg>"]) + "\n"


def _page(path: str, height: int) -> list[str]:
    name = path.strip("/").replace("/", " / ")
    return [
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {WIDTH} {height}" font-family="Helvetica, Arial, '
        f'DejaVu Sans, sans-serif" font-size="13" fill="{INK}">',
        f'<rect x="0.5" y="0.5" width="{WIDTH - 1}" height="{height - 1}" rx="8" fill="white" stroke="{RULE}"/>',
        f'<path d="M0.5 8.5a8 8 0 0 1 8-8H{WIDTH - 8.5}a8 8 0 0 1 8 8V44H0.5z" fill="#f6f8fa" stroke="{RULE}"/>',
        _text(MARGIN, 28, name, 'font-size="16" font-weight="bold"'),
    ]


def _outline(paragraphs: Sequence[Mapping[str, str]], x: int, y: int) -> list[str]:
    parts = []
    for paragraph in paragraphs:
        edited = paragraph["key"] in EDITED
        parts += [_dot(x + 5, y, edited), _text(x + 20, y, _short(paragraph), "" if edited else f'fill="{GREY}"')]
        y += 22
    parts.append(f'<path d="M{x} {y - 6}H{x + LEFT}" stroke="{RULE}"/>')
    for edited, words in ((True, "yours to edit first"), (False, "the rest; yours too, if you like")):
        y += 16
        parts += [_dot(x + 5, y, edited), _text(x + 20, y, words, f'font-size="12" fill="{GREY}"')]
        y += 4
    return parts


def _short(paragraph: Mapping[str, str]) -> str:
    return paragraph["title"].partition(":")[0] or paragraph["key"].capitalize()


def _dot(x: int, y: int, filled: bool) -> str:
    return f'<circle cx="{x}" cy="{y - 4}" r="4" fill="{ACCENT if filled else "white"}" stroke="{ACCENT}"/>'


def _panel(paragraph: Mapping[str, str], x: int, y: int, width: int, height: int, body: Iterable[str]) -> list[str]:
    return [
        f'<g transform="translate(0 {y})">',
        f'<rect x="{x}" width="{width}" height="{height + 46}" rx="4" fill="none" stroke="{RULE}"/>',
        _text(x + 12, 22, paragraph["title"], 'font-weight="bold"'),
        _text(x + width - 12, 22, paragraph["status"], f'{SMALL} text-anchor="end"'),
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


def chart(output: str, x: int, width: int, height: int = 190) -> tuple[list[str], int]:
    """Lines of `DRAWN` by id over the windows' ends, as Zeppelin draws the table, and their height."""
    lines = series(output)
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
        ((x + 28 + right) / 2, f"{DRAWN} by id", "middle"),
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


def series(output: str) -> dict[str, list[tuple[datetime, float]]]:
    """id -> (end of the window, value), from the chart's table."""
    header, *lines = (line.split("\t") for line in output.splitlines() if line.strip())
    when, who, what = (header.index(name) for name in ("window_end", "id", DRAWN))
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
    DRAWING.write_text(svg(json.loads(DATA.read_text(encoding="utf-8"))), encoding="utf-8")
