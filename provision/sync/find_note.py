"""Finding a note on a server by what a person calls it."""

from provision.errors import UsageError
from zeppelin_sdk import Note, ZeppelinClient


def find_note(client: ZeppelinClient, name: str) -> Note:
    """The note with this id, path, or end of a path that no other note has; raises `UsageError`."""
    notes = [note for note in client.list_notes() if not note.path.startswith("/~Trash")]
    wanted = name if name.startswith("/") else f"/{name}"
    found = [note for note in notes if name == note.id or wanted == note.path]
    found = found or [note for note in notes if note.path.endswith(wanted)]
    if len(found) == 1:
        return client.get_note(found[0].id)
    if found:
        paths = ", ".join(note.path for note in found)
        raise UsageError(f"more than one note ends in {name!r}: {paths}", next_step="give one whole path")
    known = ", ".join(note.path for note in notes[:5]) or "none"
    raise UsageError(f"no note {name!r} on {client.url}", next_step=f"notes there: {known}")
