"""Takes the last apply back, three ways again: what it wrote, what is there now, what was there before it."""

from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

from provision.errors import ProvisionError
from provision.sync.guarded_write import (
    Add,
    Delete,
    Id,
    Move,
    NewId,
    SetConfig,
    SetContent,
    Write,
    carry_out,
    plan_again,
    with_done,
)
from provision.sync.merge import ABSENT, departs, merge_settings, merge_texts
from provision.sync.note_lock import note_lock
from provision.sync.order import arranged, moves
from provision.sync.plan import Content, Verdict
from provision.sync.provenance import (
    MARK,
    NOTED,
    NOTED_BY_A_RUN,
    ORIGIN,
    Origin,
    by_key,
    digest,
    is_edited,
    is_empty,
    is_touched,
    origin,
    origins,
    provenance,
)
from provision.sync.remove import delete_quietly
from provision.sync.undo_records import REMOVE, Record, Records, Saved
from zeppelin_sdk import Note, Paragraph, ZeppelinClient


class NoteGoneError(ProvisionError):
    """The note that was applied is no longer on the server."""


@dataclass(frozen=True)
class Step:
    """One line of an undo; `key` is empty for a paragraph that came from no bundle."""

    key: str
    title: str
    verdict: Verdict

    @property
    def writes(self) -> bool:
        """Whether doing it changes what a person sees of the note."""
        return self.verdict in (Verdict.UPDATE, Verdict.ADD, Verdict.DROP)


@dataclass(frozen=True)
class Restore(Step):
    """A paragraph that was there before and still is: it becomes `after`, without the apply's changes (`update`).

    `keep`: an edit made since, or a text that was not recorded, stays; `same`: it is as it was before.
    """

    live: Paragraph
    saved: Saved
    after: Content


@dataclass(frozen=True)
class BringBack(Step):
    """A paragraph that the apply deleted: it comes back (`add`)."""

    saved: Saved
    text: str = field(repr=False)


@dataclass(frozen=True)
class StayAway(Step):
    """A paragraph that was deleted since, or whose text was not recorded, for it held a secret (`gone`)."""


@dataclass(frozen=True)
class TakeAway(Step):
    """A paragraph that the apply added: it goes (`drop`), unless a person has edited it since (`keep`)."""

    live: Paragraph


@dataclass(frozen=True)
class Undone:
    """What an undo did; `note_id` is None when it deleted the note."""

    note_id: str | None
    steps: tuple[Step, ...]

    def to_json(self, url: str | None) -> dict[str, Any]:
        """The same `--json` keys as those of an apply."""
        changes = [{"key": step.key, "verdict": str(step.verdict), "title": step.title} for step in self.steps]
        return {"note": url, "changes": changes, "written": sum(step.writes for step in self.steps)}


def make_undo(record: Record, live: Note) -> tuple[Step, ...]:
    """The steps that take the recorded apply back from the note as it is now, in the order of before."""
    there = by_key(live)
    known = {saved.id for saved in record.before}
    wrote = {saved.id: saved for saved in record.after if saved.id}
    steps = [_step(saved, wrote.get(saved.id), _find(saved, live, there)) for saved in record.before]
    for saved in record.after:
        brought = _find(saved, live, there)
        if saved.id not in known and brought is not None and brought.id not in known:
            verdict = Verdict.KEEP if _is_edited_since(saved, brought) else Verdict.DROP
            steps.append(TakeAway(provenance(brought).key, brought.title, verdict, brought))
    return tuple(steps)


def _find(saved: Saved, live: Note, there: Mapping[str, Paragraph]) -> Paragraph | None:
    return (live.paragraph(saved.id) if saved.id else None) or (there.get(saved.key) if saved.key else None)


def _step(saved: Saved, wrote: Saved | None, live: Paragraph | None) -> Step:
    if live is not None:
        after = _taken_back(saved, wrote, live) if wrote else Content(live.text, live.title, {})
        key = saved.key or provenance(live).key
        return Restore(key, live.title, _restored(saved, live, after), live, saved, after)
    if wrote is None and saved.text is not None:
        return BringBack(saved.key, saved.title, Verdict.ADD, saved, saved.text)
    return StayAway(saved.key, saved.title, Verdict.GONE)


def _restored(saved: Saved, live: Paragraph, after: Content) -> Verdict:
    if after.differs_from(live):
        return Verdict.UPDATE
    is_as_before = saved.text is not None and digest(live.text) == digest(saved.text) and live.title == saved.title
    return Verdict.SAME if is_as_before else Verdict.KEEP


