"""Brings a rendered note to a server: credentials, plan, then the writes that the plan names and no others."""

import time
from collections.abc import Callable, Collection, Sequence
from dataclasses import dataclass, replace
from typing import Any

from provision.bundles.render import RenderedNote, RenderedParagraph
from provision.errors import ConflictError
from provision.sync.guarded_write import Meanwhile, called, delete_untouched, plan_again, write_content
from provision.sync.order import moves
from provision.sync.plan import OURS, THEIRS, Change, Content, Decision, Plan, Verdict, make_plan
from provision.sync.provenance import (
    BEFORE,
    MARK,
    ORIGIN,
    VERSION,
    Mark,
    Origin,
    bundle_config,
    by_key,
    digest,
    mark_for,
    origin_for,
    origins,
    provenance,
)
from provision.sync.revisions import keep_revision
from provision.sync.undo_records import APPLY, Record, Records, Saved
from zeppelin_sdk import Note, Paragraph, ZeppelinClient

__all__ = ["OURS", "THEIRS", "Applied", "Applying", "apply_note", "came_back", "note_json", "put_credentials"]

PATIENCE = 30.0  # seconds for a paragraph that is to be written to end its run
_POLL = 0.5
_CONFIG = {"enabled": True, "colWidth": 12, "fontSize": 9}


@dataclass(frozen=True)
class Applied:
    """What an apply did; `written` counts the paragraphs that it changed on the server."""

    note_id: str
    plan: Plan
    written: int

    def to_json(self, url: str) -> dict[str, Any]:
        """The `--json` keys of `plan` and `apply`."""
        return plan_json(self.plan, url, self.written)


@dataclass(frozen=True)
class Applying:
    """How to apply: a person's decisions, where to keep the means of undoing, and how to end a blocking paragraph.

    `stop` is called when a paragraph that runs as long as its stream is to be written; without it that is a conflict.
    `patience` is in seconds.
    """

    decision: Decision = Decision()
    records: Records | None = None
    stop: Callable[[Note], None] | None = None
    patience: float = PATIENCE


def plan_json(plan: Plan, url: str | None, written: int) -> dict[str, Any]:
    """The `--json` keys of a plan that was made (`written` 0) or done."""
    changes = [{"key": c.key, "verdict": str(c.verdict), "title": c.title} for c in plan.changes]
    return {"note": url, "changes": changes, "written": written}


def put_credentials(client: ZeppelinClient, note: RenderedNote) -> None:
    """Put the note's secrets into the server's credential store, in the place of older ones."""
    for entity, (user, password) in note.credentials.items():
        client.put_credential(entity, user, password)


def read_note(client: ZeppelinClient, path: str) -> Note | None:
    """The note at this path, or None."""
    found = client.find_note(path)
    return client.get_note(found.id) if found else None


def apply_note(client: ZeppelinClient, note: RenderedNote, how: Applying | None = None) -> Applied:
    """Bring `note` to the server as `make_plan` says, and plan again when somebody changes it meanwhile.

    Raises `ConflictError`, with nothing written, when a paragraph was edited both by hand and in the bundle and
    nothing is decided, and when a paragraph that is to be written runs on; and when the note does not come to rest.
    """
    apply = _Apply(client, note, how or Applying())
    return plan_again(note.path, apply.attempt)


