import ast
import html
import re

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from provision.bundles.literals import FILTERS, Dependencies, Secret
from provision.errors import UsageError

from ..scala_reader import read_literal

scala, python, markdown, z_load, spark_conf = (
    FILTERS[name].literal for name in ("scala", "python", "markdown", "z_load", "spark_conf")
)

AWKWARD = [
    'quo"te', '"', "\\", '\\"', "$", "${form}", "{entity.user}", "\\{", "\\u007b", "\\\\u0041", "a\nb\r\tc", "\x1a",
    "\u2028", "อุณหภูมิ", "😀", "\x00\x7f", "}}", '"""', "'", "// */", "${", "$${x}",
]  # fmt: skip

anything = st.text(max_size=40) | st.text(alphabet='\\"{}$un07b\n', max_size=20)


@pytest.mark.parametrize("early_unicode", [True, False])
@given(text=anything)
def test_a_scala_literal_read_back_is_the_text(text: str, early_unicode: bool) -> None:
    assert read_literal(scala(text), early_unicode=early_unicode) == text


@pytest.mark.parametrize("early_unicode", [True, False])
@pytest.mark.parametrize("text", AWKWARD)
def test_an_awkward_text_survives_its_scala_literal(text: str, early_unicode: bool) -> None:
    assert read_literal(scala(text), early_unicode=early_unicode) == text


@given(text=anything)
def test_a_scala_literal_is_one_line_of_ascii_without_braces(text: str) -> None:
    literal = scala(text)
    assert literal.isascii()
    assert literal.splitlines() == [literal]
    assert not set("{}") & set(literal)


@given(text=anything)
def test_an_inline_secret_is_written_as_any_text(text: str) -> None:
    assert scala(Secret("netpie-K", "user", text, inline=True)) == scala(text)


@pytest.mark.parametrize(
    ("value", "literal"),
    [
        (10, "10"),
        (-1, "-1"),
        (2**31 - 1, "2147483647"),
        (2**31, "2147483648L"),
        (True, "true"),
        (["a", "{"], 'Seq("a", "\\u007b")'),
    ],
)
def test_numbers_and_truths_are_scala_s(value: int, literal: str) -> None:
    assert scala(value) == literal


@pytest.mark.parametrize("value", [None, 1.5, [1.5], Dependencies()])
def test_a_type_without_a_scala_literal_is_refused(value: object) -> None:
    with pytest.raises(TypeError, match="has no Scala literal"):
        scala(value)


@given(text=anything | st.text(alphabet=st.characters()))
@example(text="\ud800")
@pytest.mark.parametrize("awkward", AWKWARD)
def test_a_python_literal_read_back_is_the_text_in_one_line_of_ascii_without_braces(text: str, awkward: str) -> None:
    for each in (text, awkward):
        literal = python(each)
        assert ast.literal_eval(literal) == each
        assert literal.isascii()
        assert literal.splitlines() == [literal]
        assert not set("{}") & set(literal)
        assert python(Secret("netpie-K", "user", each, inline=True)) == literal


@pytest.mark.parametrize("value", [10, -1, 2**70, True, False, ["a", "{", 1, ["b"]], []])
def test_numbers_truths_and_lists_are_python_s(value: object) -> None:
    assert ast.literal_eval(python(value)) == value


@pytest.mark.parametrize("value", [None, 1.5, [1.5], Dependencies()])
def test_a_type_without_a_python_literal_is_refused(value: object) -> None:
    with pytest.raises(TypeError, match="has no Python literal"):
        python(value)


@given(text=anything)
def test_markdown_shows_the_text_and_holds_none_of_zeppelin_s_patterns(text: str) -> None:
    written = markdown(text)
    assert not set("{}$*`<[\n\r") & set(written)
    assert html.unescape(written) == text


@pytest.mark.parametrize("value", [True, None, Secret("a", "user", "the value"), ["a"]])
def test_markdown_takes_text_and_numbers_only(value: object) -> None:
    with pytest.raises(TypeError):
        markdown(value)


def test_z_load_has_a_line_for_each_dependency() -> None:
    dependencies = Dependencies(packages=("g:a:1",), jars=("/opt/a b.jar",))
    assert z_load(dependencies) == 'z.load("g:a:1")\nz.load("/opt/a b.jar")'


def test_spark_conf_has_a_line_for_packages_and_one_for_jars() -> None:
    dependencies = Dependencies(packages=("g:a:1", "g:b:2"), jars=("/opt/a.jar", "file:/b.jar"))
    assert spark_conf(dependencies).splitlines()[:2] == [
        "spark.jars.packages g:a:1,g:b:2",
        "spark.jars /opt/a.jar,file:/b.jar",
    ]


def test_spark_conf_has_a_line_for_each_property_and_one_that_names_all() -> None:
    dependencies = Dependencies(
        jars=("/a.jar",), properties=("spark.master=spark://h:1,i:2", "spark.x=-Da=b -Dc", "spark.y==z")
    )
    assert spark_conf(dependencies).splitlines() == [
        "spark.jars /a.jar",
        "spark.master spark://h:1,i:2",
        "spark.x -Da=b -Dc",
        "spark.y \\u003dz",
        "provision.properties spark.jars,spark.master,spark.x,spark.y",
    ]


def test_z_load_refuses_properties_that_zeppelin_would_not_hear_of() -> None:
    with pytest.raises(UsageError, match="before 0.9"):
        z_load(Dependencies(jars=("/a.jar",), properties=("spark.master=yarn",)))


@pytest.mark.parametrize("name", ["/a b.jar", "/a,b.jar", "/a\nspark.master local", "/a\tb"])
def test_spark_conf_refuses_what_would_be_another_entry(name: str) -> None:
    with pytest.raises(UsageError, match="configuration"):
        spark_conf(Dependencies(jars=(name,)))


@given(name=anything)
def test_spark_conf_keeps_zeppelin_s_patterns_out_and_is_the_name_as_a_java_property(name: str) -> None:
    try:
        line = spark_conf(Dependencies(jars=(f"/{name}",)))
    except UsageError:
        return
    line = line.partition("\nprovision.properties ")[0]
    assert not set("{}$") & set(line)
    as_java_reads_it = re.sub(
        r"\\(?:u([0-9a-f]{4})|(.))", lambda escape: chr(int(escape[1], 16)) if escape[1] else escape[2], line
    )
    assert as_java_reads_it == f"spark.jars /{name}"


@pytest.mark.parametrize("filter", ["z_load", "spark_conf"])
def test_dependencies_are_the_only_thing_that_their_filters_take(filter: str) -> None:
    with pytest.raises(TypeError):
        FILTERS[filter].literal("g:a:1")