def _taken_back(saved: Saved, wrote: Saved, live: Paragraph) -> Content:
    text = live.text
    if saved.text is not None and wrote.text is not None and digest(wrote.text) != digest(saved.text):
        if digest(live.text) == digest(wrote.text):
            text = saved.text
        else:
            merged = merge_texts(wrote.text, live.text, saved.text)
            text = live.text if merged is None else merged
    title = saved.title if live.title == wrote.title else live.title
    return Content(text, title, _settings_back(saved, wrote, live))


def _settings_back(saved: Saved, wrote: Saved, live: Paragraph) -> dict[str, Any]:
    """The settings that the apply changed, as they were before; one that was not set gets its type's empty value."""
    back = {}
    for key, value in wrote.config.items():
        old = saved.config.get(key, ABSENT)
        if key in NOTED or value == old or key not in live.config:
            continue
        merged = merge_settings(value, live.config[key], old)
        back[key] = type(value)() if merged is ABSENT else merged
    return back


def _is_edited_since(wrote: Saved, live: Paragraph) -> bool:
    has_new_text = is_edited(live) if wrote.text is None else digest(live.text) != digest(wrote.text)
    return has_new_text or live.title != wrote.title or departs(_seen(wrote.config), live.config)


def _seen(config: Mapping[str, Any]) -> dict[str, Any]:
    """The settings without those in which an apply makes its notes."""
    return {key: value for key, value in config.items() if key not in NOTED}


def undone(record: Record, live: Note | None, secrets: Collection[str] = ()) -> tuple[Saved, ...]:
    """The bundle's paragraphs as an undo would leave them: what an apply that was cut off had started with.

    One that a person has edited is always among them: the apply may have been about to delete it.
    """
    if live is None:
        return ()
    steps = make_undo(record, live)
    saved = [each for step in steps for each in _left_by(step, secrets)]
    told = {step.live.id for step in steps if isinstance(step, Restore | TakeAway)}
    left = (each for each in by_key(live).values() if each.id not in told and is_touched(each))
    return (*saved, *(Saved.of(each, secrets) for each in left))


def _left_by(step: Step, secrets: Collection[str]) -> Iterator[Saved]:
    """The paragraph that a step leaves in the note, if it leaves one."""
    match step:
        case BringBack(saved=saved):
            yield saved
        case Restore(live=live, saved=saved, after=after):
            now = Saved.of(live, secrets)
            marks = {key: saved.config[key] for key in NOTED if key in saved.config}
            text = None if now.text is None else after.text
            config = {**_seen(now.config), **after.config, **marks}
            yield replace(now, key=step.key, title=after.title, text=text, config=config)
        case TakeAway(verdict=Verdict.KEEP, live=live):
            now = Saved.of(live, secrets)
            yield replace(now, config=_seen(now.config))


def undo_note(
    client: ZeppelinClient,
    record: Record,
    records: Records,
    *,
    open_in_page: bool = False,
    secrets: Mapping[str, str] | None = None,
    waiting: Callable[[], None] = lambda: None,
) -> Undone:
    """Take back what `record` tells of, and forget it: the apply before it can be undone next. Edits made since stay.

    `secrets`, by name, fill texts that were kept without them. `open_in_page`: the note may be open in a page, which
    needs to get what is written. `waiting` is called while another command of this machine writes to the note.

    Raises `ProvisionError` when the note is no longer on the server, `ConflictError` when somebody keeps changing it.
    """
    filled = record.filled(secrets or {})
    with note_lock(client.url, record.path, waiting):
        if record.what == REMOVE:
            done = _bring_note_back(client, filled)
        else:
            records.save(replace(record, undoing=True))
            steps_done: dict[str, Step] = {}
            try:
                done = plan_again(record.path, lambda: _attempt(client, filled, steps_done, open_in_page=open_in_page))
            except NoteGoneError:
                while records.find(record.path):  # else it would stand before all that was applied earlier
                    records.forget(record.path)
                raise
        records.forget(record.path)
        earlier = records.find(record.path)
        if earlier is not None and done.note_id:
            records.save(replace(earlier, note_id=done.note_id))  # a note that was removed comes back with another id
    return done


def _bring_note_back(client: ZeppelinClient, record: Record) -> Undone:
    """Import the removed note with all its paragraphs; its credential entries come back with the next apply."""
    if client.find_note(record.path) is not None:
        raise ProvisionError(
            f"{record.path}: a note has that path again", next_step="rename it, then undo the removal"
        )  # fmt: skip
    steps = tuple(_step(saved, None, None) for saved in record.before)
    entries: list[dict[str, Any]] = [
        {
            "title": step.title,
            "text": step.text,
            "config": {key: value for key, value in step.saved.config.items() if key not in NOTED_BY_A_RUN},
            "settings": {"params": {}, "forms": {}},
        }
        for step in steps
        if isinstance(step, BringBack)
    ]
    note_id = client.import_note({"name": record.path, "paragraphs": entries, "config": {}, "info": {}}, record.path)
    return Undone(note_id, steps)


