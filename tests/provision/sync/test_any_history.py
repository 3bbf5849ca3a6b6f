"""Any history of a note: edits, template changes, applies cut off anywhere, undos, notes of an older version, two
machines, another name, a page that sends old config.

What a person has typed stays. `python -m tests.provision.sync.test_any_history 10000` goes through that many, about 14
a second on one core.
"""

import sys

from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import (
    RuleBasedStateMachine,
    initialize,
    invariant,
    precondition,
    rule,
    run_state_machine_as_test,
)

from provision.bundles.render import RenderedNote, RenderedParagraph
from provision.errors import ConflictError, ProvisionError
from provision.sync.plan import OURS
from provision.sync.provenance import base_text, by_key, provenance
from provision.sync.undo import undo_note
from provision.sync.undo_records import Record, Records
from zeppelin_sdk import Paragraph

from ..note_bench import Bench, seen_config

TEXTS = ("one\ntwo\nthree", "one\nTWO\nthree", "ONE\ntwo\nthree\nfour", "other")
templates = st.dictionaries(st.sampled_from("abcd"), st.sampled_from(TEXTS), min_size=1)
places = st.integers(0, 9)


class Kept(Records):
    """Records in memory."""

    def __init__(self) -> None:
        super().__init__("http://zeppelin.example:8080")
        self.kept: dict[str, Record] = {}

    def save(self, record: Record) -> None:
        self.kept[record.path] = record

    def find(self, path: str) -> Record | None:
        return self.kept.get(path)

    def forget(self, path: str) -> None:
        self.kept.pop(path, None)


def note_of(texts: dict[str, str]) -> RenderedNote:
    """The template's paragraphs; titles and a setting change with the texts."""
    paragraphs = (
        RenderedParagraph(key, f"Title {len(text)}", f"{key}\n{text}", {"results": {"0": {"height": len(text)}}})
        for key, text in texts.items()
    )
    return RenderedNote("bundle", "folder/note", tuple(paragraphs), site={"path": "folder/note"})


