"""Of the commands of one machine one at a time writes to a note."""

import threading
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest

from provision.sync.apply import Applying, apply_note
from provision.sync.note_lock import note_lock
from provision.sync.remove import remove_note
from provision.sync.undo import undo_note
from provision.sync.undo_records import Records
from provision.waiting import wait_until

from ..note_bench import Bench, render

AB, A2B2 = render(a="a1", b="b1"), render(a="a2", b="b2")
PATH = "folder/note"
Waiting = Callable[[], None]


@pytest.fixture
def bench(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Bench:
    monkeypatch.setenv("PROVISION_HOME", str(tmp_path))
    return Bench(AB, Records("http://a:1"))


def apply(bench: Bench, waiting: Waiting) -> None:
    apply_note(bench.client, A2B2, Applying(records=bench.records, waiting=waiting))


def undo(bench: Bench, waiting: Waiting) -> None:
    assert bench.records
    (record,) = bench.records.all()
    undo_note(bench.client, record, bench.records, waiting=waiting)


def remove(bench: Bench, waiting: Waiting) -> None:
    assert bench.records
    remove_note(bench.client, bench.note, bench.records, waiting=waiting)


@pytest.mark.parametrize("write", [apply, undo, remove])
def test_each_command_that_writes_waits_for_another_and_says_so(
    bench: Bench, write: Callable[[Bench, Waiting], None]
) -> None:
    said: list[str] = []
    bench.server.writes.clear()
    writer = threading.Thread(target=write, args=(bench, lambda: said.append("waits")))
    with note_lock(bench.client.url, "/folder/note"):
        writer.start()
        assert wait_until(lambda: bool(said), 5, 0.01)
        assert writer.is_alive()
        assert bench.server.writes == []
    writer.join(30)
    assert not writer.is_alive()
    assert bench.server.writes


def test_a_note_that_was_moved_is_removed_by_the_path_that_it_was_made_at(bench: Bench) -> None:
    bench.apply(replace(AB, site={"path": PATH}))
    bench.client.rename_note(bench.id, "/elsewhere")
    with note_lock(bench.client.url, "elsewhere"):
        remove(bench, lambda: None)
    assert bench.server.notes == {}


def test_other_notes_and_other_servers_are_not_waited_for(bench: Bench) -> None:
    with note_lock(bench.client.url, "another"), note_lock("http://b:1", PATH):
        apply(bench, pytest.fail)
    assert bench.texts() == ["a2", "b2"]
