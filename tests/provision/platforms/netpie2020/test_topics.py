"""What a note may subscribe to, and what a publisher may write to."""

import pytest

from provision.errors import UsageError
from provision.platforms.netpie2020.device import DeviceLogin, checked_device, checked_flowchannel
from provision.platforms.netpie2020.topics import device_filters, flow_filters, published, shown_filters

DEVICES = [
    DeviceLogin("a", "A", scope="P/G"),
    DeviceLogin("b", "B", scope="P/G"),
    DeviceLogin("c", "C", scope="P/H"),
    DeviceLogin("d", "D"),
]


def test_plain_topic_is_a_message():
    assert device_filters("metrics,@msg/room/#,@shadow/data/updated,@private/#") == [
        "@msg/metrics", "@msg/room/#", "@shadow/data/updated", "@private/#",
    ]  # fmt: skip


@pytest.mark.parametrize(
    "topic", ["/metrics", "@msg/", "@shadow/data/update", "@tap/x", "@private/", "@feed/data/updated"]
)
def test_topic_that_no_device_hears_is_refused(topic):
    with pytest.raises(UsageError, match="topic"):
        device_filters(topic)


def test_flowchannel_taps_each_shadow_and_each_group_once():
    assert flow_filters("metrics,@shadow/data/updated", DEVICES) == [
        "@tap/msg/topic/a:A/metrics", "@tap/msg/topic/c:C/metrics", "@tap/msg/topic/d:D/metrics",
        *(f"@tap/shadow/updated/{device.tap}" for device in DEVICES),
    ]  # fmt: skip


def test_flowchannel_hears_no_private_topics():
    with pytest.raises(UsageError, match="only the device itself"):
        flow_filters("@private/#", DEVICES)


def test_what_is_shown_of_a_flowchannel_has_no_token():
    assert shown_filters("@shadow/data/updated", 30) == ["@shadow/data/updated of 30 devices"]


@pytest.mark.parametrize(
    ("topic", "where"),
    [("metrics", "metrics"), ("@msg/a/b", "a/b"), ("@shadow", "@shadow"), ("@shadow/batch", "@shadow/batch")],
)
def test_publisher_writes_messages_and_its_shadow(topic, where):
    assert published(topic) == where


@pytest.mark.parametrize("topic", ["", "@private/x", "@shadow/data/updated", "@msg/a/#", "/metrics"])
def test_publisher_can_t_write_elsewhere(topic):
    with pytest.raises(UsageError):
        published(topic)


@pytest.mark.parametrize(
    "values",
    [
        ("", "t"),
        ("a b", "t"),
        ("a", ""),
        ("a", "with space hunter2"),
        ("a", "hunter2/x"),
        ("a", "t", "hunter2:x"),
        ("a\n", "t"),
    ],
)
def test_device_that_can_be_none_is_told_and_no_secret_quoted(values):
    with pytest.raises(UsageError) as error:
        checked_device(*values)
    assert "hunter2" not in error.value.message


def test_device_shows_no_secret():
    assert "hunter2" not in repr(checked_device("a", "hunter2", "hunter2"))
    assert "hunter2" not in repr(checked_flowchannel("FWAG:hunter2"))


@pytest.mark.parametrize("key", ["", "FWAG", ":hunter2", "FWAG:", "F/W:hunter2"])
def test_key_that_is_none_is_told_and_not_quoted(key):
    with pytest.raises(UsageError) as error:
        checked_flowchannel(key)
    assert "hunter2" not in error.value.message
