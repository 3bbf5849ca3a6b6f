"""Does the writes of an apply or an undo one by one, none to a paragraph that somebody has changed in the meantime.

Zeppelin has no locks, so a paragraph is read again right before it is written.
"""

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any, Protocol, TypeVar

from provision.errors import ConflictError
from provision.sync.plan import Content
from provision.sync.provenance import MARK, Mark, digest, provenance
from zeppelin_sdk import NoteExistsError, NotFoundError, Paragraph, ZeppelinClient

ATTEMPTS = 5
"""How often a note is planned when somebody changes it while it is written."""

_Done = TypeVar("_Done")


class Meanwhile(Exception):  # noqa: N818 - no failure: it leads to another plan
    """Somebody has changed the note since it was read: `what` tells the change."""

    def __init__(self, what: str) -> None:
        super().__init__(what)
        self.what = what


def plan_again(path: str, attempt: Callable[[], _Done]) -> _Done:
    """What `attempt` returns, called again when somebody has changed the note; `ConflictError` after `ATTEMPTS`."""
    what = ""
    for _ in range(ATTEMPTS):
        try:
            return attempt()
        except Meanwhile as change:
            what = change.what
        except (NotFoundError, NoteExistsError) as error:
            what = error.message
    raise ConflictError(
        f"{path}: somebody keeps changing it ({what})",
        next_step="their edits stay, and a part may have been written; run it again when they are done",
    )


@dataclass(frozen=True)
class NewId:
    """The id, not known yet, of the paragraph that an earlier `Add` of this key makes."""

    key: str


Id = str | NewId


@dataclass(frozen=True)
class SetConfig:
    """Sets config that a person does not see, without a check before it; `quiet`: open pages need not have it."""

    paragraph: Id
    config: Mapping[str, Any]
    quiet: bool = False


@dataclass(frozen=True)
class Move:
    """Moves a paragraph to another index."""

    paragraph: str
    index: int


@dataclass(frozen=True)
class Add:
    """Adds a paragraph."""

    key: str
    text: str = field(repr=False)
    title: str
    config: Mapping[str, Any]
    index: int


@dataclass(frozen=True)
class SetContent:
    """Brings a paragraph from `live` to `after`, and sets its `marks`."""

    key: str
    live: Paragraph
    after: Content
    marks: Mapping[str, Any]


@dataclass(frozen=True)
class Delete:
    """Deletes a paragraph."""

    key: str
    live: Paragraph


Write = SetConfig | Move | Add | SetContent | Delete


def carry_out(
    client: ZeppelinClient, note_id: str, writes: Iterable[Write], *, open_in_page: bool = False
) -> Iterator[str]:
    """Do the writes in order; yields the key of each `Add`, `SetContent` and `Delete` when it is done.

    With `open_in_page` config is brought into open pages too, by `refresh_pages`.

    Raises `Meanwhile` instead of writing to a paragraph that somebody has changed.
    """
    added: dict[str, str] = {}
    refresh = refresh_pages if open_in_page else _leave_pages
    for write in writes:
        match write:
            case SetConfig(paragraph, config, quiet):
                paragraph_id = added[paragraph.key] if isinstance(paragraph, NewId) else paragraph
                client.update_paragraph_config(note_id, paragraph_id, config)
                if not quiet:
                    refresh(client, note_id, paragraph_id)
            case Move(paragraph_id, index):
                client.move_paragraph(note_id, paragraph_id, index)
            case Add(key):
                added[key] = _add(client, note_id, write, refresh)
                _check_no_double(client, note_id, write, added[key])
                yield key
            case SetContent(key):
                if _set_content(client, note_id, write):
                    refresh(client, note_id, write.live.id)
                yield key
            case Delete(key, live):
                _check_untouched(client, note_id, live, provenance(live).config or ())
                client.delete_paragraph(note_id, live.id)
                yield key


