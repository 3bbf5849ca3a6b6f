"""Stops a note's stream."""

from collections.abc import Iterable
from contextlib import suppress

from provision.bundles.roles import Role
from provision.console import Console
from provision.streams.interpreter import restart_spark
from provision.streams.note_state import driver_of, stream_state
from provision.streams.run_paragraph import (
    PARAGRAPH_TIMEOUT,
    HeldError,
    process_is_gone,
    run_in_turn,
    runs_in_spark,
)
from provision.streams.stream_owner import has_started_nothing, later_on_its_page, noted
from provision.sync.provenance import STARTED, by_role, provenance
from provision.waiting import wait_until
from zeppelin_sdk import Note, Paragraph, ParagraphError, ParagraphStatus, ZeppelinClient, ZeppelinError

CANCEL_GRACE = 15.0  # seconds for a cancelled paragraph to end
_ANOTHER_S = "another note's stream runs in this Python"  # Results.check_note of the note in Python


def stop_note(client: ZeppelinClient, note: Note, console: Console) -> None:
    """Stop the note's stream: by its stop paragraph, or by an interpreter restart where it has none or one blocks.

    The stream of a note that was started after it in the Spark that they share is left alone, and so are paragraphs of
    other interpreters. Those of this note that run in Spark are cancelled: the stop paragraph would wait for them.
    """
    if blocking := [p for p in note.paragraphs if p.status.is_active and provenance(p).blocks]:
        _cancel(client, note, blocking)
        _restart(client, note, "a paragraph of this note runs as long as its stream", console)
        return
    later = later_on_its_page(client, note)
    if later is not None:
        console.say(f"no stream of this note: {later.path} was started after it in the same Spark")
        return
    stop = by_role(note).get(Role.STOP)
    if (stop is None and not _may_stream(note)) or (has_started_nothing(note) and not _runs_in_spark_now(note)):
        console.say("no stream of this note runs")
    elif stop is None:
        cancel_active(client, note)
        _restart(client, note, "no paragraph of this note stops its stream", console)
    elif held := _still_running(client, note, stop, console):
        _restart(client, note, f"{held.title or held.id!r} does not end", console)
    else:
        _run_stop(client, note, stop, console)


def cancel_active(client: ZeppelinClient, note: Note) -> None:
    """Cancel what of the note waits or runs, before its interpreter is restarted."""
    _cancel(client, note, (paragraph for paragraph in note.paragraphs if paragraph.status.is_active))


def stop_if_running(client: ZeppelinClient, note: Note, console: Console) -> None:
    """Stop the note's stream if it has one that runs, or is being started, as far as can be told from here."""
    stream = stream_state(note)
    starts = any(p.status.is_active and provenance(p).key and runs_in_spark(p) for p in note.paragraphs)
    if starts or (stream is not None and stream.receivers):
        stop_note(client, note, console)


def _run_stop(client: ZeppelinClient, note: Note, stop: Paragraph, console: Console) -> None:
    with console.step("stopping the stream"):
        try:
            if stop.status.is_active:
                client.wait_paragraph(note.id, stop.id, timeout=PARAGRAPH_TIMEOUT)
            else:
                run_in_turn(client, note.id, stop.id)
        except HeldError as held:
            console.say(f"no stream of this note: {held.message}")
        except ParagraphError as error:
            if _ANOTHER_S in f"{error.message}\n{error.output}":
                console.say(f"no stream of this note: {_ANOTHER_S}")
            elif process_is_gone(error):
                console.say("no stream of this note: Spark's process has died, and its streams with it")
            else:
                raise


def _still_running(client: ZeppelinClient, note: Note, stop: Paragraph, console: Console) -> Paragraph | None:
    """Cancel the note's other paragraphs in Spark; returns one that does not end all the same."""
    active = [p for p in note.paragraphs if p.status.is_active and runs_in_spark(p) and p.id != stop.id]
    if not active:
        return None
    ids = {paragraph.id for paragraph in active}

    def left() -> list[Paragraph]:
        return [p for p in client.get_note(note.id).paragraphs if p.id in ids and p.status.is_active]

    with console.step(f"cancelling {', '.join(repr(p.title or p.id) for p in active)}"):
        _cancel(client, note, active)
        wait_until(lambda: not left(), CANCEL_GRACE, every=0.5)
    return next(iter(left()), None)


def _cancel(client: ZeppelinClient, note: Note, paragraphs: Iterable[Paragraph]) -> None:
    for paragraph in paragraphs:
        with suppress(ZeppelinError):
            client.cancel_paragraph(note.id, paragraph.id)


def _runs_in_spark_now(note: Note) -> bool:
    return any(paragraph.status.is_active and runs_in_spark(paragraph) for paragraph in note.paragraphs)


def _may_stream(note: Note) -> bool:
    """Whether a stream of the note may run, as far as can be told without a paragraph to ask it."""
    start = _start(note)
    if start is None or start.status is ParagraphStatus.READY:
        return False
    if noted(start).get("stopped") == start.date_started:
        return False
    page = driver_of(note)
    return not page.url or page.stream() is not None or not page.answers()


def _start(note: Note) -> Paragraph | None:
    return by_role(note).get(Role.START)


def _restart(client: ZeppelinClient, note: Note, reason: str, console: Console) -> None:
    """End the stream with its Spark, and keep that with its start: the next stop restarts nothing."""
    restart_spark(client, note.id, reason, console)
    start = _start(client.get_note(note.id))
    if start is not None and noted(start):
        stopped = {**noted(start), "stopped": start.date_started}
        client.update_paragraph_config(note.id, start.id, {STARTED: stopped})
