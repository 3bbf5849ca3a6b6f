"""The screen of `provision top`, at the widths of real terminals."""

import io
from collections.abc import Sequence
from typing import Any

import pytest
from rich.console import Console, RenderableType

from provision.drawing.top_view import TopState, note_screen, notes_screen
from provision.live.feed import Entry
from provision.live.health import Figure, Health, Tone
from provision.live.history import History
from provision.streams.listing import Listed
from provision.streams.spark_page import StreamState
from provision.streams.windows import Window
from zeppelin_sdk import Note

COLUMNS = ("ts", "id", "avg(loadavg)", "avg(cpu)", "avg(mem)")


def lines(screen: RenderableType, width: int) -> list[str]:
    """What is on the screen, without colours."""
    console = Console(width=width, file=io.StringIO())
    console.print(screen)
    return str(console.file.getvalue()).splitlines()  # type: ignore[attr-defined]


def history(keys: Sequence[str], windows: int = 40) -> History:
    found = History()
    found.add(
        Window(
            10_000 * at,
            (),
            tuple(("2026-11-26T09:00:00Z", key, f"{at / 7}", f"{50 + at}", "3.25") for key in keys),
            COLUMNS,
        )
        for at in range(1, windows + 1)
    )
    return found


def seen(keys: Sequence[str] = ("ant", "bee"), **changes: Any) -> TopState:
    given: dict[str, Any] = {
        "title": "NETPIE/DEMO metrics csv",
        "health": Health(Tone.GOOD, "streaming", "All is well."),
        "figures": [Figure("events/s", "12.3", ""), Figure("lag", "0.32 s", "")],
        "history": history(keys),
    }
    return TopState(**given | changes)


def listed(path: str, state: str, failure: str = "") -> Listed:
    stream = StreamState(3, 40, 300.0, 320.0, 1, 1, "", 4.04, failure=failure)
    return Listed(Note("2A", path, ()), "streaming", state, stream, 1_795_000_000_000)


@pytest.mark.parametrize("width", [40, 60, 80, 120, 200])
@pytest.mark.parametrize("keys", [1, 4, 100])
def test_it_keeps_to_the_terminal(width: int, keys: int) -> None:
    names = [f"greenhouse/north/sensor-{number:03}" for number in range(keys)]
    log = [Entry(1.0, "window", "x" * 300)] * 9
    screen = note_screen(seen(names, log=log, title="N" * 300), str, width=width, height=24)
    drawn = lines(screen, width)
    assert max(map(len, drawn)) <= width
    assert len(drawn) <= 24


def test_each_key_has_a_sparkline_and_its_newest_value() -> None:
    drawn = lines(note_screen(seen(), str, width=120), 120)
    ant = next(line for line in drawn if line.startswith("ant"))
    assert "▁" in ant
    assert "█" in ant
    assert ant.split()[2::2] == ["5.7143", "90", "3.25"]


def test_what_there_is_no_room_for_is_named() -> None:
    names = [f"host-{number:03}" for number in range(100)]
    drawn = lines(note_screen(seen(names), str, width=40, height=20), 40)
    assert "more keys; avg(mem)" in " ".join(drawn)
    assert any(line.startswith("host-000") for line in drawn)


def test_why_a_batch_failed_is_told_whole_on_a_narrow_terminal() -> None:
    reason = "org.apache.spark.sql.AnalysisException: cannot resolve 'cpuu' given input columns: [cpu, id, mem, ts]"
    health = Health(Tone.BAD, "failing", f"The newest batch failed: {reason}")
    drawn = lines(note_screen(seen(health=health), str, width=60), 60)
    assert "failing" in drawn[0]
    assert reason in " ".join(line.strip() for line in drawn)


def test_a_key_that_is_gone_has_no_value_of_now() -> None:
    found = history(["ant", "bee"])
    found.add([Window(410_000, (), (("2026-11-26T09:00:00Z", "ant", "1", "2", "3"),), COLUMNS)])
    drawn = lines(note_screen(seen(history=found), str, width=120), 120)
    assert next(line for line in drawn if line.startswith("bee")).split()[2::2] == ["-", "-", "-"]


def test_before_the_first_window_it_says_so() -> None:
    assert "No window has ended yet." in lines(note_screen(seen(history=History()), str, width=60), 60)


def test_a_server_that_is_gone_is_told() -> None:
    assert "the server is out of reach: refused" in lines(
        note_screen(seen(cause="the server is out of reach: refused"), str, width=60), 60
    )


def test_secrets_and_markup_are_shown_as_the_caller_has_them() -> None:
    found = seen(["[red]s3cret"], title="s3cret [b]", log=[Entry(1.0, "x", "s3cret")])
    drawn = "\n".join(lines(note_screen(found, lambda text: text.replace("s3cret", "***"), width=120), 120))
    assert "s3cret" not in drawn
    assert "[red]***" in drawn
    assert "*** [b]" in drawn


def test_of_all_notes_those_that_fail_are_first_with_their_reason() -> None:
    notes = [listed("/NETPIE/A", "streaming"), listed("/NETPIE/B", "failing", "/ by zero")]
    drawn = lines(notes_screen(notes, str, width=60), 60)
    assert drawn[1].startswith("failing")
    assert drawn[2].startswith("streaming")
    assert drawn[-1] == "NETPIE/B: / by zero"
    assert max(map(len, drawn)) <= 60


def test_a_server_without_notes_says_so() -> None:
    assert lines(notes_screen([], str, width=60), 60) == ["No note on this server was made by provision."]
