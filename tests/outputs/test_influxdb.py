"""Points of a real InfluxDB: the same rows as in CSV, whatever happens to the server and however often they come."""

import base64
import json
import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from urllib.parse import urlencode

import pytest

from zeppelin_notes.outputs._window import Window
from zeppelin_notes.outputs.csv import Csv
from zeppelin_notes.outputs.influxdb import LINES, Influxdb, points

from .delivering import away_and_back
from .programs import Server, free_port
from .receiver import Receiver
from .windows import FIRST, SLIDE, Rows, by_key, csv_rows, expected, millis, window, without_empty

USER, PASSWORD = "writer", "It's secret: {$}"
CONFIG = """
reporting-disabled = true
bind-address = "127.0.0.1:{rpc}"
[meta]
dir = "{folder}/meta"
[data]
dir = "{folder}/data"
wal-dir = "{folder}/wal"
query-log-enabled = false
[monitor]
store-enabled = false
[subscriber]
enabled = false
[http]
bind-address = "127.0.0.1:{port}"
auth-enabled = true
log-enabled = false
"""

real = pytest.mark.skipif(
    shutil.which("influxd") is None, reason="no InfluxDB of the distribution's packages: influxdb"
)


class Influx(Server):
    """An InfluxDB 1 with a database `averages`, whose user has a password."""

    program, ready = "influxd", "/ping"

    def arguments(self) -> list[str]:
        config = self.folder / "influxdb.conf"
        if not config.exists():
            config.write_text(CONFIG.format(folder=self.folder, port=self.port, rpc=free_port()))
        return ["-config", str(config)]

    def prepare(self) -> None:
        quoted = PASSWORD.replace("'", "\\'")
        self.query(f"create user {USER} with password '{quoted}' with all privileges", login=False)
        self.query("create database averages")

    def query(self, text: str, login: bool = True) -> list[dict[str, Any]]:
        """The series of an answer, as dictionaries of their columns."""
        basic = base64.b64encode(f"{USER}:{PASSWORD}".encode()).decode()
        headers = {"Authorization": f"Basic {basic}"} if login else {}
        asked = urlencode({"db": "averages", "epoch": "ms", "q": text})
        (result,) = json.loads(self.get(f"/query?{asked}", headers))["results"]
        assert "error" not in result, result
        return [
            dict(zip(each["columns"], row, strict=True)) for each in result.get("series", []) for row in each["values"]
        ]

    def rows(self, measurement: str) -> Rows:
        """All rows of a measurement, as `expected` has them."""
        return sorted(
            (
                (each["time"], 1000 * millis(each["ts"]), each["id"], each["avg(cpu)"], each["note"])
                for each in self.query(f'select * from "{measurement}"')
            ),
            key=by_key,
        )


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Influx]:
    found = Influx(tmp_path_factory.mktemp("influxdb"))
    try:
        found.prepare()
        yield found
    finally:
        found.stop()


def output(server: Influx, measurement: str, *tags: str, password: str = PASSWORD) -> Influxdb:
    return Influxdb(server.url, "averages", measurement=measurement, tags=[*tags], user=USER, password=password)


@real
def test_rows_are_those_of_csv_and_a_window_that_comes_again_is_there_once(server: Influx, tmp_path: Path) -> None:
    csv, points = Csv(str(tmp_path)), output(server, "windows", "id")
    for number in (0, 1, 1, 2, 0):
        csv.write(window(number))
        points.write(window(number))
    assert server.rows("windows") == expected(0, 1, 2)
    assert without_empty(server.rows("windows")) == without_empty(csv_rows(tmp_path))


@real
def test_names_and_values_of_any_kind_get_there(server: Influx) -> None:
    names = ("avg(cpu)", 'a, "b" = c', "ไทย", "n", "off", "big", "nan", "time", "row", "odd\\", "id", "tab")
    kinds = (
        "double", "string", "string", "decimal(10,2)", "boolean", "bigint", "double", "timestamp", "int", "string",
        "string", "string",
    )  # fmt: skip
    row = (
        0.1, 'say "hi", \\"x\\" z=1\n', "ไทย", "12.30", True, 1 << 60, float("nan"), 1_540_781_620_123_456, 7, "\\",
        "a\\, b=c \\", "two\nlines",
    )  # fmt: skip
    output(server, "of any, kind=x", "id", "odd\\", "tab").write(Window(FIRST, names, kinds, (row,)))
    (found,) = server.query('select * from "of any, kind=x"')
    assert found["time"] == FIRST
    assert {name: found[name] for name in ("avg(cpu)", 'a, "b" = c', "ไทย", "n", "off", "big", "time_2", "row_2")} == {
        "avg(cpu)": 0.1, 'a, "b" = c': 'say "hi", \\"x\\" z=1\n', "ไทย": "ไทย", "n": 12.3, "off": True,
        "big": 1 << 60, "time_2": "2018-10-29T02:53:40.123456Z", "row_2": 7,
    }  # fmt: skip
    assert "nan" not in found
    assert found["tab"] == "two lines"
    assert (found["id"], found["odd/"]) == ("a/, b=c /", "/")  # InfluxDB has no sign for a backslash there


