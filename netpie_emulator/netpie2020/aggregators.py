"""KairosDB's aggregators, as far as NETPIE's documents name them and they need no script.

Source: KairosDB 1.3, REST API, Aggregators. A month has 30 days here, a year 365.
"""

import math
import statistics
from collections.abc import Callable
from typing import Any

Value = int | float | str
Point = tuple[int, Value]
UNITS = {
    "milliseconds": 1, "seconds": 1000, "minutes": 60_000, "hours": 3_600_000, "days": 86_400_000,
    "weeks": 604_800_000, "months": 2_592_000_000, "years": 31_536_000_000,
}  # fmt: skip
_RANGES: dict[str, Callable[[list[Any]], Any]] = {
    "avg": lambda values: sum(values) / len(values),
    "sum": sum,
    "min": min,
    "max": max,
    "count": len,
    "dev": statistics.pstdev,
    "first": lambda values: values[0],
    "last": lambda values: values[-1],
}
_ANY_TYPE = ("count", "first", "last", "trim")


class QueryError(Exception):
    """A query that is not understood; the text says what."""


def aggregated(points: list[Point], aggregator: object, start: int) -> list[Point]:
    """Return the points of a field, aggregated; those that are no numbers as they are if it takes numbers only.

    `start` (epoch ms) is that of the query, where the first range begins. Raises: QueryError.
    """
    name = aggregator.get("name") if isinstance(aggregator, dict) else None
    if not isinstance(aggregator, dict) or name not in (*_RANGES, "percentile", *_POINTWISE):
        known = ", ".join((*_RANGES, "percentile", *_POINTWISE))
        raise QueryError(f"aggregators[].name must be one of {known}")
    of_range = name not in _POINTWISE
    step = duration(aggregator.get("sampling"), "aggregators[].sampling") if of_range else 0
    if name not in _ANY_TYPE and any(isinstance(value, str) for _, value in points):
        return points
    try:
        if not of_range:
            return _POINTWISE[name](points, aggregator)
        combine = _percentile(aggregator) if name == "percentile" else _RANGES[name]
        return _by_range(points, combine, aggregator, step, start)
    except OverflowError:
        raise QueryError(f"{name}: a value is too large") from None


def duration(content: object, where: str) -> int:
    """Return how many ms `{"value": …, "unit": …}` is. Raises: QueryError."""
    unit = str(content.get("unit", "")).lower() if isinstance(content, dict) else ""
    if not isinstance(content, dict) or unit not in UNITS:
        raise QueryError(f"{where}.unit must be one of {', '.join(UNITS)}")
    count = integer(content.get("value"), f"{where}.value")
    if count <= 0:
        raise QueryError(f"{where}.value must be greater than 0")
    return count * UNITS[unit]


def integer(value: object, where: str) -> int:
    """Return a number, which may be written as text. Raises: QueryError."""
    return int(_number(value, where))


def _number(value: object, where: str) -> float:
    try:
        number = float(value)  # type: ignore[arg-type]
        return number if not math.isnan(number) and int(number) != number else int(number)
    except (TypeError, ValueError, OverflowError):
        raise QueryError(f"{where} must be a number") from None


def _by_range(
    points: list[Point], combine: Callable[[list[Any]], Any], aggregator: dict[str, Any], step: int, start: int
) -> list[Point]:
    if _is_set(aggregator, "align_sampling"):
        start -= start % UNITS[str(aggregator["sampling"]["unit"]).lower()]
    ranges: dict[int, list[Point]] = {}
    for point in points:
        ranges.setdefault((point[0] - start) // step, []).append(point)
    told = {
        place: start + place * step if _is_set(aggregator, "align_start_time") else inside[0][0]
        for place, inside in ranges.items()
    }
    return [(told[place], combine([value for _, value in inside])) for place, inside in ranges.items()]


def _percentile(aggregator: dict[str, Any]) -> Callable[[list[Any]], Any]:
    share = _number(aggregator.get("percentile"), "aggregators[].percentile")
    if not 0 < share <= 1:
        raise QueryError("aggregators[].percentile must be greater than 0, and 1 at most")

    def combine(values: list[Any]) -> float:
        place = share * (len(values) + 1)  # as KairosDB: between the two values around it
        ordered = sorted(values)
        below = min(max(int(place), 1), len(ordered))
        above = min(below + 1, len(ordered))
        part = min(max(place - below, 0.0), 1.0)
        return float(ordered[below - 1] + part * (ordered[above - 1] - ordered[below - 1]))

    return combine


def _diff(points: list[Any], _: dict[str, Any]) -> list[Point]:
    return [(later[0], later[1] - earlier[1]) for earlier, later in zip(points, points[1:], strict=False)]


def _rate(points: list[Any], aggregator: dict[str, Any]) -> list[Point]:
    unit = duration({"value": 1, "unit": aggregator.get("unit", "milliseconds")}, "aggregators[]")
    pairs = zip(points, points[1:], strict=False)
    return [(later[0], (later[1] - earlier[1]) / (later[0] - earlier[0]) * unit) for earlier, later in pairs]


def _scale(points: list[Any], aggregator: dict[str, Any]) -> list[Point]:
    factor = _number(aggregator.get("factor"), "aggregators[].factor")
    return [(moment, value * factor) for moment, value in points]


def _div(points: list[Any], aggregator: dict[str, Any]) -> list[Point]:
    divisor = _number(aggregator.get("divisor"), "aggregators[].divisor")
    if divisor == 0:
        raise QueryError("aggregators[].divisor must not be 0")
    return [(moment, value / divisor) for moment, value in points]


def _trim(points: list[Point], aggregator: dict[str, Any]) -> list[Point]:
    ends = {"first": (1, None), "last": (0, -1), "both": (1, -1)}
    if aggregator.get("trim") not in ends:
        raise QueryError("aggregators[].trim must be first, last or both")
    return points[slice(*ends[aggregator["trim"]])]


def _is_set(aggregator: dict[str, Any], name: str) -> bool:
    return aggregator.get(name) in (True, "true")


_POINTWISE: dict[str, Callable[[list[Any], dict[str, Any]], list[Point]]] = {
    "diff": _diff,
    "rate": _rate,
    "scale": _scale,
    "div": _div,
    "trim": _trim,
}
