"""Outputs in Scala, for notes of `streaming`: the same files and rows as those in Python make of the same windows."""

import json
import random
import subprocess
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import pytest

from bench.postgres import PASSWORD, USER, Postgres, programs
from provision.console import Console
from provision.embedded.install import install_jar
from provision.embedded.manifest import component
from tests.connector.conftest import SparkForTests, engine_for, spark_for_tests
from zeppelin_notes.outputs._window import Window
from zeppelin_notes.outputs.csv import Csv
from zeppelin_notes.outputs.parquet import Parquet

from .test_delivery import until
from .test_killed import KILLS, files, killed
from .windows import (
    COLUMNS,
    FIRST,
    KINDS,
    SLIDE,
    csv_rows,
    expected,
    parquet_rows,
    table_rows,
    window,
    without_empty,
)

pytestmark = pytest.mark.integration

HOUR = 360
"""Windows of an hour."""
needs_postgres = pytest.mark.skipif(
    programs() is None, reason="no PostgreSQL of the distribution's packages: postgresql"
)


class Program:
    """`Program.scala`, running."""

    def __init__(self, command: list[str], folder: Path) -> None:
        self._log = (folder / "program.log").open("ab")
        self.process = subprocess.Popen(
            [*command, "Program"],
            cwd=folder,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=self._log,
            text=True,
        )
        assert self._answer() == "ready"

    def _answer(self) -> str:
        assert self.process.stdout
        for line in self.process.stdout:
            if line.startswith("ANSWER "):
                return line.removeprefix("ANSWER ").rstrip("\n")
        raise AssertionError("it has ended")

    def _tell(self, *words: object) -> None:
        assert self.process.stdin
        self.process.stdin.write("\t".join(map(str, words)) + "\n")
        self.process.stdin.flush()

    def ask(self, *words: object) -> str:
        self._tell(*words)
        return self._answer()

    def streaming(self, folder: Path, file: Path) -> "subprocess.Popen[str]":
        """The process, once it gives windows of the file to outputs."""
        self._tell("stream", folder, 1_000_000, file)
        assert self.process.stdout
        assert self.process.stdout.readline() == "begun\n"
        return self.process

    def close(self) -> None:
        assert self.process.stdin
        assert self.process.stdout
        self.process.stdin.close()
        self.process.wait(60)
        self.process.stdout.close()
        self._log.close()


@pytest.fixture(scope="module")
def command(tmp_path_factory: pytest.TempPathFactory) -> list[str]:
    spark: SparkForTests = spark_for_tests()
    engine, jar = engine_for(spark), tmp_path_factory.mktemp("program") / "program.jar"
    spark.compile(Path(__file__).parent / "Program.scala", jar, engine)
    return spark.command(jar, engine, install_jar(component("postgresql"), spark.home, Console()))


@pytest.fixture(scope="module")
def program(command: list[str], tmp_path_factory: pytest.TempPathFactory) -> Iterator[Program]:
    found = Program(command, tmp_path_factory.mktemp("run"))
    yield found
    found.close()


@pytest.fixture(scope="module")
def server() -> Iterator[Postgres]:
    found = Postgres()
    yield found
    found.close()


def as_file(folder: Path, windows: list[Window], name: str = "windows") -> Path:
    path = folder / name
    path.write_text("\n".join(each.to_json() for each in windows), encoding="utf-8")
    return path


def names(folder: Path) -> list[str]:
    return sorted(path.relative_to(folder).as_posix() for path in folder.rglob("*") if path.is_file())


def random_windows(seed: int) -> list[Window]:
    """Windows in order, some given again, some of another query, some empty, some an hour or a day on."""
    chance, number, found = random.Random(seed), 0, list[Window]()
    for _ in range(40):
        number += chance.choice([1, 1, 1, 1, 1, 90, HOUR, 24 * HOUR])
        again = max(0, number - chance.choice([0, 0, 0, 1, 2]))
        made = window(again, keys=chance.choice([0, 1, 3, 3]))
        if chance.random() < 0.15:
            made = Window(made.end, COLUMNS[:2], KINDS[:2], tuple(row[:2] for row in made.rows))
        found.append(made)
    return found


