"""Which note's stream Spark's page shows: notes that share a Spark share its page.

When the tool runs a note, it counts the run in the paragraph that starts the stream. Of the notes with the same page,
the one with the highest count has the stream, unless a person has started one in Zeppelin's page since: that can't be
told. No clock is asked: those of machines differ.
"""

from collections.abc import Iterable, Iterator, Mapping
from contextlib import suppress
from typing import Any

from provision.bundles.roles import Role
from provision.sync.provenance import PAGE, STARTED, by_role
from zeppelin_sdk import Note, Paragraph, ParagraphStatus, ZeppelinClient, ZeppelinError


def next_turn(client: ZeppelinClient, note_id: str, page: str) -> int:
    """The number of a run that starts a stream on `page` now: higher than those of all other notes there."""
    others = _others(client, note_id) if page else ()
    turns = [_turn(paragraph) for _, paragraph in others if paragraph.config[PAGE] == page]
    return 1 + max(turns, default=0)


def later_on_its_page(client: ZeppelinClient, note: Note) -> Note | None:
    """The note that was started last in the Spark that they share; None where that is this one."""
    return later_among(note, (other for other, _ in _others(client, note.id))) if _may_be_another_s(note) else None


def later_among(note: Note, others: Iterable[Note]) -> Note | None:
    """The one of `others` that was started last on the note's page; None where that is the note itself."""
    mine = starting(note)
    if mine is None or not _may_be_another_s(note):
        return None
    latest, turn = None, _turn(mine)
    for other in others:
        theirs = starting(other)
        if theirs and theirs.config[PAGE] == mine.config[PAGE] and _turn(theirs) > turn:
            latest, turn = other, _turn(theirs)
    return latest


def _may_be_another_s(note: Note) -> bool:
    """Whether a stream on the note's page may be that of a note that the tool ran later."""
    mine = starting(note)
    return mine is not None and not mine.status.is_active and not by_hand_since(mine)


def starting(note: Note) -> Paragraph | None:
    """The paragraph that started the note's stream when the tool ran it."""
    return next((p for p in note.paragraphs if p.config.get(PAGE) and noted(p) and _is_of_this_note(note, p)), None)


def driver_page(note: Note) -> str:
    """The driver's page as the note's last run by the tool noted it; empty where none did."""
    pages = (str(p.config[PAGE]) for p in note.paragraphs if p.config.get(PAGE) and _is_of_this_note(note, p))
    return next(pages, "")


def has_started_nothing(note: Note) -> bool:
    """Whether the note's starting paragraph has never run: then a stream in its Spark is another note's."""
    start = by_role(note).get(Role.START)
    return start is not None and start.status is ParagraphStatus.READY and not start.date_started and not starting(note)


def _is_of_this_note(note: Note, paragraph: Paragraph) -> bool:
    """Whether the mark is of a run of this very note.

    A clone or an import of a note has its marks, under the same ids of paragraphs, but not the dates of their runs
    (`Note.addCloneParagraph`). Older versions did not note which note they ran.
    """
    return noted(paragraph).get("note", note.id) == note.id or bool(paragraph.date_started)


def noted(paragraph: Paragraph) -> Mapping[str, Any]:
    """What the tool's last run noted in the paragraph that started the stream; empty without one."""
    value = paragraph.config.get(STARTED)
    return value if isinstance(value, Mapping) else {}


def by_hand_since(paragraph: Paragraph) -> bool:
    """Whether a person has run the starting paragraph since the tool did."""
    finished = noted(paragraph).get("finished")
    return bool(finished) and finished != paragraph.date_finished


def application(paragraph: Paragraph) -> str:
    """The id of the Spark application that this paragraph has started the stream in.

    Empty where that can't be told: for an older version's run, and where the paragraph runs, or a person has run it
    since, maybe in another Spark.
    """
    if paragraph.status.is_active or by_hand_since(paragraph):
        return ""
    return str(noted(paragraph).get("application") or "")


def _others(client: ZeppelinClient, note_id: str) -> Iterator[tuple[Note, Paragraph]]:
    """The other notes that the tool has run, each with the paragraph that started its stream."""
    for listed in client.list_notes():
        if listed.id != note_id:
            with suppress(ZeppelinError):  # deleted since, or not for this user to read
                note = client.get_note(listed.id)
                paragraph = starting(note)
                if paragraph is not None:
                    yield note, paragraph


def _turn(paragraph: Paragraph) -> int:
    """The count of its run; 0 for one of an older version, which noted a time of the machine that ran it."""
    turn = noted(paragraph).get("turn")
    return int(turn) if isinstance(turn, int | float) else 0
