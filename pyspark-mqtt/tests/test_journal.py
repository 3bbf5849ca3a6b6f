"""What was synced is there again, whatever was killed and whatever the disk forgot; what is committed is not."""

from __future__ import annotations

import json
from dataclasses import asdict
from pathlib import Path
from random import Random

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from mqtt_support.lossy import FullDisk, LossyFolder
from pyspark_mqtt import JournalError
from pyspark_mqtt._files import Folder
from pyspark_mqtt._frames import cut
from pyspark_mqtt._journal import Journal, State
from pyspark_mqtt._packets import acknowledgement, publish
from pyspark_mqtt._records import STATE, encoded, rows_in
from pyspark_mqtt._rows import More, batches

PUBREL = 6


def frame(text: str, qos: int = 0, number: int = 0) -> bytes:
    return publish(4, "t", text.encode(), qos=qos, packet_id=number, retain=False, dup=False)


def opened(folder: Folder, *, segment: int = 1 << 20, forgiving: bool = False) -> Journal:
    return Journal(folder, segment=segment, forgiving=forgiving, lock_wait=0.0, now=lambda: 0.0)


def received(journal: Journal, *frames: bytes) -> bytes:
    """What the receiver does with what it read; its answers."""
    data = b"".join(frames)
    piece = cut(bytearray(data), len(data), 4, journal.unreleased)
    journal.append(piece.body, piece.rows, 4, 1)
    return piece.answers


def values(journal: Journal, start: int, end: int) -> list[str]:
    found = []
    for span in journal.spans(start, end):
        for batch in batches(rows_in(span), start, end, More()):
            found += [row["value"].decode() for row in batch.to_pylist()]
    return found


def all_values(journal: Journal) -> list[str]:
    return values(journal, journal.first, journal.end)


def test_what_was_written_is_there_again(tmp_path: Path) -> None:
    journal = opened(Folder(tmp_path))
    received(journal, frame("a"), frame("b"))
    received(journal, frame("c"))
    journal.close()
    again = opened(Folder(tmp_path))
    assert (again.first, again.end, all_values(again)) == (0, 3, ["a", "b", "c"])
    again.close()


def test_ranges_are_read_across_segments(tmp_path: Path) -> None:
    journal = opened(Folder(tmp_path), segment=200)
    for number in range(30):
        received(journal, frame(str(3 * number)), frame(str(3 * number + 1)), frame(str(3 * number + 2)))
    assert len(journal.folder.names()) > 5
    for start, end in [(0, 90), (1, 2), (4, 5), (10, 61), (88, 90), (90, 90)]:
        assert values(journal, start, end) == [str(number) for number in range(start, end)]
    journal.close()


def test_committed_segments_go_and_numbers_stay(tmp_path: Path) -> None:
    journal = opened(Folder(tmp_path), segment=200)
    for number in range(40):
        received(journal, frame(str(number)))
    before, waiting = len(journal.folder.names()), journal.waiting
    journal.commit(35)
    assert len(journal.folder.names()) < before
    assert journal.waiting < waiting / 4
    journal.close()
    again = opened(Folder(tmp_path), segment=200)
    assert (again.first, again.end) == (35, 40)
    assert all_values(again) == ["35", "36", "37", "38", "39"]
    again.close()


def test_a_new_journal_never_repeats_offsets(tmp_path: Path) -> None:
    first = Journal(Folder(tmp_path / "one"))
    received(first, frame("a"))
    second = Journal(Folder(tmp_path / "two"))
    assert second.end > first.end
    first.close()
    second.close()


@pytest.mark.parametrize("cut_off", [1, 10, 31, 33, 45])
def test_a_torn_end_is_cut_off(tmp_path: Path, cut_off: int) -> None:
    journal = opened(Folder(tmp_path))
    received(journal, frame("a"))
    received(journal, frame("a long message, more than is cut off of it"))
    journal.close()
    (path,) = tmp_path.glob("*.journal")
    path.write_bytes(path.read_bytes()[:-cut_off])
    again = opened(Folder(tmp_path))
    assert all_values(again) == ["a"]
    assert again.truncated > 0
    received(again, frame("b"))
    again.close()
    last = opened(Folder(tmp_path))
    assert all_values(last) == ["a", "b"]
    last.close()


def test_damage_before_the_end_is_told(tmp_path: Path) -> None:
    journal = opened(Folder(tmp_path), segment=200)
    for number in range(20):
        received(journal, frame(str(number)))
    journal.close()
    second = sorted(tmp_path.glob("*.journal"))[1]
    data = bytearray(second.read_bytes())
    data[-3] ^= 1
    second.write_bytes(data)
    with pytest.raises(JournalError, match=f"{second.name} is damaged"):
        opened(Folder(tmp_path))
    forgiving = opened(Folder(tmp_path), forgiving=True)
    assert forgiving.end == 20
    forgiving.close()


def test_a_journal_is_one_reader_s(tmp_path: Path) -> None:
    journal = opened(Folder(tmp_path))
    with pytest.raises(JournalError, match="is in use by process"):
        opened(Folder(tmp_path))
    journal.close()
    opened(Folder(tmp_path)).close()