@real
def test_rows_of_no_key_are_all_there_and_once(server: Influx) -> None:
    same = Window(FIRST, ("id", "cpu"), ("string", "double"), (("a", 1.0), ("a", 2.0), (None, 3.0), ("", 4.0)))
    for tags in ("id", "no such column"):
        for _ in range(2):
            output(server, f"by {tags}", tags).write(same)
        assert sorted(each["cpu"] for each in server.query(f'select * from "by {tags}"')) == [1, 2, 3, 4]


@real
def test_a_large_window_is_whole(server: Influx) -> None:
    output(server, "large", "id").write(window(0, keys=2 * LINES + 1))
    assert server.query('select count("avg(cpu)") as n from large')[0]["n"] == 2 * LINES + 1


@real
def test_a_server_that_is_away_gets_all_when_it_is_back_and_nothing_twice(server: Influx, tmp_path: Path) -> None:
    away_and_back("influxdb", output(server, "away", "id"), server, tmp_path)
    assert server.rows("away") == expected(*range(7))


@real
def test_what_the_server_says_is_told_without_the_password(server: Influx) -> None:
    with pytest.raises(OSError, match="answered 401 Unauthorized: authorization failed") as failed:
        output(server, "x", "id", password="Wrong: secret").write(window(0))
    assert "secret" not in str(failed.value)
    nowhere = Influxdb(server.url, "nowhere", tags=["id"], user=USER, password=PASSWORD)
    with pytest.raises(OSError, match='answered 404 Not Found: database not found: "nowhere"'):
        nowhere.write(window(0))
    output(server, "typed", "id").write(Window(FIRST, ("id", "x"), ("string", "double"), (("a", 1.0),)))
    with pytest.raises(OSError, match="field type conflict") as failed:
        output(server, "typed", "id").write(Window(FIRST + SLIDE, ("id", "x"), ("string", "string"), (("a", "b"),)))
    assert "\n" not in str(failed.value)


# --- InfluxDB 2: what its API asks for ---


def test_version_2_is_asked_with_organization_bucket_and_token(receiver: Receiver) -> None:
    root = receiver.url.removesuffix("/in")
    Influxdb(f"{root}/", "my bucket", org="Café & Co", tags=["id"], password="Secret").write(window(0))
    Influxdb(root, "db/a week", tags=["id"], user="me", password="Secret").write(window(0))
    Influxdb(root, "db", tags=["id"]).write(window(0))
    assert receiver.paths == [
        "/api/v2/write?org=Caf%C3%A9+%26+Co&bucket=my+bucket&precision=ms",
        "/write?db=db&rp=a+week&precision=ms",
        "/write?db=db&precision=ms",
    ]
    logins = [headers.get("Authorization") for headers, _ in receiver.got]
    assert logins == ["Token Secret", f"Basic {base64.b64encode(b'me:Secret').decode()}", None]
    assert [body for _, body in receiver.got] == ["".join(points(window(0), "windows", ["id"]))] * 3


def test_a_refusal_of_version_2_is_told_with_its_message(receiver: Receiver) -> None:
    receiver.answers, receiver.says = [401], '{"code": "unauthorized", "message": "unauthorized\\n access"}'
    with pytest.raises(OSError, match=r"/api/v2/write answered 401 Unauthorized: unauthorized access$") as failed:
        Influxdb(receiver.url.removesuffix("/in"), "b", org="o", password="Secret").write(window(0))
    assert "Secret" not in str(failed.value)


def test_a_row_without_a_value_is_no_point() -> None:
    empty = Window(FIRST, ("id", "cpu"), ("string", "double"), (("a", None), ("b", float("inf")), ("c", 1.0)))
    assert points(empty, "w", ["id"]) == [f"w,id=c cpu=1.0 {FIRST}\n"]
    assert points(Window(FIRST, (), (), ()), "w", ["id"]) == []