def _attempt(client: ZeppelinClient, record: Record, done: dict[str, Step], *, open_in_page: bool) -> Undone:
    live = _live(client, record)
    if live is None:
        return Undone(None, ())
    if not record.is_of_last_apply(live):
        raise ProvisionError(
            f"{record.path}: another machine or person has applied it since; nothing was undone",
            next_step="undo that apply first, where it was made; or apply what you want the note to be",
        )
    steps = make_undo(record, live)
    writing = {step.key: step for step in steps if step.writes}
    for key in carry_out(client, live.id, _writes(record, live, steps), open_in_page=open_in_page):
        if key in writing:
            done[key] = writing[key]
    result = with_done(steps, done)
    if record.created and all(map(is_empty, client.get_note(live.id).paragraphs)):
        delete_quietly(client, live.id)
        return Undone(None, result)
    return Undone(live.id, result)


def _live(client: ZeppelinClient, record: Record) -> Note | None:
    """The note that was applied; None where an apply that failed has made none."""
    listed = client.list_notes()
    found = next((note for note in listed if note.id == record.note_id), None)
    found = found or (None if record.note_id else client.find_note(record.path))
    if found is None and record.created and not record.done and not record.note_id:
        return None
    if found is None:
        raise NoteGoneError(
            f"{record.path}: the note that was applied is no longer on {client.url}",
            next_step="apply again to make a new one",
        )
    return client.get_note(found.id)


def _writes(record: Record, live: Note, steps: Sequence[Step]) -> Iterator[Write]:
    """The writes that do the steps: first the order, then paragraph by paragraph. Pure."""
    there = [paragraph.id for paragraph in live.paragraphs]
    arranged_ids = _order(record, there) or there
    for paragraph_id, index in moves(there, arranged_ids):
        yield Move(paragraph_id, index)
    yield from _notes_of_kept(record, live, steps)
    ids: list[Id] = list(arranged_ids)
    before: list[Id] = [*record.order, *(saved.id for saved in record.before if saved.id not in record.order)]
    for step in steps:
        match step:
            case Restore(live=paragraph, saved=saved, after=after):
                had, has = saved.config, paragraph.config
                marks = {key: had.get(key, {}) for key in NOTED if key in had or key in has}
                yield SetContent(step.key, paragraph, after, marks)
            case TakeAway(verdict=Verdict.DROP, live=paragraph):
                yield Delete(step.key, paragraph)
                ids.remove(paragraph.id)
            case BringBack(saved=saved, text=text):
                index, new = _place(saved.id, ids, before), NewId(step.key)
                yield Add(step.key, text, saved.title, saved.config, index)
                ids.insert(index, new)
                before[before.index(saved.id)] = new


def _notes_of_kept(record: Record, live: Note, steps: Sequence[Step]) -> Iterator[Write]:
    """Let the paragraphs that stay although the apply added them forget those that go.

    Else the next apply would take these for deleted by hand. One gets the note's origin, if its holder goes.
    """
    taken = [step for step in steps if isinstance(step, TakeAway)]
    kept = [step.live for step in taken if step.verdict is Verdict.KEEP]
    gone = {step.key for step in taken if step.verdict is Verdict.DROP}
    for paragraph in kept:
        mark = provenance(paragraph)
        if mark.key and mark.keys & gone:
            yield SetConfig(paragraph.id, {MARK: replace(mark, keys=mark.keys - gone).to_config()})
    noted, has_holder = origin(live), not origins(live).keys() <= gone
    if kept and noted != Origin() and not has_holder and not any(ORIGIN in saved.config for saved in record.before):
        yield SetConfig(kept[0].id, {ORIGIN: replace(noted, sequence=noted.sequence + 1).to_config()})


def _order(record: Record, there: Sequence[str]) -> tuple[str, ...]:
    """The ids in the order of before; empty when nothing is to be moved."""
    finish = record.undoing or not record.done
    before = list(record.order) if finish else [saved.id for saved in record.before]
    after = [saved.id for saved in record.after if saved.id in there]
    return arranged(there, after, [each for each in before if each in there], finish=finish)


def _place(paragraph_id: Id, ids: Sequence[Id], before: Sequence[Id]) -> int:
    """The index behind the nearest paragraph that stood before it and is in the note; else the first."""
    standing = (each for each in reversed(before[: before.index(paragraph_id)]) if each in ids)
    return next((ids.index(each) + 1 for each in standing), 0)
