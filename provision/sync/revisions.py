"""Undo from Zeppelin's own revisions, where the server keeps them: for an apply that another machine recorded."""

from contextlib import suppress
from dataclasses import replace

from provision.sync.provenance import BEFORE, base_is_secret, base_text, by_key, origin, provenance
from provision.sync.undo_records import APPLY, Record, Saved
from zeppelin_sdk import Note, NotFoundError, Paragraph, ServerError, ZeppelinClient, ZeppelinError

BEFORE_APPLY, AFTER_UNDO = "before provision apply", "provision undo"
_SINCE = (0, 11)  # the first Zeppelin whose REST API has revisions


def keep_revision(client: ZeppelinClient, note_id: str, message: str = BEFORE_APPLY) -> str:
    """Make a revision of the note and return its id; the last one's where nothing has changed since.

    Best effort: empty where the server keeps no revisions, or fails to.
    """
    if client.get_version() >= _SINCE:
        with suppress(ZeppelinError):
            kept = client.checkpoint_note(note_id, message)
            return kept or next((revision.id for revision in client.list_revisions(note_id)), "")
    return ""


def noted_revision(note: Note) -> str:
    """The id of the revision before the last apply, which that noted in the note; empty without one."""
    noted = (paragraph.config.get(BEFORE) for paragraph in by_key(note).values())
    return next((str(each["revision"]) for each in noted if isinstance(each, dict) and each.get("revision")), "")


def record_from_revision(client: ZeppelinClient, live: Note) -> Record | None:
    """What the last apply did, from the revision before it and the bases in the note; None without a revision."""
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
    return Record(APPLY, live.path, live.id, noted.bundle, before, after, ids, done=True, revision=revision)


def _applied(live: Paragraph) -> Saved:
    """A paragraph as the last apply left it."""
    mark = provenance(live)
    text = None if base_is_secret(live) else base_text(live)
    config = {**live.config, **(mark.config or {})}
    return replace(Saved.of(live), title=live.title if mark.title is None else mark.title, text=text, config=config)
