"""A note's windows as a running paragraph prints them, whichever way it prints."""

from collections.abc import Sequence
from typing import cast

import pytest

from provision.streams.window_sources import Overheard
from zeppelin_sdk import Event, NoteFollower, OutputAppended, OutputUpdated

LINE = "-" * 43
PRINTED = f"{LINE}\nTime: {{0}}000 ms\n{LINE}\n{{1}}\n"
SHOWN = "+---+---+\n|  a|  b|\n+---+---+\n{0}+---+---+\n\n"


class Script:
    """Answers the events one after the other; None where one is missing."""

    def __init__(self, *events: Event | None) -> None:
        self._events = list(events)

    def read(self, timeout: float) -> Event | None:
        return self._events.pop(0) if self._events else None


def overheard(*looks: Sequence[Event]) -> list[list[tuple[tuple[str, ...], ...]]]:
    """The rows of all windows after each look."""
    source = Overheard(cast(NoteFollower, Script(*(event for look in looks for event in (*look, None)))), "p")
    return [[window.rows for window in source.windows()] for _ in looks]


@pytest.mark.parametrize(
    ("texts", "rows"),
    [
        ((PRINTED.format(1, "x\n"), PRINTED.format(2, "y\n")), [(("x",),), (("y",),)]),
        ((SHOWN.format("|  1|  2|\n"), SHOWN.format("|  3|  4|\n")), [(("1", "2"),), (("3", "4"),)]),
    ],
)
def test_windows_are_known_by_how_they_are_printed(texts: Sequence[str], rows: list[object]) -> None:
    first, second = texts
    looks = overheard([OutputUpdated("p", 0, "TEXT", first)], [OutputAppended("p", 0, second)], [])
    assert looks == [rows[:1], rows, rows]


@pytest.mark.parametrize("text", [PRINTED.format(1, ""), SHOWN.format("")])
def test_a_window_without_rows_is_none(text: str) -> None:
    assert overheard([OutputUpdated("p", 0, "TEXT", text)]) == [[]]


def test_another_paragraph_s_output_is_not_heard() -> None:
    assert overheard([OutputUpdated("other", 0, "TEXT", PRINTED.format(1, "x\n"))]) == [[]]
