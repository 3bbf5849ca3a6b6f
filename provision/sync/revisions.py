"""Zeppelin's own revisions as a means of undoing, where the server keeps them: another machine has no record."""

from contextlib import suppress
from dataclasses import replace

from provision.sync.provenance import BEFORE, base_is_secret, base_text, by_key, origin, provenance
from provision.sync.undo_records import APPLY, Record, Saved
from zeppelin_sdk import Note, NotFoundError, Paragraph, ServerError, ZeppelinClient, ZeppelinError

MESSAGE = "before provision apply"
UNDONE = "provision undo"
SINCE = (0, 11)
"""The first server whose REST API has revisions."""


def keep_revision(client: ZeppelinClient, note_id: str, message: str = MESSAGE) -> str:
    """The id of a revision of the note as it is: a new one, or the last where nothing has changed since.

    Empty where the server has not the call. One that keeps no revisions, or fails to, hinders nothing.
    """
    if client.version() >= SINCE:
        with suppress(ZeppelinError):
            kept = client.checkpoint_note(note_id, message)
            return kept or next((revision.id for revision in client.list_revisions(note_id)), "")
    return ""


def noted_revision(note: Note) -> str:
    """The id of the revision before the last apply, as that has noted it in the note; empty where there is none."""
    noted = (paragraph.config.get(BEFORE) for paragraph in by_key(note).values())
    return next((str(each["revision"]) for each in noted if isinstance(each, dict) and each.get("revision")), "")


def record_from_revision(client: ZeppelinClient, live: Note) -> Record | None:
    """What the last apply did, read from the revision before it and from the bases in the note; None without one."""
    revision = noted_revision(live)
    if not revision:
        return None
    try:
        was = client.get_revision(live.id, revision)
    except (NotFoundError, ServerError):
        return None
    there, noted = by_key(live), origin(live)
    before = tuple(map(Saved.of, by_key(was).values()))
    order = [key for key in noted.order if key in there]
    after = tuple(_applied(there[key]) for key in [*order, *(key for key in there if key not in order)])
    ids = tuple(paragraph.id for paragraph in was.paragraphs)
    bundle = noted.bundle
    return Record(APPLY, live.path, live.id, bundle, before, after, ids, done=True, revision=revision)


def _applied(live: Paragraph) -> Saved:
    """A paragraph as the last apply left it."""
    mark = provenance(live)
    text = None if base_is_secret(live) else base_text(live)
    config = {**live.config, **(mark.config or {})}
    return replace(Saved.of(live), title=live.title if mark.title is None else mark.title, text=text, config=config)
