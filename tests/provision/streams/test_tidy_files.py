"""Windows from files: tidy CSV and Parquet, and the document's folders."""

import datetime
import sys
from pathlib import Path

import pyarrow
import pytest
from pyarrow import parquet

from provision.errors import ProvisionError, UsageError
from provision.streams.tidy_files import read_folders, read_tidy

ROWS = "window_end,ts,id,avg(cpu)\n2026-11-26T09:00:10Z,t,ant,1.5\n2026-11-26T09:00:10Z,t,bee,2.5\n"
LATER = "window_end,ts,id,avg(cpu)\n2026-11-26T16:00:20+07:00,t,ant,3.5\n"
END = 1795683610000


def test_a_file_has_a_window_for_each_time(tmp_path: Path) -> None:
    file = tmp_path / "averages.csv"
    file.write_text(ROWS, encoding="utf-8")
    (window,) = read_tidy(file)
    assert window.end == END
    assert window.columns == ("ts", "id", "avg(cpu)")
    assert window.rows == (("t", "ant", "1.5"), ("t", "bee", "2.5"))


def test_a_folder_has_those_of_all_its_files_but_of_what_is_being_written(tmp_path: Path) -> None:
    (tmp_path / "day=2026-11-26").mkdir()
    (tmp_path / "day=2026-11-26" / "b.csv").write_text(LATER, encoding="utf-8")
    (tmp_path / "a.csv").write_text(ROWS, encoding="utf-8")
    (tmp_path / ".c.csv").write_text("half", encoding="utf-8")
    assert [window.end for window in read_tidy(tmp_path)] == [END, END + 10_000]


def test_parquet_is_read_as_csv_is(tmp_path: Path) -> None:
    end = datetime.datetime.fromtimestamp(END / 1000, datetime.UTC)
    table = pyarrow.table({"window_end": [end, end], "id": ["ant", "bee"], "avg(cpu)": [1.5, None]})
    parquet.write_table(table, tmp_path / "a.parquet")
    (window,) = read_tidy(tmp_path)
    assert (window.end, window.rows) == (END, (("ant", "1.5"), ("bee", "")))


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("id,cpu\nant,1\n", "no column says when a window ended"),
        ("window_end,id\nyesterday,ant\n", "line 2: 'yesterday' is no time"),
        ("window_end,id\n2026-11-26T09:00:10Z\n", "line 2 has 1 cells, its header 2"),
    ],
)
def test_what_is_no_dataset_is_told_with_its_line(tmp_path: Path, text: str, told: str) -> None:
    file = tmp_path / "a.csv"
    file.write_text(text, encoding="utf-8")
    with pytest.raises(UsageError, match=told):
        read_tidy(file)


@pytest.mark.parametrize("name", ["a.csv", "a.parquet"])
def test_bytes_that_are_neither_are_told(tmp_path: Path, name: str) -> None:
    (tmp_path / name).write_bytes(b"\xff\xfe\x00nothing")
    with pytest.raises(UsageError, match=f"{name}: no (CSV|Parquet)"):
        read_tidy(tmp_path / name)


def test_where_parquet_can_not_be_read_the_extra_is_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "a.parquet").write_bytes(b"PAR1")
    monkeypatch.setitem(sys.modules, "pyarrow", None)
    with pytest.raises(ProvisionError) as told:
        read_tidy(tmp_path)
    assert "[plot]" in told.value.next_step


def test_an_empty_file_and_an_empty_folder_have_no_windows(tmp_path: Path) -> None:
    assert read_tidy(tmp_path) == []
    (tmp_path / "a.csv").touch()
    assert read_tidy(tmp_path) == []


def folder(out: Path, end: int, text: str) -> None:
    (out / f"avg-{end}").mkdir()
    (out / f"avg-{end}" / "part-00000-x.csv").write_text(text, encoding="utf-8")
    (out / f"avg-{end}" / "_SUCCESS").touch()


def test_the_document_s_folders_get_their_columns_by_name(tmp_path: Path) -> None:
    folder(tmp_path, END, "2026-11-26T09:00:09.000Z,ant,1.5\n")
    (window,) = read_folders(tmp_path, ("ts", "id", "cpu"))
    assert (window.end, window.columns) == (END, ("ts", "id", "cpu"))
    assert read_folders(tmp_path)[0].columns == ("column 1", "column 2", "column 3")
    with pytest.raises(UsageError, match="3 cells, --columns names 2"):
        read_folders(tmp_path, ("ts", "id"))


def test_folders_with_a_header_need_no_names(tmp_path: Path) -> None:
    folder(tmp_path, END, "ts,id,cpu\n2026-11-26T09:00:09.000Z,ant,1.5\n")
    (window,) = read_folders(tmp_path)
    assert window.columns == ("ts", "id", "cpu")
    assert window.rows == (("2026-11-26T09:00:09.000Z", "ant", "1.5"),)


def test_a_folder_without_such_has_none(tmp_path: Path) -> None:
    assert read_folders(tmp_path) == []
