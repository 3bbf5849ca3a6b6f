"""Who has a note open in Zeppelin's page. Zeppelin has no locks: the page saves an edit over what was written."""

import time
from contextlib import suppress

from provision.waiting import wait_until
from zeppelin_sdk import NoteFollower, OthersPresent, ZeppelinClient, ZeppelinError

_PATIENCE = 5.0  # seconds for the server to send the note
_SINCE = (0, 9)  # the first Zeppelin that tells
_POLL = 0.1  # seconds; the arrival of a note without paragraphs is no event
_NOBODY = "anonymous"  # the user of a server without users


def open_elsewhere(client: ZeppelinClient, note_id: str) -> str | None:
    """Who has the note open ("in Zeppelin's page by ann, bob"); empty if nobody has, None if the server does not tell.

    It tells from 0.9 on, for the note and not for its paragraphs (`NotebookServer`, COLLABORATIVE_MODE_STATUS), unless
    `zeppelin.notebook.collaborative.mode.enable` is off. Whoever opens the note is told before the note is sent.
    """
    with suppress(ZeppelinError), client.follow(note_id) as follower:
        told = wait_until(lambda: _others(follower), _PATIENCE, every=0)
        if told is not None and not told.present and client.get_version() >= _SINCE:
            return ""
        if told is not None and told.present:
            users = ", ".join(sorted(told.users - {_NOBODY}))
            return f"in Zeppelin's page by {users}" if users else "in Zeppelin's page"
    return None


def hear_pages(client: ZeppelinClient, note_id: str, seconds: float) -> None:
    """Have the note open for so many seconds, so that its pages send what is typed in them.

    A page saves 10 s after the last key. From 0.9 on it sends every key at once while the note is open elsewhere too
    (`sendPatch` in both pages), as here: somebody who does not stop typing is heard as well. Without a websocket it is
    a wait.
    """
    deadline = time.monotonic() + seconds
    with suppress(ZeppelinError), client.follow(note_id, reconnect=True) as follower:
        while (left := deadline - time.monotonic()) > 0:
            follower.read(left)
    time.sleep(max(0.0, deadline - time.monotonic()))


def _others(follower: NoteFollower) -> OthersPresent | None:
    """Who else has the note open; None before the server has sent the note, or told that somebody has."""
    event = follower.read(_POLL)
    if isinstance(event, OthersPresent) and event.present:
        return event
    return OthersPresent(False, frozenset()) if follower.note is not None else None
