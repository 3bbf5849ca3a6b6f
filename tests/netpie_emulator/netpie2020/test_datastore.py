"""The data store: KairosDB queries as NETPIE's users send them, and the silent cut."""

import pytest
import requests
from hypothesis import given
from hypothesis import strategies as st

from netpie_emulator.netpie2020 import Emulator2020
from netpie_emulator.netpie2020.aggregators import QueryError
from netpie_emulator.netpie2020.datastore import DataStore
from netpie_emulator.netpie2020.form import nested
from netpie_emulator.netpie2020.rest import QUERY

NOW = 1_764_000_000_000
GROUPED = [{"name": "tag", "tags": ["attr"]}]


def query(fields, start=0, end=NOW, **metric):
    asked = {"name": "d", "tags": {"attr": fields}, "group_by": GROUPED, **metric}
    return {"start_absolute": start, "end_absolute": end, "metrics": [asked]}


def results(store, content):
    return {
        result["tags"]["attr"][0]: [list(point) for point in result["values"]]
        for result in store.query(content, NOW)["queries"][0]["results"]
        if result["tags"]
    }


@given(
    st.dictionaries(st.sampled_from("abc"), st.dictionaries(st.integers(0, 40), st.integers(), max_size=20)),
    st.integers(1, 30),
)
def test_oldest_points_over_all_fields_are_returned_and_the_newest_cut_off(fields, limit):
    store = DataStore(limit)
    for field, points in fields.items():
        for timestamp, value in points.items():
            store.add("d", field, timestamp, value)
    answer = results(store, query(["a", "b", "c"]))
    returned = sorted(point[0] for points in answer.values() for point in points)
    assert returned == sorted(timestamp for points in fields.values() for timestamp in points)[:limit]
    for field, points in answer.items():
        assert points == sorted(points, key=lambda point: point[0])
        assert all(fields[field][timestamp] == value for timestamp, value in points)


def test_nothing_says_that_points_were_cut_off():
    store = DataStore(2)
    for timestamp in (1, 2, 3):
        store.add("d", "t", timestamp, timestamp)
    cut = store.query(query(["t"]), NOW)
    store.limit = 100
    whole = store.query(query(["t"], end=2), NOW)
    assert cut == whole


def test_span_field_and_limit_are_kept():
    store = DataStore()
    for timestamp in range(10):
        store.add("d", "t", timestamp, timestamp)
        store.add("d", "h", timestamp, -timestamp)
        store.add("other", "t", timestamp, 99)
    assert results(store, query(["t"], 3, 5)) == {"t": [[3, 3], [4, 4], [5, 5]]}
    assert results(store, query(["h", "t"], 3, 3)) == {"h": [[3, -3]], "t": [[3, 3]]}
    assert results(store, query(["t"], limit=2)) == {"t": [[0, 0], [1, 1]]}
    assert results(store, query(["nothing"])) == {}


def test_relative_times_are_from_now():
    store = DataStore()
    for minutes in (1, 5, 20):
        store.add("d", "t", NOW - minutes * 60_000, minutes)
    asked = {**query(["t"]), "start_relative": {"value": "10", "unit": "minutes"}}
    asked["end_relative"] = {"value": 2, "unit": "minutes"}
    for name in ("start_absolute", "end_absolute"):
        del asked[name]
    assert results(store, asked) == {"t": [[NOW - 300_000, 5]]}


@pytest.mark.parametrize(
    ("name", "expected"),
    [("avg", [2, 10]), ("min", [1, 10]), ("max", [3, 10]), ("sum", [6, 10]), ("count", [3, 1]), ("first", [1, 10]),
     ("last", [3, 10])],
)  # fmt: skip
def test_aggregators(name, expected):
    store = DataStore()
    for timestamp, value in ((0, 1), (300, 2), (999, 3), (1000, 10)):
        store.add("d", "t", timestamp, value)
    aggregators = [{"name": name, "sampling": {"value": "1", "unit": "seconds"}}]
    assert [value for _, value in results(store, query(["t"], aggregators=aggregators))["t"]] == expected