class _Apply:
    """One apply, with as many attempts as it takes; what earlier attempts have done is in the result too."""

    def __init__(self, client: ZeppelinClient, note: RenderedNote, how: Applying) -> None:
        self._client, self._note, self._how = client, note, how
        self._done: dict[str, Change] = {}
        self._revision = ""

    def attempt(self) -> Applied:
        live = read_note(self._client, self._note.path)
        plan = make_plan(live, self._note, self._how.decision)
        if plan.conflicts:
            raise _undecided(self._note, plan, bool(self._done))
        if live is None:
            self._record(None, plan)
            note_id = self._client.import_note(note_json(self._note), self._note.path)
            self._finish(note_id)
            return Applied(note_id, plan, len(self._note.paragraphs))
        self._wait_for_runs(live, plan)
        writer = _Writer(self._client, self._note, live, plan)
        if not writer.is_idle:
            self._record(live, plan)
            writer.write(self._done, self._revision)
        self._finish(live.id)
        changes = tuple(self._done.get(change.key, change) for change in plan.changes)
        left = tuple(change for change in self._done.values() if change.key not in {each.key for each in changes})
        return Applied(live.id, replace(plan, changes=changes + left), len(self._done))

    def _record(self, live: Note | None, plan: Plan) -> None:
        """Keep the means of undoing. What an apply that was cut off has done is to be undone with this one."""
        records = self._how.records
        if records is None:
            return
        secrets = self._note.secrets
        earlier = records.find(self._note.path)
        concerned = {change.live.id for change in plan.changes if change.live} if live else set()
        there = live.paragraphs if live else ()
        before = tuple(Saved.of(paragraph, secrets) for paragraph in there if paragraph.id in concerned)
        order = tuple(paragraph.id for paragraph in there)
        created = live is None
        if earlier is not None and not earlier.done:
            from provision.sync.undo import undone  # an apply that was cut off is rare

            before, order = undone(earlier, live, secrets), earlier.order
            created, self._revision = earlier.created, earlier.revision
        elif live is not None:
            self._revision = keep_revision(self._client, live.id)
        after = tuple(_planned(change, secrets) for change in plan.changes if change.after is not None)
        if live is not None:
            place = {each: index for index, each in enumerate(plan.order or [p.id for p in live.paragraphs])}
            after = tuple(sorted(after, key=lambda saved: place.get(saved.id, len(place))))
        note_id = live.id if live else ""
        record = Record(APPLY, self._note.path, note_id, self._note.bundle, before, after, order, created=created)
        records.save(replace(record, run=records.run, revision=self._revision))

    def _finish(self, note_id: str) -> None:
        if self._how.records is not None:
            self._how.records.finish(self._note.path, note_id)

    def _wait_for_runs(self, live: Note, plan: Plan) -> None:
        """Raise `Meanwhile` when a paragraph that is to be written ran; `ConflictError` when it runs on."""
        busy = _busy(plan)
        if not busy:
            return
        blocking = [each for each in busy if provenance(each).blocks]
        if blocking and self._how.stop is not None:
            self._how.stop(live)
            raise Meanwhile(f"{called(blocking[0])} was stopped")
        if not blocking and self._free(live.id, {each.id for each in busy}):
            raise Meanwhile(f"{called(busy[0])} ran")
        raise ConflictError(
            f"{self._note.path}: running, and not overwritten: {', '.join(called(each) for each in busy)}; "
            "nothing was written",
            next_step="wait until it ends, or `provision stop` the note; then apply again",
        )

    def _free(self, note_id: str, busy: Collection[str]) -> bool:
        deadline = time.monotonic() + self._how.patience
        while time.monotonic() < deadline:
            time.sleep(min(_POLL, self._how.patience))
            if not any(p.status.is_active for p in self._client.get_note(note_id).paragraphs if p.id in busy):
                return True
        return False


def _busy(plan: Plan) -> list[Paragraph]:
    """The paragraphs that run and whose text the plan changes."""
    changed = [c for c in plan.changes if c.live and (c.after is None or c.after.changes_text_of(c.live))]
    return [change.live for change in changed if change.live and change.live.status.is_active]


def _planned(change: Change, secrets: Sequence[str]) -> Saved:
    """What the plan leaves of a paragraph."""
    content, live = change.after, change.live
    if content is None:
        raise ValueError(change.key)
    planned = replace(live or Paragraph(""), title=content.title, text=content.text)
    saved = Saved.of(planned, secrets)
    text = None if change.holds_secret else saved.text
    config = {**_CONFIG, **content.config} if live is None else {**live.config, **content.config}
    return replace(saved, key=change.key, text=text, config=config)


