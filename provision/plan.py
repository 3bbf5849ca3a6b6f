"""Base, live and render compared three ways: what an apply would do to a note. Pure: nothing of a server in it."""

import hashlib
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import Any

from provision.render import RenderedNote, RenderedParagraph
from zeppelin_sdk import Note, Paragraph

MARK = "provision"
"""The key of a paragraph's config that says where it came from: bundle, key, the base's sha256 and title, all keys."""


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
class Change:
    """One line of a plan: `live` is the server's paragraph (None: not there), `render` the bundle's (None: left it)."""

    key: str
    verdict: Verdict
    live: Paragraph | None
    render: RenderedParagraph | None

    @property
    def title(self) -> str:
        if self.live and self.live.title:
            return self.live.title
        return self.render.title if self.render else ""

    @property
    def writes(self) -> bool:
        """Whether doing it changes the note's text on the server."""
        return self.verdict in (Verdict.UPDATE, Verdict.ADD, Verdict.DROP)


@dataclass(frozen=True)
class Plan:
    """What an apply would do, in the render's order; paragraphs that a person added are not in it."""

    changes: tuple[Change, ...]
    known: frozenset[str] = frozenset()
    """Keys that earlier applies have brought and not taken away: one that is not in the note was deleted by hand."""
    copies: tuple[Paragraph, ...] = ()
    """Copies that a person made of a bundle's paragraphs, provenance and all: they are the person's own."""

    @property
    def conflicts(self) -> tuple[Change, ...]:
        return tuple(change for change in self.changes if change.verdict is Verdict.CONFLICT)

    @property
    def writes(self) -> tuple[Change, ...]:
        return tuple(change for change in self.changes if change.writes)


def digest(text: str) -> str:
    """The hash that stands for a text in a paragraph's provenance (white space at its end does not count)."""
    return hashlib.sha256(text.rstrip().encode()).hexdigest()


def provenance(paragraph: Paragraph) -> Mapping[str, Any]:
    """What the last apply noted in the paragraph's config; empty for one that a person added."""
    mark = paragraph.config.get(MARK)
    return mark if isinstance(mark, Mapping) else {}


def by_key(note: Note) -> dict[str, Paragraph]:
    """The note's paragraphs that came from a bundle. A copy that a person made of one counts as theirs."""
    found: dict[str, Paragraph] = {}
    for paragraph in note.paragraphs:
        key = provenance(paragraph).get("key")
        if isinstance(key, str):
            found.setdefault(key, paragraph)
    return found


def mark_for(note: RenderedNote, paragraph: RenderedParagraph, keys: Collection[str] | None = None) -> dict[str, Any]:
    """The provenance to write into a paragraph's config; `keys` are all that were brought, if not the render's own."""
    return {
        "bundle": note.bundle,
        "key": paragraph.key,
        "sha256": digest(paragraph.text),
        "title": paragraph.title,
        "keys": sorted({each.key for each in note.paragraphs} if keys is None else keys),
        "blocks": paragraph.blocks,
    }


def make_plan(live: Note | None, render: RenderedNote) -> Plan:
    """Compare the note on the server (None: there is none) with the render, paragraph by paragraph."""
    if live is None:
        return Plan(tuple(Change(each.key, Verdict.ADD, None, each) for each in render.paragraphs))
    there = by_key(live)
    known = _known_keys(live.paragraphs)
    changes = [_compare(each, there.get(each.key), known) for each in render.paragraphs]
    rendered = {each.key for each in render.paragraphs}
    changes += [_left(key, paragraph) for key, paragraph in there.items() if key not in rendered]
    first = {paragraph.id for paragraph in there.values()}
    copies = tuple(p for p in live.paragraphs if "key" in provenance(p) and p.id not in first)
    return Plan(tuple(changes), known, copies)


def _known_keys(paragraphs: Sequence[Paragraph]) -> frozenset[str]:
    """The keys of all that earlier applies have written, found in what is left of it; none when nothing is left."""
    marks = [provenance(paragraph) for paragraph in paragraphs]
    return frozenset(key for mark in marks if "key" in mark for key in (mark["key"], *mark.get("keys", ())))


def _compare(render: RenderedParagraph, live: Paragraph | None, known: Collection[str]) -> Change:
    if live is None:
        return Change(render.key, Verdict.GONE if render.key in known else Verdict.ADD, None, render)
    if digest(live.text) == digest(render.text):
        verdict = Verdict.SAME if merged_title(live, render) == live.title else Verdict.UPDATE
    elif is_edited(live):
        changed = digest(render.text) != provenance(live).get("sha256")
        verdict = Verdict.CONFLICT if changed else Verdict.KEEP
    else:
        verdict = Verdict.UPDATE
    return Change(render.key, verdict, live, render)


def merged_title(live: Paragraph, render: RenderedParagraph) -> str:
    """The render's title, unless a person has changed the one that the last apply wrote."""
    return render.title if live.title == provenance(live).get("title") else live.title


def is_edited(live: Paragraph) -> bool:
    """Whether a person has changed the text since the last apply."""
    return digest(live.text) != provenance(live).get("sha256")


def _left(key: str, live: Paragraph) -> Change:
    """A paragraph that the bundle no longer has: a person's edit stays, else it goes."""
    return Change(key, Verdict.KEEP if is_edited(live) else Verdict.DROP, live, None)
