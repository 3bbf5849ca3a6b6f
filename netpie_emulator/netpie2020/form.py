"""A form with objects and arrays in it, as jQuery and PHP write them."""

import re
from typing import Any
from urllib.parse import parse_qsl

_NAME = re.compile(r"([^\[\]]+)((?:\[[^\[\]]*\])*)")
MAX_STEPS = 20


def nested(form: str) -> dict[str, Any]:
    """Return a form's fields, `a[b][]=1&a[b][]=2` as `{"a": {"b": ["1", "2"]}}`; those of other names are left out."""
    found: dict[str, Any] = {}
    for name, value in parse_qsl(form):
        match = _NAME.fullmatch(name)
        steps = [match[1], *re.findall(r"\[([^\]]*)\]", match[2])] if match else []
        if 0 < len(steps) <= MAX_STEPS:
            _put(found, steps, value)
    return {name: _with_arrays(value) for name, value in found.items()}


def _put(where: dict[str, Any], steps: list[str], value: str) -> None:
    for step in steps[:-1]:
        inner = where.setdefault(step or str(len(where)), {})
        if not isinstance(inner, dict):
            return
        where = inner
    where[steps[-1] or str(len(where))] = value


def _with_arrays(value: Any) -> Any:
    if not isinstance(value, dict):
        return value
    inner = {name: _with_arrays(one) for name, one in value.items()}
    return list(inner.values()) if all(name.isdigit() for name in inner) else inner
