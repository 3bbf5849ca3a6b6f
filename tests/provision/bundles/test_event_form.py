"""Events of one's own form: what is rendered of a schema, a time, a key and a chart."""

import re
from typing import Any

import pytest
from hypothesis import HealthCheck, assume, given, settings
from hypothesis import strategies as st

from provision.bundles.event_form import event_form, split_names, template_values
from provision.bundles.literals import FILTERS
from provision.bundles.values.schema import Field, as_ddl, parse_schema
from provision.errors import UsageError

from ..rendering import code, rendered
from ..scala_reader import read_literal

READINGS = "device string, temperature double, humidity double"
SHADOW = "deviceid string, data struct<temp: double, `hum-id`: double>, timestamp bigint"
DOCUMENTS = "ts Timestamp, id String, loadavg double, cpu double, mem double"


def form(schema: str = DOCUMENTS, *, event_time: str = "auto", key: str = "auto", chart: str = "auto") -> Any:
    return event_form({"schema": schema, "event_time": event_time, "key": key, "chart": chart})


def chart_of(**given: str) -> dict[str, Any]:
    chart = next(each for each in rendered("streaming", **given).paragraphs if each.key == "chart")
    graph: dict[str, Any] = chart.config["results"]["0"]["graph"]
    return graph


# --- what a note has ---


def test_the_document_s_event_is_the_default() -> None:
    note = rendered("streaming")

    assert f'val fields = "{DOCUMENTS}"' in code(note, "columns")
    assert 'val isEvent = "ts is not null and id is not null"' in code(note, "columns")
    assert 'val time = "ts"' in code(note, "columns")
    assert code(note, "query").startswith(
        'val query = """\n  select max(ts) as ts, id, avg(loadavg), avg(cpu), avg(mem)\n'
        '  from measure\n  group by id\n  order by ts, id\n"""\n'
    )
    assert "(`ts`, `id`, `loadavg`, `cpu`, `mem`)" in code(note, "introduction")
    assert chart_of()["groups"] == [{"name": "id", "index": 2, "aggr": "sum"}]
    assert chart_of()["values"] == [{"name": "avg(cpu)", "index": 4, "aggr": "avg"}]


def test_columns_query_and_chart_follow_from_a_schema() -> None:
    note = rendered("streaming", schema=READINGS)

    assert f'val fields = "{READINGS}"' in code(note, "columns")
    assert 'val isEvent = "device is not null"' in code(note, "columns")
    assert 'val time = ""' in code(note, "columns")
    assert (
        "  select device, avg(temperature), avg(humidity)\n  from measure\n  group by device\n  order by device\n"
        in code(note, "query")
    )
    assert "(`device`, `temperature`, `humidity`)" in code(note, "introduction")
    assert chart_of(schema=READINGS)["groups"] == [{"name": "device", "index": 1, "aggr": "sum"}]
    assert chart_of(schema=READINGS)["values"] == [{"name": "avg(temperature)", "index": 2, "aggr": "avg"}]
    assert chart_of(schema=READINGS, chart="humidity")["values"] == [
        {"name": "avg(humidity)", "index": 3, "aggr": "avg"}
    ]


def test_a_shadow_is_read_by_its_fields() -> None:
    events = form(SHADOW, event_time="timestamp", key="deviceid")

    assert events.is_event == "timestamp is not null and deviceid is not null"
    assert events.query == (
        "  select max(timestamp) as timestamp, deviceid, avg(data.temp) as `avg(data.temp)`,"
        " avg(data.`hum-id`) as `avg(data.hum-id)`\n"
        "  from measure\n  group by deviceid\n  order by timestamp, deviceid"
    )
    assert events.chart_values == [{"name": "avg(data.temp)", "index": 3, "aggr": "avg"}]


@pytest.mark.parametrize(
    ("given", "time", "is_event"),
    [
        ({}, "ts", "ts is not null and id is not null"),
        ({"event_time": "ts"}, "ts", "ts is not null and id is not null"),
        ({"event_time": "arrival"}, "", "id is not null"),
        ({"event_time": "to_timestamp(id)"}, "to_timestamp(id)", "ts is not null and id is not null"),
        ({"schema": "at bigint, id string", "event_time": "at"}, "at", "at is not null and id is not null"),
        ({"schema": "data struct<at: timestamp, x: int>", "event_time": "data.at"}, "data.at", "data.at is not null"),
        ({"schema": "`at time` timestamp, x int"}, "`at time`", "`at time` is not null"),
        ({"schema": "x int, y string", "key": "none"}, "", "x is not null"),
        ({"schema": "x boolean", "key": "none"}, "", "x is not null"),
    ],
)
def test_when_an_event_happened_and_which_rows_are_events(given: dict[str, str], time: str, is_event: str) -> None:
    events = form(given.pop("schema", DOCUMENTS), **given)

    assert (events.time, events.is_event) == (time, is_event)


