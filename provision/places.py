"""The places of a template, `{{ name | filter }}`: where they are, whether they are right, what fills them."""

import re
from collections.abc import Collection, Mapping
from pathlib import Path
from typing import Any

from provision.errors import UsageError
from provision.literals import FILTERS

COMPUTED = frozenset(
    {
        "appkey",
        "broker_url",
        "client_id",
        "dependencies",
        "hmac_key",
        "mqtt_topic",
        "out_prefix",
        "out_sentence",
        "password",
        "username",
    }
)
"""The names that a template may use beside its bundle's parameters: `render` makes their values."""

_PLACE = re.compile(r"\{\{ *(?P<name>\w+) *\| *(?P<filter>\w+) *\}\}")
_LIKE_A_PLACE = re.compile(r"\{\{[^{}\n]*\}\}")


def check_places(text: str, file: Path, names: Collection[str]) -> None:
    """Raise `UsageError`, with file and line, for a place without a filter or with an unknown name or filter."""
    for found in _LIKE_A_PLACE.finditer(text):
        where = f"{file}:{text.count(chr(10), 0, found.start()) + 1}: {found[0]}"
        place = _PLACE.fullmatch(found[0])
        if not place:
            raise UsageError(f"{where} is no {{{{ name | filter }}}}", next_step=f"filters: {_listed(FILTERS)}")
        if place["name"] not in names:
            raise UsageError(f"{where}: no value {place['name']!r}", next_step=f"it can be {_listed(names)}")
        if place["filter"] not in FILTERS:
            raise UsageError(f"{where}: no filter {place['filter']!r}", next_step=f"filters: {_listed(FILTERS)}")


def place_names(text: str) -> set[str]:
    """The names of the values that a template takes."""
    return {place["name"] for place in _PLACE.finditer(text)}


def fill_places(text: str, file: Path, values: Mapping[str, Any]) -> str:
    """The checked template's text with its values; raises `UsageError` for a value that a filter can't write."""

    def fill(place: re.Match[str]) -> str:
        try:
            return FILTERS[place["filter"]](values[place["name"]])
        except TypeError as error:
            raise UsageError(f"{file}: {place[0]}: {error}", next_step="take another filter") from error

    return _PLACE.sub(fill, text)


def _listed(names: Collection[str]) -> str:
    return ", ".join(sorted(names))
