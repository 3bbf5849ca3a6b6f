"""Windows get to several outputs in order, whatever fails; what waits is on the disk."""

import threading
import time
from collections.abc import Callable
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from zeppelin_notes.outputs import Outputs
from zeppelin_notes.outputs._queue import Queue
from zeppelin_notes.outputs._window import Window

from .windows import window


def until(what: str, holds: Callable[[], Any]) -> None:
    patience = time.monotonic() + 60
    while not holds():
        assert time.monotonic() < patience, what
        time.sleep(0.01)


class Kept:
    """An output that keeps windows, and fails as long as it is told to."""

    def __init__(self, once: bool = False) -> None:
        self.windows: list[Window] = []
        self.failing = ""
        self.once = once
        self.closed = False

    def write(self, window: Window) -> None:
        if self.failing:
            raise OSError(self.failing)
        self.windows.append(window)

    def close(self) -> None:
        self.closed = True


def test_an_output_that_fails_stops_no_other_and_gets_all_in_order_when_it_is_well(tmp_path: Path) -> None:
    well, ill = Kept(), Kept()
    ill.failing = "connection refused\nat line 3"
    outputs = Outputs(str(tmp_path))
    outputs.to("well", well)
    outputs.to("ill", ill)
    given = [window(number) for number in range(5)]
    for each in given:
        outputs.put(each)
    outputs.drain(60)
    until("the failure is told", lambda: outputs.told()[1].reason)
    assert well.windows == given
    told = outputs.told()[1]
    assert (told.waiting, told.oldest, told.reason) == (5, given[0].end, "connection refused")
    assert "FAILS since 2" in told.line()
    assert "5 wait, from 2018-10-29T02:53:40Z on" in told.line()
    ill.failing = ""
    until("all are delivered", lambda: ill.windows == given)
    until("nothing is told of it", lambda: outputs.told()[1].line() == "output ill: 5 windows")
    outputs.close()
    assert (well.closed, ill.closed) == (True, True)


def test_what_waits_is_delivered_by_the_next_run_before_what_comes_then(tmp_path: Path) -> None:
    ill = Kept()
    ill.failing = "away"
    outputs = Outputs(str(tmp_path))
    outputs.to("it", ill)
    for number in range(3):
        outputs.put(window(number))
    outputs.close()
    well = Kept()
    outputs = Outputs(str(tmp_path))
    outputs.to("it", well)
    outputs.put(window(3))
    until("all are delivered", lambda: well.windows == [window(number) for number in range(4)])
    outputs.close()


def test_a_window_that_the_stream_gives_again_is_sent_once_where_that_counts(tmp_path: Path) -> None:
    for number, keep in ((0, True), (1, False)):
        sender, file = Kept(once=True), Kept()
        for numbers in ((0, 1), (1, 2)):
            outputs = Outputs(str(tmp_path / str(number)), keep=keep)
            outputs.to("sender", sender)
            outputs.to("file", file)
            for each in numbers:
                outputs.put(window(each))
            outputs.drain(60)
            outputs.close()
        assert [each.end for each in file.windows] == [window(n).end for n in (0, 1, 1, 2)]
        wanted = (0, 1, 2) if keep else (0, 1, 1, 2)
        assert [each.end for each in sender.windows] == [window(n).end for n in wanted]


def test_more_than_the_queue_takes_drops_the_oldest_and_is_told(tmp_path: Path) -> None:
    queue, written = Queue(tmp_path / "queue", limit=3), tmp_path / "window"
    written.write_text(window(0).to_json())
    for number in range(5):
        queue.add(number, written)
    assert (queue.waiting(), queue.dropped) == ([2, 3, 4], 2)
    small = Queue(tmp_path / "small", limit_bytes=2 * written.stat().st_size)
    for number in range(5):
        small.add(number, written)
    assert small.waiting() == [3, 4]


def test_a_damaged_window_is_dropped_and_the_next_delivered(tmp_path: Path) -> None:
    folder = tmp_path / "it"
    folder.mkdir()
    (folder / f"{5:015d}.json").write_text('{"end": 5, "col')
    kept = Kept()
    outputs = Outputs(str(tmp_path))
    outputs.to("it", kept)
    outputs.put(window(0))
    until("the next is delivered", lambda: kept.windows == [window(0)])
    assert outputs.told()[0].dropped == 1
    outputs.close()


def test_a_function_that_fails_is_raised_after_the_others_were_called(tmp_path: Path) -> None:
    called: list[int] = []

    def failing(rows: Any, end: int) -> None:
        raise ValueError("no table")

    outputs = Outputs(str(tmp_path))
    outputs.to("table", failing)
    outputs.to("another", lambda rows, end: called.append(end))
    with pytest.raises(ValueError, match="no table"):
        outputs(SimpleNamespace(), 7)
    assert called == [7]
    outputs.close()


def test_spark_is_told_of_what_fails_and_once_when_it_is_well(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("zeppelin_notes.outputs._outputs.window_of", lambda rows, end: rows)
    described: list[str | None] = []
    context = SimpleNamespace(
        setJobDescription=described.append, parallelize=lambda *_: SimpleNamespace(count=lambda: 1)
    )
    ill = Kept()
    outputs = Outputs(str(tmp_path), context=context)
    outputs.to("it", ill)
    outputs(window(0), 0)
    ill.failing = "away"
    outputs(window(1), 1)
    until("it fails", lambda: outputs.told()[0].reason)
    outputs(window(2), 2)
    assert described[0] is not None
    assert described[0].startswith('outputs: [{"name": "it", "waiting": ')
    ill.failing = ""
    outputs.drain(60)
    until("it is well", lambda: not outputs.told()[0].reason)
    outputs(window(3), 3)
    outputs(window(4), 4)
    assert described[-2:] == ["outputs: []", None]
    assert described.count("outputs: []") == 1
    outputs.close()


def test_two_runs_of_a_note_do_not_deliver_at_once(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("time.sleep", lambda _, sleep=time.sleep: sleep(0.01))
    monkeypatch.setattr("zeppelin_notes.outputs._outputs._locked.__defaults__", (0.1,))
    first = Outputs(str(tmp_path))
    with pytest.raises(RuntimeError, match="another run of this note still delivers"):
        Outputs(str(tmp_path))
    first.close()
    Outputs(str(tmp_path)).close()
    assert not [each for each in threading.enumerate() if each.name.startswith("output ")]


def test_outputs_are_changed_by_their_own_note_alone_and_closed_by_any(tmp_path: Path) -> None:
    paragraph_of = ["own"]

    def check() -> None:
        if paragraph_of != ["own"]:
            raise RuntimeError("another note's")

    outputs, own, other = Outputs(str(tmp_path), check=check), Kept(), Kept()
    outputs.to("it", own)
    paragraph_of[:] = ["other"]
    for its in (
        lambda: outputs.to("it", other),
        lambda: outputs.without("it"),
        lambda: Outputs(str(tmp_path), check=check),
    ):
        with pytest.raises(RuntimeError, match="another note's"):
            its()
    outputs.put(window(0))
    outputs.drain(60)
    outputs.close()
    assert (own.windows, own.closed, other.windows) == ([window(0)], True, [])


def test_what_waits_for_an_output_that_is_left_out_is_forgotten(tmp_path: Path) -> None:
    (tmp_path / "gone").mkdir()
    (tmp_path / "gone" / f"{5:015d}.json").write_text("{}")
    outputs = Outputs(str(tmp_path))
    outputs.to("it", Kept())
    outputs.put(window(0))
    assert not (tmp_path / "gone").exists()
    outputs.close()
