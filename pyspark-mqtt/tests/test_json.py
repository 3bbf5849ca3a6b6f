"""JSON objects read in bulk: what is read is what they say, and what is not of the schema is left out."""

from __future__ import annotations

import json
import math
import pickle
from datetime import datetime, timedelta, timezone
from typing import Any

import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st

from pyspark_mqtt import OptionError
from pyspark_mqtt._json import json_fields
from pyspark_mqtt._rows import More

FIELDS = json_fields("jsonSchema", "id string, at: TIMESTAMP, `room 1` double, n bigint, i int, ok boolean")
NAMES = ("id", "at", "room 1", "n", "i", "ok")

LEFT_OUT = [
    b"",
    b"no JSON",
    b"42",
    b"null",
    b'[{"id": "a"}]',
    b'{"id": "a"',
    b'{"id": "a"} {"id": "b"}',
    b'{"id": "a"}\n{"id": "b"}',
    b'{"id": 1}',
    b'{"id": {"a": 1}}',
    b'{"id": "\xff"}',
    b'{"id": "\\ud800"}',
    b'{"id": "a", "id": "b"}',
    b"{'id': 'a'}",
    b'{"room 1": "1.5"}',
    b'{"room 1": NaN}',
    b'{"room 1": -Infinity}',
    b'{"room 1": 1e999}',
    b'{"n": 1.0}',
    b'{"n": 9223372036854775808}',
    b'{"i": 2147483648}',
    b'{"ok": "true"}',
    b'{"at": 1540781616}',
    b'{"at": "2018-10-29"}',
    b'{"at": "2018-10-29T02:53"}',
    b'{"at": "2018-10-29T02:53:36"}',
    b'{"at": "2018-10-29T02:53:36+1900"}',
    b'{"at": "2018-10-29T02:53:60Z"}',
    b'{"at": "2018-02-29T02:53:36Z"}',
    b'{"at": "2018-10-29T02:53:36.1234567Z"}',
    b'{"at": "yesterday"}',
    b' {"id": "a"}',
    b'{"id": "a"}\n',
]


def read(*values: bytes) -> list[Any]:
    found = FIELDS.read(list(values))
    assert found.type == FIELDS.type
    return list(found.to_pylist())


def full(**fields: Any) -> dict[str, Any]:
    return {**dict.fromkeys(NAMES), **fields}


@pytest.mark.parametrize("value", LEFT_OUT)
def test_what_is_not_of_the_schema_is_left_out_alone_or_among_others(value: bytes) -> None:
    assert read(value) == [None]
    good = b'{"id": "b", "other": [1, {"x": 2}]}'
    among = read(*[good] * 100, value, *[good] * 100)
    assert among[100] is None
    assert among[0] == among[200] == full(id="b")
    assert sum(each is None for each in among) <= 32


def test_no_values_are_no_rows() -> None:
    assert read() == []


texts = st.text(st.characters(exclude_categories=["Cs"]), max_size=8)
zones = st.integers(-17 * 60, 17 * 60).map(lambda minutes: timezone(timedelta(minutes=minutes)))
times = st.datetimes(datetime(1000, 1, 2), datetime(9999, 12, 30), timezones=zones)
events = st.fixed_dictionaries(
    {},
    optional={
        "id": st.none() | texts,
        "at": times,
        "room 1": st.floats(allow_nan=False, allow_infinity=False) | st.integers(-(2**60), 2**60),
        "n": st.integers(-(2**63), 2**63 - 1),
        "i": st.none() | st.integers(-(2**31), 2**31 - 1),
        "ok": st.booleans(),
        "more": st.recursive(st.none() | st.booleans() | texts, st.lists, max_leaves=4),
    },
)


@given(st.lists(events | st.sampled_from(LEFT_OUT), max_size=80), st.booleans(), st.sampled_from([None, 1]))
def test_what_is_read_is_what_the_objects_say(given_: list[Any], ascii_: bool, indent: int | None) -> None:
    def text(event: Any) -> bytes:
        return (
            event
            if isinstance(event, bytes)
            else json.dumps(event, ensure_ascii=ascii_, indent=indent, default=written).encode()
        )

    found = read(*map(text, given_))
    assert len(found) == len(given_)
    for event, row in zip(given_, found):
        if isinstance(event, bytes):
            assert row is None
        elif row is not None:
            wanted = {name: event.get(name) for name in NAMES}
            assert {**row, "room 1": None} == {**wanted, "room 1": None}
            assert (row["room 1"] is None) == (wanted["room 1"] is None)
            assert row["room 1"] is None or math.isclose(row["room 1"], wanted["room 1"], rel_tol=1e-15)
    if not any(isinstance(event, bytes) for event in given_):
        assert None not in found


def written(at: datetime) -> str:
    return at.isoformat()


@pytest.mark.parametrize("text", ["2018-10-29T09:53:36+0700", "2018-10-29T09:53:36.000+07:00", "2018-10-29T02:53:36Z"])
def test_times_in_iso_8601(text: str) -> None:
    ((row),) = read(json.dumps({"at": text}).encode())
    assert row["at"] == datetime(2018, 10, 29, 2, 53, 36, tzinfo=timezone.utc)


def test_the_column_as_spark_has_it() -> None:
    assert More(json=FIELDS).schema.endswith(
        ", json struct<`id`: string, `at`: timestamp, `room 1`: double, `n`: bigint, `i`: int, `ok`: boolean>"
    )
    assert json_fields("jsonSchema", "`a``b` long").ddl == "json struct<`a``b`: bigint>"


def test_it_travels_to_the_workers() -> None:
    again = pickle.loads(pickle.dumps(FIELDS))
    assert again == FIELDS
    assert again.read([b'{"n": 1}']).type.field("at").type == pa.timestamp("us", tz="UTC")


@pytest.mark.parametrize(
    "text", ["", "id", "id text", "id string,", "id string n int", "a struct<b: int>", "a array<int>", "1 int"]
)
def test_other_schemas_are_refused(text: str) -> None:
    with pytest.raises(OptionError, match="jsonSchema") as refused:
        json_fields("jsonSchema", text)
    assert "bigint" in str(refused.value)


def test_a_field_twice_is_refused() -> None:
    with pytest.raises(OptionError, match="the field ID twice"):
        json_fields("jsonSchema", "id string, ID int")
