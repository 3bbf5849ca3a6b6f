"""A table of a real PostgreSQL: the same rows as in CSV, whatever happens to the server and however often they come."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from bench.postgres import PASSWORD, USER, Postgres, programs
from zeppelin_notes.outputs._window import Window
from zeppelin_notes.outputs.csv import Csv
from zeppelin_notes.outputs.postgresql import Postgresql

from .delivering import away_and_back
from .windows import COLUMNS, FIRST, KINDS, SLIDE, csv_rows, expected, table_rows, window, without_empty

pytestmark = pytest.mark.skipif(programs() is None, reason="no PostgreSQL of the distribution's packages: postgresql")


@pytest.fixture(scope="module")
def server() -> Iterator[Postgres]:
    found = Postgres()
    try:
        yield found
    finally:
        found.close()


def output(server: Postgres, table: str, *keys: str, password: str = PASSWORD) -> Postgresql:
    return Postgresql(server.url, table, [*keys], USER, password)


def test_rows_are_those_of_csv_and_a_window_that_comes_again_replaces_its_own(server: Postgres, tmp_path: Path) -> None:
    csv, table = Csv(str(tmp_path)), output(server, "averages", "id")
    for number in (0, 1, 1, 2, 0):
        csv.write(window(number))
        table.write(window(number))
    assert table_rows(server, "averages") == expected(0, 1, 2)
    assert without_empty(table_rows(server, "averages")) == without_empty(csv_rows(tmp_path))
    table.close()


def test_rows_without_a_key_and_of_no_key_are_not_there_twice(server: Postgres) -> None:
    nothing = Window(FIRST, COLUMNS, KINDS, ((None,) * 4, *window(0).rows))
    for keys in (["id"], [], ["no such column"]):
        table = output(server, f"with {len(keys)} {keys[:1]}", *keys)
        for _ in range(2):
            table.write(nothing)
        assert server.query(f'select count(*) from "with {len(keys)} {keys[:1]}"') == [[4]]
        table.close()


def test_rows_of_another_note_in_the_same_table_stay(server: Postgres) -> None:
    table = output(server, "shared", "id")
    table.write(Window(FIRST, COLUMNS, KINDS, ((None, "another's", 1.0, None),)))
    table.write(window(0))
    table.write(window(0))
    assert server.query("select count(*) from shared") == [[4]]
    table.close()


def test_names_and_values_of_any_kind_get_there(server: Postgres) -> None:
    names = ("avg(cpu)", 'say "hi"', "a:b %s", "ไทย " * 30, "n", "at", "off", "big", "nan", "day")
    kinds = (
        "double",
        "string",
        "string",
        "string",
        "decimal(10,2)",
        "timestamp",
        "boolean",
        "bigint",
        "double",
        "date",
    )
    row = (
        0.1,
        "it's; drop table x",
        "nul\0 \\u0000",
        "ไทย",
        "12.30",
        1_540_781_620_123_456,
        True,
        1 << 60,
        float("nan"),
        "2018-10-29",
    )
    table = output(server, "kinds")
    table.write(Window(FIRST, names, kinds, (row, (None,) * len(row))))
    ((end, *found), empty) = server.query("select * from kinds order by n")
    assert end.timestamp() * 1000 == FIRST
    assert found[:2] == [0.1, "it's; drop table x"]
    assert found[2] == "nul \\u0000"
    assert (str(found[4]), found[5].isoformat(), found[6], found[7]) == (
        "12.30", "2018-10-29T02:53:40.123456+00:00", True, 1 << 60,
    )  # fmt: skip
    assert found[8] != found[8]
    assert empty[1:] == [None] * len(row)
    table.close()


def test_columns_of_another_query_are_added(server: Postgres) -> None:
    table = output(server, "edited", "id")
    table.write(window(0))
    table.write(Window(FIRST + SLIDE, ("id", "max(cpu)"), ("string", "double"), (("a", 9.0),)))
    assert server.query(
        'select id, "avg(cpu)", "max(cpu)" from edited where window_end > to_timestamp(1540781625)'
    ) == [["a", None, 9.0]]
    table.close()


def test_a_server_that_is_away_gets_all_when_it_is_back_and_nothing_twice(server: Postgres, tmp_path: Path) -> None:
    away_and_back("postgresql", output(server, "away", "id"), server, tmp_path)
    assert table_rows(server, "away") == expected(*range(7))


def test_a_wrong_password_is_told_without_it(server: Postgres) -> None:
    with pytest.raises(OSError, match="password authentication failed") as failed:
        output(server, "x", password="Wrong: secret").write(window(0))
    assert "secret" not in str(failed.value)