@pytest.mark.parametrize(
    ("schema", "key", "group"),
    [
        ("temp double, ID int, name string", "auto", "ID"),
        ("temp double, name string", "auto", "name"),
        ("site string, room string, temp double", "site, room", "site, room"),
        ("`room 1` string, temp double", "`room 1`", "`room 1`"),
        ("data struct<id: string, t: int>", "data.id", "data.id"),
    ],
)
def test_what_tells_devices_apart(schema: str, key: str, group: str) -> None:
    assert f"\n  group by {group}\n" in form(schema, key=key).query


def test_without_a_key_all_events_are_averaged_together() -> None:
    assert form("temp double", key="none").query == "  select avg(temp)\n  from measure"
    assert chart_of(schema="temp double")["groups"] == []


def test_without_numbers_events_are_counted() -> None:
    events = form("door string, open boolean")

    assert events.query.splitlines()[0] == "  select door, count(*) as events"
    assert events.chart_values == [{"name": "events", "index": 2, "aggr": "avg"}]


def test_the_topic_can_be_the_key() -> None:
    note = rendered("streaming", schema="temp double", key="topic", topic_column="yes")

    assert "  group by topic\n" in code(note, "query")
    assert 'val isEvent = "temp is not null"' in code(note, "columns")


def test_types_are_written_as_every_spark_reads_them() -> None:
    assert 'val fields = "a bigint, b double"' in code(rendered("streaming", schema="a: long, b double"), "columns")


# --- what is refused ---


@pytest.mark.parametrize(
    ("given", "message"),
    [
        ({"schema": " "}, "schema: ' ' needs a name"),
        ({"schema": ","}, "schema: ',' needs a name"),
        ({"event_time": "at"}, "event_time=at: the schema has no such column"),
        ({"schema": "ok boolean", "event_time": "ok"}, "event_time=ok: a boolean is no time"),
        ({"schema": READINGS, "event_time": "ts"}, "event_time=ts: the schema has no such column"),
        ({"key": "device"}, "key=device: there is no column 'device'"),
        ({"key": "id,id"}, "key='id,id' names no column, or one twice"),
        ({"key": ","}, "key=',' names no column, or one twice"),
        ({"key": "topic"}, "key=topic: there is no column 'topic'"),
        ({"chart": "id"}, "chart=id: no column of that name is averaged"),
        ({"schema": "topic string", "topic_column": "yes"}, "the schema has a column 'topic', and topic_column=yes"),
        ({"schema": '`a"""b` double'}, "a query with '\"' in it can't stand in the note"),
        ({"schema": "`{x.password}` double"}, "a query with '{' in it can't stand in the note"),
    ],
)
def test_what_fits_no_event_is_told_in_one_line(given: dict[str, str], message: str) -> None:
    with pytest.raises(UsageError) as error:
        rendered("streaming", **given)
    assert message in error.value.message
    assert "\n" not in error.value.message + error.value.next_step
    assert error.value.next_step


# --- nothing breaks out ---

types = st.sampled_from(["double", "string", "bigint", "timestamp", "boolean", "decimal(10,2)", "array<double>"])
names = st.text(min_size=1, max_size=12) | st.text(alphabet='`"\\{}$,. \nab', min_size=1, max_size=8)
fields = st.lists(st.builds(Field, names, types), min_size=1, max_size=6, unique_by=lambda field: field.name.lower())


@settings(deadline=None, suppress_health_check=[HealthCheck.filter_too_much])
@given(fields=fields)
def test_no_schema_breaks_out_of_the_note(fields: list[Field]) -> None:
    try:
        parse_schema(as_ddl(fields))
    except UsageError:
        assume(False)
    try:
        values = template_values({"schema": as_ddl(fields), "event_time": "auto", "key": "auto", "chart": "auto"})
        query = FILTERS["sql_text"].literal(values["event_query"])
    except UsageError:
        return
    assert not re.search(r'["\\{}$]', query)
    for name in ("event_fields", "event_condition", "event_at"):
        assert read_literal(FILTERS["scala"].literal(values[name]), early_unicode=True) == values[name]
    outside = re.sub(r"`(?:[^`]|``)*`", "", query)
    assert re.fullmatch(r"[\w ,.()*\n]*", outside)
    assert not set("{}`$") & set(
        FILTERS["markdown_names"].literal(values["event_names"]).replace("`", "", 2 * len(fields))
    )


@settings(deadline=None)
@given(fields=fields)
def test_the_chart_draws_columns_that_the_query_has(fields: list[Field]) -> None:
    try:
        events = form(as_ddl(fields))
    except UsageError:
        return
    columns = [name for _, name in events.selected]
    for drawn in events.chart_groups + events.chart_values:
        assert columns[drawn["index"] - 1] == drawn["name"]


@given(names=st.lists(st.text(alphabet="ab `,é", min_size=1, max_size=6).filter(str.strip), max_size=4))
def test_names_of_a_list_are_read_as_they_were_written(names: list[str]) -> None:
    assert split_names(", ".join("`" + name.replace("`", "``") + "`" for name in names)) == names
