"""What a note reads of an event."""

from typing import Any

import pytest

from provision.bundles.event_form import EventForm, event_form
from provision.events.messages import events_in
from provision.events.rows import read_row


def form(schema: str, *, event_time: str = "auto", key: str = "auto") -> EventForm:
    return event_form({"schema": schema, "event_time": event_time, "key": key, "chart": "auto"})


@pytest.mark.parametrize(
    ("kind", "value", "read"),
    [
        ("double", 1, 1.0),
        ("double", "1.5", None),
        ("double", True, None),
        ("bigint", 2**62, 2**62),
        ("bigint", 1.0, None),
        ("int", 2**31, None),
        ("string", 12, "12"),
        ("string", {"a": [1, None]}, '{"a":[1,null]}'),
        ("boolean", "true", None),
        ("timestamp", "2018-10-29T09:53:36+0700", "2018-10-29T02:53:36Z"),
        ("timestamp", "yesterday", None),
        ("timestamp", 1540781616, "2018-10-29T02:53:36Z"),
        ("date", "2018-10-29", "2018-10-29"),
        ("array<double>", [1, 2], [1, 2]),
        ("array<double>", 1, None),
        ("struct<a: int>", {"a": 1, "b": 2}, {"a": 1}),
        ("struct<a: int>", 3, None),
    ],
)
def test_a_value_is_read_as_its_column_s_type_or_is_null(kind: str, value: Any, read: Any) -> None:
    row = read_row(form(f"x {kind}, n int", key="none"), {"x": value, "n": 1})

    assert row.values["x"] == read
    assert bool(row.unread) == (read is None)


@pytest.mark.parametrize(
    ("event", "why"),
    [
        ({"ts": "2018-10-29T09:53:36Z", "id": "a"}, ""),
        ({"ts": "2018-10-29T09:53:36Z"}, "id is missing"),
        ({"ts": "no time", "id": "a"}, "ts 'no time' is no timestamp"),
        ("25.3", "it is no JSON object: '25.3'"),
        ("", "it is empty"),
    ],
)
def test_why_an_event_is_malformed(event: Any, why: str) -> None:
    assert read_row(form("ts timestamp, id string, cpu double"), event).malformed == why


def test_without_time_and_key_an_event_has_a_number() -> None:
    assert read_row(form("a int, b int"), {"c": 1}).malformed == "none of a, b is there"
    assert read_row(form("a int, b int"), {"b": 1}).malformed == ""


@pytest.mark.parametrize(
    ("payload", "events"),
    [
        (b'{"a": 1}', [{"a": 1}]),
        (b'[{"a": 1}, [{"a": 2}], 3]', [{"a": 1}, {"a": 2}, "3"]),
        (b'{"a": 1}\n{"a": 2} {"a": 3}', [{"a": 1}, {"a": 2}, {"a": 3}]),
        (b'{"a": 1\n{"a": 2}', ['{"a": 1', {"a": 2}]),
        (b"", [""]),
        (b"[]", [""]),
        (b"25.3", ["25.3"]),
        (b"\xff", ["\ufffd"]),
    ],
)
def test_the_events_in_a_message(payload: bytes, events: list[Any]) -> None:
    assert list(events_in(payload)) == events
