"""Stops a note's stream."""

from contextlib import suppress

from provision.bundles.roles import Role
from provision.console import Console
from provision.streams.interpreter import restart_spark
from provision.streams.note_state import LIVE, note_state, stream_state
from provision.streams.run_paragraph import HeldError, process_is_gone, run_in_turn
from provision.streams.stream_owner import later_on_its_page
from provision.sync.provenance import by_role
from zeppelin_sdk import Note, ParagraphError, ZeppelinClient, ZeppelinError


def stop_note(client: ZeppelinClient, note: Note, console: Console) -> None:
    """Stop the note's stream: by its stop paragraph, or by an interpreter restart where it has none or one blocks.

    The stream of a note that was started after it in the Spark that they share is left alone.
    """
    stop = by_role(note).get(Role.STOP)
    is_active = any(paragraph.status.is_active for paragraph in note.paragraphs)
    later = None if is_active else later_on_its_page(client, note)
    if later is not None:
        console.say(f"no stream of this note: {later.path} was started after it in the same Spark")
        return
    if stop is None or is_active:
        cancel_active(client, note)
        why = "no paragraph of this note stops its stream"
        if is_active:
            why = "a paragraph of this note runs as long as its stream"
        restart_spark(client, note.id, why, console)
        return
    with console.step("stopping the stream"):
        try:
            run_in_turn(client, note.id, stop.id)
        except HeldError as held:
            console.say(f"no stream of this note: {held.message}")
        except ParagraphError as error:
            if not process_is_gone(error):
                raise
            console.say("no stream of this note: Spark's process has died, and its streams with it")


def cancel_active(client: ZeppelinClient, note: Note) -> None:
    """Cancel what of the note waits or runs, before its interpreter is restarted."""
    for paragraph in note.paragraphs:
        if paragraph.status.is_active:
            with suppress(ZeppelinError):
                client.cancel_paragraph(note.id, paragraph.id)


def stop_if_running(client: ZeppelinClient, note: Note, console: Console) -> None:
    """Stop the note's stream if it has one that runs, as far as can be told from here."""
    if note_state(note, stream_state(note)) in LIVE:
        stop_note(client, note, console)
