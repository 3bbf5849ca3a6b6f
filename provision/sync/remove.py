"""Deletes a provisioned note, and the credential entries that only it names; `undo` brings the note back."""

import re
from collections.abc import Callable, Iterable, Mapping
from contextlib import suppress
from dataclasses import dataclass

from provision.bundles.literals.stored import entities_in
from provision.sync.known_secrets import named
from provision.sync.note_lock import note_lock
from provision.sync.provenance import base_text, by_key, is_edited, is_empty, origin
from provision.sync.seen_secrets import without_seen
from provision.sync.undo_records import REMOVE, Record, Records, Saved
from zeppelin_sdk import Credential, Note, NoteNotFoundError, NotFoundError, Paragraph, ZeppelinClient

_OF_A_NOTE = re.compile(r"(netpie-\w+)-[0-9a-f]{8}((?:-mqtt)?)")
"""An entry of one note. Older versions had one for all notes of an application, without the digits."""


@dataclass(frozen=True)
class Removed:
    """What a removal deleted: `edited` are titles of paragraphs of a person's own, `entities` credential entries."""

    path: str
    edited: tuple[str, ...]
    entities: tuple[str, ...]


def hand_made(note: Note) -> tuple[str, ...]:
    """The titles of the paragraphs that a person has edited or added."""
    ours = {paragraph.id for paragraph in by_key(note).values()}
    theirs = [p for p in note.paragraphs if (is_edited(p) if p.id in ours else not is_empty(p))]
    return tuple(p.title or without_seen(p.text.strip().partition("\n")[0])[:40] for p in theirs)


def remove_note(
    client: ZeppelinClient,
    note: Note,
    records: Records,
    names: Mapping[str, str] | None = None,
    waiting: Callable[[], None] = lambda: None,
) -> Removed:
    """Record the note, then delete it and the credential entries that no other note names.

    Of texts with one of `names`, secrets by name, in them, the name is kept. The entries go first: once the note is
    gone nothing tells which they were. `waiting` is called while another command of this machine writes to the note.
    """
    with note_lock(client.url, origin(note).site.get("path") or note.path, waiting):
        return _remove(client, client.get_note(note.id), records, names)


def _remove(client: ZeppelinClient, note: Note, records: Records, names: Mapping[str, str] | None) -> Removed:
    edited = hand_made(note)
    named = _own_entities(client, note)
    stored = {entry.entity: entry for entry in client.list_credentials()} if named else {}
    entities = tuple(entity for entity in named if entity in stored)
    secrets = [secret for entity in entities for secret in (stored[entity].user, stored[entity].password)]
    names = _with_own(dict(names or {}), [stored[entity] for entity in entities])
    earlier = records.find(note.path)
    begun = earlier is not None and earlier.what == REMOVE and not earlier.done and earlier.note_id == note.id
    if not begun:
        before = tuple(Saved.of(paragraph, [*secrets, *names.values()], names) for paragraph in note.paragraphs)
        records.save(Record(REMOVE, note.path, note.id, origin(note).bundle, before, (), run=records.run))
    for entity in entities:
        with suppress(NotFoundError):
            client.delete_credential(entity)
    delete_quietly(client, note.id)
    records.finish(note.path, note.id)
    return Removed(note.path, edited, entities)


def _with_own(names: dict[str, str], entries: Iterable[Credential]) -> dict[str, str]:
    """`names`, in which the secrets of the note's own entries have the names by which an apply knows them."""
    for entry in entries:
        for name, value in named(entry).items():
            old = next((each for each in names if names[each] == value), "")
            if value and (not old or old == f"{name} of {entry.entity}"):
                names.pop(old, None)
                names[f"{name} of {entry.entity}" if name in names else name] = value
    return names


def delete_quietly(client: ZeppelinClient, note_id: str) -> None:
    """Delete a note's paragraphs, then the note: with a whole note the server restarts its paragraphs' interpreters."""
    for paragraph in client.get_note(note_id).paragraphs:
        client.delete_paragraph(note_id, paragraph.id)
    client.delete_note(note_id)


def _own_entities(client: ZeppelinClient, note: Note) -> tuple[str, ...]:
    """The credential entries that this note names, or that an older version made for it, and that no other names."""
    ours = named_entities(note.paragraphs)
    ours |= {"".join(match.groups()) for match in map(_OF_A_NOTE.fullmatch, ours) if match}
    for other in client.list_notes() if ours else ():
        if other.id != note.id:
            with suppress(NoteNotFoundError):
                ours -= named_entities(client.get_note(other.id).paragraphs)
    return tuple(sorted(ours))


def named_entities(paragraphs: Iterable[Paragraph]) -> set[str]:
    """The entries of the credential store that the paragraphs name, or named as an apply wrote them."""
    return {entity for p in paragraphs for text in (p.text, base_text(p) or "") for entity in entities_in(text)}
