"""The topics of NETPIE 2020: relative to a device, or with `ID:TOKEN` in them, which a FlowChannel subscribes to."""

from collections.abc import Iterable, Sequence

from provision.bundles.values.topics import check_filter, check_length, check_topic, split_topics
from provision.errors import UsageError
from provision.platforms.netpie2020.device import DeviceLogin

MESSAGES = "@msg/"
SHADOW_UPDATED = "@shadow/data/updated"
STATUS_CHANGED = "@device/status/changed"
FEED_UPDATED = "@feed/data/updated"
PRIVATE = "@private/"
WRITABLE = (MESSAGES, "@shadow/data/update", PRIVATE)
"""What the topics begin with that a device may publish to."""
TAPS = {SHADOW_UPDATED: "shadow/updated", STATUS_CHANGED: "device/changed", FEED_UPDATED: "feed/updated"}
SHADOW, BATCH = "@shadow", "@shadow/batch"
"""Where a publisher writes its own shadow: event by event, or up to 100 at once."""


def full_filter(topic: str) -> str:
    """Return what a device subscribes to for one of a note's topics: `metrics` is `@msg/metrics`.

    Raises: UsageError for a topic that no device may subscribe to.
    """
    check_filter(topic)
    full = topic if topic.startswith("@") else MESSAGES + topic
    own = full.startswith((MESSAGES, PRIVATE)) and full not in (MESSAGES, PRIVATE)
    if not own and full not in TAPS:
        raise UsageError(
            f"topic {topic}: a device of NETPIE 2020 has no such topic",
            next_step=f"take {MESSAGES}…, {SHADOW_UPDATED} or {PRIVATE}#",
        )
    if topic.startswith("/"):
        raise UsageError(f"topic {topic}: it starts with /", next_step=f"name it as in {MESSAGES}metrics")
    check_length(full)
    return full


def device_filters(topics: str) -> list[str]:
    """Return what a device subscribes to, for a note's topics separated by commas.

    Raises: UsageError as `full_filter`, and for what only a FlowChannel hears.
    """
    filters = [full_filter(topic) for topic in split_topics(topics)]
    for each in filters:
        if each in (STATUS_CHANGED, FEED_UPDATED):
            raise UsageError(
                f"topic {each}: only a FlowChannel hears it",
                next_step="take one: its key and its devices stand in the --credentials-file",
            )
    return filters


def flow_filters(topics: str, devices: Sequence[DeviceLogin]) -> list[str]:
    """Return what a FlowChannel subscribes to; each holds a token. A group's messages are tapped by one of its devices.

    Raises: UsageError as `full_filter`, and for what only a device hears.
    """
    taps: list[str] = []
    for full in map(full_filter, split_topics(topics)):
        if full.startswith(PRIVATE):
            raise UsageError(f"topic {full}: only the device itself hears it", next_step="leave it out")
        if full in TAPS:
            taps += [f"@tap/{TAPS[full]}/{device.tap}" for device in devices]
        else:
            taps += [f"@tap/msg/topic/{device.tap}/{full.removeprefix(MESSAGES)}" for device in _one_a_group(devices)]
    return taps


def shown_filters(topics: str, count: int) -> list[str]:
    """Return `flow_filters` as they may be shown: how many devices, and no token."""
    return [f"{full} of {count} devices" for full in map(full_filter, split_topics(topics))]


def published(topic: str) -> str:
    """Return where a publisher writes to: `@shadow`, `@shadow/batch`, or a message's topic without `@msg/`.

    Raises: UsageError.
    """
    if topic in (SHADOW, BATCH):
        return topic
    inside = topic.removeprefix(MESSAGES)
    if inside.startswith(("@", "/")):
        raise UsageError(f"topic {topic}: nobody can publish to it", next_step=f"take {MESSAGES}…, {SHADOW} or {BATCH}")
    return check_topic(inside)


def _one_a_group(devices: Iterable[DeviceLogin]) -> list[DeviceLogin]:
    """Devices without a scope are taken for groups of their own."""
    return list({device.scope or device.client_id: device for device in reversed(list(devices))}.values())[::-1]
