"""Turns a plan into the list of writes that carry it out, safe to be cut off after any of them. Pure.

A paragraph's mark is written after its text. A key counts as brought once its paragraph is there, and no longer before
the paragraph is deleted: the next apply takes neither for a paragraph that a person deleted.
"""

from collections.abc import Iterator
from dataclasses import replace

from provision.bundles.render import RenderedNote, RenderedParagraph
from provision.sync.guarded_write import Add, Delete, Id, Move, NewId, SetConfig, SetContent, Write
from provision.sync.order import moves
from provision.sync.plan import Change, Content, Plan, Verdict
from provision.sync.provenance import (
    BEFORE,
    MARK,
    NEW_CONFIG,
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
from zeppelin_sdk import Note, Paragraph


def writes_of(note: RenderedNote, live: Note, plan: Plan) -> list[Write]:
    """The writes that carry out the plan for `live`; none when everything is as wanted, marks and order too."""
    return list(_Writer(note, live, plan).writes())


def revision_writes(live: Note, plan: Plan, revision: str) -> list[Write]:
    """The writes that note the server's revision before this apply, in one paragraph, and delete older notes of one."""
    holder = _holder(live, plan)
    wanted = {key: {"revision": revision} if revision and key == holder else {} for key in by_key(live)}
    return [
        SetConfig(paragraph.id, {BEFORE: wanted[key]})
        for key, paragraph in by_key(live).items()
        if paragraph.config.get(BEFORE, {}) != wanted[key]
    ]


def _holder(live: Note, plan: Plan) -> str | None:
    """The key of the paragraph to hold the note's origin: the one that does, unless it goes, else the first."""
    dropped = {change.key for change in plan.changes if change.verdict is Verdict.DROP}
    held = {key: each.sequence for key, each in origins(live).items() if key not in dropped}
    if held:
        return max(held, key=lambda key: held[key])
    staying = [key for key in by_key(live) if key not in dropped]
    coming = [change for change in plan.changes if change.after and change.key not in staying]
    adopted_first = sorted(coming, key=lambda change: change.live is None)
    return next(iter([*staying, *(change.key for change in adopted_first)]), None)


class _Writer:
    """Collects the writes, and follows what they change: the note's order, its marks, its origins."""

    def __init__(self, note: RenderedNote, live: Note, plan: Plan) -> None:
        self._note, self._plan = note, plan
        there = by_key(live)
        self._dropped = [change for change in plan.changes if change.verdict is Verdict.DROP]
        staying = {c.key: c.live for c in plan.changes if c.live and c.verdict is not Verdict.DROP}
        self._marks = {key: provenance(each) if key in there else Mark() for key, each in staying.items()}
        self._adopted = staying.keys() - there.keys()
        self._ids: dict[str, Id] = {change.key: change.live.id for change in plan.changes if change.live}
        self._order: list[Id] = [paragraph.id for paragraph in live.paragraphs]
        self._keys = set(plan.known)
        self._holder, self._origins = _holder(live, plan), origins(live)

    def writes(self) -> Iterator[Write]:
        yield from self._arrange()
        for change in self._plan.changes:
            yield from self._change(change)
        for copy in self._plan.copies:
            yield SetConfig(copy.id, {MARK: {}})
        self._keys -= {change.key for change in self._dropped}
        for key in self._marks:
            yield from self._set_mark(key, replace(self._marks[key], keys=frozenset(self._keys), version=VERSION))
        yield from self._set_origin(origin_for(self._note))
        for change in self._dropped:
            if change.live:
                yield Delete(change.key, change.live)

    def _arrange(self) -> Iterator[Write]:
        """Bring the paragraphs into the bundle's order; after a cut the next apply goes on by the origin's `moving`."""
        order = self._plan.order
        if order:
            yield from self._set_origin(replace(origin_for(self._note), moving=order))
            for paragraph_id, index in moves([each for each in self._order if isinstance(each, str)], order):
                yield Move(paragraph_id, index)
            self._order = list(order)

    def _change(self, change: Change) -> Iterator[Write]:
        match change:
            case Change(verdict=Verdict.ADD, render=RenderedParagraph() as render):
                yield self._add(render)
            case Change(live=Paragraph() as live, render=RenderedParagraph() as render, after=Content() as after):
                if change.merged and after.changes_text_of(live):
                    # so that after a cut right behind the merged text the next apply sees that it is done
                    announced = (digest(after.text), digest(render.text))
                    yield from self._set_mark(change.key, replace(self._marks[change.key], merging=announced))
                if change.key in self._adopted:
                    self._keys.add(change.key)
                mark = self._mark_of(render)
                if self._marks[change.key].secret and digest(after.text) != digest(render.text):
                    mark = replace(mark, secret=True)  # the old text stays, or lines of it
                if mark != self._marks[change.key] or after.differs_from(live):
                    yield SetContent(change.key, live, after, {MARK: mark.to_config()})
                self._marks[change.key] = mark

    def _add(self, render: RenderedParagraph) -> Write:
        index = self._place(render)
        self._keys.add(render.key)
        mark = self._marks[render.key] = self._mark_of(render)
        self._ids[render.key] = NewId(render.key)
        self._order.insert(index, NewId(render.key))
        config = {**NEW_CONFIG, **bundle_config(render), MARK: mark.to_config()}
        return Add(render.key, render.text, render.title, config, index)

    def _place(self, render: RenderedParagraph) -> int:
        """The index behind the nearest paragraph that is before it in the bundle and is in the note; else the first."""
        keys = [each.key for each in self._note.paragraphs]
        before = (self._ids[key] for key in reversed(keys[: keys.index(render.key)]) if key in self._ids)
        return next((self._order.index(each) + 1 for each in before), 0)

    def _mark_of(self, render: RenderedParagraph) -> Mark:
        adopted = render.key in self._adopted or self._marks.get(render.key, Mark()).adopted
        return replace(mark_for(self._note, render, self._keys), adopted=adopted)

    def _set_mark(self, key: str, mark: Mark) -> Iterator[Write]:
        if self._marks[key] != mark:
            old, self._marks[key] = self._marks[key], mark
            only_brings = replace(old, keys=mark.keys) == mark and old.keys <= mark.keys
            yield SetConfig(self._ids[key], {MARK: mark.to_config()}, quiet=only_brings and key != self._holder)

    def _set_origin(self, noted: Origin) -> Iterator[Write]:
        """Note the origin in its holder, once that is there, with the highest sequence number."""
        if self._holder is None or self._holder not in self._ids:
            return
        others = [each.sequence for key, each in self._origins.items() if key != self._holder]
        old = self._origins.get(self._holder, Origin())
        new = replace(noted, sequence=max(old.sequence, 1 + max(others, default=-1)))
        if self._origins.get(self._holder) != new:
            self._origins[self._holder] = new
            yield SetConfig(self._ids[self._holder], {ORIGIN: new.to_config()})