@pytest.mark.parametrize("again", ["windows", "windows.anew"])
@pytest.mark.parametrize("seed", range(4))
@pytest.mark.parametrize(("keep_hours", "keep_mb"), [(0, 0), (30, 0), (0, 0.0005)])
def test_files_are_those_that_python_writes(
    tmp_path: Path, program: Program, seed: int, again: str, keep_hours: float, keep_mb: float
) -> None:
    given = random_windows(seed)
    file = as_file(tmp_path, given, again)
    for kind, made in {"csv": Csv, "parquet": Parquet}.items():
        ours = tmp_path / f"{kind} in Scala"
        assert program.ask("write", file, kind, ours, keep_hours, keep_mb) == "written"
        theirs = tmp_path / f"{kind} in Python"
        one = made(str(theirs), keep_hours, keep_mb)
        for each in given:
            one = made(str(theirs), keep_hours, keep_mb) if again != "windows" else one
            one.write(each)
        if kind == "csv" or not keep_mb:  # how large a Parquet file is, is its writer's
            assert names(ours) == names(theirs)
        if kind == "csv":
            assert [(ours / name).read_bytes() for name in names(ours)] == [
                (theirs / name).read_bytes() for name in names(theirs)
            ]
        elif not keep_mb:
            assert list(map(rows_of, sorted(ours.rglob("*.parquet")))) == list(
                map(rows_of, sorted(theirs.rglob("*.parquet")))
            )


def rows_of(path: Path) -> tuple[list[dict[str, object]], list[object]]:
    import pyarrow.parquet

    table = pyarrow.parquet.ParquetFile(path).read()
    return table.to_pylist(), table.schema.types


KIND = """select timestamp'2018-10-29 10:00:00.5' as at, date'2018-10-29' as day, true as yes, 1Y as tiny, 2S as small,
3 as int, 4L as big, 1.5F as float, double('NaN') as nan, 12.30BD as money, 'ไทย' as text, cast('a' as binary) as bytes,
map('a', 1) as map, array(named_struct('x', 1)) as list, null as nothing, 1 as int"""
AS_JSON = {
    "end": FIRST,
    "columns": ["at", "day", "yes", "tiny", "small", "int", "big", "float", "nan", "money", "text", "bytes", "map",
                "list", "nothing", "int_2"],
    "kinds": ["timestamp", "date", "boolean", "tinyint", "smallint", "int", "bigint", "float", "double", "decimal(4,2)",
              "string", "string", "string", "string", "void", "int"],
}  # fmt: skip


def test_a_window_of_a_data_frame_has_what_every_output_can_write(tmp_path: Path, program: Program) -> None:
    program.ask("json", "set spark.sql.session.timeZone=UTC", 0)
    found = json.loads(program.ask("json", KIND.replace("\n", " "), FIRST))
    (row,) = found.pop("rows")
    assert found["kinds"][14] in ("void", "string")  # Spark 3.1 calls it null
    found["kinds"][14] = "void"
    assert found == AS_JSON
    at = row.pop(0)
    assert at % 86_400_000_000 % 1_800_000_000 == 500_000
    assert row == [
        "2018-10-29", True, 1, 2, 3, 4, 1.5, "NaN", "12.30", "ไทย", "YQ==", '{"a":1}', '[{"x":1}]', None, 1,
    ]  # fmt: skip
    both = Window(FIRST, tuple(found["columns"]), tuple(found["kinds"]), ((at, *row[:7], float("nan"), *row[8:]),))
    file = as_file(tmp_path, [both])
    Parquet(str(tmp_path / "theirs")).write(both)
    assert program.ask("write", file, "parquet", tmp_path / "ours", 0, 0) == "written"
    (ours,), (theirs,) = ((tmp_path / who).rglob("*.parquet") for who in ("ours", "theirs"))
    assert repr(rows_of(ours)) == repr(rows_of(theirs))


def postgresql(server: Postgres, table: str, *keys: str, password: str = PASSWORD) -> list[str]:
    return ["postgresql", server.url, table, ",".join(keys), USER, password]


