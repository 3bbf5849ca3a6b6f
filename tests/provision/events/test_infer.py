"""What is proposed for events that were seen, and whether a note that takes it reads them."""

import json
from datetime import UTC, datetime
from typing import Any

import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from provision.bundles.event_form import event_form
from provision.bundles.reading import reading
from provision.errors import ProvisionError
from provision.events.infer import Proposal, propose
from provision.events.messages import events_in
from provision.events.rows import RowReader, read_row
from provision.events.seen import SeenEvents

NOW = 1_795_000_000.0


def look(events: list[Any], *, topic: str = "", arrival: float | None = None) -> SeenEvents:
    seen = SeenEvents()
    for event in events:
        seen.add(event if isinstance(event, bytes) else json.dumps(event).encode(), topic, arrival)
    return seen


def proposed(events: list[Any], **how: Any) -> Proposal:
    return propose(look(events, **how))


def readings(count: int = 30, **more: Any) -> list[Any]:
    return [{"device": f"d-{n % 3}", "temperature": 20 + n / 4, **more} for n in range(count)]


# --- what is proposed ---


@pytest.mark.parametrize(
    ("events", "schema", "event_time", "key"),
    [
        (readings(humidity=60), "device string, temperature double, humidity double", "arrival", "device"),
        (
            [{"ts": f"2018-10-29T09:53:{n:02}+0700", "id": "h", "cpu": n} for n in range(30)],
            "ts timestamp, id string, cpu double", "ts", "id",
        ),
        (
            [{"deviceid": "x", "data": {"temp": 1.5, "h-d": 2}, "timestamp": 1718000000000 + n} for n in range(9)],
            "deviceid string, data struct<temp: double, `h-d`: double>, timestamp bigint", "timestamp", "deviceid",
        ),
        ([{"t": 1718000000 + n, "v": n} for n in range(9)], "t bigint, v double", "t", "none"),
        ([{"v": 1718000000 + n} for n in range(9)], "v double", "arrival", "none"),
        ([{"node": n % 4, "v": 1.5} for n in range(9)], "node bigint, v double", "arrival", "node"),
        ([{"at": "2018-10-29 09:53:36", "room 1": "a", "on": True}] * 3,
         "at timestamp, `room 1` string, on boolean".replace(" on ", " `on` "), "at", "none"),
        ([{"b": 2**60, "l": [1, 2.5], "w": ["a"]}], "b bigint, l array<double>, w array<string>", "arrival", "none"),
    ],
)  # fmt: skip
def test_schema_time_and_key(events: list[Any], schema: str, event_time: str, key: str) -> None:
    assert proposed(events).parameters == {"schema": schema, "event_time": event_time, "key": key}


def test_the_topic_is_the_key_where_events_name_no_device() -> None:
    seen = look([{"temp": 1.5}] * 3, topic="/App/gh/1/readings")
    seen.add(b'{"temp": 2}', "/App/gh/2/readings")

    assert propose(seen).parameters == {
        "schema": "temp double",
        "event_time": "arrival",
        "key": "topic",
        "topic_column": "yes",
    }


def test_a_device_in_the_event_is_the_key_of_several_topics_too() -> None:
    seen = look(readings(3), topic="a")
    seen.add(b'{"device": "x", "temperature": 2}', "b")

    assert propose(seen).parameters["key"] == "device"


def test_a_number_near_its_arrival_is_a_time_whatever_its_name() -> None:
    assert proposed([{"x": NOW - n, "v": 1} for n in range(3)], arrival=NOW).parameters["event_time"] == "x"


def test_a_time_that_many_events_lack_is_none() -> None:
    events = [{"v": n, **({"ts": 1718000000} if n % 2 else {})} for n in range(20)]

    assert proposed(events).parameters["event_time"] == "arrival"


@pytest.mark.parametrize(
    ("messages", "parameters"),
    [
        ([("a", "25.3"), ("a", "24")], {"schema": "value double", "event_time": "arrival", "key": "none"}),
        (
            [("/A/gh/1/temp", "25.3"), ("/A/gh/2/temp", "24")],
            {
                "schema": "value double, device string",
                "event_time": "arrival",
                "key": "device",
                "mapping": "device=topic[-2]",
            },
        ),
        (
            [("a", "2018-10-29T09:53:36Z;x;1"), ("a", "2018-10-29T09:53:37Z;y;2.5")],
            {"schema": "at timestamp, c2 string, c3 double", "event_time": "at", "key": "c2"},
        ),
    ],
)
def test_lines_of_cells_are_for_the_bundle_in_python(
    messages: list[tuple[str, str]], parameters: dict[str, str]
) -> None:
    seen = SeenEvents()
    for topic, text in messages:
        seen.add(text.encode(), topic)
    found = propose(seen)

    assert (found.parameters, found.bundle) == ({"payload": "csv", **parameters}, "structured")
    values = {"chart": "auto", "mapping": "", **found.parameters}
    form = event_form(values)
    reader = RowReader(form, reading(values, form.fields))
    assert [row.malformed for topic, text in messages for row in reader.rows(text.encode(), topic, NOW)] == ["", ""]


# --- what is odd ---


