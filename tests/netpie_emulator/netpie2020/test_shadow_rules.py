"""The rules of a shadow: merge, null, timestamps, schema. No broker."""

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from netpie_emulator.netpie2020.schema import coerced
from netpie_emulator.netpie2020.shadow import MAX_DEPTH, Shadow, merged, parsed
from netpie_emulator.netpie2020.timestamps import RELATIVE_BELOW, absolute

NOW = 1_764_000_000_000
names = st.sampled_from("abcd")
scalars = st.integers() | st.text(max_size=3) | st.booleans() | st.lists(st.integers(), max_size=2)
filled = st.recursive(scalars, lambda inner: st.dictionaries(names, inner, max_size=3), max_leaves=6)
objects = st.dictionaries(names, filled, max_size=4)
patches = st.dictionaries(
    names, st.recursive(scalars | st.none(), lambda inner: st.dictionaries(names, inner, max_size=3), max_leaves=6)
)


def holds_null(value):
    return value is None or (isinstance(value, dict) and any(map(holds_null, value.values())))


@given(objects, patches)
def test_no_null_is_ever_kept(old, new):
    assert not holds_null(merged(old, new))


@given(objects, patches)
def test_merging_twice_is_merging_once(old, new):
    assert merged(merged(old, new), new) == merged(old, new)


@given(objects, patches)
def test_fields_that_are_not_named_stay_and_those_of_null_go(old, new):
    result = merged(old, new)
    for name in old.keys() - new.keys():
        assert result[name] == old[name]
    assert not {name for name, value in new.items() if value is None} & result.keys()


@given(objects, patches)
def test_merge_changes_neither_of_its_arguments(old, new):
    before = repr((old, new))
    merged(old, new)
    assert repr((old, new)) == before


def test_objects_merge_and_arrays_are_replaced():
    old = {"config": {"a": 1, "b": 2}, "items": [1, 2]}
    assert merged(old, {"config": {"b": None, "c": 3}, "items": [9]}) == {"config": {"a": 1, "c": 3}, "items": [9]}


@given(st.integers(max_value=RELATIVE_BELOW - 1, min_value=-(10**15)))
def test_small_timestamp_counts_from_now(timestamp):
    assert absolute(timestamp, NOW) == NOW + timestamp


@given(st.integers(min_value=RELATIVE_BELOW, max_value=10**15))
def test_large_timestamp_is_the_time_itself(timestamp):
    assert absolute(timestamp, NOW) == timestamp


@pytest.mark.parametrize("timestamp", [None, "1684982518000", True, {}, math.nan, math.inf, -math.inf])
def test_timestamp_that_is_no_number_is_now(timestamp):
    assert absolute(timestamp, NOW) == NOW


@given(st.lists(st.tuples(st.integers(0, 50), st.integers()), max_size=20))
def test_shadow_ends_with_the_newest_whatever_the_order_and_counts_what_it_took(writes):
    shadow, newest, taken = Shadow(), 0, 0
    for timestamp, value in writes:
        fits = timestamp >= newest
        assert shadow.write({"v": value}, timestamp, NOW, merge=True) is fits
        if fits:
            newest, taken = timestamp, taken + 1
            assert shadow.data == {"v": value}
    assert (shadow.timestamp, shadow.rev) == (newest, taken)


def test_overwrite_leaves_nothing_of_what_was_there():
    shadow = Shadow({"a": 1, "b": 2}, rev=3)
    shadow.write({"b": 5, "c": None}, 10, NOW, merge=False)
    assert (shadow.data, shadow.rev, shadow.modified) == ({"b": 5}, 4, NOW)


DROPPED = object()


@pytest.mark.parametrize(
    ("kind", "value", "becomes"),
    [
        ("number", "2.3", 2.3),
        ("number", "2", 2),
        ("number", True, 1),
        ("number", {"x": 123}, DROPPED),
        ("number", "warm", DROPPED),
        ("number", "nan", DROPPED),
        ("number", [1], DROPPED),
        ("number", "1_000", DROPPED),
        ("number", "1e999", DROPPED),
        ("number", 10**400, DROPPED),
        ("string", 2.0, "2"),
        ("string", 2, "2"),
        ("string", True, "true"),
        ("string", {"x": 123}, '{"x":123}'),
        ("string", "s", "s"),
        ("boolean", "TruE", True),
        ("boolean", "False", False),
        ("boolean", 0, False),
        ("boolean", 1, True),
        ("boolean", 2, DROPPED),
        ("boolean", {"x": 123}, DROPPED),
        ("array", [1], [1]),
        ("array", "a", DROPPED),
        ("object", {"x": 1}, {"x": 1}),
        ("object", [1], DROPPED),
        ("number", None, None),
    ],
)
def test_schema_coerces_or_drops(kind, value, becomes):
    result = coerced({"f": value}, {"properties": {"f": {"type": kind}}})
    assert result == ({} if becomes is DROPPED else {"f": becomes})
    assert [type(one) for one in result.values()] == ([] if becomes is DROPPED else [type(becomes)])


def test_schema_drops_what_is_out_of_range_other_fields_if_told_to_and_names_that_are_none():
    schema = {"additionalProperties": False, "properties": {"t": {"type": "number", "minimum": 0, "maximum": 100}}}
    assert coerced({"t": 101, "x": 1}, schema) == {}
    assert coerced({"t": "100"}, schema) == {"t": 100}
    assert coerced({"x": 1, "a-b": 2, "": 3}, {"properties": {}, "type": "object"}) == {"x": 1}


def test_without_a_schema_everything_stays():
    assert coerced({"a-b": [1], "x": {"y": "2"}}, None) == {"a-b": [1], "x": {"y": "2"}}


@pytest.mark.parametrize(
    "text",
    ["", "{", "NaN", '{"a": Infinity}', '{"a": 1e999}', "[" * (MAX_DEPTH + 1) + "]" * (MAX_DEPTH + 1), "[" * 9999],
)
def test_what_is_no_json_or_too_deep_is_none(text):
    assert parsed(text.encode()) is None


def test_deep_json_is_read():
    text = "[" * (MAX_DEPTH - 1) + "1" + "]" * (MAX_DEPTH - 1)
    assert parsed(text.encode()) is not None
