"""Takes the last apply back, three ways again: what it wrote, what is there now, what was there before."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any

from provision.errors import ProvisionError
from provision.sync.guarded_write import delete_untouched, plan_again, write_content
from provision.sync.merge import ABSENT, departs, merge_settings, merge_texts
from provision.sync.order import arranged, moves
from provision.sync.plan import Content, Verdict
from provision.sync.provenance import (
    BEFORE,
    MARK,
    ORIGIN,
    PAGE,
    STARTED,
    by_key,
    digest,
    is_edited,
    is_touched,
    provenance,
)
from provision.sync.undo_records import REMOVE, Record, Records, Saved
from zeppelin_sdk import Note, Paragraph, ZeppelinClient

_OWN = (MARK, ORIGIN, BEFORE)


@dataclass(frozen=True)
class Step:
    """One line of an undo. `live` is the server's paragraph (None: not there), `saved` what it was before (None: not
    there), `after` what it has when the undo is done (None: it is not in the note).

    `update` takes a text, a title or a setting back, `drop` what the apply added; `add` brings back what it took away;
    `keep` leaves an edit that was made since; `gone` what was deleted since.
    """

    verdict: Verdict
    live: Paragraph | None
    saved: Saved | None
    after: Content | None

    @property
    def key(self) -> str:
        found = self.saved.key if self.saved else ""
        return found or (provenance(self.live).key if self.live else "")

    @property
    def title(self) -> str:
        return self.live.title if self.live else self.saved.title if self.saved else ""

    @property
    def writes(self) -> bool:
        """Whether doing it changes what a person sees of the note."""
        return self.verdict in (Verdict.UPDATE, Verdict.ADD, Verdict.DROP)


@dataclass(frozen=True)
class Undone:
    """What an undo did; `note_id` is None when the note is no more."""

    note_id: str | None
    steps: tuple[Step, ...]

    def to_json(self, url: str | None) -> dict[str, Any]:
        """The same `--json` keys as those of an apply."""
        changes = [{"key": step.key, "verdict": str(step.verdict), "title": step.title} for step in self.steps]
        return {"note": url, "changes": changes, "written": sum(step.writes for step in self.steps)}


def make_undo(record: Record, live: Note) -> tuple[Step, ...]:
    """What takes the recorded apply back from the note as it is now: in the order of what was there before."""
    there = by_key(live)
    known = {saved.id for saved in record.before}
    wrote = {saved.id: saved for saved in record.after if saved.id}
    steps = [_step(saved, wrote.get(saved.id), _find(saved, live, there)) for saved in record.before]
    for saved in record.after:
        brought = _find(saved, live, there)
        if saved.id not in known and brought is not None and brought.id not in known:
            steps.append(_added(saved, brought))
    return tuple(steps)


def _find(saved: Saved, live: Note, there: dict[str, Paragraph]) -> Paragraph | None:
    return (live.paragraph(saved.id) if saved.id else None) or (there.get(saved.key) if saved.key else None)


def _step(saved: Saved, wrote: Saved | None, live: Paragraph | None) -> Step:
    if live is None:
        can_come_back = wrote is None and saved.text is not None
        after = Content(saved.text or "", saved.title, saved.config) if can_come_back else None
        return Step(Verdict.ADD if can_come_back else Verdict.GONE, None, saved, after)
    after = _taken_back(saved, wrote, live) if wrote else Content(live.text, live.title, {})
    if after.differs_from(live):
        return Step(Verdict.UPDATE, live, saved, after)
    stays = saved.text is None or digest(live.text) != digest(saved.text) or live.title != saved.title
    return Step(Verdict.KEEP if stays else Verdict.SAME, live, saved, after)


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
    """The settings that the apply changed, as they were; the empty value of its kind for one that was not there."""
    back = {}
    for key, value in wrote.config.items():
        old = saved.config.get(key, ABSENT)
        if key in _OWN or value == old or key not in live.config:
            continue
        merged = merge_settings(value, live.config[key], old)
        back[key] = type(value)() if merged is ABSENT else merged
    return back


def _added(wrote: Saved, live: Paragraph) -> Step:
    """A paragraph that the apply brought: it goes, unless a person has edited it since."""
    config = {key: value for key, value in wrote.config.items() if key not in _OWN}
    edited = is_edited(live) if wrote.text is None else digest(live.text) != digest(wrote.text)
    if edited or live.title != wrote.title or departs(config, live.config):
        return Step(Verdict.KEEP, live, None, Content(live.text, live.title, {}))
    return Step(Verdict.DROP, live, None, None)


def undone(record: Record, live: Note | None, secrets: Sequence[str] = ()) -> tuple[Saved, ...]:
    """The bundle's paragraphs as they would be after an undo: what an apply that goes on from there started with.

    One that a person has edited is among them whoever brought it: an apply that was cut off may have left it there
    when it was about to delete it.
    """
    if live is None:
        return ()
    saved = []
    steps = make_undo(record, live)
    for step in steps:
        if step.live is None and step.after is not None and step.saved is not None:
            saved.append(step.saved)
        elif step.live is not None and step.after is not None:
            now = Saved.of(step.live, secrets)
            mine = {key: step.saved.config[key] for key in _OWN if step.saved and key in step.saved.config}
            config = {**{k: v for k, v in now.config.items() if k not in _OWN}, **step.after.config, **mine}
            text = None if now.text is None else step.after.text
            saved.append(replace(now, key=step.key, title=step.after.title, text=text, config=config))
    told = {step.live.id for step in steps if step.live}
    left = (each for each in by_key(live).values() if each.id not in told and is_touched(each))
    return (*saved, *(Saved.of(each, secrets) for each in left))


def undo_note(client: ZeppelinClient, record: Record, records: Records) -> Undone:
    """Take back what `record` tells of, and forget it; edits made since stay.

    Raises `ProvisionError` when the note is not on the server any more, `ConflictError` when it does not come to rest.
    """
    if record.what == REMOVE:
        undone_ = _bring_back(client, record)
    else:
        records.save(replace(record, undoing=True))
        done: dict[str, Step] = {}
        undone_ = plan_again(record.path, lambda: _attempt(client, record, done))
    records.forget(record.path)
    return undone_


def _bring_back(client: ZeppelinClient, record: Record) -> Undone:
    """The note of a removal, with all its paragraphs; its secrets come back with the next apply."""
    if client.find_note(record.path) is not None:
        raise ProvisionError(
            f"{record.path}: a note has that path again", next_step="rename it, then undo the removal"
        )  # fmt: skip
    there = [saved for saved in record.before if saved.text is not None]
    entries: list[dict[str, Any]] = [
        {
            "title": saved.title,
            "text": saved.text,
            "config": {key: value for key, value in saved.config.items() if key not in (PAGE, STARTED)},
            "settings": {"params": {}, "forms": {}},
        }
        for saved in there
    ]
    note_id = client.import_note({"name": record.path, "paragraphs": entries, "config": {}, "info": {}}, record.path)
    steps = (
        Step(Verdict.GONE if s.text is None else Verdict.ADD, None, s, None if s.text is None else _content(s))
        for s in record.before
    )
    return Undone(note_id, tuple(steps))


def _content(saved: Saved) -> Content:
    return Content(saved.text or "", saved.title, saved.config)


def _attempt(client: ZeppelinClient, record: Record, done: dict[str, Step]) -> Undone:
    live = _live(client, record)
    steps = make_undo(record, live)
    _arrange(client, record, live)
    live = client.get_note(live.id)
    ids = [paragraph.id for paragraph in live.paragraphs]
    order = [*record.order, *(saved.id for saved in record.before if saved.id not in record.order)]
    for step in steps:
        _do(client, live.id, step, ids, order)
        if step.writes:
            done[step.key] = step
    names = {step.key for step in steps}
    result = tuple(done.get(step.key, step) for step in steps)
    result += tuple(step for key, step in done.items() if key not in names)
    if record.created and not client.get_note(live.id).paragraphs:
        client.delete_note(live.id)
        return Undone(None, result)
    return Undone(live.id, result)


def _live(client: ZeppelinClient, record: Record) -> Note:
    listed = client.list_notes()
    found = next((note for note in listed if note.id == record.note_id), None)
    found = found or (None if record.note_id else client.find_note(record.path))
    if found is None:
        raise ProvisionError(
            f"{record.path}: the note that was applied is no more on {client.url}",
            next_step="apply again to have it anew",
        )
    return client.get_note(found.id)


def _arrange(client: ZeppelinClient, record: Record, live: Note) -> None:
    ids = [paragraph.id for paragraph in live.paragraphs]
    finish = record.undoing or not record.done
    before = [each for each in record.order if each in ids] if finish else _there(record.before, ids)
    order = arranged(ids, _there(record.after, ids), before, finish=finish)
    for paragraph_id, index in moves(ids, order):
        client.move_paragraph(live.id, paragraph_id, index)


def _there(saved: Sequence[Saved], ids: Sequence[str]) -> list[str]:
    return [each.id for each in saved if each.id in ids]


def _do(client: ZeppelinClient, note_id: str, step: Step, ids: list[str], order: list[str]) -> None:
    if step.verdict is Verdict.DROP and step.live is not None:
        delete_untouched(client, note_id, step.live)
        ids.remove(step.live.id)
    elif step.live is not None and step.after is not None and step.saved is not None:
        had, has = step.saved.config, step.live.config
        marks = {key: had.get(key, {}) for key in _OWN if key in had or key in has}
        write_content(client, note_id, step.live, step.after, marks)
    elif step.verdict is Verdict.ADD and step.after is not None and step.saved is not None:
        index = _place(step.saved.id, ids, order)
        new = client.add_paragraph(
            note_id, text=step.after.text, title=step.after.title, index=index, config=step.after.config
        )
        ids.insert(index, new)
        order[order.index(step.saved.id)] = new


def _place(paragraph_id: str, ids: list[str], order: Sequence[str]) -> int:
    """Behind the nearest paragraph that stood before it and is in the note; else first."""
    for each in reversed(order[: order.index(paragraph_id)]):
        if each in ids:
            return ids.index(each) + 1
    return 0