class History(RuleBasedStateMachine):
    """`typed`: paragraph -> a person's lines, and title and chart if they are theirs. All stay until it is deleted."""

    def __init__(self) -> None:
        super().__init__()
        self.machines = (Kept(), Kept())
        self.typed: dict[str, dict[str, str]] = {}
        self.count = 0
        self.page_missed = False

    @initialize(texts=templates)
    def first(self, texts: dict[str, str]) -> None:
        self.bench = Bench(note_of(texts), self.machines[0])

    def there(self) -> bool:
        return hasattr(self, "bench") and self.bench.id in self.bench.server.notes and bool(self.bench.note.paragraphs)

    def word(self, index: int, what: str) -> str:
        """A word of the person's own, for something of a paragraph, in the place of their older one."""
        self.count += 1
        word = f"<mine {self.count}>"
        what = f"line {self.count}" if what == "line" else what
        self.typed.setdefault(self.bench.note.paragraphs[index].id, {})[what] = word
        return word

    def index(self, place: int) -> int:
        return place % len(self.bench.note.paragraphs)

    @precondition(there)
    @rule(place=places, line=places)
    def type(self, place: int, line: int) -> None:
        index = self.index(place)
        lines = self.bench.texts()[index].split("\n")
        lines.insert(line % (len(lines) + 1), self.word(index, "line"))
        self.bench.edit(index, text="\n".join(lines))

    @precondition(there)
    @rule(place=places)
    def think_better_of_it(self, place: int) -> None:
        index = self.index(place)
        paragraph = self.bench.note.paragraphs[index]
        text = base_text(paragraph) if provenance(paragraph).key else None
        if text is not None:
            mine = self.typed.get(paragraph.id, {})
            self.typed[paragraph.id] = {what: word for what, word in mine.items() if word not in paragraph.text}
            self.bench.edit(index, text=text)

    @precondition(there)
    @rule(place=places)
    def name(self, place: int) -> None:
        index = self.index(place)
        self.bench.edit(index, title=self.word(index, "title"))

    @precondition(there)
    @rule(place=places)
    def chart(self, place: int) -> None:
        index = self.index(place)
        self.bench.set(index, results={"0": {"height": 1, "mode": self.word(index, "chart")}})

    @precondition(there)
    @rule(place=places, to=places)
    def move(self, place: int, to: int) -> None:
        count = len(self.bench.note.paragraphs)
        self.bench.move(place % count, to % count)

    @precondition(there)
    @rule(place=places)
    def insert(self, place: int) -> None:
        self.bench.server.insert(self.bench.id, self.index(place), "own")
        self.type(self.index(place), 0)

    @precondition(there)
    @rule(place=places)
    def delete(self, place: int) -> None:
        index = self.index(place)
        self.typed.pop(self.bench.note.paragraphs[index].id, None)
        self.bench.delete(index)

    @rule(number=st.integers(0, 1))
    def take_the_other_machine(self, number: int) -> None:
        self.bench.records = self.machines[number]

    @precondition(there)
    @rule(path=st.sampled_from(["/folder/note", "/archive/note"]))
    def rename(self, path: str) -> None:
        if self.bench.client.find_note(path) is None:
            self.bench.client.rename_note(self.bench.id, path)

    @precondition(there)
    @rule()
    def age(self) -> None:
        self.bench.age()

    @precondition(there)
    @rule()
    def open_page(self) -> None:
        self.bench.server.open_page(self.bench.id)
        self.page_missed = False

    @precondition(there)
    @rule()
    def send_page(self) -> None:
        self.bench.server.send_page(self.bench.id)

    @rule(texts=templates, decide=st.sampled_from([None, OURS]), cut=st.none() | st.integers(0, 12), late=st.booleans())
    def apply(self, texts: dict[str, str], decide: str | None, cut: int | None, late: bool) -> None:
        self.bench.server.writes.clear()
        self.bench.server.fail_at, self.bench.server.fails_late = cut, late
        try:
            self.bench.id = self.bench.apply(note_of(texts), decide).note_id
        except ConnectionError:
            self.page_missed = True
            return
        except ConflictError:
            assert decide is None
            return
        finally:
            self.bench.server.fail_at = None
        if not by_key(self.bench.note):
            return  # nothing of the bundle is left to tell of what was deleted
        before = self.bench.seen()
        assert self.bench.apply(note_of(texts), decide).written == 0
        assert self.bench.server.writes == []
        assert self.bench.seen() == before
        if not self.page_missed:
            self.check_page(texts, before)

    def check_page(self, texts: dict[str, str], before: list[tuple[str, str, dict[str, object]]]) -> None:
        """What an open page sends changes no plan, unless an apply was cut off before the page had got everything."""
        plan = self.bench.verdicts(note_of(texts))
        self.bench.server.send_page(self.bench.id)
        assert self.bench.verdicts(note_of(texts)) == plan
        assert self.bench.seen() == before

    @precondition(there)
    @rule(cut=st.none() | st.integers(0, 8), late=st.booleans())
    def undo(self, cut: int | None, late: bool) -> None:
        records = self.bench.records
        record = records.find("folder/note") if records else None
        if records is None or record is None:
            return
        self.bench.server.writes.clear()
        self.bench.server.fail_at, self.bench.server.fails_late = cut, late
        try:
            undo_note(self.bench.client, record, records, open_in_page=bool(self.bench.server.fake.page))
        except ConnectionError:
            self.page_missed = True
        except ProvisionError:
            pass  # the other machine has applied it since, or taken the note away
        finally:
            self.bench.server.fail_at = None

    def every_paragraph(self) -> list[Paragraph]:
        """Those of all notes: a renamed one of which nothing tells any more is left for a new one."""
        return [paragraph for note in self.bench.server.notes.values() for paragraph in note.paragraphs]

    @invariant()
    def nothing_typed_is_lost(self) -> None:
        if hasattr(self, "bench"):
            seen = repr([seen_config(p) | {"text": p.text, "title": p.title} for p in self.every_paragraph()])
            assert [word for typed in self.typed.values() for word in typed.values() if word not in seen] == []


TestHistory = History.TestCase
TestHistory.settings = settings(max_examples=150, stateful_step_count=15, deadline=None)


def go_through(histories: int) -> None:
    """Run so many histories and print how many edits were typed in them; the first that loses one is an error."""
    seen = {"histories": 0, "edits": 0}

    class Counted(History):
        def teardown(self) -> None:
            seen["histories"] += 1
            seen["edits"] += self.count

    run_state_machine_as_test(Counted, settings=settings(TestHistory.settings, max_examples=histories, database=None))
    print(f"{seen['histories']:,} histories, {seen['edits']:,} edits, 0 lost")


if __name__ == "__main__":
    go_through(int(sys.argv[1]))
