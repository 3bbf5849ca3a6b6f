from typing import Any

import pytest

from provision.bundles.bundle import bundle_names, load_bundle
from provision.errors import UsageError

BUNDLES = ["classic", "streaming"]


def values(bundle: str, **given: str) -> dict[str, Any]:
    return load_bundle(bundle).values({"appid": "MyApp", **given})


@pytest.fixture(params=BUNDLES)
def bundle(request: pytest.FixtureRequest) -> str:
    return str(request.param)


def test_the_bundles_are_these() -> None:
    assert bundle_names() == [*BUNDLES, "structured"]


def test_defaults_are_the_document_s(bundle: str) -> None:
    default = values(bundle)
    assert (default["batch"], default["window"], default["slide"]) == (10, 60, 10)
    assert (default["variant"], default["topic"], default["out"]) == ("csv", "metrics", "/tmp")
    assert default["secrets"] == "store"


@pytest.mark.parametrize(
    ("name", "text", "value"),
    [
        ("batch", "1", 1),
        ("window", "604800", 604800),
        ("batch", "10s", 10),
        ("window", "5m", 300),
        ("window", "10 min", 600),
        ("window", "1h", 3600),
        ("out", "hdfs://nn:8020/data/", "hdfs://nn:8020/data"),
        ("topic", "a/+/b/#", "a/+/b/#"),
        ("topic", 'q"u$o\\te อุณหภูมิ', 'q"u$o\\te อุณหภูมิ'),
        ("mqtt_package", "g.h:a-b_2.12:1.0", "g.h:a-b_2.12:1.0"),
        ("mqtt_jars", "/a.jar, hdfs://nn/b.jar", ["/a.jar", "hdfs://nn/b.jar"]),
        ("mqtt_jars", "", []),
    ],
)
def test_a_text_becomes_a_value_of_its_type(bundle: str, name: str, text: str, value: object) -> None:
    given = {name: text} | ({"slide": text} if name == "batch" else {})
    assert values(bundle, **given)[name] == value


@pytest.mark.parametrize(
    ("name", "text"),
    [
        ("batch", "0"),
        ("batch", "3601"),
        ("batch", "-10"),
        ("batch", "10x"),
        ("batch", "1d"),
        ("batch", "m"),
        ("batch", "2h"),
        ("batch", "1.5"),
        ("batch", ""),
        ("batch", "9" * 30),
        ("window", "604801"),
        ("window", "65"),
        ("slide", "15"),
        ("slide", "5"),
        ("variant", "csvs"),
        ("variant", ""),
        ("connector", "bahirs"),
        ("secrets", "no"),
        ("topic", ""),
        ("topic", "a+"),
        ("topic", "a/#/b"),
        ("topic", "a\nb"),
        ("out", ""),
        ("out", "relative/folder"),
        ("out", "/tmp\n/x"),
        ("mqtt_package", "group:artifact"),
        ("mqtt_package", 'g:a:1")'),
        ("mqtt_jars", "a.jar"),
        ("mqtt_jars", "/a b.jar"),
        ("appid", "my app"),
        ("appid", "a/b"),
        ("appid", ""),
        ("colour", "red"),
    ],
)
def test_a_wrong_value_is_a_usage_error_of_one_line_that_names_the_parameter(bundle: str, name: str, text: str) -> None:
    with pytest.raises(UsageError) as caught:
        values(bundle, **{name: text})
    assert name in caught.value.message
    assert caught.value.message.splitlines() == [caught.value.message]
    assert caught.value.next_step
    assert caught.value.exit_code == 2


def test_a_wrong_duration_is_answered_with_right_ones(bundle: str) -> None:
    with pytest.raises(
        UsageError, match=r"window='5 minutes' is not a number of whole seconds such as 300, or 5m or 1h"
    ):
        values(bundle, window="5 minutes")


@pytest.mark.parametrize("qos", ["-1", "3"])
def test_quality_of_service_is_0_to_2(qos: str) -> None:
    with pytest.raises(UsageError, match="qos") as caught:
        values("streaming", qos=qos)
    assert caught.value.next_step == "give at least 0 and at most 2"


def test_a_parameter_without_a_default_has_to_be_given(bundle: str) -> None:
    with pytest.raises(UsageError, match="no appid given") as caught:
        load_bundle(bundle).values({})
    assert "--param appid=" in caught.value.next_step


def test_an_unknown_parameter_s_error_lists_those_there_are(bundle: str) -> None:
    with pytest.raises(UsageError) as caught:
        values(bundle, windows="60")
    assert "window" in caught.value.next_step


def test_a_window_that_is_no_whole_number_of_batches_names_both(bundle: str) -> None:
    with pytest.raises(UsageError, match="window=60 is no multiple of batch=7"):
        values(bundle, batch="7", slide="7")


def test_several_topics_are_separated_by_commas() -> None:
    assert values("streaming", topic="a/+, b/c ,#")["topic"] == "a/+,b/c,#"
    assert values("classic", topic="a, b")["topic"] == "a, b"
    with pytest.raises(UsageError, match="the topic is empty"):
        values("streaming", topic="a,,b")
