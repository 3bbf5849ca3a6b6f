"""Plots the result of `stream --save`: the time of a slide over the rate, ours and the document's code, as an SVG."""

import json
import math
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from bench.batches import SHARE
from provision.errors import ProvisionError

RESULTS = Path(__file__).parent / "results"
WIDTH, HEIGHT, LEFT, BOTTOM, TOP, RIGHT = 720, 400, 60, 50, 20, 40
NAMES = {
    "structured": ("#1f4e9c", "structured"),
    "structured-3.5": ("#6f9bd8", "structured on Spark 3.5"),
    "ours": ("#0b6e4f", "streaming"),
    "baseline": ("#b3541e", "the document's code"),
    "pathway": ("#7a3e9d", "Pathway"),
    "pathway-kept": ("#b48ac8", "Pathway with persistence"),
}


def measure() -> dict[str, Any]:
    """Write results/stream.svg from results/stream.json; the file's path as `plot`."""
    file = RESULTS / "stream.json"
    try:
        result = json.loads(file.read_text(encoding="utf-8"))
    except OSError as error:
        raise ProvisionError(
            f"{file}: {error.strerror}", next_step="run `python -m bench stream --save` first"
        ) from error
    drawing = RESULTS / "stream.svg"
    drawing.write_text(svg(result), encoding="utf-8")
    return {"plot": str(drawing)}


def svg(result: Mapping[str, Any]) -> str:
    """The drawing: rates on a logarithmic axis, a hollow mark where a side fell behind, a line at 80 % of the slide."""
    slide, probes = float(result["slide_s"]), result["probes"]
    points = [probe for side in probes.values() for probe in side]
    low = 10 ** math.floor(math.log10(max(min(probe["rate"] for probe in points), 1)))
    high = 10 ** math.ceil(math.log10(max(probe["rate"] for probe in points) + 1))
    tallest: float = max(slide, *(probe["processing_s"] for probe in points)) * 1.1

    def x(rate: float) -> float:
        return LEFT + (WIDTH - LEFT - RIGHT) * math.log(max(rate, low) / low) / math.log(high / low)

    def y(seconds: float) -> float:
        return HEIGHT - BOTTOM - (HEIGHT - BOTTOM - TOP) * seconds / tallest

    parts = [
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {WIDTH} {HEIGHT}" '
        'font-family="sans-serif" font-size="12">',
        f'<rect width="{WIDTH}" height="{HEIGHT}" fill="white"/>',
        *_axes(low, high, tallest, slide, x, y),
    ]
    drawn = [side for side in NAMES if side in probes]
    for number, side in enumerate(drawn):
        colour, name = NAMES[side]
        parts += _side(probes[side], colour, x, y)
        parts.append(_text(LEFT + 12, HEIGHT - BOTTOM + 4 - 16 * (len(drawn) - number), name, colour, "start"))
    return "\n".join([*parts, "</svg>"]) + "\n"


def _axes(low: float, high: float, tallest: float, slide: float, x: Any, y: Any) -> list[str]:
    parts = [
        f'<path d="M{LEFT} {TOP}V{HEIGHT - BOTTOM}H{WIDTH - RIGHT}" fill="none" stroke="black"/>',
        f'<path d="M{LEFT} {y(SHARE * slide):.1f}H{WIDTH - RIGHT}" stroke="#888" stroke-dasharray="5 4"/>',
        _text(WIDTH - RIGHT, y(SHARE * slide) - 5, f"{SHARE:.0%} of the slide", "#555", "end"),
        _text(WIDTH / 2, HEIGHT - 10, "events/s", "black", "middle"),
        _text(LEFT, TOP - 6, "seconds for a slide", "black", "middle"),
    ]
    rate = low
    while rate <= high:
        parts.append(_text(x(rate), HEIGHT - BOTTOM + 18, f"{rate:,.0f}", "black", "middle"))
        rate *= 10
    step = max(1, math.ceil(tallest / 8))
    parts += [_text(LEFT - 8, y(each) + 4, str(each), "black", "end") for each in range(0, int(tallest) + 1, step)]
    return parts


def _side(probes: Sequence[Mapping[str, Any]], colour: str, x: Any, y: Any) -> list[str]:
    ordered = sorted(probes, key=lambda probe: float(probe["rate"]))
    corners = " ".join(f"{x(probe['rate']):.1f},{y(probe['processing_s']):.1f}" for probe in ordered)
    marks = [
        f'<circle cx="{x(probe["rate"]):.1f}" cy="{y(probe["processing_s"]):.1f}" r="4" stroke="{colour}" '
        f'fill="{colour if probe["kept_up"] else "white"}"/>'
        for probe in ordered
    ]
    return [f'<polyline points="{corners}" fill="none" stroke="{colour}"/>', *marks]


def _text(x: float, y: float, text: str, colour: str, anchor: str) -> str:
    return f'<text x="{x:.1f}" y="{y:.1f}" fill="{colour}" text-anchor="{anchor}">{text}</text>'
