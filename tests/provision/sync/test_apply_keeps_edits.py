"""Any order of hand edits and applies, against a small model of what has to become of each paragraph."""

from dataclasses import replace
from typing import cast

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, precondition, rule

from provision.bundles.render import RenderedNote, RenderedParagraph
from provision.errors import ConflictError
from provision.sync.apply import Applying, apply_note
from provision.sync.plan import OURS, THEIRS, Decision, Verdict, make_plan
from provision.sync.provenance import by_key, digest
from zeppelin_sdk import Note, ZeppelinClient

from ..notes_in_memory import NotesInMemory

KEYS = "abcd"
renders = st.dictionaries(st.sampled_from(KEYS), st.sampled_from(["1", "2", "3"]), min_size=1)
# a person may well type what the bundle has, or will have
texts = st.sampled_from([key + version for key in KEYS for version in "12"]) | st.text("xyz", max_size=3)
places = st.integers(0, 20)


def note_of(versions: dict[str, str]) -> RenderedNote:
    paragraphs = (RenderedParagraph(key, "", key + versions[key]) for key in sorted(versions))
    return RenderedNote("bundle", "note", tuple(paragraphs))


class NoteInUse(RuleBasedStateMachine):
    """`bases`: paragraph id -> (key, the bundle's text that its own is compared with); others are the person's own.

    `adopted` are paragraphs of the person's own that a bundle has brought too, word for word: they are never deleted.
    `deleted` are the keys that a person deleted: forgotten once no paragraph of the bundle is left to tell of them.
    """

    def __init__(self) -> None:
        super().__init__()
        self.server = NotesInMemory()
        self.client = cast(ZeppelinClient, self.server)
        self.bases: dict[str, tuple[str, str]] = {}
        self.deleted: set[str] = set()
        self.adopted: set[str] = set()

    @initialize(versions=renders)
    def first_apply(self, versions: dict[str, str]) -> None:
        self.id = apply_note(self.client, note_of(versions)).note_id
        for paragraph, rendered in zip(self.note.paragraphs, note_of(versions).paragraphs, strict=True):
            self.bases[paragraph.id] = (rendered.key, rendered.text)

    @property
    def note(self) -> Note:
        return self.server.notes[self.id]

    def some(self) -> bool:
        return bool(self.note.paragraphs) if hasattr(self, "id") else False

    @precondition(some)
    @rule(place=places, text=texts)
    def edit(self, place: int, text: str) -> None:
        paragraphs = self.note.paragraphs
        self.server.swap(self.id, replace(paragraphs[place % len(paragraphs)], text=text))

    @precondition(some)
    @rule(place=places)
    def delete(self, place: int) -> None:
        paragraphs = self.note.paragraphs
        gone = paragraphs[place % len(paragraphs)]
        self.server.remove(self.id, gone.id)
        if gone.id in self.bases:
            self.deleted.add(self.bases.pop(gone.id)[0])
        if not self.bases:
            self.deleted.clear()

    @precondition(some)
    @rule(place=places, to=places)
    def move(self, place: int, to: int) -> None:
        paragraphs = self.note.paragraphs
        moved = paragraphs[place % len(paragraphs)]
        self.server.remove(self.id, moved.id)
        self.server.put(self.id, to % len(paragraphs), moved)

    @rule(place=places, text=texts)
    def insert(self, place: int, text: str) -> None:
        self.server.insert(self.id, place % (len(self.note.paragraphs) + 1), text)

    @rule(versions=renders, decide=st.sampled_from([None, OURS, THEIRS]))
    def apply(self, versions: dict[str, str], decide: str | None) -> None:
        render, before = note_of(versions), self.note
        wanted = {paragraph.key: paragraph.text for paragraph in render.paragraphs}
        known = dict(self.bases)
        self.adopt(wanted)
        conflicts = {p.id for p in before.paragraphs if self.in_conflict(p.id, p.text, wanted)}
        try:
            apply_note(self.client, render, Applying(Decision(decide)))
        except ConflictError:
            assert conflicts
            assert decide is None
            assert self.note == before
            self.bases, self.adopted = known, self.adopted & known.keys()
            return
        assert not conflicts or decide is not None
        self.check_what_was_there(before, wanted, conflicts if decide == THEIRS else set())
        self.check_what_came(before, wanted)
        if self.bases:
            self.check_again(render, decide)
        else:
            self.deleted.clear()

    def adopt(self, wanted: dict[str, str]) -> None:
        """A paragraph of the person's own that is word for word what a bundle brings is the bundle's from then on."""
        missing = wanted.keys() - {key for key, _ in self.bases.values()} - self.deleted
        for key in sorted(missing):
            own = (p.id for p in self.note.paragraphs if p.id not in self.bases and p.text == wanted[key])
            found = next(own, None)
            if found is not None:
                self.bases[found] = (key, wanted[key])
                self.adopted.add(found)

    def in_conflict(self, paragraph_id: str, text: str, wanted: dict[str, str]) -> bool:
        key, base = self.bases.get(paragraph_id, ("", ""))
        return key in wanted and text not in (base, wanted[key]) and wanted[key] != base

    def check_what_was_there(self, before: Note, wanted: dict[str, str], given_up: set[str]) -> None:
        expected = []
        for paragraph in before.paragraphs:
            key, base = self.bases.get(paragraph.id, ("", None))
            untouched = paragraph.text == base or paragraph.id in given_up
            if key not in wanted and untouched and paragraph.id not in self.adopted:
                del self.bases[paragraph.id]
                continue
            expected.append((paragraph.id, wanted.get(key, paragraph.text) if untouched else paragraph.text))
            if key in wanted:
                self.bases[paragraph.id] = (key, wanted[key])
        known = {paragraph.id for paragraph in before.paragraphs}
        assert [(p.id, p.text) for p in self.note.paragraphs if p.id in known] == expected

    def check_what_came(self, before: Note, wanted: dict[str, str]) -> None:
        known = {paragraph.id for paragraph in before.paragraphs}
        there = {key for key, _ in self.bases.values()}
        came = {key: p for key, p in by_key(self.note).items() if p.id not in known}
        assert {key: p.text for key, p in came.items()} == {
            key: text for key, text in wanted.items() if key not in there and key not in self.deleted
        }
        assert len(came) == len([p for p in self.note.paragraphs if p.id not in known])
        self.bases |= {p.id: (key, p.text) for key, p in came.items()}

    def check_again(self, render: RenderedNote, decide: str | None) -> None:
        plan = make_plan(self.note, render)
        assert {change.verdict for change in plan.changes} <= {Verdict.SAME, Verdict.KEEP, Verdict.GONE}
        before = self.note
        self.server.writes.clear()
        assert apply_note(self.client, render, Applying(Decision(decide))).written == 0
        assert self.server.writes == []
        assert self.note == before


TestNoteInUse = NoteInUse.TestCase
TestNoteInUse.settings = settings(max_examples=150, stateful_step_count=15, deadline=None)


@given(st.text(max_size=30), st.sampled_from(["", "\n", " \n\n", "\t"]))
def test_white_space_at_a_text_s_end_does_not_count(text: str, end: str) -> None:
    assert digest(text + end) == digest(text)


@pytest.mark.parametrize(("one", "other"), [("a", "b"), ("a", " a"), ("a b", "a  b"), ("", "a")])
def test_any_other_difference_counts(one: str, other: str) -> None:
    assert digest(one) != digest(other)
