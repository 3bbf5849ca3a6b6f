"""What a note reads of messages whose columns come from elsewhere than the fields of their names."""

from typing import Any

import pytest

from provision.bundles.event_form import event_form
from provision.bundles.reading import expressions, json_fields, reading, template_values
from provision.bundles.values.schema import parse_schema
from provision.errors import UsageError
from provision.events.rows import RowReader

TOPIC = "/MyApp/greenhouse/gh-1/readings"


def rows(payload: bytes, schema: str, mapping: str = "", form: str = "json") -> list[dict[str, Any]]:
    fields = event_form({"schema": schema, "event_time": "auto", "key": "none", "chart": "auto"})
    reader = RowReader(fields, reading({"payload": form, "mapping": mapping}, fields.fields))
    return [dict(row.values) for row in reader.rows(payload, TOPIC, 1540781616.0)]


@pytest.mark.parametrize(
    ("kind", "source", "value"),
    [
        ("double", "$.data.temp", 21.5),
        ("double", "$.text", 21.5),
        ("bigint", "$.text", 21),
        ("string", "$.data", '{"temp":21.5}'),
        ("double", "$.list[1].x", 2.0),
        ("double", "$.list[7].x", None),
        ("double", "$['odd name']", 3.0),
        ("double", "$.word", None),
        ("boolean", "$.on", True),
        ("array<double>", "$.numbers", [1, 2]),
        ("string", "topic[-2]", "gh-1"),
        ("string", "topic[1]", "MyApp"),
        ("string", "topic[9]", None),
        ("string", "'lab'", "lab"),
        ("double", "12.5", 12.5),
        ("timestamp", "$.s", "2018-10-29T02:53:36Z"),
        ("timestamp", "$.ms", "2018-10-29T02:53:36Z"),
        ("timestamp", "$.ms epoch_ms", "2018-10-29T02:53:36Z"),
        ("timestamp", "$.s epoch_s", "2018-10-29T02:53:36Z"),
        ("timestamp", "$.iso iso", "2018-10-29T02:53:36Z"),
        ("timestamp", "$.s iso", None),
        ("timestamp", "$.word", None),
        ("timestamp", "arrival", "2018-10-29T02:53:36Z"),
    ],
)
def test_a_column_comes_from_its_source(kind: str, source: str, value: Any) -> None:
    event = (
        b'{"data": {"temp": 21.5}, "text": "21.5", "list": [{"x": 1}, {"x": 2}], "odd name": 3, "word": "x",'
        b' "on": true, "numbers": [1, 2], "s": 1540781616, "ms": 1540781616000, "iso": "2018-10-29T09:53:36+0700"}'
    )
    (row,) = rows(event, f"it {kind}", f"it={source}")

    assert row["it"] == value


def test_a_shadow_s_columns_are_in_its_data() -> None:
    event = b'{"deviceid": "d1", "data": {"temp": 21.5}, "timestamp": 1540781616000, "rev": 3}'

    assert rows(event, "deviceid string, temp double, timestamp timestamp", form="shadow") == [
        {"deviceid": "d1", "temp": 21.5, "timestamp": "2018-10-29T02:53:36Z"}
    ]


@pytest.mark.parametrize(
    ("payload", "mapping", "form", "found"),
    [
        (b"gh-1,21.5", "", "csv", [("gh-1", 21.5)]),
        (b"gh-1;21,5\r\ngh-2;3\n", "", "csv", [("gh-1", None), ("gh-2", 3.0)]),
        (b"21.5", "device=topic[-2]", "csv", [("gh-1", 21.5)]),
        (b"x,21.5,gh-1", "device=csv[3], temp=csv[2]", "csv", [("gh-1", 21.5)]),
        (b'"a, b",1', "", "csv", [("a, b", 1.0)]),
        (b"gh-1", "", "csv", [("gh-1", None)]),
        (b"temp,device\n21.5,gh-1\n3,gh-2", "", "csv_header", [("gh-1", 21.5), ("gh-2", 3.0)]),
        (b"T C;device\n21.5;gh-1", "temp=csv['T C']", "csv_header", [("gh-1", 21.5)]),
        (b"temp,device", "", "csv_header", []),
    ],
)
def test_lines_of_csv(payload: bytes, mapping: str, form: str, found: list[tuple[str, float | None]]) -> None:
    read = [(row["device"], row["temp"]) for row in rows(payload, "device string, temp double", mapping, form) if row]

    assert read == found


@pytest.mark.parametrize(
    ("values", "message", "step"),
    [
        ({"mapping": "tmp=$.x"}, "mapping: the schema has no column 'tmp'", "did you mean temp?"),
        ({"mapping": "temp=csv[1]"}, "mapping: temp=csv[1] does not fit", "give --param payload=csv"),
        ({"mapping": "temp=csv['a']", "payload": "csv"}, "mapping: temp=csv['a'] does not fit", "payload=csv_header"),
        ({"mapping": "temp=$.a", "payload": "csv"}, "mapping: temp=$.a does not fit", "take csv[…]"),
        ({"mapping": "temp=$.a epoch_s"}, "mapping: temp=$.a epoch_s does not fit", "is for a timestamp"),
        ({"mapping": "list='a'"}, "mapping: list='a' does not fit", "comes out of JSON only"),
        ({"mapping": "temp=$.a, device=$.a.b"}, "mapping: temp=$.a is read by another", "take the same"),
        ({"mapping": "temp=$.a[0], device=$.a.b"}, "mapping: temp=$.a[0] is read by another", "take the same"),
    ],
)  # fmt: skip
def test_a_source_that_does_not_fit_is_told_in_one_line(values: dict[str, str], message: str, step: str) -> None:
    with pytest.raises(UsageError) as error:
        template_values(values, parse_schema("device string, temp double, list array<double>"))
    assert error.value.message.startswith(message)
    assert step in error.value.next_step


def test_sql_of_sources() -> None:
    fields = parse_schema("device string, temp double, site string, l array<double>, x int")
    how = reading({"mapping": "device=topic[-2], temp=$.data.temp, site='it\\'s', l=$.data.l, x=$.r[0].x"}, fields)

    assert json_fields(how) == "data struct<temp:string,l:array<double>>, r array<struct<x:string>>"
    assert expressions(how) == [
        "element_at(split(regexp_replace(_topic, '^/', ''), '/'), -2)",
        "cast(_event.data.temp as double)",
        "'it\\'s'",
        "_event.data.l",
        "cast(_event.r[0].x as int)",
    ]


def test_without_a_mapping_a_column_is_the_field_of_its_name() -> None:
    fields = parse_schema("device string, temp double")

    assert template_values({"payload": "json", "mapping": ""}, fields) == {"event_read": "", "event_made": []}
    assert template_values({"mapping": "temp=$.temp"}, fields)["event_made"] == []
