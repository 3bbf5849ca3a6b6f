"""Where columns come from, as a person writes it."""

from contextlib import suppress

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from provision.bundles.values.mapping import (
    FORMS,
    Arrival,
    Cell,
    ColumnSource,
    Constant,
    JsonPath,
    TopicLevel,
    as_mapping,
    parse_mapping,
)
from provision.errors import UsageError


@pytest.mark.parametrize(
    ("text", "name", "source"),
    [
        ("t=$.temp", "t", ColumnSource(JsonPath(("temp",)))),
        ("t = $.data.temp", "t", ColumnSource(JsonPath(("data", "temp")))),
        ("t=$.list[0].x", "t", ColumnSource(JsonPath(("list", 0, "x")))),
        ("t=$['odd name'][\"a'b\"]", "t", ColumnSource(JsonPath(("odd name", "a'b")))),
        ("raw=$", "raw", ColumnSource(JsonPath(()))),
        ("at=$.ts epoch_ms", "at", ColumnSource(JsonPath(("ts",)), "epoch_ms")),
        ("t=csv[2]", "t", ColumnSource(Cell(2))),
        ("t=csv['Temp, C']", "t", ColumnSource(Cell("Temp, C"))),
        ("d=topic[-2]", "d", ColumnSource(TopicLevel(-2))),
        ("s='it\\'s'", "s", ColumnSource(Constant("it's"))),
        ("s=-12.5", "s", ColumnSource(Constant(-12.5))),
        ("s=true", "s", ColumnSource(Constant(True))),
        ("at=arrival", "at", ColumnSource(Arrival())),
        ("`a b`=$.c", "a b", ColumnSource(JsonPath(("c",)))),
    ],
)
def test_a_source(text: str, name: str, source: ColumnSource) -> None:
    assert parse_mapping(text) == {name: source}


def test_several_and_none() -> None:
    assert list(parse_mapping("a=$.x, b='1,2' ,c=topic[1]")) == ["a", "b", "c"]
    assert parse_mapping(" ") == {}


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("a", "it needs COLUMN=, and there is 'a'"),
        ("a=", "a= is no source"),
        ("a=temp", "a=temp is no source"),
        ("a=topik[1]", "a=topik is no source"),
        ("a=topic", "it needs topic[1], topic[2], … or topic[-1], and ends"),
        ("a=topic[0]", "it needs topic[1]"),
        ("a=csv[0]", "it needs csv[1]"),
        ("a='open", "it needs the end of a text"),
        ("a=$.x epoch", "'epoch' is no form of a time"),
        ("a=$.x b=$.y", "'b' is no form of a time"),
        ("a=$.x; b=$.y", "it needs a comma after 'a'"),
        ("a=$.x, A=$.y", "'A' stands twice"),
        ("a=$[0]", "a path begins with a field"),
        ("a=$.x\n", "it has a control character"),
        ("a=" + "$" + ".x" * 30, "a path has more than 20 steps"),
    ],
)
def test_what_is_none_is_told_in_one_line(text: str, message: str) -> None:
    with pytest.raises(UsageError) as error:
        parse_mapping(text)
    assert error.value.message.startswith(f"mapping: {message}")
    assert "\n" not in error.value.message
    assert error.value.next_step


printable = st.text(min_size=1, max_size=8).filter(str.isprintable)
origins = st.one_of(
    st.lists(printable | st.integers(0, 99), max_size=4)
    .filter(lambda steps: not steps or isinstance(steps[0], str))
    .map(lambda steps: JsonPath(tuple(steps))),
    (st.integers(1, 99) | printable).map(Cell),
    st.integers(-9, 9).filter(bool).map(TopicLevel),
    (st.booleans() | printable | st.integers(-1000, 1000).map(lambda n: n / 8)).map(Constant),
    st.just(Arrival()),
)
sources = st.builds(ColumnSource, origins, st.sampled_from(["", *FORMS]))


@settings(deadline=None)
@given(sources=st.dictionaries(printable, sources, max_size=4))
def test_what_is_written_is_read_back(sources: dict[str, ColumnSource]) -> None:
    if len({name.lower() for name in sources}) == len(sources):
        assert parse_mapping(as_mapping(sources)) == sources


@given(text=st.text(max_size=30) | st.text(alphabet="a=$.['\\]`,topic csv1", max_size=30))
def test_any_text_is_read_or_told(text: str) -> None:
    with suppress(UsageError):
        assert parse_mapping(as_mapping(parse_mapping(text))) == parse_mapping(text)