def test_a_newer_format_is_refused(tmp_path: Path) -> None:
    journal = opened(Folder(tmp_path))
    journal.state.format = 3
    journal.save_state()
    journal.close()
    with pytest.raises(JournalError, match="has format 3"):
        opened(Folder(tmp_path))


def test_a_full_disk_is_told_and_nothing_is_written_behind_the_torn_record(tmp_path: Path) -> None:
    journal = opened(FullDisk(tmp_path, 400))
    received(journal, frame("a"))
    journal.sync()
    with pytest.raises(JournalError, match="No space left on device"):
        received(journal, frame("b" * 500))
    for step in (lambda: received(journal, frame("c")), journal.sync, lambda: journal.commit(1)):
        with pytest.raises(JournalError):
            step()
    journal.folder.unlock()
    again = opened(Folder(tmp_path))
    assert all_values(again) == ["a"]
    again.close()


def test_qos_2_ids_are_known_again(tmp_path: Path) -> None:
    journal = opened(Folder(tmp_path), segment=150)
    for number in range(1, 10):
        received(journal, frame(f"m{number}", 2, number))
        if number % 2:
            received(journal, acknowledgement(PUBREL, number))
    journal.commit(journal.end)
    journal.close()
    again = opened(Folder(tmp_path), segment=150)
    assert again.unreleased.keys() == {2, 4, 6, 8}
    end = again.end
    received(again, frame("m8", 2, 8), frame("m9 again", 2, 9))
    assert values(again, end, again.end) == ["m9 again"]
    again.close()


def test_a_journal_that_knows_qos_2_messages_by_their_ids_alone_is_read(tmp_path: Path) -> None:
    journal = opened(Folder(tmp_path))
    journal.close()
    (path,) = tmp_path.glob("*.journal")
    state = {**asdict(State(committed=journal.end)), "unreleased": [7], "format": 1}
    path.write_bytes(encoded(STATE, json.dumps(state).encode(), offset=journal.end))
    again = opened(Folder(tmp_path))
    received(again, frame("m7", 2, 7), frame("m8", 2, 8))
    assert all_values(again) == ["m8"]
    again.save_state()
    again.close()
    again = opened(Folder(tmp_path))
    assert again.unreleased.keys() == {7, 8}
    again.close()


class Broker:
    """A broker that delivers numbered messages at QoS 2 until it is told of each, over any number of power cuts."""

    def __init__(self) -> None:
        self.next = 0
        self.under_way: dict[int, tuple[str, bool]] = {}

    def frames(self, chance: Random) -> list[bytes]:
        for _ in range(chance.randint(0, 4)):
            free = [number for number in range(1, 9) if number not in self.under_way]
            if free:
                self.under_way[chance.choice(free)] = (str(self.next), False)
                self.next += 1
        sent = [
            acknowledgement(PUBREL, number) if released else frame(text, 2, number)
            for number, (text, released) in self.under_way.items()
        ]
        return [one for one in sent if chance.random() < 0.7]

    def told(self, answers: bytes) -> None:
        for at in range(0, len(answers), 4):
            kind, number = answers[at] >> 4, int.from_bytes(answers[at + 2 : at + 4], "big")
            if kind == 5 and number in self.under_way:
                self.under_way[number] = (self.under_way[number][0], True)
            elif kind == 7:
                self.under_way.pop(number, None)


@settings(max_examples=30)
@given(st.randoms(use_true_random=False), st.integers(1, 120), st.sampled_from([120, 400, 1 << 20]))
def test_power_cuts_lose_nothing_and_repeat_nothing_at_qos_2(
    tmp_path_factory: pytest.TempPathFactory, chance: Random, turns: int, segment: int
) -> None:
    """Power is cut at any moment: while writing, before and after a sync, before the broker hears of it."""
    folder, broker, taken = LossyFolder(tmp_path_factory.mktemp("journal")), Broker(), list[str]()
    journal = opened(folder, segment=segment)
    committed = journal.end
    for _ in range(turns):
        answers = received(journal, *broker.frames(chance))
        if chance.random() < 0.8:
            journal.sync()
            if chance.random() < 0.8:
                broker.told(answers)
            if chance.random() < 0.5:  # Spark processes what is safe, commits, and only then tells the source
                taken += values(journal, committed, journal.end)
                committed = journal.end
                if chance.random() < 0.5:
                    journal.commit(committed)
        if chance.random() < 0.1:
            folder.unlock()
            folder.power_cut(chance)
            folder = LossyFolder(folder.path)
            folder.named = set(folder.names())
            folder.safe = {name: folder.size(name) for name in folder.names()}
            journal = opened(folder, segment=segment)
    for _ in range(3):
        broker.told(
            received(
                journal,
                *[
                    f
                    for n, (t, r) in broker.under_way.items()
                    for f in [acknowledgement(PUBREL, n) if r else frame(t, 2, n)]
                ],
            )
        )
    journal.sync()
    taken += values(journal, committed, journal.end)
    journal.close()
    assert sorted(taken, key=int) == [str(number) for number in range(broker.next)]
