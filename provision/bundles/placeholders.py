"""The places of a template, `{{ name | filter }}`: where they are, whether they are right, what fills them."""

import re
from collections.abc import Collection, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from provision.bundles.connection import CONNECTION_NAMES
from provision.bundles.literals import FILTERS
from provision.errors import UsageError

COMPUTED = CONNECTION_NAMES | {"clean_session", "dependencies", "journal", "out_prefix", "out_sentence"}
"""The names that a template may use beside its bundle's parameters: `render` makes their values."""

BRACES = "{{ braces }}"
"""Stands in a template for two opening braces, where text that is to stay as it is would look like a place."""

_PLACE = re.compile(r"\{\{ *(?P<name>\w+) *\| *(?P<filter>\w+) *\}\}")
_PIECE = re.compile(rf"{re.escape(BRACES)}|{_PLACE.pattern}")
_LIKE_A_PLACE = re.compile(r"\{\{[^{}\n]*\}\}")


def check_places(text: str, file: Path, names: Collection[str]) -> None:
    """Raise `UsageError`, with file and line, for a place without a filter or with an unknown name or filter."""
    for found in _LIKE_A_PLACE.finditer(text):
        if found[0] == BRACES:
            continue
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


@dataclass(frozen=True)
class Piece:
    """A part of a filled template: `text` as it stands in the paragraph, and the `place` that it fills, if one."""

    text: str = field(repr=False)
    place: str = ""
    name: str = ""


def fill_places(text: str, file: Path, values: Mapping[str, Any]) -> str:
    """The checked template's text with its values; raises `UsageError` for a value that a filter can't write."""
    return "".join(piece.text for piece in filled_pieces(text, file, values))


def filled_pieces(text: str, file: Path, values: Mapping[str, Any]) -> list[Piece]:
    """The same, piece by piece."""
    pieces, done = [], 0
    for found in _PIECE.finditer(text):
        pieces.append(Piece(text[done : found.start()]))
        pieces.append(Piece("{{") if found[0] == BRACES else _filled(found, file, values))
        done = found.end()
    return [*pieces, Piece(text[done:])]


def _filled(place: re.Match[str], file: Path, values: Mapping[str, Any]) -> Piece:
    try:
        return Piece(FILTERS[place["filter"]](values[place["name"]]), place[0], place["name"])
    except TypeError as error:
        raise UsageError(f"{file}: {place[0]}: {error}", next_step="take another filter") from error


def escaped(text: str) -> str:
    """`text` as it has to stand in a template to come out unchanged."""
    return _LIKE_A_PLACE.sub(lambda found: BRACES + found[0][2:], text)


def _listed(names: Collection[str]) -> str:
    return ", ".join(sorted(names))
