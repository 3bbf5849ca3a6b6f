"""A template's language: places, `{{ name | filter }}`, optional lines after `{{ when name = value }}`, and settings
that are a value as it is, `"{{ name }}"`.
"""

import re
from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from provision.bundles.conditions import Condition, holds
from provision.bundles.literals import FILTERS
from provision.errors import UsageError

BRACES = "{{ braces }}"
"""Stands in a template for two opening braces, where text that is to stay as it is would look like a place."""

_PLACE = re.compile(r"\{\{ *(?P<name>\w+) *\| *(?P<filter>\w+) *\}\}")
_PIECE = re.compile(rf"{re.escape(BRACES)}|{_PLACE.pattern}")
_SETTING = re.compile(r"\{\{ *(?P<name>\w+) *\}\}")
_WHEN = re.compile(r"\{\{ *when +(?P<name>\w+) *= *(?P<values>[\w.-]+(?: *, *[\w.-]+)*) *\}\}")
_LIKE_A_PLACE = re.compile(r"\{\{[^{}\n]*\}\}")
_LINE = re.compile(r"[^\n]*\n|[^\n]+")


def check_places(text: str, file: Path, names: Collection[str]) -> None:
    """Raise `UsageError`, with file and line, for what looks like a place or a condition and is none.

    What a condition asks is not looked at: see `line_conditions`.
    """
    for found in _LIKE_A_PLACE.finditer(text):
        if found[0] == BRACES:
            continue
        where = f"{_where(file, text, found.start())}: {found[0]}"
        if _WHEN.fullmatch(found[0]):
            if text[: found.start()].rpartition("\n")[2]:
                raise UsageError(f"{where} does not stand at the start of its line", next_step="move it there")
            continue
        place = _PLACE.fullmatch(found[0])
        if not place:
            raise UsageError(
                f"{where} is no {{{{ name | filter }}}}, nor {{{{ when name = value }}}}",
                next_step=f"filters: {_listed(FILTERS)}",
            )
        if place["name"] not in names:
            raise UsageError(f"{where}: no value {place['name']!r}", next_step=f"it can be {_listed(names)}")
        if place["filter"] not in FILTERS:
            raise UsageError(f"{where}: no filter {place['filter']!r}", next_step=f"filters: {_listed(FILTERS)}")


def _where(file: Path, text: str, at: int) -> str:
    return f"{file}:{text.count(chr(10), 0, at) + 1}"


def line_conditions(text: str, file: Path) -> Iterator[tuple[str, Condition]]:
    """The conditions of a template's optional lines, each with where it stands."""
    for found in _WHEN.finditer(text):
        yield f"{_where(file, text, found.start())}: {found[0]}", _condition(found)


def _condition(found: re.Match[str]) -> Condition:
    return {found["name"]: [value.strip() for value in found["values"].split(",")]}


def place_names(text: str) -> set[str]:
    """The names of the values that a template takes."""
    return {place["name"] for place in _PLACE.finditer(text)}


@dataclass(frozen=True)
class Piece:
    """A part of a filled template: `text` as it stands in the paragraph, and the `place` that it fills, if one.

    An optional line has a piece for its condition, without text; one that is left out is in that piece whole.
    """

    text: str = field(repr=False)
    place: str = ""
    name: str = ""

    @property
    def is_condition(self) -> bool:
        return self.name.startswith("{{")


def filled_pieces(text: str, file: Path, values: Mapping[str, Any]) -> list[Piece]:
    """The checked template with its values; raises `UsageError` for a value that a filter can't write."""
    pieces: list[Piece] = []
    for line in _LINE.findall(text):
        optional = _WHEN.match(line)
        if optional is None:
            pieces += _filled_line(line, file, values)
        elif holds(_condition(optional), values):
            pieces += [Piece("", optional[0], optional[0]), *_filled_line(line[optional.end() :], file, values)]
        else:
            pieces.append(Piece("", line, optional[0]))
    return pieces


def _filled_line(line: str, file: Path, values: Mapping[str, Any]) -> Iterator[Piece]:
    done = 0
    for found in _PIECE.finditer(line):
        yield Piece(line[done : found.start()])
        yield Piece("{{") if found[0] == BRACES else _filled(found, file, values)
        done = found.end()
    yield Piece(line[done:])


def _filled(place: re.Match[str], file: Path, values: Mapping[str, Any]) -> Piece:
    if place["name"] not in values:
        raise UsageError(
            f"{file}: {place[0]}: there is no {place['name']} where this note's events come from",
            next_step="take another bundle, or make that line optional: docs/bundles.md has how",
        )
    try:
        return Piece(FILTERS[place["filter"]].literal(values[place["name"]]), place[0], place["name"])
    except TypeError as error:
        raise UsageError(f"{file}: {place[0]}: {error}", next_step="take another filter") from error


def filled_settings(settings: Any, values: Mapping[str, Any]) -> Any:
    """A paragraph's settings, with the value itself for each text that is nothing but `{{ name }}`."""
    match settings:
        case Mapping():
            return {key: filled_settings(each, values) for key, each in settings.items()}
        case list():
            return [filled_settings(each, values) for each in settings]
        case str() if place := _SETTING.fullmatch(settings):
            return values[place["name"]]
    return settings


def setting_names(settings: Any) -> set[str]:
    """The names of the values that a paragraph's settings take."""
    match settings:
        case Mapping():
            return set().union(*map(setting_names, settings.values()))
        case list():
            return set().union(*map(setting_names, settings))
        case str() if place := _SETTING.fullmatch(settings):
            return {place["name"]}
    return set()


def escaped(text: str) -> str:
    """`text` as it has to stand in a template to come out unchanged."""
    return _LIKE_A_PLACE.sub(lambda found: BRACES + found[0][2:], text)


def _listed(names: Collection[str]) -> str:
    return ", ".join(sorted(names))
