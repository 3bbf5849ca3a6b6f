"""Zeppelin's own revisions as a means of undoing, where the server keeps them: another machine has no record."""

from contextlib import suppress
from dataclasses import replace

from provision.plan import base_is_secret, base_text, by_key, origin, provenance
from provision.records import APPLY, Record, Saved
from zeppelin_sdk import Note, Paragraph, Revision, ZeppelinClient, ZeppelinError

MESSAGE = "before provision apply"
UNDONE = "provision undo"
SINCE = (0, 11)
"""The first server whose REST API has revisions."""


def keep_revision(client: ZeppelinClient, note_id: str, message: str = MESSAGE) -> None:
    """Save a revision where the server has the call; one that keeps none, or fails to, hinders nothing."""
    if client.version() >= SINCE:
        with suppress(ZeppelinError):
            client.checkpoint_note(note_id, message)


def record_from_revision(client: ZeppelinClient, live: Note) -> Record | None:
    """What the last apply did, read from the revision before it and from the bases in the note; None without one."""
    if client.version() < SINCE:
        return None
    found = _last_apply(client.list_revisions(live.id))
    if found is None:
        return None
    there, noted = by_key(live), origin(live)
    was = client.get_revision(live.id, found.id)
    before = tuple(map(Saved.of, by_key(was).values()))
    order = [key for key in noted.get("order", ()) if key in there]
    after = tuple(_applied(there[key]) for key in [*order, *(key for key in there if key not in order)])
    ids = tuple(paragraph.id for paragraph in was.paragraphs)
    return Record(APPLY, live.path, live.id, str(noted.get("bundle", "")), before, after, ids, done=True)


def _last_apply(revisions: list[Revision]) -> Revision | None:
    """The revision before the last apply, unless an undo has followed."""
    ours = (revision for revision in revisions if revision.message.strip() in (MESSAGE, UNDONE))
    last = next(ours, None)
    return last if last is not None and last.message.strip() == MESSAGE else None


def _applied(live: Paragraph) -> Saved:
    """A paragraph as the last apply left it."""
    mark = provenance(live)
    text = None if base_is_secret(live) else base_text(live)
    config = {**live.config, **mark.get("config", {})}
    return replace(Saved.of(live), title=str(mark.get("title", live.title)), text=text, config=config)
