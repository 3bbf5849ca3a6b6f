"""Base, live and render compared three ways: what an apply would do to a note. Pure."""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any

from provision.bundles.literals.stored import upgraded
from provision.bundles.render import RenderedNote, RenderedParagraph
from provision.errors import UsageError, nearest
from provision.sync.merge import ABSENT, merge_settings, merge_texts
from provision.sync.order import arranged
from provision.sync.provenance import (
    base_is_secret,
    base_text,
    bundle_config,
    by_key,
    digest,
    is_edited,
    is_set_by_hand,
    is_touched,
    origin,
    provenance,
)
from zeppelin_sdk import Note, Paragraph

OURS, THEIRS = "ours", "theirs"


class Verdict(StrEnum):
    """What becomes of one paragraph."""

    SAME = "same"
    KEEP = "keep"
    UPDATE = "update"
    CONFLICT = "conflict"
    ADD = "add"
    GONE = "gone"
    DROP = "drop"


@dataclass(frozen=True)
class Decision:
    """How a person decides conflicts: all of them (`at_conflicts`), or single paragraphs by key (`of`).

    A decision on a single paragraph holds even if both sides could be merged, or only one has changed.
    """

    at_conflicts: str | None = None
    of: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True)
class Content:
    """What a paragraph becomes; `config` are the settings that the bundle has a say in."""

    text: str = field(repr=False)
    title: str
    config: Mapping[str, Any]

    def differs_from(self, live: Paragraph) -> bool:
        """Whether a person would see a change."""
        return self.changes_text_of(live) or bool(self.changed_config(live))

    def changes_text_of(self, live: Paragraph) -> bool:
        """Whether text or title, which the server takes together, need writing."""
        return digest(self.text) != digest(live.text) or self.title != live.title

    def changed_config(self, live: Paragraph) -> dict[str, Any]:
        """The settings that need writing."""
        return {key: value for key, value in self.config.items() if live.config.get(key) != value}


@dataclass(frozen=True)
class Change:
    """One line of a plan. `live` is the server's paragraph, `render` the bundle's; None: it has none.

    `after` is what the plan makes of it (None: not in the note); `merged`: it has lines of both sides.
    """

    key: str
    verdict: Verdict
    live: Paragraph | None
    render: RenderedParagraph | None
    after: Content | None = None
    merged: bool = False

    @property
    def title(self) -> str:
        if self.live and self.live.title:
            return self.live.title
        return self.render.title if self.render else ""

    @property
    def writes(self) -> bool:
        """Whether it changes what a person sees."""
        return self.verdict in (Verdict.UPDATE, Verdict.ADD, Verdict.DROP)

    @property
    def holds_secret(self) -> bool:
        """Whether its text must not be shown or kept: it has a secret in it, or had one at the last apply."""
        return bool(self.render and self.render.secret) or bool(self.live and base_is_secret(self.live))


@dataclass(frozen=True)
class Plan:
    """What an apply would do, in the render's order; without the paragraphs that a person added."""

    changes: tuple[Change, ...]
    known: frozenset[str] = frozenset()
    """The keys that earlier applies brought and did not delete: one that is not in the note was deleted by hand."""
    copies: tuple[Paragraph, ...] = ()
    """Copies that a person made of the bundle's paragraphs, mark and all: they are the person's own."""
    order: tuple[str, ...] = ()
    """The ids of the note's paragraphs in their new order; empty when nothing is to be moved."""

    @property
    def conflicts(self) -> tuple[Change, ...]:
        return tuple(change for change in self.changes if change.verdict is Verdict.CONFLICT)

    @property
    def writes(self) -> tuple[Change, ...]:
        return tuple(change for change in self.changes if change.writes)


def make_plan(live: Note | None, render: RenderedNote, decision: Decision | None = None) -> Plan:
    """Compare the note on the server (None: there is none) with the render, paragraph by paragraph.

    Raises `UsageError` for a decision on a paragraph that neither has.
    """
    decided, there = decision or Decision(), by_key(live) if live else {}
    _check_keys(decided, [*there, *(each.key for each in render.paragraphs)])
    if live is None:
        return Plan(tuple(_added(each) for each in render.paragraphs))
    known = _known_keys(live.paragraphs)
    there = {**_adopted(live, render, there, known), **there}
    changes = [_compare(each, there.get(each.key), known, decided) for each in render.paragraphs]
    rendered = {each.key for each in render.paragraphs}
    changes += [_left(key, paragraph) for key, paragraph in there.items() if key not in rendered]
    first = {paragraph.id for paragraph in there.values()}
    copies = tuple(p for p in live.paragraphs if provenance(p).key and p.id not in first)
    return Plan(tuple(changes), known, copies, _order(live, there, render))


