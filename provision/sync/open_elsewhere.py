"""Who has a note open in Zeppelin's page. Zeppelin has no locks: the page saves an edit over what was written."""

import time
from collections.abc import Collection
from contextlib import suppress

from provision.errors import ConflictError
from provision.sync.guarded_write import called
from provision.waiting import wait_until
from zeppelin_sdk import (
    Event,
    Note,
    NoteFollower,
    OthersPresent,
    ParagraphChanged,
    ZeppelinClient,
    ZeppelinError,
)

_PATIENCE = 5.0  # seconds for the server to send the note
_SINCE = (0, 9)  # the first Zeppelin that tells
TYPING_MOST = 60.0  # seconds to wait for somebody to stop typing
_PAUSE = 5.0  # seconds without a key that count as a stop
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


def hear_pages(
    client: ZeppelinClient, note: Note, seconds: float, replaced: Collection[str] = (), *, most: float = TYPING_MOST
) -> None:
    """Have the note open for so many seconds, so that its pages send what is typed in them.

    A page saves 10 s after the last key. From 0.9 on it sends every key at once while the note is open elsewhere too
    (`sendPatch` in both pages), as here: somebody who does not stop typing is heard as well. A pause in the paragraphs
    `replaced` (ids) is waited for then: when a page gets a new text its cursor jumps to the beginning, and what is
    typed on goes before the line that names the interpreter. Without a websocket it is a wait.

    Raises `ConflictError` when after `most` seconds more somebody still types in one of them.
    """
    typing, end = _Typing(note, replaced), time.monotonic() + seconds
    with suppress(ZeppelinError), client.follow(note.id, reconnect=True) as follower:
        while (until := min(max(end, typing.pause), end + most)) > time.monotonic():
            typing.hear(follower.read(until - time.monotonic()))
    time.sleep(max(0.0, end - time.monotonic()))
    if typing.pause > time.monotonic():
        raise ConflictError(
            f"{note.path}: somebody goes on typing in {typing.where}, which would be replaced; nothing was written",
            next_step="apply again when they have stopped",
        )


class _Typing:
    """Where somebody has last typed of the paragraphs that will be replaced, and when that counts as over."""

    def __init__(self, note: Note, replaced: Collection[str]) -> None:
        self._texts = {paragraph.id: paragraph.text for paragraph in note.paragraphs if paragraph.id in replaced}
        self.where, self.pause = "", 0.0

    def hear(self, event: Event | None) -> None:
        if not isinstance(event, ParagraphChanged):
            return
        paragraph = event.paragraph
        if self._texts.get(paragraph.id, paragraph.text) != paragraph.text:
            self._texts[paragraph.id] = paragraph.text
            self.where, self.pause = called(paragraph), time.monotonic() + _PAUSE


def _others(follower: NoteFollower) -> OthersPresent | None:
    """Who else has the note open; None before the server has sent the note, or told that somebody has."""
    event = follower.read(_POLL)
    if isinstance(event, OthersPresent) and event.present:
        return event
    return OthersPresent(False, frozenset()) if follower.note is not None else None
