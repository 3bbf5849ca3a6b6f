"""The bundle of a class for which none is named: that of its notes on the server, else one that the server can run."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from provision.bundles.bundle import load_bundle
from provision.classroom.outcome import Outcome
from provision.classroom.roster import Person, columns_of, read_people
from provision.classroom.rows import Row, class_rows
from provision.classroom.show import told_anyway
from provision.console import Console
from provision.embedded.stack import Stack
from provision.options.note import NoteOptions
from provision.options.usual_bundle import runnable_bundle, usual_bundles
from zeppelin_sdk import ZeppelinClient


@dataclass(frozen=True)
class ReadClass:
    """A class file as a bundle has it: its people, the rows that can be written, the failures of those that can't.

    `options` have the bundle as that of new notes.
    """

    options: NoteOptions
    people: list[Person]
    rows: list[Row]
    refused: list[Outcome]


def read_class(
    console: Console, file: Path, options: NoteOptions, embedded: Stack | None, *, planning: bool = False
) -> ReadClass:
    """The class with its bundle; the server is asked where there is something to choose. Raises `UsageError`."""
    usual = bundles_of_class(options.bundle, options.pairs, file)
    read = {usual[0]: _read(file, usual[0], options, embedded, planning=planning)}
    first = read[usual[0]]
    if len(usual) == 1 or not first.rows:
        return first
    read |= {name: _read(file, name, options, embedded, planning=planning) for name in usual[1:]}
    with told_anyway(console, first.refused), options.server.connect_running() as client:
        name = _bundle(client, read, options)
        name = name or runnable_bundle(client, usual, embedded, console, ask=not planning)[0]
    return read[name]


def bundles_of_class(named: str | None, pairs: Iterable[str], file: Path) -> list[str]:
    """The bundles that a class may have, by what is named and its columns, for `load_bundle`."""
    return [named] if named else usual_bundles(pairs, columns_of(file))


def most_there(ids: Mapping[str, str], paths: Mapping[str, Sequence[str]]) -> str:
    """Of the bundles the one at whose `paths` the most notes are, by their `ids`; the first of several."""
    return max(paths, key=lambda name: sum(bool(ids.get(path)) for path in paths[name]))


def _read(file: Path, name: str, options: NoteOptions, embedded: Stack | None, *, planning: bool) -> ReadClass:
    bundle, options = load_bundle(name), replace(options, usual=name)
    people = read_people(file, bundle)
    return ReadClass(options, people, *class_rows(people, bundle, options, embedded, planning=planning))


def _bundle(client: ZeppelinClient, read: Mapping[str, ReadClass], options: NoteOptions) -> str:
    """The bundle of the class's notes, as the first that is there tells; empty where none is."""
    there = {info.path for info in client.list_notes()}
    for name, each in read.items():
        for row in each.rows:
            asked = replace(options, usual=name).asked(client, row.path) if row.path in there else None
            if asked and asked.is_applied:
                return asked.bundle if asked.bundle in read else name
    return ""
