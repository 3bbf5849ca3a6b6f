"""The data store: points of the devices' fields, and KairosDB queries of them.

It returns at most `limit` raw points over all fields, in ascending order: the newest are cut off, and nothing in the
answer says so.
"""

import bisect
import math
import statistics
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from netpie_emulator.netpie2020.schema import FIELD_NAME

POINT_LIMIT = 100_000
UNITS = {
    "milliseconds": 1, "seconds": 1000, "minutes": 60_000, "hours": 3_600_000, "days": 86_400_000,
    "weeks": 604_800_000, "months": 2_592_000_000, "years": 31_536_000_000,
}  # fmt: skip
Value = int | float | str
Point = tuple[int, Value]
AGGREGATORS: dict[str, Callable[[list[Any]], Any]] = {
    "avg": lambda values: sum(values) / len(values),
    "sum": sum,
    "min": min,
    "max": max,
    "count": len,
    "dev": statistics.pstdev,
    "first": lambda values: values[0],
    "last": lambda values: values[-1],
}


class QueryError(Exception):
    """A query that is not understood; the text says what."""


@dataclass(frozen=True)
class _Span:
    start: int
    end: int


@dataclass(frozen=True)
class _Stored:
    timestamp: int
    value: Value
    expires: float  # epoch ms


class DataStore:
    """Points by client id and field, each list in ascending order of time."""

    def __init__(self, limit: int = POINT_LIMIT) -> None:
        self.limit = limit
        self._points: dict[str, dict[str, list[_Stored]]] = {}

    def add(self, client_id: str, field: str, timestamp: int, value: Value, expires: int | None = None) -> None:
        """Add a point; one of the same time is replaced, as KairosDB does. It is gone from `expires` on."""
        points = self._points.setdefault(client_id, {}).setdefault(field, [])
        place = bisect.bisect_left(points, timestamp, key=lambda stored: stored.timestamp)
        stored = _Stored(timestamp, value, math.inf if expires is None else expires)
        if place < len(points) and points[place].timestamp == timestamp:
            points[place] = stored
        else:
            points.insert(place, stored)

    def query(self, content: object, now: int) -> dict[str, Any]:
        """Return the answer to a KairosDB query.

        Raises: QueryError.
        """
        if not isinstance(content, dict) or not isinstance(content.get("metrics"), list) or not content["metrics"]:
            raise QueryError("metrics[] must have a size of at least 1")
        span = _Span(_moment(content, "start", now, None), _moment(content, "end", now, now))
        return {"queries": [self._metric(metric, span, now) for metric in content["metrics"]]}

    def _metric(self, metric: object, span: _Span, now: int) -> dict[str, Any]:
        if not isinstance(metric, dict) or not isinstance(metric.get("name"), str):
            raise QueryError("metrics[].name may not be empty")
        name = metric["name"]
        raw = self._raw(name, metric, span, now)
        groups = metric.get("group_by") or []
        by_attr = any(isinstance(group, dict) and "attr" in (group.get("tags") or []) for group in groups)
        fields = list(dict.fromkeys(field for field, _ in raw))
        split = [[field] for field in fields] if by_attr else [fields]
        results = [
            _result(name, chosen, [point for field, point in raw if field in chosen], metric, span, by_attr)
            for chosen in split or [[]]
        ]
        return {"sample_size": len(raw), "results": results}

    def _raw(self, name: str, metric: dict[str, Any], span: _Span, now: int) -> list[tuple[str, Point]]:
        """Return the points by field, the fields in the order of the query; what is over the limit is cut off."""
        known, wanted = self._points.get(name, {}), _attributes(metric)
        fields = wanted if wanted is not None else sorted(known)
        found = [
            (field, (stored.timestamp, stored.value))
            for field in fields
            for stored in known.get(field, ())
            if span.start <= stored.timestamp <= span.end and now < stored.expires
        ]
        order = {field: place for place, field in enumerate(fields)}
        kept = sorted(found, key=lambda entry: entry[1][0], reverse=_newest_first(metric))
        return sorted(kept[: _limit(metric, self.limit)], key=lambda entry: order[entry[0]])