@needs_postgres
def test_a_table_of_postgresql_has_the_rows_of_csv_once(tmp_path: Path, program: Program, server: Postgres) -> None:
    file = as_file(tmp_path, [window(number) for number in (0, 1, 1, 2, 0)])
    assert program.ask("write", file, *postgresql(server, "averages", "id")) == "written"
    assert program.ask("write", file, "csv", tmp_path / "csv", 0, 0) == "written"
    assert table_rows(server, "averages") == expected(0, 1, 2)
    assert without_empty(table_rows(server, "averages")) == csv_rows(tmp_path / "csv")
    added = Window(FIRST + 3 * SLIDE, ("id", "max(cpu)"), ("string", "double"), (("a", float("nan")), ("b", 1.5)))
    file = as_file(tmp_path, [added, added])
    assert program.ask("write", file, *postgresql(server, "averages")) == "written"
    assert server.query("select \"max(cpu)\" from averages where id in ('a', 'b') order by id")[1] == [1.5]
    said = program.ask("write", file, *postgresql(server, "averages", password="Wrong: secret"))
    assert said.startswith("failed: 127.0.0.1:")
    assert "password authentication failed" in said
    assert "secret" not in said


@needs_postgres
def test_a_database_that_is_away_stops_no_other_output_and_gets_all_when_it_is_back(
    tmp_path: Path, program: Program
) -> None:
    with closing(Postgres()) as server:
        program.ask("begin", tmp_path / "waiting")
        program.ask("to", *postgresql(server, "away", "id"))
        program.ask("to", "csv", tmp_path / "csv", 0, 0)
        assert program.ask("put", as_file(tmp_path, [window(0)])) == "put"
        until("the first window", lambda: program.ask("state").count(": 1 windows") == 2)
        server.stop()
        assert program.ask("put", as_file(tmp_path, [window(number) for number in range(1, 7)])) == "put"
        until("the failure", lambda: "FAILS since" in program.ask("state"))
        until(
            "the files",
            lambda: program.ask("state").startswith("output csv: 7 windows|output postgresql: 1 windows; FAILS"),
        )
        assert f"127.0.0.1:{server.port}" in program.ask("state")
        assert "6 wait, from 2018-10-29T02:53:50Z on" in program.ask("state")
        program.ask("begin", tmp_path / "waiting")  # the note runs again meanwhile
        program.ask("to", *postgresql(server, "away", "id"))
        server.start()
        until("all are delivered", lambda: program.ask("state") == "output postgresql: 6 windows")
        assert table_rows(server, "away") == expected(*range(7))
        program.ask("close")


def test_what_a_function_throws_is_thrown_when_the_others_have_the_window(tmp_path: Path, program: Program) -> None:
    program.ask("begin", tmp_path / "waiting")
    program.ask("to", "csv", tmp_path / "csv", 0, 0)
    program.ask("fail", "mine", "no such place")
    assert program.ask("give", "select 'a' as id", FIRST) == "no such place"
    until("the window", lambda: program.ask("state") == "output csv: 1 windows")
    assert (tmp_path / "csv" / "rows-20181029T025340Z.csv").read_text() == ("window_end,id\n2018-10-29T02:53:40Z,a\n")
    program.ask("close")


def test_twenty_kills_in_mid_write_leave_each_row_once(
    tmp_path: Path, command: list[str], request: pytest.FixtureRequest
) -> None:
    server: Postgres | None = request.getfixturevalue("server") if programs() else None
    chance, unfinished = random.Random(1), 0
    file = as_file(tmp_path, [window(number, keys=50) for number in range(3000)])

    def begun() -> Program:
        program = Program(command, tmp_path)
        program.ask("begin", tmp_path / "waiting")
        for kind in ("csv", "parquet"):
            program.ask("to", kind, tmp_path / kind, 0, 0)
        if server:
            program.ask("to", *postgresql(server, "killed", "id"))
        return program

    for _ in range(KILLS):
        killed(lambda: begun().streaming(tmp_path, file), lambda: files(tmp_path), chance)
        unfinished += any(path.name.startswith(".") for path in tmp_path.rglob("*") if path.is_file())
    last = begun()
    assert last.ask("stream", tmp_path, 3, file) == "ended"
    last.close()
    assert list((tmp_path / "waiting").glob("*/*.json")) == []
    wanted = expected(*range(int((tmp_path / "committed").read_text()) + 1), keys=50)
    assert without_empty(csv_rows(tmp_path / "csv")) == without_empty(wanted)
    assert parquet_rows(tmp_path / "parquet") == wanted
    if server:
        assert table_rows(server, "killed") == wanted
    assert unfinished, "no kill was in mid-write"
