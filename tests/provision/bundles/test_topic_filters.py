from collections.abc import Callable

import pytest
from hypothesis import given
from hypothesis import strategies as st

from provision.bundles.values.topics import check_filter, check_topic
from provision.errors import UsageError


@pytest.mark.parametrize("topic", ["metrics", "#", "+", "a/#", "+/b", "a/+/b", "+/+/#", 'q"$\\', "@x/+"])
def test_a_filter_that_mqtt_allows_is_returned_as_it_is(topic: str) -> None:
    assert check_filter(topic) == topic


@pytest.mark.parametrize(
    ("topic", "cause"),
    [
        ("", "empty"),
        ("a+/b", "whole level"),
        ("a/b#", "whole level"),
        ("##", "whole level"),
        ("#/a", "last level"),
        ("a/#/#", "last level"),
        ("a/+\n", "whole level"),
        ("a\0", "control character"),
        ("x" * 65_536, "65,536 bytes"),
    ],
)
def test_a_filter_that_can_not_be_subscribed_to_is_refused_with_its_cause(topic: str, cause: str) -> None:
    with pytest.raises(UsageError, match=cause) as caught:
        check_filter(topic)
    assert len(caught.value.message.splitlines()) == 1


@given(st.text(alphabet="ab+#/\0", max_size=8))
def test_a_text_without_wildcards_is_a_filter_exactly_when_it_is_a_topic(text: str) -> None:
    assert accepts(check_filter, text) == accepts(check_topic, text) or set("+#") & set(text)


def accepts(check: Callable[[str], str], text: str) -> bool:
    try:
        return check(text) == text
    except UsageError:
        return False
