import re
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from provision.bundles.bundle import Bundle, load_bundle
from provision.bundles.engine import ECHOES_NOTHING
from provision.bundles.literals.stored import reading
from provision.bundles.literals.values import Secret
from provision.bundles.render import RenderedNote, render
from provision.bundles.template import Template
from provision.bundles.values.topics import check_filter
from provision.errors import UsageError
from provision.platforms.netpie2015 import Netpie2015, entities
from zeppelin_sdk import ServerVersion

from ..rendering import LOGIN, SECRETS, ZEPPELIN_8, ZEPPELIN_9, code, interpreters, rendered
from ..scala_reader import read_literal

LOADED = {name: load_bundle(name) for name in ("classic", "streaming")}


@pytest.fixture(params=["classic", "streaming"])
def name(request: pytest.FixtureRequest) -> str:
    return str(request.param)


def all_text(note: RenderedNote) -> str:
    return "\n".join(str((p.title, p.text, p.config)) for p in note.paragraphs) + note.path


@pytest.mark.parametrize("variant", ["print", "average", "csv"])
@pytest.mark.parametrize("zeppelin", [ZEPPELIN_8, ZEPPELIN_9])
def test_no_secret_is_in_a_rendered_note_and_zeppelin_puts_none_in(
    name: str, variant: str, zeppelin: ServerVersion
) -> None:
    note = rendered(name, variant=variant, zeppelin=zeppelin)
    assert "injectCredentials" not in all_text(note)
    for secret in SECRETS:
        assert secret not in all_text(note)
        assert secret not in repr(note)


def test_inline_secrets_are_in_the_text_when_asked_for_and_then_not_in_the_store(name: str) -> None:
    note = rendered(name, secrets="inline")
    assert LOGIN.client_id in code(note, "stream")
    assert note.credentials == {}
    assert "injectCredentials" not in all_text(note)


def test_a_login_s_repr_shows_no_password_and_no_key() -> None:
    assert LOGIN.password not in repr(LOGIN)
    assert LOGIN.hmac_key not in repr(LOGIN)


def test_the_store_gets_what_the_note_refers_to() -> None:
    for name in ("streaming", "classic"):
        note = rendered(name)
        thing, session = entities(LOGIN.appkey, note.path)
        store = {thing: (LOGIN.client_id, LOGIN.hmac_key)}
        if name == "classic":
            store |= {session: (LOGIN.username, LOGIN.password)}
        assert note.credentials == store
        assert reading(Secret(thing, "user", "")) in code(note, "stream")


def test_notes_of_one_application_have_entries_of_their_own_in_the_store(name: str) -> None:
    notes = [rendered(name, topic=topic) for topic in ("a", "b")]
    assert not set(notes[0].credentials) & set(notes[1].credentials)


def test_a_note_s_entries_stay_the_same_however_its_path_is_written() -> None:
    assert entities("K", "a/b") == entities("K", "/a/b")
    assert entities("K", "a/b") != entities("K", "a/c")
    assert all(re.fullmatch(r"netpie-K-[0-9a-f]{8}(-mqtt)?", entity) for entity in entities("K", "ก"))


@settings(max_examples=60)
@given(text=st.text(min_size=1, max_size=20) | st.text(alphabet='"$\\{}/+#un07b ', min_size=1, max_size=12))
def test_any_topic_that_can_be_subscribed_to_stays_inside_its_string(text: str) -> None:
    try:
        check_filter(text)
    except UsageError:
        return
    note = rendered("classic", topic=text)
    line = next(line for line in code(note, "stream").splitlines() if "topic=" in line)
    literal = line.strip().removeprefix("topic=").removesuffix(",")
    assert read_literal(literal, early_unicode=True) == f"/MyApp/{text}"
    assert len(code(note, "stream").splitlines()) == 12


@pytest.mark.parametrize("topic", ["metrics", "room-1/temp", "a.b", "@push", "อุณหภูมิ", "room/+", "all/#"])
def test_an_ordinary_topic_stands_as_it_is_in_the_note_s_path(topic: str) -> None:
    assert rendered("streaming", topic=topic).path == f"NETPIE/MyApp {topic} csv"


