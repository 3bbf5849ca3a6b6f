"""The schema of events: what people write, and what Spark is given."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from provision.bundles.values.schema import Field, as_ddl, parse_schema, quoted
from provision.errors import UsageError


def test_the_fields_of_a_schema_in_their_order():
    assert parse_schema("device string, temperature double") == (
        Field("device", "string"),
        Field("temperature", "double"),
    )


@pytest.mark.parametrize(
    ("written", "spark"),
    [
        ("a INT", "a int"),
        ("a integer, b Long , c short,d BYTE", "a int, b bigint, c smallint, d tinyint"),
        (
            "a real, b dec, c numeric(5), d decimal(38, 10)",
            "a float, b decimal(10,0), c decimal(5,0), d decimal(38,10)",
        ),
        ("ts Timestamp, at timestamp_ltz, day date", "ts timestamp, at timestamp, day date"),
        ("a: double, b:boolean", "a double, b boolean"),
        ("  a\n  double,\n\tb binary\n", "a double, b binary"),
        ("a array<int>, b map<string, array<double>>", "a array<int>, b map<string,array<double>>"),
        ("at struct<lat: double, `l o` real>", "at struct<lat:double,`l o`:float>"),
        ("`data.t` double, `a``b` int", "`data.t` double, `a``b` int"),
        ("อุณหภูมิ double, a-b int, 2nd int", "`อุณหภูมิ` double, `a-b` int, `2nd` int"),
        ("string string, double double", "string string, double double"),
        ("order int, User string, time timestamp", "`order` int, `User` string, `time` timestamp"),
    ],
)
def test_what_people_write_becomes_what_spark_reads(written: str, spark: str):
    assert as_ddl(parse_schema(written)) == spark
    assert parse_schema(spark) == parse_schema(written)


@pytest.mark.parametrize(
    ("written", "cause", "step"),
    [
        ("", "needs a name, but it ends there", "NAME TYPE"),
        ("  ,", "needs a name, but ','", "NAME TYPE"),
        ("temperature", "needs a type after 'temperature', but it ends there", "NAME TYPE"),
        ("a int,", "needs a name, but it ends there", "NAME TYPE"),
        ("a int b double", "needs a comma after 'a', but 'b' stands there", "NAME TYPE"),
        ("a int not null", "needs a comma after 'a', but 'not'", "NAME TYPE"),
        ("a duble", "unknown type 'duble' of 'a'", "did you mean double?"),
        ("a text", "unknown type 'text'", "did you mean string?"),
        ("a varchar(10)", "unknown type 'varchar'", "did you mean string?"),
        ("a datetime", "unknown type", "did you mean timestamp?"),
        ("a qqq", "unknown type", "types are boolean, tinyint"),
        ("a int, A double", "the name 'A' stands twice", "a name of its own"),
        ("a struct<b: int, b: int>", "the name 'b' stands twice", "a name of its own"),
        ("a array", "needs < as in array<, but it ends there", "NAME TYPE"),
        ("a array<int", "needs > as in array<int>", "NAME TYPE"),
        ("a map<string>", "needs , as in map<string,", "NAME TYPE"),
        ("a struct<>", "needs a name, but '>'", "NAME TYPE"),
        ("a struct<b int", "needs a comma or >", "NAME TYPE"),
        ("a decimal(39,2)", r"decimal\(39,2\) of 'a' is out of range", "1 to 38"),
        ("a decimal(2,3)", r"decimal\(2,3\) of 'a' is out of range", "at most that"),
        ("a decimal(0)", "out of range", "1 to 38"),
        ("a decimal(x)", "needs a number of digits", "NAME TYPE"),
        ("data.temp double", r"'\.' in", "struct<NAME: TYPE>"),
        ("a int; drop", "';' in", "backquotes"),
        ("`a\x07` int", "can't be read", "backquotes"),
        ("a" + " array<" * 30 + "int" + ">" * 30, "'a' is nested deeper than 20 levels", "flatter"),
    ],
)
def test_what_is_no_schema_is_refused_with_its_cause_and_the_next_step(written: str, cause: str, step: str):
    with pytest.raises(UsageError, match=cause) as caught:
        parse_schema(written)
    assert step in caught.value.next_step
    assert caught.value.message.startswith("schema: ")


@given(st.text(max_size=60))
def test_any_text_is_a_schema_or_a_usage_error(text: str):
    try:
        fields = parse_schema(text)
    except UsageError:
        return
    assert parse_schema(as_ddl(fields)) == fields


@given(st.text(st.characters(blacklist_categories=("Cc", "Cs", "Cf", "Zl", "Zp", "Zs", "Cn", "Co")), min_size=1))
def test_any_printable_name_can_stand_in_backquotes(name: str):
    assert parse_schema("`" + name.replace("`", "``") + "` int") == (Field(name, "int"),)
    assert parse_schema(as_ddl([Field(name, "int")])) == (Field(name, "int"),)


def test_which_fields_are_numbers_and_which_are_times():
    fields = parse_schema("a int, b decimal(5,2), c string, d timestamp, e date, f array<int>, g boolean")
    assert [field.name for field in fields if field.is_number] == ["a", "b"]
    assert [field.name for field in fields if field.is_time] == ["d"]


def test_a_name_is_quoted_where_sql_would_read_it_otherwise():
    assert [quoted(name) for name in ("device", "current_date", "a b", "a`b")] == [
        "device",
        "`current_date`",
        "`a b`",
        "`a``b`",
    ]
