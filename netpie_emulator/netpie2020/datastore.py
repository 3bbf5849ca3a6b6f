"""The data store: points of the devices' fields, and KairosDB queries of them.

It returns at most `limit` raw points over all fields, in ascending order: the newest are cut off, and nothing in the
answer says so. Each field is a result of its own, grouped by `attr` or not: users' programs take them so.
"""

import bisect
import math
from dataclasses import dataclass
from typing import Any

from netpie_emulator.netpie2020.aggregators import Point, QueryError, Value, aggregated, duration, integer
from netpie_emulator.netpie2020.schema import FIELD_NAME

POINT_LIMIT = 100_000


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
        for aggregator in metric.get("aggregators") or []:
            aggregated([], aggregator, span.start)
        raw = self._raw(name, metric, span, now)
        points: dict[str, list[Point]] = {}
        for field, point in raw:
            points.setdefault(field, []).append(point)
        results = [_result(name, field, points[field], metric, span) for field in points]
        return {"sample_size": len(raw), "results": results or [{"name": name, "tags": {}, "values": []}]}

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


def points_in(data: dict[str, Any], inside: str = "") -> list[tuple[str, Value]]:
    """Return the fields that can be stored: numbers and texts under names of letters, digits and `_`.

    A field of an object has the names of both with a dot between.
    """
    found: list[tuple[str, Value]] = []
    for name, value in data.items():
        if not FIELD_NAME.fullmatch(name):
            continue
        if isinstance(value, dict):
            found += points_in(value, f"{inside}{name}.")
        elif isinstance(value, int | float | str):
            found.append((inside + name, int(value) if isinstance(value, bool) else value))
    return found


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
    asked = integer(metric.get("limit") or most, "metrics[].limit")
    if asked < 0:
        raise QueryError("metrics[].limit must be a number greater than 0")
    return min(asked, most)


def _moment(content: dict[str, Any], which: str, now: int, default: int | None) -> int:
    if f"{which}_absolute" in content:
        return integer(content[f"{which}_absolute"], f"{which}_absolute")
    if f"{which}_relative" in content:
        return now - duration(content[f"{which}_relative"], f"{which}_relative")
    if default is None:
        raise QueryError(f"{which}_absolute or {which}_relative must be set")
    return default


def _result(name: str, field: str, points: list[Point], metric: dict[str, Any], span: _Span) -> dict[str, Any]:
    values = sorted(points, key=lambda point: point[0], reverse=_newest_first(metric))
    for aggregator in metric.get("aggregators") or []:
        values = aggregated(values, aggregator, span.start)
    by_attr = [{"name": "tag", "tags": ["attr"], "group": {"attr": field}}]
    groups = {"group_by": by_attr} if metric.get("group_by") else {}
    tags = {} if metric.get("exclude_tags") in (True, "true") else {"attr": [field]}
    return {"name": name, **groups, "tags": tags, "values": values}