@pytest.mark.parametrize(
    "topic", ["a//b", "a/../b", "..", "a/", 'q"t', "back\\slash", "per%2Fcent", "a:b", "a?b", " a"]
)
def test_a_topic_that_zeppelin_would_change_in_a_path_gets_a_path_of_its_own(topic: str) -> None:
    path = rendered("streaming", topic=topic).path
    levels = path.split("/")
    assert all(level.strip(" .") for level in levels)
    assert not set('"\\%:?') & set(path)
    assert path != rendered("streaming", topic=topic + "x").path != rendered("streaming", topic="a/b").path


def test_different_topics_that_look_alike_in_a_path_have_different_notes() -> None:
    assert len({rendered("streaming", topic=topic).path for topic in ('a"b', "a\\b", "a_b", "a%b")}) == 4


@pytest.mark.parametrize("scala", ["2.11", "2.12"])
def test_the_package_fits_spark_s_scala(scala: str) -> None:
    assert f"spark-streaming-mqtt_{scala}:" in code(rendered("classic", scala=scala), "dependencies")


def test_without_a_package_for_spark_s_scala_the_ways_on_are_named() -> None:
    with pytest.raises(UsageError, match="no MQTT package for Scala 2.13") as caught:
        rendered("classic", scala="2.13")
    assert "connector=jar" in caught.value.next_step
    assert "mqtt_package=" in caught.value.next_step


def test_a_package_and_jar_files_can_be_named() -> None:
    note = rendered("classic", scala="2.13", mqtt_package="g:a:1")
    assert code(note, "dependencies").splitlines()[1] == "spark.jars.packages g:a:1"
    note = rendered("classic", scala="2.13", connector="jar", mqtt_jars="/a.jar,/b.jar")
    assert code(note, "dependencies").splitlines()[1] == "spark.jars /a.jar,/b.jar"


def test_the_jar_connector_needs_jar_files(name: str) -> None:
    with pytest.raises(UsageError, match="jar files that the server can read"):
        rendered(name, connector="jar")


def test_streaming_has_the_connector_s_source_or_the_import_of_its_jar() -> None:
    assert "extends Receiver" in code(rendered("streaming"), "connector")
    by_jar = code(rendered("streaming", connector="jar", mqtt_jars="/a.jar"), "connector")
    assert by_jar == f"import netpie.spark._\n{ECHOES_NOTHING}"


@pytest.mark.parametrize("variant", ["print", "average", "csv"])
def test_with_the_jar_the_note_holds_no_source_of_the_engine(variant: str) -> None:
    typed, jar = (
        {paragraph.key: paragraph.text for paragraph in rendered("streaming", variant=variant, **given).paragraphs}
        for given in ({}, {"connector": "jar", "mqtt_jars": "/a.jar"})
    )
    assert typed.keys() - jar.keys() == {"results", "slices"} - ({"slices"} if variant == "print" else set())
    assert {key for key in jar if jar[key] != typed[key]} == {"connector", "dependencies"}
    assert not re.search(r"^(final )?class ", "\n".join(jar.values()), re.MULTILINE)


@pytest.mark.parametrize("variant", ["print", "average", "csv"])
def test_streaming_s_paragraphs_stand_in_order_and_none_blocks(variant: str) -> None:
    note = rendered("streaming", variant=variant)
    keys = [paragraph.key for paragraph in note.paragraphs]
    slices, columns, query, chart = ([] if variant == "print" else [k] for k in ("slices", "columns", "query", "chart"))
    assert keys == [
        "introduction", "dependencies", "before", "connector", "results", *slices, "context", "stream",
        *columns, "window", *query, "outputs", "stop", "start", "latest", *chart,
    ]  # fmt: skip
    assert not any(paragraph.blocks for paragraph in note.paragraphs)
    assert interpreters(note)[:3] == ["%md", "%spark.conf", "%spark"]


def test_a_note_is_the_same_whenever_it_is_rendered(name: str) -> None:
    assert rendered(name) == rendered(name)


