"""CSV and Parquet: what is in the files, that each row is there once whatever fails, and how many files there are."""

import os
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pyarrow.parquet
import pytest

from zeppelin_notes.outputs._dataset import Dataset
from zeppelin_notes.outputs._files import LocalFiles
from zeppelin_notes.outputs._window import Window
from zeppelin_notes.outputs.csv import Csv, CsvForm
from zeppelin_notes.outputs.parquet import Parquet, ParquetForm

from .windows import COLUMNS, FIRST, KINDS, SLIDE, Rows, csv_rows, expected, parquet_rows, window, without_empty

BOTH = pytest.mark.parametrize(
    ("made", "read", "form"),
    [(Csv, csv_rows, CsvForm), (Parquet, parquet_rows, ParquetForm)],
    ids=["csv", "parquet"],
)


@pytest.fixture(autouse=True)
def no_fsync(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(os, "fsync", lambda _: None)


def same(found: Rows, wanted: Rows) -> bool:
    return without_empty(found) == without_empty(wanted)


@BOTH
def test_rows_are_there_once_in_order_however_often_a_window_is_written(
    tmp_path: Path, made: Any, read: Callable[[Path], Rows], form: Any
) -> None:
    for number in (0, 1, 2, 2, 3, 1):
        made(str(tmp_path)).write(window(number))
    assert same(read(tmp_path), expected(0, 1, 2, 3))
    made(str(tmp_path)).write(window(2, keys=1))
    assert len(read(tmp_path)) == 10
    made(str(tmp_path)).write(window(2, keys=0))
    assert same(read(tmp_path), expected(0, 1, 3))


class Faulty(LocalFiles):
    """Dies at its step number `left`: before a write, amid its bytes, before they have their name, or after that."""

    def __init__(self, folder: str, left: int) -> None:
        super().__init__(folder)
        self.left = left
        self._place = Path(folder)

    def _step(self) -> None:
        self.left -= 1
        if self.left == 0:
            raise KeyboardInterrupt

    def write(self, name: str, data: bytes) -> None:
        self._step()
        unfinished = (self._place / name).with_name(f".{Path(name).name}")
        unfinished.parent.mkdir(parents=True, exist_ok=True)
        for part in (data[: len(data) // 2], data):
            unfinished.write_bytes(part)
            self._step()
        super().write(name, data)
        self._step()

    def remove(self, name: str) -> None:
        self._step()
        super().remove(name)
        self._step()


@BOTH
def test_no_row_is_twice_and_none_missing_wherever_a_write_ends(
    tmp_path: Path, made: Any, read: Callable[[Path], Rows], form: Any
) -> None:
    """Each step of six windows, one of them written again, is the last one of a process; the next one goes on."""
    given = [window(0), window(1), window(360), window(361), window(1, keys=2), window(362)]
    wanted = sorted(expected(0, 360, 361, 362) + expected(1, keys=2), key=lambda row: (row[0], row[2]))
    deaths = 0
    while True:
        deaths += 1
        folder = tmp_path / str(deaths)
        files, at = Faulty(str(folder), deaths), 0
        dataset = Dataset(files, form())
        died = False
        while at < len(given):
            try:
                dataset.write(given[at])
                at += 1
            except KeyboardInterrupt:
                died = True
                dataset = Dataset(LocalFiles(str(folder)), form())
        assert same(read(folder), wanted)
        assert not [path for path in folder.rglob(".*") if path.is_file()]
        if not died:
            break
    assert deaths > 20


@pytest.mark.parametrize(
    ("form", "slides"),
    [(CsvForm, 8640), (ParquetForm, 400), pytest.param(ParquetForm, 8640, marks=pytest.mark.long)],
)
def test_a_day_of_ten_second_windows_is_a_file_an_hour_and_old_ones_are_deleted(form: Any, slides: int) -> None:
    files = Held()
    dataset = Dataset(files, form())
    for number in range(slides):
        dataset.write(window(number, keys=1))
    assert len(files.held) <= slides / 360 + 2
    ends = set().union(*map(form().ends, files.held.values()))
    assert ends == {window(number).end for number in range(slides)}
    newest = window(slides + 360, keys=1)
    Dataset(files, form(), keep_hours=1).write(newest)
    kept = set().union(*map(form().ends, files.held.values()))
    assert newest.end - 2 * 3_600_000 <= min(kept) <= newest.end - 3_600_000
    assert len(files.held) < 5


class Held:
    """Files in memory."""

    def __init__(self) -> None:
        self.held: dict[str, bytes] = {}

    def names(self) -> list[str]:
        return sorted(self.held)

    def size(self, name: str) -> int:
        return len(self.held[name])

    def read(self, name: str) -> bytes:
        return self.held[name]

    def write(self, name: str, data: bytes) -> None:
        self.held[name] = data

    def remove(self, name: str) -> None:
        del self.held[name]


def test_the_oldest_files_go_when_all_have_more_than_is_wanted(tmp_path: Path) -> None:
    output = Csv(str(tmp_path), keep_mb=0.01)
    for number in range(0, 3600, 90):
        output.write(window(number, keys=20))
    sizes = [path.stat().st_size for path in tmp_path.iterdir()]
    assert sum(sizes) < 20_000
    assert csv_rows(tmp_path)[-1][0] == window(3510).end


@BOTH
def test_a_full_file_is_left_for_the_next(tmp_path: Path, made: Any, read: Callable[[Path], Rows], form: Any) -> None:
    class Small(form):  # type: ignore[misc]
        full = 3000

    dataset = Dataset(LocalFiles(str(tmp_path)), Small())
    for number in range(60):
        dataset.write(window(number))
    assert 1 < len([path for path in tmp_path.rglob("*") if path.is_file()]) < 30
    assert same(read(tmp_path), expected(*range(60)))


@BOTH
def test_other_columns_get_a_file_of_their_own_and_a_window_is_in_one_of_them(
    tmp_path: Path, made: Any, read: Callable[[Path], Rows], form: Any
) -> None:
    made(str(tmp_path)).write(window(0))
    edited = Window(FIRST + SLIDE, ("n",), ("bigint",), ((7,),))
    for _ in range(2):
        made(str(tmp_path)).write(edited)
    assert len([path for path in tmp_path.rglob("*") if path.is_file()]) == 2
    made(str(tmp_path)).write(Window(FIRST, ("n",), ("bigint",), ((6,),)))
    made(str(tmp_path)).write(Window(FIRST + SLIDE, COLUMNS, KINDS, window(1).rows))
    texts = [path for path in tmp_path.rglob("*") if path.is_file()]
    assert len(texts) == 2


def test_every_type_of_spark_s_is_written(tmp_path: Path) -> None:
    kinds = (
        "boolean",
        "int",
        "bigint",
        "float",
        "double",
        "decimal(10,2)",
        "date",
        "timestamp",
        "string",
        "timestamp_ntz",
    )
    row = (
        True,
        1,
        1 << 40,
        1.5,
        float("inf"),
        "12.30",
        "2018-10-29",
        1_540_781_620_123_456,
        "x",
        "2018-10-29 02:53:40",
    )
    nothing = (None,) * len(kinds)
    given = Window(FIRST, tuple(f"c{n}" for n in range(len(kinds))), kinds, (row, nothing))
    Csv(str(tmp_path / "csv")).write(given)
    Parquet(str(tmp_path / "parquet")).write(given)
    (path,) = (tmp_path / "csv").iterdir()
    assert path.read_text().splitlines() == [
        "window_end,c0,c1,c2,c3,c4,c5,c6,c7,c8,c9",
        "2018-10-29T02:53:40Z,true,1,1099511627776,1.5,inf,12.30,2018-10-29,2018-10-29T02:53:40.123456Z,x,"
        "2018-10-29 02:53:40",
        "2018-10-29T02:53:40Z,,,,,,,,,,",
    ]
    (path,) = (tmp_path / "parquet").glob("*/*")
    table = pyarrow.parquet.ParquetFile(path).read()
    assert [str(field.type) for field in table.schema] == [
        "timestamp[us, tz=UTC]", "bool", "int32", "int64", "float", "double", "decimal128(10, 2)", "date32[day]",
        "timestamp[us, tz=UTC]", "string", "string",
    ]  # fmt: skip
    assert table.num_rows == 2


def test_a_file_of_somebody_else_s_stays(tmp_path: Path) -> None:
    (tmp_path / "notes.csv").write_text("mine")
    for number in range(0, 1000, 360):
        Csv(str(tmp_path), keep_hours=1).write(window(number))
    assert (tmp_path / "notes.csv").read_text() == "mine"
