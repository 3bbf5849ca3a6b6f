"""What a note's stream was started with, and what has to run so that the stream is as the note says."""

import hashlib
import json
from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from provision.bundles.roles import Role
from provision.streams.note_state import stream_state
from provision.streams.run_paragraph import is_run, runs_in_spark
from provision.streams.spark_page import SparkPage
from provision.streams.stream_owner import by_hand_since, later_on_its_page, next_turn, noted, starting
from provision.sync.provenance import PAGE, STARTED, by_role, digest, provenance
from provision.sync.remove import named_entities
from zeppelin_sdk import Note, Paragraph, ZeppelinClient

_BESIDE = frozenset({Role.STOP, Role.LATEST, Role.CHART})
"""Roles of paragraphs that no stream depends on."""


@dataclass(frozen=True)
class Needed:
    """What has to run: the whole note, or only some paragraphs, beside the stream that runs.

    `why` a stream that runs has to be started anew.
    """

    whole: bool = False
    why: str = ""
    paragraphs: tuple[Paragraph, ...] = ()


WHOLE = Needed(whole=True)


def started(client: ZeppelinClient, note: Note, page: str, finished: str) -> dict[str, Any]:
    """The config of the paragraph that has just started a stream.

    `page`: the driver's, where it is known. `finished`: the server's date of the paragraph's end; empty for one that
    blocks.
    """
    stream = SparkPage(page).stream() if page else None
    run = {
        "note": note.id,
        "turn": next_turn(client, note.id, page),
        "finished": finished,
        "since": stream.since if stream else "",
        "application": stream.application if stream else "",
        "ran": _listed(_depended_on(note)),
        "login": _login(client, note),
    }
    return {PAGE: page, STARTED: run}


def needed(client: ZeppelinClient, note: Note, written: Collection[str] = ()) -> Needed:
    """What to run after an apply that has `written` the paragraphs with these keys.

    A changed query alone is run beside the stream, whose next window uses it; so are paragraphs that no stream depends
    on and that the apply has written.
    """
    start = starting(note)
    if start is None or "ran" not in noted(start):
        return WHOLE
    if not _is_live(client, note, start):
        return WHOLE
    changed = _changed(note, noted(start)["ran"])
    blocks = provenance(start).blocks  # nothing in Spark runs beside it
    query = None if blocks else by_role(note).get(Role.QUERY)
    if changed is None or changed - {query.id if query else ""}:
        return Needed(whole=True, why="paragraphs that it depends on have changed")
    if noted(start).get("login") != _login(client, note):
        return Needed(whole=True, why="its credentials have changed")
    beside = _written_beside(note, written)
    found = (paragraph for paragraph in note.paragraphs if paragraph.id in changed or paragraph in beside)
    return Needed(paragraphs=tuple(p for p in found if not (blocks and runs_in_spark(p))))


def ran_query(note: Note, run: Collection[Paragraph]) -> tuple[Paragraph, dict[str, Any]] | None:
    """The starting paragraph and its config after these paragraphs were run beside the stream; None: as it is."""
    start = starting(note)
    ran = _listed(_depended_on(note))
    if start is None or not run or noted(start).get("ran") == ran:
        return None
    return start, {STARTED: {**noted(start), "ran": ran}}


def _is_live(client: ZeppelinClient, note: Note, start: Paragraph) -> bool:
    """Whether the stream that was noted runs, as far as can be told from here."""
    if provenance(start).blocks:
        return start.status.is_active
    stream = stream_state(note)
    if stream is None or not stream.receivers or later_on_its_page(client, note) is not None:
        return False
    return by_hand_since(start) or noted(start).get("since") in ("", stream.since)


def _depended_on(note: Note) -> Iterator[Paragraph]:
    """The paragraphs that a run of the note starts the stream with, in order."""
    for paragraph in note.paragraphs:
        mark = provenance(paragraph)
        if is_run(paragraph) and runs_in_spark(paragraph) and mark.role not in _BESIDE:
            yield paragraph
        if mark.role == Role.START:
            return


def _listed(paragraphs: Iterator[Paragraph]) -> list[str]:
    return [f"{each.id} {digest(each.text)[:16]}" for each in paragraphs]


def _changed(note: Note, ran: Any) -> set[str] | None:
    """The ids of the paragraphs with other texts than in the run; None where others ran, or in another order."""
    now = _listed(_depended_on(note))
    before = [str(each) for each in ran] if isinstance(ran, list | tuple) else []
    ids = [each.partition(" ")[0] for each in now]
    if ids != [each.partition(" ")[0] for each in before]:
        return None
    return {paragraph_id for paragraph_id, old, new in zip(ids, before, now, strict=True) if old != new}


def _written_beside(note: Note, written: Collection[str]) -> list[Paragraph]:
    depended_on = list(_depended_on(note))
    return [
        paragraph
        for paragraph in note.paragraphs
        if provenance(paragraph).key in written
        and is_run(paragraph)
        and paragraph not in depended_on
        and provenance(paragraph).role != Role.STOP
    ]


def _login(client: ZeppelinClient, note: Note) -> str:
    """What stands for the entries of the server's credential store that the note names; empty where it names none."""
    names = named_entities(note.paragraphs)
    stored = {e.entity: [e.user, e.password] for e in client.list_credentials() if e.entity in names} if names else {}
    return _stamp(stored) if stored else ""


def _stamp(stored: Mapping[str, list[str]]) -> str:
    return hashlib.sha256(json.dumps(stored, sort_keys=True).encode()).hexdigest()[:16]