def _add(client: ZeppelinClient, note_id: str, write: Add, refresh: Callable[[ZeppelinClient, str, str], None]) -> str:
    """Add a paragraph and return its id.

    Zeppelin logs what a paragraph is added with (`NotebookRestApi.insertParagraph`), and not what one is updated with:
    a text that holds a secret comes second, and after that its mark. Cut off in between, the paragraph is one of an
    older version to the next apply.
    """
    mark = Mark.from_config(write.config.get(MARK))
    if not mark.secret:
        return client.add_paragraph(
            note_id, text=write.text, title=write.title, index=write.index, config=write.config
        )  # fmt: skip
    config = {**write.config, MARK: replace(mark, sha256=digest("")).to_config()}
    added = client.add_paragraph(note_id, text="", title=write.title, index=write.index, config=config)
    client.update_paragraph(note_id, added, text=write.text, title=write.title)
    client.update_paragraph_config(note_id, added, {MARK: mark.to_config()})
    refresh(client, note_id, added)
    return added


def _check_no_double(client: ZeppelinClient, note_id: str, write: Add, added: str) -> None:
    """Take an added paragraph away and raise `Meanwhile` if another machine's apply has brought the same one.

    Of two that add at once, both see both: the one that stands first stays.
    """
    key = Mark.from_config(write.config.get(MARK)).key
    now = client.get_note(note_id)
    first = next((each.id for each in now.paragraphs if key and provenance(each).key == key), added)
    if first != added:
        mine = now.paragraph(added)
        if mine is not None and digest(mine.text) == digest(write.text):
            client.delete_paragraph(note_id, added)
        raise Meanwhile(f"{write.title!r} was added by another apply")


def refresh_pages(client: ZeppelinClient, note_id: str, paragraph_id: str) -> None:
    """Write a paragraph's text once more as it is, so that open pages get its config.

    The server tells pages of a new text, with the config as it then is, but not of a new config; and a page sends the
    config that it has with its next save and run (`NotebookRestApi.updateParagraph`, `updateParagraphConfig`).
    """
    now = client.get_paragraph(note_id, paragraph_id)
    if not now.status.is_active:  # the server tells pages of its end, with its config
        client.update_paragraph(note_id, paragraph_id, text=now.text)


def _leave_pages(_client: ZeppelinClient, _note_id: str, _paragraph_id: str) -> None:
    """What stands for `refresh_pages` where no page is open."""


def _set_content(client: ZeppelinClient, note_id: str, write: SetContent) -> bool:
    """Text and title first, then settings and marks in one call; returns whether there were any of these."""
    live, after = write.live, write.after
    changes_text, settings = after.changes_text_of(live), after.changed_config(live)
    if changes_text or settings:
        _check_untouched(client, note_id, live, settings, may_run=not changes_text)
    if changes_text:
        client.update_paragraph(note_id, live.id, text=after.text, title=after.title)
    config = {**settings, **{k: v for k, v in write.marks.items() if live.config.get(k) != v}}
    if config:
        client.update_paragraph_config(note_id, live.id, config)
    return bool(config)


def _check_untouched(
    client: ZeppelinClient, note_id: str, live: Paragraph, settings: Iterable[str], *, may_run: bool = False
) -> None:
    """Raise `Meanwhile` when the paragraph's text, title or one of `settings` has changed, or it runs."""
    now = client.get_paragraph(note_id, live.id)
    is_set = any(now.config.get(name) != live.config.get(name) for name in settings)
    if is_set or digest(now.text) != digest(live.text) or now.title != live.title:
        raise Meanwhile(f"{called(live)} was edited")
    if now.status.is_active and not may_run:
        raise Meanwhile(f"{called(live)} runs")


def called(paragraph: Paragraph) -> str:
    """A paragraph's title, or its id where it has none."""
    return repr(paragraph.title) if paragraph.title else f"paragraph {paragraph.id}"


class HasKey(Protocol):
    """A line of a plan or of an undo."""

    @property
    def key(self) -> str:
        """The paragraph's key."""


_Line = TypeVar("_Line", bound=HasKey)


def with_done(lines: Sequence[_Line], done: Mapping[str, _Line]) -> tuple[_Line, ...]:
    """The lines of the last attempt, as they were when done; then the lines that only earlier attempts had."""
    last = {line.key for line in lines}
    return (*(done.get(line.key, line) for line in lines), *(done[key] for key in done if key not in last))
