"""A simulated fleet of events of one's own form."""

import json
from itertools import islice
from threading import Event
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from provision.bundles.event_form import EventForm, event_form
from provision.bundles.values.schema import Field, as_ddl
from provision.events.rows import read_row
from provision.events.sample import sample_fleet


def form(schema: str, **said: str) -> EventForm:
    return event_form({"schema": schema, "event_time": "auto", "key": "auto", "chart": "auto", **said})


def sent(form: EventForm, count: int, *, hosts: int = 2, seed: int = 1) -> list[dict[str, Any]]:
    stop = Event()
    batches = sample_fleet(form, hosts, 1e6, seed=seed, stop=stop)
    events = list(islice((event for batch in batches for event in batch), count))
    stop.set()
    return [json.loads(event) for event in events]


def test_each_device_sends_in_turn_and_its_numbers_walk() -> None:
    events = sent(form("device string, temperature double"), 20)

    assert [event["device"] for event in events[:4]] == ["device-0000", "device-0001"] * 2
    steps = [abs(a["temperature"] - b["temperature"]) for a, b in zip(events[::2], events[2::2], strict=False)]
    assert 0 < max(steps) <= 4


def test_a_seed_repeats_the_figures() -> None:
    readings = form("device string, temperature double, n int, ok boolean")

    assert sent(readings, 10) == sent(readings, 10) != sent(readings, 10, seed=2)


def test_a_shadow_has_its_time_in_milliseconds() -> None:
    event = sent(form("deviceid string, data struct<t: double>, timestamp bigint", event_time="timestamp"), 1)[0]

    assert event["timestamp"] > 1e12
    assert isinstance(event["data"]["t"], float)


types = st.sampled_from(
    ["double", "string", "bigint", "int", "timestamp", "boolean", "decimal(4,2)", "array<double>", "date",
     "struct<a:int,b:struct<c:string>>", "map<string,int>", "binary", "float", "tinyint"]
)  # fmt: skip


@settings(deadline=None, max_examples=50)
@given(kinds=st.lists(types, min_size=1, max_size=6))
def test_a_note_reads_every_sample(kinds: list[str]) -> None:
    own = form(as_ddl(Field(f"c{number}", kind) for number, kind in enumerate(kinds)))
    for event in sent(own, 3):
        row = read_row(own, event)
        assert (row.malformed, row.unread) == ("", ())


@pytest.mark.parametrize("kind", ["string", "bigint", "double", "timestamp"])
def test_a_time_has_the_form_of_its_type(kind: str) -> None:
    own = form(f"at {kind}, id string", event_time="at")

    assert not read_row(own, sent(own, 1)[0]).malformed
