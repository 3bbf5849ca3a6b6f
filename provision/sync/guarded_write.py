"""What an apply and an undo have in common: a paragraph is written only as long as nobody has touched it meanwhile.

Zeppelin has no lock: a paragraph is read once more right before it is written.
"""

from collections.abc import Callable, Iterable, Mapping
from typing import Any, TypeVar

from provision.errors import ConflictError
from provision.sync.plan import Content
from provision.sync.provenance import digest, provenance
from zeppelin_sdk import NoteExistsError, NotFoundError, Paragraph, ZeppelinClient

ATTEMPTS = 5
"""How often a note that changes while it is written is planned anew."""

_Done = TypeVar("_Done")


class Meanwhile(Exception):  # noqa: N818 - no failure: it leads to another plan
    """Somebody has changed the note since it was read; `what` says what."""

    def __init__(self, what: str) -> None:
        super().__init__(what)
        self.what = what


def plan_again(path: str, attempt: Callable[[], _Done]) -> _Done:
    """What `attempt` returns, called anew when the note has changed meanwhile; in the end that is a conflict."""
    what = ""
    for _ in range(ATTEMPTS):
        try:
            return attempt()
        except Meanwhile as change:
            what = change.what
        except (NotFoundError, NoteExistsError) as error:
            what = error.message
    raise ConflictError(
        f"{path}: somebody changes it all the time ({what})",
        next_step="their edits stay, and a part may have been written; run it again when they are done",
    )


def check_untouched(
    client: ZeppelinClient, note_id: str, live: Paragraph, settings: Iterable[str], *, may_run: bool = False
) -> None:
    """Raise `Meanwhile` when a paragraph's text, title or one of `settings` is not what it was, or it runs."""
    now = client.get_paragraph(note_id, live.id)
    is_set = any(now.config.get(name) != live.config.get(name) for name in settings)
    if is_set or digest(now.text) != digest(live.text) or now.title != live.title:
        raise Meanwhile(f"{called(live)} was edited")
    if now.status.is_active and not may_run:
        raise Meanwhile(f"{called(live)} runs")


def delete_untouched(client: ZeppelinClient, note_id: str, live: Paragraph) -> None:
    """Delete a paragraph of the bundle's, unless somebody has touched it meanwhile."""
    check_untouched(client, note_id, live, provenance(live).config or ())
    client.delete_paragraph(note_id, live.id)


def write_content(
    client: ZeppelinClient, note_id: str, live: Paragraph, after: Content, marks: Mapping[str, Any]
) -> None:
    """Bring a paragraph to `after`: text and title first, then settings and `marks` in one call."""
    changes_text, settings = after.changes_text_of(live), after.changed_config(live)
    if changes_text or settings:
        check_untouched(client, note_id, live, settings, may_run=not changes_text)
    if changes_text:
        client.update_paragraph(note_id, live.id, text=after.text, title=after.title)
    config = {**settings, **{k: v for k, v in marks.items() if live.config.get(k) != v}}
    if config:
        client.update_paragraph_config(note_id, live.id, config)


def called(paragraph: Paragraph) -> str:
    """A paragraph's title, or what it is known by without one."""
    return repr(paragraph.title) if paragraph.title else f"paragraph {paragraph.id}"