def test_point_of_the_same_time_is_replaced():
    store = DataStore()
    store.add("d", "t", 1, 1)
    store.add("d", "t", 1, 2)
    assert results(store, query(["t"])) == {"t": [[1, 2]]}


@pytest.mark.parametrize(
    "broken",
    [
        [],
        {},
        {"metrics": []},
        {"metrics": [{"name": "d"}]},
        {"start_absolute": "x", "metrics": [{"name": "d"}]},
        {"start_relative": {"value": 1, "unit": "fortnights"}, "metrics": [{"name": "d"}]},
        {"start_relative": {"value": 0, "unit": "days"}, "metrics": [{"name": "d"}]},
        {"start_absolute": 0, "metrics": [{}]},
        query(["t"], limit="many"),
        query(["t"], aggregators=[{"name": "guess", "sampling": {"value": 1, "unit": "days"}}]),
        query(["t"], aggregators=[{"name": "avg"}]),
        query(["t"], aggregators=[{"name": "trim"}]),
        query(["t"], aggregators=[{"name": "div", "divisor": 0}]),
        query(["t"], aggregators=[{"name": "percentile", "percentile": 2, "sampling": {"value": 1, "unit": "days"}}]),
    ],
)
def test_query_that_is_none_is_told(broken):
    with pytest.raises(QueryError):
        DataStore().query(broken, NOW)


def ask(emulator, device, authorization=None, **changes):
    asked = {"start_absolute": 0, "metrics": [{"name": device.client_id, "tags": {"attr": ["t"]}, "group_by": GROUPED}]}
    headers = {"Authorization": authorization or f"Device {device.client_id}:{device.token}"}
    return requests.post(emulator.query_url, json={**asked, **changes}, headers=headers, timeout=60)


def test_what_is_written_to_a_shadow_is_queried(emulator, api, one):
    times = [1_700_000_000_000 + number for number in (1, 0, 2)]
    for timestamp in times:
        api(one)("PUT", "/shadow/data", {"data": {"t": timestamp % 10, "o": {"x": 1}}, "timestamp": timestamp})
    answer = ask(emulator, one).json()["queries"][0]
    assert [result["tags"]["attr"] for result in answer["results"]] == [["t"]]
    assert answer["results"][0]["values"] == [[timestamp, timestamp % 10] for timestamp in sorted(times)]
    assert ask(emulator, one, "Bearer user-token").json()["queries"][0] == answer


def test_each_field_is_a_result_grouped_or_not(emulator, api, one):
    api(one)("PUT", "/shadow/data", {"data": {"t": 1, "h": 2}})
    for groups in (GROUPED, []):
        metric = {"name": one.client_id, "tags": {"attr": ["h", "t"]}, "group_by": groups}
        results = ask(emulator, one, metrics=[metric]).json()["queries"][0]["results"]
        assert [(each["tags"]["attr"], each["values"][0][1]) for each in results] == [(["h"], 2), (["t"], 1)]


def test_field_within_an_object_has_a_name_with_a_dot(emulator, api, one):
    one.schema = {"properties": {"gone": {"type": "object"}, "place": {
        "type": "object", "operation": {"store": {"ttl": "1d"}}}}}  # fmt: skip
    api(one)("PUT", "/shadow/data", {"data": {"place": {"lat": {"degree": 13.7}}, "gone": {"x": 1}, "free": {"y": 2}}})
    results = ask(emulator, one, metrics=[{"name": one.client_id}]).json()["queries"][0]["results"]
    assert {each["tags"]["attr"][0]: each["values"][0][1] for each in results} == {
        "place.lat.degree": 13.7,
        "free.y": 2,
    }


