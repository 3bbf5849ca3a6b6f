"""Who has a note open in Zeppelin's page: Zeppelin has no lock, and an edit that is not saved yet goes over a write."""

from contextlib import suppress

from zeppelin_sdk import OthersPresent, ZeppelinClient, ZeppelinError

_PATIENCE = 5.0  # seconds for the server to send the note
_NOBODY = "anonymous"  # the user of a server without users


def open_elsewhere(client: ZeppelinClient, note_id: str) -> str | None:
    """Who has the note open ("in Zeppelin's page by ann, bob"); None where nobody has, or the server does not tell.

    It tells from 0.9 on, of the note and not of its paragraphs (`NotebookServer`, COLLABORATIVE_MODE_STATUS), unless
    `zeppelin.notebook.collaborative.mode.enable` is off, and to who opens the note, ahead of the note itself.
    """
    with suppress(ZeppelinError), client.follow(note_id) as follower:
        while (event := follower.read(_PATIENCE)) is not None:
            if isinstance(event, OthersPresent) and event.present:
                users = ", ".join(sorted(event.users - {_NOBODY}))
                return f"in Zeppelin's page by {users}" if users else "in Zeppelin's page"
            if follower.note is not None:
                break
    return None