def points_in(data: dict[str, Any]) -> list[tuple[str, Value]]:
    """Return the fields that can be stored: numbers and texts under names of letters, digits and `_`."""
    return [
        (name, int(value) if isinstance(value, bool) else value)
        for name, value in data.items()
        if isinstance(value, int | float | str) and FIELD_NAME.fullmatch(name)
    ]


def metric_names(content: object) -> set[str]:
    """Return the names of the metrics that a query asks for."""
    metrics = content.get("metrics") if isinstance(content, dict) else None
    return {str(one.get("name")) for one in metrics or [] if isinstance(one, dict)}


def _attributes(metric: dict[str, Any]) -> list[str] | None:
    tags = metric.get("tags")
    if isinstance(tags, dict) and set(tags) - {"attr"}:
        return []  # points here have no other tag
    attributes = tags.get("attr") if isinstance(tags, dict) else None
    if attributes is None:
        return None
    return [attributes] if isinstance(attributes, str) else list(dict.fromkeys(map(str, attributes)))


def _newest_first(metric: dict[str, Any]) -> bool:
    order = metric.get("order", "asc")
    if order not in ("asc", "desc", "des"):
        raise QueryError("metrics[].order must be asc or desc")
    return bool(order != "asc")


def _limit(metric: dict[str, Any], most: int) -> int:
    asked = metric.get("limit") or most
    if isinstance(asked, bool) or not isinstance(asked, int) or asked < 0:
        raise QueryError("metrics[].limit must be a number greater than 0")
    return min(asked, most)


def _moment(content: dict[str, Any], which: str, now: int, default: int | None) -> int:
    if f"{which}_absolute" in content:
        return _integer(content[f"{which}_absolute"], f"{which}_absolute")
    if f"{which}_relative" in content:
        return now - _duration(content[f"{which}_relative"], f"{which}_relative")
    if default is None:
        raise QueryError(f"{which}_absolute or {which}_relative must be set")
    return default


def _duration(content: object, where: str) -> int:
    if not isinstance(content, dict) or content.get("unit") not in UNITS:
        raise QueryError(f"{where}.unit must be one of {', '.join(UNITS)}")
    count = _integer(content.get("value"), f"{where}.value")
    if count <= 0:
        raise QueryError(f"{where}.value must be greater than 0")
    return count * UNITS[content["unit"]]


def _integer(value: object, where: str) -> int:
    try:
        return int(value)  # type: ignore[call-overload, no-any-return]
    except (TypeError, ValueError, OverflowError):
        raise QueryError(f"{where} must be a number") from None


def _result(
    name: str, fields: list[str], points: list[Point], metric: dict[str, Any], span: _Span, by_attr: bool
) -> dict[str, Any]:
    values = sorted(points, key=lambda point: point[0], reverse=_newest_first(metric))
    for aggregator in metric.get("aggregators") or []:
        values = _aggregated(values, aggregator, span)
    tags = {"attr": fields} if fields and not metric.get("exclude_tags") else {}
    result: dict[str, Any] = {"name": name, "tags": tags, "values": values}
    if by_attr and fields:
        result["group_by"] = [{"name": "tag", "tags": ["attr"], "group": {"attr": fields[0]}}]
    return result


def _aggregated(points: list[Point], aggregator: object, span: _Span) -> list[Point]:
    if not isinstance(aggregator, dict) or aggregator.get("name") not in AGGREGATORS:
        raise QueryError(f"aggregators[].name must be one of {', '.join(AGGREGATORS)}")
    step = _duration(aggregator.get("sampling"), "aggregators[].sampling")
    buckets: dict[int, list[Point]] = {}
    for point in points:
        buckets.setdefault((point[0] - span.start) // step, []).append(point)
    combine = AGGREGATORS[aggregator["name"]]
    try:
        return [(bucket[0][0], combine([value for _, value in bucket])) for bucket in buckets.values()]
    except (TypeError, OverflowError):
        raise QueryError(f"{aggregator['name']} needs numbers") from None
