"""A device's schema: coerces and transforms what is written to its shadow, and silently drops what does not fit.

The documents have no default values and no required fields; nor has this.
"""

import json
import math
import re
import sys
from collections.abc import Callable
from typing import Any

from netpie_emulator.netpie2020.expressions import ExpressionError, evaluate

UNITS = {"ms": 1, "s": 1000, "m": 60_000, "h": 3_600_000, "d": 86_400_000, "y": 31_536_000_000}
MAX_NUMBER = sys.float_info.max
FIELD_NAME = re.compile(r"[A-Za-z0-9_]+")


class _Unfit(Exception):
    """A value can't become what the schema wants."""


def coerced(data: dict[str, Any], schema: dict[str, Any] | None) -> dict[str, Any]:
    """Return the fields of `data` that `schema` lets in, each as the type it names; without a schema, all of them.

    `null` deletes a field, whatever its type.
    """
    if not schema:
        return data
    properties = schema.get("properties") or {}
    others = schema.get("additionalProperties", True) is not False
    kept: dict[str, Any] = {}
    for name, value in data.items():
        if not FIELD_NAME.fullmatch(name) or (name not in properties and not others):
            continue
        try:
            kept[name] = _fitted(value, properties.get(name) or {})
        except _Unfit:
            continue
    return kept


def transformed(data: dict[str, Any], schema: dict[str, Any] | None) -> dict[str, Any]:
    """Return `data` with each field as its `operation.transform.expression` makes it.

    `$` is `data` as it came. A field whose expression has no value for it is dropped.
    """
    kept = dict(data)
    for name, value in data.items():
        expression = _expression(schema, name)
        if value is None or expression is None:
            continue
        try:
            kept[name] = evaluate(expression, {"$": data})
        except ExpressionError:
            del kept[name]
    return kept


def expressions_for(data: dict[str, Any], schema: dict[str, Any] | None) -> int:
    """Return how many expressions a write of `data` runs."""
    return sum(value is not None and _expression(schema, name) is not None for name, value in data.items())


def time_to_live(schema: dict[str, Any] | None, name: str) -> int | None:
    """Return for how many milliseconds a field's points are kept; 0 for not at all, None where nothing is said.

    A field that the schema names is stored only with a `ttl`: a count of ms, s, m, h, d or y, of ms without a unit.
    `name` is that of a point: a field within an object, `a.b`, has its own, or is the schema's object's.
    """
    path = [step for part in name.split(".") for step in ("properties", part)]
    if not isinstance(_inside(schema, *path[:2]), dict):
        return None
    ttl = ("operation", "store", "ttl")
    said = _inside(schema, *path, *ttl) or _inside(schema, *path[:2], *ttl)
    match = re.fullmatch(r"([0-9]{1,15})(ms|[smhdy])?", str(said))
    return int(match[1]) * UNITS[match[2] or "ms"] if match else 0


def _inside(content: Any, *path: str) -> Any:
    for key in path:
        content = content.get(key) if isinstance(content, dict) else None
    return content


def _expression(schema: dict[str, Any] | None, name: str) -> str | None:
    expression = _inside(schema, "properties", name, "operation", "transform", "expression")
    return expression if isinstance(expression, str) else None


def _fitted(value: Any, rule: dict[str, Any]) -> Any:
    if value is None:
        return None
    convert = _CONVERSIONS.get(str(rule.get("type")))
    fitted = convert(value) if convert else value
    if isinstance(fitted, int | float) and not isinstance(fitted, bool):
        low, high = rule.get("minimum", -math.inf), rule.get("maximum", math.inf)
        if not low <= fitted <= high:
            raise _Unfit
    return coerced(fitted, rule) if isinstance(fitted, dict) and "properties" in rule else fitted


def _number(value: Any) -> int | float:
    if isinstance(value, bool):
        return int(value)
    if isinstance(value, str):
        value = _spelled(value)
    if not isinstance(value, int | float) or not -MAX_NUMBER <= value <= MAX_NUMBER:
        raise _Unfit
    return value


def _spelled(text: str) -> int | float:
    if not text.isascii() or "_" in text:  # which Python takes
        raise _Unfit
    for kind in (int, float):
        try:
            return kind(text)
        except ValueError:
            continue
    raise _Unfit


def _string(value: Any) -> str:
    if isinstance(value, float) and value.is_integer():
        value = int(value)  # the platform's JavaScript writes 2.0 as 2
    return value if isinstance(value, str) else json.dumps(value, separators=(",", ":"), ensure_ascii=False)


def _boolean(value: Any) -> bool:
    if isinstance(value, bool):
        return value
    known = {"true": True, "false": False, "1": True, "0": False}
    said = str(value).lower() if isinstance(value, str | int) else ""
    if said not in known:
        raise _Unfit
    return known[said]


def _of(kind: type) -> Callable[[Any], Any]:
    def same(value: Any) -> Any:
        if not isinstance(value, kind):
            raise _Unfit
        return value

    return same


_CONVERSIONS: dict[str, Callable[[Any], Any]] = {
    "number": _number,
    "string": _string,
    "boolean": _boolean,
    "array": _of(list),
    "object": _of(dict),
}