@pytest.mark.parametrize(
    ("events", "odd"),
    [
        ([{"a": 1.5}, {"a": 2, "b": 1}], "b is missing in 1 of 2 events"),
        ([{"a": None}, {"a": 2}], "a is null in 1"),
        ([{"a": "x"}, {"a": 2}], "a has values of several types: 1 string, 1 int"),
        ([{"a": "25.3"}, {"a": "2"}], "a has numbers in quotation marks, which no average takes"),
        ([{"a": None, "b": 1}], "a is left out: it is always null"),
        ([{"a": [{"x": 1}], "b": 1}], "a is left out: a list of objects or lists"),
        ([{"a": {"x": 1}, "b": 1}, {"a": 3, "b": 1}], "a is left out: an object in some events and a value in others"),
        ([{"A": 1, "a": 2}], "a is left out: it differs from another only in upper and lower case"),
        ([{'q"': 1, "b": 2}], "its name can't stand in a query"),
        ([{"a.b": 1, "b": 2}], "a.b is left out: a name with a dot"),
        ([b"25.3", {"a": 1}], "1 of 2 events are no JSON objects, the first: '25.3'"),
        ([{"a": 1}, {"a": 1}, {"a": 1}], "2 events are the same as the one before"),
        ([{"ts": "2018-10-29T09:53:36"}], "ts does not say in which zone it is"),
        ([{"ts": "2018-10-29T09:53:36Z"}, {"ts": "2018-10-29T09:53:35Z"}], "ts goes back 1 times"),
        ([{"ts": "2018-10-29T09:53:36Z", "v": n} for n in range(9)], "ts is the same in all events: 2018-10"),
        ([{"v": 1}], "no field looks like the time of an event"),
    ],
)  # fmt: skip
def test_what_is_odd_is_said(events: list[Any], odd: str) -> None:
    assert [each for each in proposed(events).odd if odd in each]


def test_a_clock_that_is_wrong_is_said() -> None:
    def odd(at: float) -> str:
        text = datetime.fromtimestamp(at, UTC).isoformat()
        return " ".join(proposed([{"ts": text, "v": 1}], arrival=NOW).odd)

    assert "ts is ahead of its arrival by up to 3,600 s" in odd(NOW + 3600)
    assert "ts is up to 10.0 days before its arrival" in odd(NOW - 864_000)


@pytest.mark.parametrize(
    ("events", "message"),
    [
        ([], "no event has come"),
        ([b"hello", b""], "none of 2 events is a JSON object; the first is 'hello'"),
        ([b"1,2", b"1"], "none of 2 events is a JSON object; the first is '1,2'"),
        ([{}], "no field of the events can be a column"),
        ([{"a": None}], "no field of the events can be a column"),
    ],
)
def test_events_that_say_nothing_are_told_in_one_line(events: list[Any], message: str) -> None:
    with pytest.raises(ProvisionError) as error:
        proposed(events)
    assert message in error.value.message
    assert error.value.next_step


# --- properties ---

names = st.sampled_from(["ts", "id", "data", "temp", "at time", "x-1", "ok", "Select", "ä", "`", "a.b"]) | st.text(
    min_size=1, max_size=5
)
leaf = (
    st.none()
    | st.booleans()
    | st.integers(-(2**70), 2**70)
    | st.floats(allow_nan=False, allow_infinity=False)
    | st.text(max_size=8)
    | st.sampled_from(["2018-10-29T09:53:36+0700", "2018-10-29", "12.5", "2018-13-99T00:00:00Z"])
)
values = st.recursive(
    leaf, lambda inner: st.lists(inner, max_size=3) | st.dictionaries(names, inner, max_size=3), max_leaves=6
)
objects = st.dictionaries(names, values, max_size=6)


@settings(deadline=None)
@given(events=st.lists(objects, min_size=1, max_size=8))
def test_whatever_comes_what_is_proposed_is_a_form_of_events(events: list[dict[str, Any]]) -> None:
    try:
        parameters = proposed(events).parameters
    except ProvisionError as error:
        told = error.message
        assume("no field of the events can be a column" not in told)
        raise
    event_form({"chart": "auto", "topic_column": "no", **parameters})


homogeneous = st.dictionaries(
    st.text(alphabet="abcdefgh", min_size=1, max_size=4),
    st.sampled_from(["text", 1.5, 7, True, "2018-10-29T09:53:36+0700", {"inner": 2.5}]),
    min_size=1,
    max_size=6,
)


@settings(deadline=None)
@given(event=homogeneous)
def test_events_of_one_form_are_all_events_to_the_note(event: dict[str, Any]) -> None:
    form = event_form({"chart": "auto", **proposed([event] * 4).parameters})
    row = read_row(form, event)

    assert not row.malformed
    assert not row.unread
    assert {field.name for field in form.fields} == event.keys()


@given(payload=st.binary(max_size=60) | st.text(alphabet='{}[],:"a1 \n', max_size=30).map(str.encode))
def test_any_message_is_looked_at_and_no_event_is_missed(payload: bytes) -> None:
    seen = look([payload])

    assert seen.events + seen.others == len(list(events_in(payload))) >= 1
