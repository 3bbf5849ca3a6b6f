"""Finds a note by what a person calls it: its id, its path, the end of its path, or the first words of that."""

import re
from collections.abc import Iterable
from typing import TypeVar

from provision.errors import UsageError
from zeppelin_sdk import Note, ZeppelinClient

_Note = TypeVar("_Note")


def find_note(client: ZeppelinClient, name: str) -> Note:
    """The server's note that `name` names; raises `UsageError` when there is none, or more than one."""
    notes = [note for note in client.list_notes() if not note.path.startswith("/~Trash")]
    found = pick(name, ((note.id, note.path, note) for note in notes))
    if found is not None:
        return client.get_note(found.id)
    known = ", ".join(note.path for note in notes[:5]) or "none"
    raise UsageError(f"no note {name!r} on {client.url}", next_step=f"notes there: {known}")


def pick(name: str, notes: Iterable[tuple[str, str, _Note]]) -> _Note | None:
    """The one of `notes`, each an id, a path and what stands for it, that `name` names; None when there is none.

    That is an id, a path, the last parts of a path, or else the first words of these: "MyApp metrics" is
    "/NETPIE/MyApp metrics csv". Raises `UsageError` when it names more than one.
    """
    wanted = f"/{name.lstrip('/')}"
    every = [(note_id, f"/{path.lstrip('/')}", note) for note_id, path, note in notes]
    found = [each for each in every if name == each[0] or wanted == each[1]]
    found = found or [each for each in every if each[1].endswith(wanted)]
    found = found or [each for each in every if re.search(rf"{re.escape(wanted)} [^/]*$", each[1])]
    if len(found) > 1:
        paths = ", ".join(path for _, path, _ in found)
        raise UsageError(f"more than one note is called {name!r}: {paths}", next_step="give one whole path")
    return found[0][2] if found else None
