import io
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from rich.console import Console

from provision.errors import ProvisionError
from provision.streams.windows import Window, as_table, read_csv, read_windows

ROW = "2018-10-29T09:53:36.000+07:00,host-0000,1.2243,75.7954,69.7092\n"


def write(out: Path, name: str, *, success: bool = True, **parts: str) -> Path:
    folder = out / name
    folder.mkdir()
    for part, text in parts.items():
        (folder / f"part-{part}.csv").write_bytes(text.encode())
    if success:
        (folder / "_SUCCESS").touch()
    return folder


def shown(window: Window) -> str:
    console = Console(file=io.StringIO(), width=120)
    console.print(as_table(window))
    assert isinstance(console.file, io.StringIO)
    return console.file.getvalue()


def test_windows_come_in_the_order_of_their_ends_not_of_their_names(tmp_path: Path) -> None:
    for end in (1540000000000, 999, 1540000010000):
        write(tmp_path, f"avg-{end}", a=ROW)
    assert [window.end for window in read_windows(tmp_path)] == [999, 1540000000000, 1540000010000]


def test_a_window_has_its_files_and_rows(tmp_path: Path) -> None:
    folder = write(tmp_path, "avg-10", b="c,d\n", a="a,b\n")
    (window,) = read_windows(tmp_path)
    assert window.files == (folder / "part-a.csv", folder / "part-b.csv")
    assert window.rows == (("a", "b"), ("c", "d"))
    assert window.to_json() == {
        "end": 10,
        "files": [str(file) for file in window.files],
        "columns": None,
        "rows": [["a", "b"], ["c", "d"]],
    }


def test_a_window_that_spark_has_not_finished_is_left_out(tmp_path: Path) -> None:
    folder = write(tmp_path, "avg-10", success=False)
    (folder / "_temporary").mkdir()
    write(tmp_path, "avg-20", success=False, a=ROW[:20])
    write(tmp_path, "avg-30", a=ROW)
    assert [window.end for window in read_windows(tmp_path)] == [30]


@pytest.mark.parametrize("name", ["avg-", "avg-x", "avg-1-2", "average-1", "avg-²", "avg-1 "])
def test_a_folder_that_is_no_window_s_is_left_out(tmp_path: Path, name: str) -> None:
    write(tmp_path, name, a=ROW)
    assert read_windows(tmp_path) == []


def test_no_folder_has_no_windows(tmp_path: Path) -> None:
    assert read_windows(tmp_path / "nowhere") == []


def test_a_window_without_events_has_no_rows_and_an_empty_table(tmp_path: Path) -> None:
    write(tmp_path, "avg-10")
    write(tmp_path, "avg-20", a="")
    empty = read_windows(tmp_path)
    assert [window.rows for window in empty] == [(), ()]
    assert shown(empty[0]).strip() == ""


@pytest.mark.parametrize(
    ("line", "field"),
    [
        ("plain", "plain"),
        ('"quo\\"te"', 'quo"te'),
        ('"com,ma"', "com,ma"),
        ("back\\slash", "back\\slash"),
        ('"b\\\\\\"q"', 'b\\"q'),
        ('"a\\\\,b"', "a\\,b"),
        ('"nl\nx"', "nl\nx"),
        ('"cr\rx"', "cr\rx"),
        ('""', ""),
        ("end\\", "end\\"),
        ("u\u2028v", "u\u2028v"),
        ("f\x0cf", "f\x0cf"),
        ('"\\""', '"'),
        ("", ""),
    ],
)
def test_a_field_is_read_as_spark_wrote_it(line: str, field: str) -> None:
    assert list(read_csv(f"1,{line}\n{line},2\n")) == [("1", field), (field, "2")]


@given(st.lists(st.lists(st.text(max_size=8), min_size=2, max_size=3), max_size=4))
def test_fields_in_quotes_are_read_back_whatever_is_in_them(rows: list[list[str]]) -> None:
    def quoted(field: str) -> str:
        escaped = field.replace("\\", "\\\\").replace('"', '\\"')
        return f'"{escaped}"'

    text = "".join(",".join(map(quoted, row)) + "\n" for row in rows)
    assert list(read_csv(text)) == [tuple(row) for row in rows]


def test_what_spark_did_not_write_is_an_error() -> None:
    with pytest.raises(ProvisionError, match="at character 2"):
        list(read_csv('a,"b"c\n'))


def test_a_header_names_the_columns_of_every_file(tmp_path: Path) -> None:
    write(tmp_path, "avg-10", a='id,"avg(\\"cpu\\")"\na,1\n', b='id,"avg(\\"cpu\\")"\nb,2\n')
    (window,) = read_windows(tmp_path, header=True)
    assert (window.columns, window.rows) == (("id", 'avg("cpu")'), (("a", "1"), ("b", "2")))
    assert window.to_json()["columns"] == ["id", 'avg("cpu")']


@pytest.mark.parametrize("text", ["id,cpu\n", ""])
def test_a_file_with_a_header_alone_or_with_nothing_has_no_rows(tmp_path: Path, text: str) -> None:
    write(tmp_path, "avg-10", a=text)
    (window,) = read_windows(tmp_path, header=True)
    assert window.rows == ()


def test_columns_that_nothing_names_are_numbered_however_many_there_are() -> None:
    assert shown(Window(0, (), (("t", "host", "7", "8", "9"),))).split() == list("12345") + ["t", "host", "7", "8", "9"]
    assert shown(Window(0, (), (("a", "b"),))).split() == ["1", "2", "a", "b"]


def test_columns_have_the_names_that_came_with_the_rows() -> None:
    assert shown(Window(0, (), (("a", "b"),), ("device", "warm"))).split() == ["device", "warm", "a", "b"]


@pytest.mark.parametrize("value", ["[red]x", "[/]", "[/red]", ":smile:"])
def test_a_value_that_looks_like_markup_is_shown_as_it_is(value: str) -> None:
    assert value in shown(Window(0, (), (("t", value, "1", "2", "3"),)))