def _adopted(
    live: Note, render: RenderedNote, there: Mapping[str, Paragraph], known: Collection[str]
) -> dict[str, Paragraph]:
    """A person's own paragraphs that the bundle now has word for word, as after a `pull`.

    They follow the bundle from now on, but are not deleted when it no longer has them.
    """
    ours = {paragraph.id for paragraph in there.values()}
    own = [paragraph for paragraph in live.paragraphs if paragraph.id not in ours and paragraph.text.strip()]
    adopted = {}
    for each in render.paragraphs:
        same = (p for p in own if digest(p.text) == digest(each.text) and p.title == each.title)
        found = next(same, None) if each.key not in {*there, *known} else None
        if found is not None:
            own.remove(found)
            adopted[each.key] = found
    return adopted


def _check_keys(decision: Decision, keys: Collection[str]) -> None:
    for key in decision.of:
        if key not in keys:
            raise UsageError(
                f"no paragraph {key!r} to decide on",
                next_step=nearest(key, keys, f"there are {', '.join(sorted(set(keys)))}"),
            )


def _known_keys(paragraphs: Sequence[Paragraph]) -> frozenset[str]:
    """All keys in the marks that are left; none when no marked paragraph is left."""
    marks = [provenance(paragraph) for paragraph in paragraphs]
    return frozenset(key for mark in marks if mark.key for key in (mark.key, *mark.keys))


def _order(live: Note, there: Mapping[str, Paragraph], render: RenderedNote) -> tuple[str, ...]:
    """The new order, if the bundle's has changed and nobody has moved a paragraph by hand."""
    noted = origin(live)
    ids = {key: paragraph.id for key, paragraph in there.items()}
    base = [ids[key] for key in noted.order if key in ids]
    wanted = [ids[each.key] for each in render.paragraphs if each.key in ids]
    now = tuple(paragraph.id for paragraph in live.paragraphs)
    begun = [each for each in noted.moving if each in now]
    if not begun:
        return arranged(now, base, wanted)
    finished = arranged(now, [], begun, finish=True) or now
    order = arranged(finished, [], wanted, finish=True) or finished
    return () if order == now else order


def _added(render: RenderedParagraph) -> Change:
    after = Content(render.text, render.title, bundle_config(render))
    return Change(render.key, Verdict.ADD, None, render, after)


def _compare(
    render: RenderedParagraph, live: Paragraph | None, known: Collection[str], decision: Decision
) -> Change:  # fmt: skip
    if live is None:
        return Change(render.key, Verdict.GONE, None, render) if render.key in known else _added(render)
    settled = _settled(live, render, decision)
    after = Content(
        live.text if settled is None else settled, _merged_title(live, render), _merged_config(live, render)
    )  # fmt: skip
    if settled is None:
        verdict = Verdict.CONFLICT
    elif after.differs_from(live):
        verdict = Verdict.UPDATE
    elif is_edited(live) and digest(live.text) != digest(render.text):
        verdict = Verdict.KEEP
    else:
        verdict = Verdict.KEEP if is_set_by_hand(live, render) else Verdict.SAME
    merged = settled is not None and digest(settled) not in (digest(live.text), digest(render.text))
    return Change(render.key, verdict, live, render, after, merged)


def _settled(live: Paragraph, render: RenderedParagraph, decision: Decision) -> str | None:
    """The paragraph's new text; None for a conflict that nobody has decided."""
    of_this = decision.of.get(render.key)
    if of_this:
        return live.text if of_this == OURS else render.text
    if digest(live.text) == digest(render.text):
        return live.text
    if not is_edited(live):
        return render.text
    mark, new = provenance(live), digest(render.text)
    # an apply that was cut off between the merged text and its mark has done what this one would do
    if new == mark.sha256 or mark.merging == (digest(live.text), new):
        return live.text
    base = base_text(live)
    merged = None if base is None else merge_texts(upgraded(base), upgraded(live.text), render.text)
    if merged is None and decision.at_conflicts:
        return live.text if decision.at_conflicts == OURS else render.text
    return merged


def _merged_title(live: Paragraph, render: RenderedParagraph) -> str:
    """The render's title, unless a person has changed the title."""
    return render.title if live.title == provenance(live).title else live.title


def _merged_config(live: Paragraph, render: RenderedParagraph) -> dict[str, Any]:
    """The render's settings, except those that a person has changed, setting by setting.

    A setting that the bundle no longer has gets its type's empty value: the server can't unset one.
    """
    base, wanted = _base_config(live, render), bundle_config(render)
    merged = {}
    for key in dict.fromkeys([*wanted, *base]):
        old = base.get(key, ABSENT)
        value = merge_settings(old, live.config.get(key, ABSENT), wanted.get(key, ABSENT))
        if value is not ABSENT:
            merged[key] = value
        elif key in live.config:
            merged[key] = type(old)()
    return merged


def _base_config(live: Paragraph, render: RenderedParagraph) -> Mapping[str, Any]:
    noted = provenance(live).config
    return bundle_config(render) if noted is None else noted


def _left(key: str, live: Paragraph) -> Change:
    """A paragraph that the bundle no longer has: it stays if a person has edited or made it, else it goes."""
    if is_touched(live):
        return Change(key, Verdict.KEEP, live, None, Content(live.text, live.title, {}))
    return Change(key, Verdict.DROP, live, None)