def test_query_may_be_a_form_and_at_the_api_s_own_address(emulator, api, one):
    """What jQuery makes of the query of the vendor's Freeboard."""
    api(one)("PUT", "/shadow/data", {"data": {"t": 1, "h": "text"}})
    form = {
        "start_absolute": "0", "end_absolute": "99999999999999", "metrics[0][name]": one.client_id,
        "metrics[0][group_by][0][name]": "tag", "metrics[0][group_by][0][tags][]": "attr",
        "metrics[0][limit]": "10", "metrics[0][aggregators][0][name]": "avg",
        "metrics[0][aggregators][0][sampling][value]": "1", "metrics[0][aggregators][0][sampling][unit]": "minutes",
    }  # fmt: skip
    headers = {"Authorization": f"Device {one.client_id}:{one.token}"}
    answer = requests.post(emulator.api_url.replace("/device", "") + QUERY, data=form, headers=headers, timeout=60)
    results = answer.json()["queries"][0]["results"]
    assert {each["tags"]["attr"][0]: each["values"][0][1] for each in results} == {"h": "text", "t": 1}


@pytest.mark.parametrize(
    ("form", "fields"),
    [
        ("a=1&b[c]=2", {"a": "1", "b": {"c": "2"}}),
        ("a[]=1&a[]=2", {"a": ["1", "2"]}),
        ("a[0][b]=1&a[1][b]=2", {"a": [{"b": "1"}, {"b": "2"}]}),
        ("a=1&a[b]=2", {"a": "1"}),
        ("%5B%5D=1&a[=2&=3", {}),
        ("a" + "[x]" * 50 + "=1", {}),
    ],
)
def test_form_is_read_as_objects_and_arrays(form, fields):
    assert nested(form) == fields


@pytest.mark.parametrize(
    ("aggregator", "expected"),
    [
        ({"name": "diff"}, [[500, 1], [1000, 2]]),
        ({"name": "scale", "factor": 10}, [[0, 10], [500, 20], [1000, 40]]),
        ({"name": "div", "divisor": "2"}, [[0, 0.5], [500, 1], [1000, 2]]),
        ({"name": "rate", "unit": "SECONDS"}, [[500, 2], [1000, 4]]),
        ({"name": "trim", "trim": "both"}, [[500, 2]]),
        ({"name": "percentile", "percentile": 0.5, "sampling": {"value": 1, "unit": "days"}}, [[0, 2]]),
        ({"name": "sum", "align_start_time": True, "sampling": {"value": 400, "unit": "MILLISECONDS"}},
         [[0, 1], [400, 2], [800, 4]]),
    ],
)  # fmt: skip
def test_other_aggregators(aggregator, expected):
    store = DataStore()
    for timestamp, value in ((0, 1), (500, 2), (1000, 4)):
        store.add("d", "t", timestamp, value)
    assert results(store, query(["t"], aggregators=[aggregator])) == {"t": expected}


def test_ranges_can_be_aligned_to_their_unit():
    store = DataStore()
    for timestamp in (1900, 2100):
        store.add("d", "t", timestamp, 1)
    sampling = {"value": 1, "unit": "seconds"}
    for aligned, sums in ((False, [[1900, 2]]), (True, [[1900, 1], [2100, 1]])):
        aggregators = [{"name": "sum", "align_sampling": aligned, "sampling": sampling}]
        assert results(store, query(["t"], start=1500, aggregators=aggregators)) == {"t": sums}


def test_limit_can_be_low(account, one, tmp_path):
    with Emulator2020(account, point_limit=3) as emulator:
        for number in range(5):
            emulator.platform.store.add(one.client_id, "t", number, number)
        values = ask(emulator, one).json()["queries"][0]["results"][0]["values"]
    assert values == [[0, 0], [1, 1], [2, 2]]


def test_only_the_device_and_the_user_may_ask(emulator, one, two):
    assert ask(emulator, one, "Bearer wrong").status_code == 401
    assert ask(emulator, one, f"Device {two.client_id}:{two.token}").status_code == 403
    assert ask(emulator, one, metrics=[]).status_code == 400
