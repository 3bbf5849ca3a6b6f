"""A note's windows as a running paragraph prints them, whichever way it prints."""

from collections.abc import Sequence
from pathlib import Path
from typing import cast

import pytest

from provision.streams.window_sources import Files, Overheard
from provision.streams.windows import Window
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


@pytest.mark.parametrize(("printed", "row"), [(PRINTED.format(1, "{}"), "x\n"), (SHOWN, "|  1|  2|\n")])
def test_windows_without_rows_are_counted(printed: str, row: str) -> None:
    texts = [printed.format(""), printed.format(""), printed.format(row)]
    script = Script(OutputUpdated("p", 0, "TEXT", "".join(texts)), None)
    source = Overheard(cast(NoteFollower, script), "p")
    assert (len(source.windows()), source.empty) == (1, 2)


def test_files_without_rows_are_counted(tmp_path: Path) -> None:
    source = Files(tmp_path)
    written(tmp_path, LATER, "")
    written(tmp_path, LATER + 1, "a,1\n")
    assert (len(source.windows()), source.empty) == (1, 1)


def test_another_paragraph_s_output_is_not_heard() -> None:
    assert overheard([OutputUpdated("other", 0, "TEXT", PRINTED.format(1, "x\n"))]) == [[]]


class Named:
    """A note that keeps its windows: two columns, whose names change; `asked` is how often it was."""

    def __init__(self, *columns: str) -> None:
        self.columns, self.asked, self.end = columns, 0, LATER

    def windows(self) -> list[Window]:
        self.asked += 1
        return [Window(self.end, (), (("x", "1"),), self.columns)]


LATER = 10**14  # ms; after the source was made


def written(out: Path, end: int, text: str) -> None:
    folder = out / f"avg-{end}"
    folder.mkdir()
    (folder / "part-0.csv").write_text(text)
    (folder / "_SUCCESS").touch()


def test_files_without_a_header_have_the_names_that_the_note_s_own_window_has(tmp_path: Path) -> None:
    note = Named("device", "avg(warm)")
    source = Files(tmp_path, named=note)
    written(tmp_path, LATER, "a,24.5\n")
    written(tmp_path, LATER + 1, "a,24.5\n")
    (known,) = source.windows()
    assert known.columns == ("device", "avg(warm)")
    assert source.windows() == [known]
    assert [window.columns for window in source.windows()] == [known.columns, ()]
    assert len(source.windows()) == 2
    assert note.asked == 1 + Files.ASKED


def test_a_file_that_is_there_before_the_note_tells_of_its_window_gets_its_names(tmp_path: Path) -> None:
    note = Named("device", "avg(warm)")
    source = Files(tmp_path, named=note)
    written(tmp_path, LATER + 1, "a,24.5\n")
    assert source.windows() == []
    note.end = LATER + 1
    assert [window.columns for window in source.windows()] == [("device", "avg(warm)")]


def test_names_of_another_number_of_columns_are_not_put_over_rows(tmp_path: Path) -> None:
    source = Files(tmp_path, named=Named("ts", "id", "cpu"))
    written(tmp_path, LATER, "a,24.5\n")
    assert source.windows()[0].columns == ()


def test_a_header_is_taken_before_any_other_name(tmp_path: Path) -> None:
    note = Named("device", "avg(warm)")
    source = Files(tmp_path, header=True, named=note)
    written(tmp_path, LATER, "id,cpu\na,24.5\n")
    assert [(window.columns, window.rows) for window in source.windows()] == [(("id", "cpu"), (("a", "24.5"),))]
    assert note.asked == 0
