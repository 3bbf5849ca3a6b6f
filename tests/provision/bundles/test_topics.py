from contextlib import suppress

import pytest
from hypothesis import given
from hypothesis import strategies as st

from provision.bundles.values.topics import MAX_BYTES, check_below, check_topic
from provision.errors import UsageError
from provision.platforms.netpie2015 import full_topic


@pytest.mark.parametrize(
    "topic",
    ["metrics", "a/b/c", 'quo"ted', "it's", "$SYS", "a$b", "@writefeed/F/K", "sp ace", "อุณหภูมิ", "a//b"],
)
def test_a_topic_that_mqtt_allows_is_returned_as_it_is(topic: str) -> None:
    assert check_topic(topic) == topic
    assert full_topic("MyApp", topic) == f"/MyApp/{topic}"


@pytest.mark.parametrize(
    ("topic", "cause"),
    [
        ("", "empty"),
        ("a/+/b", "wildcards"),
        ("#", "wildcards"),
        ("a\0b", "control character"),
        ("a\nb", "control character"),
        ("\ud800", "no valid Unicode"),
        ("é" * 32_768, "65,536 bytes long"),
    ],
)
def test_a_topic_that_can_not_be_published_to_is_refused_with_its_cause(topic: str, cause: str) -> None:
    with pytest.raises(UsageError, match=cause) as caught:
        check_topic(topic)
    assert len(caught.value.message) < 500
    assert caught.value.next_step


def test_a_topic_below_an_application_is_named_without_what_is_put_before_it() -> None:
    with pytest.raises(UsageError, match="it starts with /") as caught:
        full_topic("MyApp", "/MyApp/metrics")
    assert "/APPID/" in caught.value.next_step
    assert check_topic("/as/it/is") == "/as/it/is"


def test_the_length_limit_holds_for_the_whole_topic() -> None:
    longest = "x" * (MAX_BYTES - len("/App/"))
    assert len(full_topic("App", longest)) == MAX_BYTES
    with pytest.raises(UsageError, match="65,536 bytes"):
        full_topic("App", longest + "x")


@pytest.mark.parametrize("appid", ["", "a/b", "a#", "+", "a\0"])
def test_what_is_no_appid_is_refused(appid: str) -> None:
    with pytest.raises(UsageError, match="APPID"):
        full_topic(appid, "metrics")


@given(st.text(max_size=40))
def test_whatever_is_accepted_has_no_wildcard_nul_or_leading_slash(topic: str) -> None:
    with suppress(UsageError):
        accepted = check_below(check_topic(topic))
        assert accepted == topic != ""
        assert not set("+#\0") & set(accepted)
        assert not accepted.startswith("/")
