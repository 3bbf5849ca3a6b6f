"""On which line of a TOML file each of its entries stands, which Python's reader does not tell."""

import tomllib
from collections.abc import Iterable, Iterator, Mapping
from functools import cached_property
from typing import Any

Path = tuple[str | int, ...]
"""The keys to an entry; a table of an array by its number from 0: `("paragraphs", 2, "key")`."""


class TomlLines:
    """The lines of a text that `tomllib` has read, found when the first is asked for: only a mistake needs them."""

    def __init__(self, text: str) -> None:
        self._text = text

    def of(self, *path: str | int) -> int:
        """The entry's line, from 1; that of what it stands in where it has none of its own, 0 for the file's."""
        while path and path not in self._lines:
            path = path[:-1]
        return self._lines.get(path, 0)

    @cached_property
    def _lines(self) -> dict[Path, int]:
        lines: dict[Path, int] = {}
        arrays: dict[Path, int] = {}
        table: Path = ()
        for number, statement in _statements(self._text):
            parsed = tomllib.loads(statement)
            paths: Iterable[Path]
            if statement.lstrip().startswith("["):
                table = _heading(parsed, arrays)
                paths = [table]
            else:
                paths = ((*table, *path) for path in _paths(parsed))
            for path in paths:
                for end in range(len(path), 0, -1):
                    lines.setdefault(path[:end], number)
        return lines


def _heading(parsed: Mapping[str, Any], arrays: dict[Path, int]) -> Path:
    """The path of the table that a heading opens; `arrays` has the number of the last table of each array so far."""
    path: Path = ()
    inner: Any = parsed
    while inner:
        if isinstance(inner, list):
            arrays[path] = arrays.get(path, -1) + 1
            inner = inner[0]
            path = (*path, arrays[path])
        else:
            (key, inner) = next(iter(inner.items()))
            path = (*path, key)
            if path in arrays and isinstance(inner, dict):  # a table within the array's last one
                path = (*path, arrays[path])
    return path


def _statements(text: str) -> Iterator[tuple[int, str]]:
    """Each heading and each pair, which may go on over lines, with the number of its first line."""
    statement, start = "", 1
    for number, line in enumerate(text.split("\n"), start=1):
        start = start if statement else number
        statement += f"{line}\n"
        try:
            is_there = bool(tomllib.loads(statement))
        except tomllib.TOMLDecodeError:
            continue  # a value that goes on
        if is_there or statement.lstrip().startswith("["):
            yield start, statement
        statement = ""


def _paths(parsed: Mapping[str, Any], above: Path = ()) -> Iterator[Path]:
    for key, value in parsed.items():
        yield (*above, key)
        if isinstance(value, dict):
            yield from _paths(value, (*above, key))