def _undecided(note: RenderedNote, plan: Plan, begun: bool) -> ConflictError:
    titles = ", ".join(f"{change.title!r} ({change.key})" for change in plan.conflicts)
    return ConflictError(
        f"{note.path}: edited by hand and changed in the bundle: {titles}; "
        + ("it was edited while others were written" if begun else "nothing was written"),
        next_step="see it with `provision plan`; decide with --ours (the text in the note stays) or --theirs (the "
        "bundle's text replaces it), for one paragraph with --ours-of KEY or --theirs-of KEY",
    )


def note_json(note: RenderedNote) -> dict[str, Any]:
    """The note as Zeppelin's import takes it."""
    paragraphs = [
        {"title": each.title, "text": each.text, "config": config, "settings": {"params": {}, "forms": {}}}
        for each, config in zip(note.paragraphs, _configs(note), strict=True)
    ]
    return {"name": note.path, "paragraphs": paragraphs, "config": {}, "info": {}}


def _configs(note: RenderedNote) -> list[dict[str, Any]]:
    configs = [{**_CONFIG, **bundle_config(each), MARK: mark_for(note, each).to_config()} for each in note.paragraphs]
    for first in configs[:1]:
        first[ORIGIN] = origin_for(note).to_config()
    return configs


def came_back(client: ZeppelinClient, applied: Applied) -> list[str]:
    """The titles of the paragraphs that an apply has written and that are not so any more.

    An edit that was not saved yet in an open page goes over what was written when the page saves it.
    """
    now = client.get_note(applied.note_id)
    titles = []
    for change in applied.plan.writes:
        there = by_key(now).get(change.key)
        wanted = change.after
        if (wanted is None) != (there is None) or (wanted and there and digest(there.text) != digest(wanted.text)):
            titles.append(change.title or change.key)
    return titles