def test_another_login_of_the_thing_changes_no_paragraph(name: str) -> None:
    bundle = LOADED[name]
    values = bundle.values({"appid": "MyApp"})
    later = replace(LOGIN, username="AppKey123%1550000000", password="another")
    notes = [_rendered(bundle, values, login) for login in (LOGIN, later)]
    assert notes[0].paragraphs == notes[1].paragraphs


def test_an_appkey_that_could_break_out_of_a_reference_is_refused() -> None:
    values = LOADED["classic"].values({"appid": "MyApp"})
    with pytest.raises(UsageError, match="APPKEY|credential store"):
        _rendered(LOADED["classic"], values, replace(LOGIN, appkey='a"b'))


def with_templates(*templates: Template) -> Bundle:
    return replace(LOADED["classic"], templates=templates)


def rendering(bundle: Bundle) -> RenderedNote:
    return _rendered(bundle, bundle.values({"appid": "A"}), LOGIN)


def test_a_filter_that_can_not_write_its_value_is_a_usage_error_that_names_the_file() -> None:
    template = Template("a", "", "spark", "{{ dependencies | scala }}", file=Path("bundle/a.scala"))
    with pytest.raises(UsageError, match=r"bundle/a\.scala: \{\{ dependencies \| scala \}\}: a Dep"):
        rendering(with_templates(template))


@pytest.mark.parametrize(
    ("condition", "holds"), [("<0.9", False), ("<0.10", True), (">=0.9", True), (">=0.10", False), ("<1.0", True)]
)
def test_a_version_condition_compares_numbers(condition: str, holds: bool) -> None:
    note = rendering(with_templates(Template("a", "", "spark", "", when={"zeppelin": condition})))
    assert len(note.paragraphs) == holds


def test_each_of_several_topics_is_a_string_of_its_own() -> None:
    text = code(rendered("streaming", topic='metrics,room/+,q"t'), "stream")
    assert r'topics=Seq("/MyApp/metrics", "/MyApp/room/+", "/MyApp/q\"t"),' in text
    assert ".createStream(" in text


def test_with_a_topic_column_the_stream_has_each_event_s_topic() -> None:
    assert ".createTopicStream(" in code(rendered("streaming", topic_column="yes"), "stream")


@pytest.mark.parametrize(("session", "clean"), [("clean", "true"), ("persistent", "false")])
def test_the_broker_keeps_a_session_when_asked_to(session: str, clean: str) -> None:
    assert f"cleanSession={clean}," in code(rendered("streaming", session=session, qos="1"), "stream")


def test_a_session_that_would_keep_nothing_is_refused() -> None:
    with pytest.raises(UsageError, match="keeps nothing at qos 0"):
        rendered("streaming", session="persistent")


def _rendered(bundle: Bundle, values: Mapping[str, Any], login: Netpie2015) -> RenderedNote:
    return render(bundle, values, login.connection(values, "/note"), zeppelin=ZEPPELIN_9, scala="2.12", path="/note")


def test_csv_files_have_a_header_where_that_is_asked_for_and_else_none() -> None:
    plain, named = (code(rendered("streaming", csv_header=given), "outputs") for given in ("no", "yes"))
    assert 'repartition(1).write.csv("/tmp/avg-"' in plain
    assert 'repartition(1).write.option("header", "true").csv("/tmp/avg-"' in named
    assert [line for line in plain.splitlines() if ".csv(" not in line] == [
        line for line in named.splitlines() if ".csv(" not in line
    ]


@pytest.mark.parametrize(
    ("given", "line"),
    [
        ({}, 'val time = "ts"'),
        ({"event_time": ""}, 'val time = ""'),
        ({"event_time": "to_timestamp(day || ' \"x\" \\')"}, 'val time = "to_timestamp(day || \' \\"x\\" \\\\\')"'),
    ],
)
def test_when_an_event_happened_is_sql_or_nothing(given: dict[str, str], line: str) -> None:
    assert line in code(rendered("streaming", **given), "columns")
