"""Runs a paragraph, and notices when it waits behind another note's paragraph that never ends."""

import time
from collections.abc import Collection
from contextlib import suppress

from provision.errors import ConflictError
from provision.streams.interpreter import group_of, is_shared, setting_of
from provision.sync.provenance import is_empty, read_mark
from zeppelin_sdk import Note, Paragraph, ParagraphError, ParagraphStatus, ZeppelinClient, ZeppelinError

PARAGRAPH_TIMEOUT = 300.0  # seconds: the first Spark paragraph starts Spark, and may fetch packages
QUEUED = 5.0  # seconds that a paragraph may be queued before we check what holds it up
AT_ONCE = 2.0  # seconds within which a leftover cancellation ends a run


# RemoteInterpreterProcess.callRemoteFunction, PythonInterpreter.interpret; Zeppelin starts another only after a restart
_GONE = ("Interpreter process is not running", "Python process is abnormally exited")


def process_is_gone(error: ParagraphError) -> bool:
    """Whether the paragraph failed because its interpreter's process has died."""
    told = f"{error.message}\n{error.output}"
    return any(words in told for words in _GONE)


class HeldError(ConflictError):
    """A paragraph of another note blocks the Spark that they share, as long as its stream runs."""

    def __init__(self, note: Note, paragraph: Paragraph) -> None:
        super().__init__(
            f"{note.path} streams in the Spark that all notes share, and no paragraph of another note runs beside it",
            next_step=f"stop it first: provision stop {note.id}",
        )
        self.note = note
        self.paragraph = paragraph


def run_in_turn(
    client: ZeppelinClient,
    note_id: str,
    paragraph_id: str,
    until: Collection[ParagraphStatus] = (ParagraphStatus.FINISHED,),
) -> Paragraph:
    """Run a paragraph and return it once its status is in `until`, or FINISHED.

    Raises `HeldError`, with the paragraph's run cancelled, when it waits behind another note's stream; else as
    `ZeppelinClient.wait_paragraph`. A run that is aborted at once is tried again: Zeppelin keeps the cancellation of a
    paragraph that waits, and ends its next run by it (`Job.aborted`, AbstractScheduler.runJob).
    """
    began = time.monotonic()
    try:
        return _run(client, note_id, paragraph_id, until)
    except ParagraphError as error:
        if error.status != ParagraphStatus.ABORT or time.monotonic() - began > AT_ONCE:
            raise
    return _run(client, note_id, paragraph_id, until)


def _run(
    client: ZeppelinClient, note_id: str, paragraph_id: str, until: Collection[ParagraphStatus]
) -> Paragraph:  # fmt: skip
    look_at = time.monotonic() + QUEUED

    def look(paragraph: Paragraph) -> None:
        nonlocal look_at
        waits = paragraph.status is ParagraphStatus.PENDING and runs_in_spark(paragraph)
        if waits and time.monotonic() >= look_at:
            _check_free(client, note_id, group_of(paragraph))
            look_at = time.monotonic() + QUEUED

    client.submit_paragraph(note_id, paragraph_id)
    try:
        return client.wait_paragraph(note_id, paragraph_id, timeout=PARAGRAPH_TIMEOUT, until=until, on_poll=look)
    except HeldError:
        with suppress(ZeppelinError):
            client.cancel_paragraph(note_id, paragraph_id)
        raise


def is_run(paragraph: Paragraph) -> bool:
    """Whether a run of the whole note runs it: not those that Zeppelin's page appends, with a directive alone."""
    return not is_empty(paragraph) and paragraph.config.get("enabled") is not False


def is_text(paragraph: Paragraph) -> bool:
    """Whether it is Markdown, which nothing else depends on."""
    return paragraph.text.lstrip().startswith("%md")


def runs_in_spark(paragraph: Paragraph) -> bool:
    """Whether a Spark runs it: that of Zeppelin's interpreter, or one that a Python paragraph starts."""
    return bool(group_of(paragraph))


def _check_free(client: ZeppelinClient, note_id: str, group: str) -> None:
    """Raise `HeldError` where a note other than this one holds the interpreters that it shares, of this group."""
    if not is_shared(setting_of(client, group)):
        return
    for other in client.list_notes():
        if other.id == note_id:
            continue
        with suppress(ZeppelinError):  # deleted since, or not for this user to read
            note = client.get_note(other.id)
            for paragraph in note.paragraphs:
                runs = paragraph.status is ParagraphStatus.RUNNING and group_of(paragraph) == group
                if runs and read_mark(paragraph).blocks:
                    raise HeldError(note, paragraph)