class _Writer:
    """Does the changes of a plan one by one, in an order that leaves nothing half known when it is cut off.

    The provenance of a paragraph is written after its text. A key counts as brought only once its paragraph is there,
    and as taken away before it is deleted: so the next apply takes neither for a paragraph that a person deleted.
    """

    def __init__(self, client: ZeppelinClient, note: RenderedNote, live: Note, plan: Plan) -> None:
        self._client, self._note, self._id, self._plan = client, note, live.id, plan
        self._ids = [paragraph.id for paragraph in live.paragraphs]
        self._live = there = by_key(live)
        self._adopted = {c.key: c.live for c in plan.changes if c.live is not None and c.key not in there}
        self._there = {key: paragraph.id for key, paragraph in (there | self._adopted).items()}
        self._marks = {key: provenance(paragraph) for key, paragraph in there.items()}
        self._marks |= {key: Mark() for key in self._adopted}
        self._keys = set(plan.known)
        self._dropped = [change for change in plan.changes if change.verdict is Verdict.DROP]
        self._origins = origins(live)

    @property
    def is_idle(self) -> bool:
        """Whether all is as the plan wants it, provenance and order included."""
        plan = self._plan
        if plan.writes or plan.copies or plan.order:
            return False
        holder = self._holder()
        if holder is not None and self._origins.get(holder) != self._turned(holder, origin_for(self._note)):
            return False
        rendered = [change.render for change in plan.changes if change.live and change.render]
        return all(self._mark_of(render) == self._marks[render.key] for render in rendered)

    def write(self, done: dict[str, Change], revision: str = "") -> None:
        """Do all of the plan, and note in `done` each change as it is done; `revision` is the one of before."""
        self._note_revision({"revision": revision} if revision else {})
        self._arrange()
        for change in self._plan.changes:
            self._do(change)
            if change.verdict in (Verdict.ADD, Verdict.UPDATE):
                done[change.key] = change
        for copy in self._plan.copies:
            self._client.update_paragraph_config(self._id, copy.id, {MARK: {}})
        self._keys -= {change.key for change in self._dropped}
        for key in self._marks.keys() - {change.key for change in self._dropped}:
            self._mark(key, replace(self._marks[key], keys=frozenset(self._keys), version=VERSION))
        self._note_origin(origin_for(self._note))
        for change in self._dropped:
            self._delete(change)
            done[change.key] = change

    def _arrange(self) -> None:
        """Bring the paragraphs into the bundle's order; an arrangement that is cut off is finished by the next."""
        if self._plan.order:
            self._note_origin(replace(origin_for(self._note), moving=self._plan.order))
            for paragraph_id, index in moves(self._ids, self._plan.order):
                self._client.move_paragraph(self._id, paragraph_id, index)
            self._ids = list(self._plan.order)

    def _holder(self) -> str | None:
        """The key of the paragraph that holds what is noted of the whole note: the one that does, else the first."""
        left = [key for key in self._marks if key not in {change.key for change in self._dropped}]
        holding = sorted((key for key in left if key in self._origins), key=lambda key: -self._origins[key].sequence)
        first = sorted(left, key=lambda key: self._ids.index(self._there[key]))
        return next(iter(holding + first), None)

    def _note_origin(self, noted: Origin) -> None:
        holder = self._holder()
        if holder is None:
            return
        turned = self._turned(holder, noted)
        if self._origins.get(holder) != turned:
            self._client.update_paragraph_config(self._id, self._there[holder], {ORIGIN: turned.to_config()})
            self._origins[holder] = turned

    def _turned(self, holder: str, noted: Origin) -> Origin:
        """`noted`, so that it is the latest of all when `holder` has it."""
        others = [each.sequence for key, each in self._origins.items() if key != holder]
        mine = self._origins.get(holder, Origin()).sequence
        return replace(noted, sequence=max(mine, 1 + max(others, default=-1)))

    def _note_revision(self, noted: dict[str, Any]) -> None:
        """One paragraph tells of the revision before this apply, and none of an older apply's."""
        holder = self._holder()
        for key, paragraph in self._live.items():
            wanted = noted if key == holder else {}
            if paragraph.config.get(BEFORE, {}) != wanted:
                self._client.update_paragraph_config(self._id, paragraph.id, {BEFORE: wanted})

    def _delete(self, change: Change) -> None:
        if change.live is not None:
            delete_untouched(self._client, self._id, change.live)

    def _do(self, change: Change) -> None:
        match change:
            case Change(verdict=Verdict.ADD, render=RenderedParagraph() as render):
                self._add(render)
            case Change(live=Paragraph() as live, render=RenderedParagraph() as render, after=Content() as after):
                if change.merged and after.changes_text_of(live):
                    self._announce_merge(change.key, after, render)
                if change.key in self._adopted:
                    self._keys.add(change.key)
                mark = self._mark_of(render)
                write_content(self._client, self._id, live, after, {MARK: mark.to_config()})
                self._marks[change.key] = mark

    def _announce_merge(self, key: str, after: Content, render: RenderedParagraph) -> None:
        """Note which text a merge is about to write: cut off behind it, the next apply knows it for done."""
        self._mark(key, replace(self._marks[key], merging=(digest(after.text), digest(render.text))))

    def _add(self, paragraph: RenderedParagraph) -> None:
        index = self._place(paragraph)
        self._keys.add(paragraph.key)
        mark = self._mark_of(paragraph)
        config = {**_CONFIG, **bundle_config(paragraph), MARK: mark.to_config()}
        new = self._client.add_paragraph(
            self._id, text=paragraph.text, title=paragraph.title, index=index, config=config
        )
        self._ids.insert(index, new)
        self._there[paragraph.key] = new
        self._marks[paragraph.key] = mark

    def _place(self, paragraph: RenderedParagraph) -> int:
        """Behind the nearest paragraph that stands before it in the bundle and is in the note; else first."""
        keys = [each.key for each in self._note.paragraphs]
        for key in reversed(keys[: keys.index(paragraph.key)]):
            if key in self._there:
                return self._ids.index(self._there[key]) + 1
        return 0

    def _mark_of(self, paragraph: RenderedParagraph) -> Mark:
        old = self._marks.get(paragraph.key, Mark())
        adopted = paragraph.key in self._adopted or old.adopted
        return replace(mark_for(self._note, paragraph, self._keys), adopted=adopted)

    def _mark(self, key: str, mark: Mark) -> None:
        if self._marks[key] != mark:
            self._client.update_paragraph_config(self._id, self._there[key], {MARK: mark.to_config()})
            self._marks[key] = mark
