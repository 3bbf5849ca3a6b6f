"""What messages say, by the topic that they go to, and how many a platform allows."""

from __future__ import annotations

import re
from typing import Any

from .._window import END, Window

SHADOW = "@shadow/data/update"
"""NETPIE 2020's topic for a device's shadow."""
FEED = "/@writefeed/"
"""What the topics of NETPIE 2015's feeds have in them."""
ROW = "window_row"
"""A row's number in its window, from 0 on: with the window's end, what tells a message that comes twice."""
_RATES = (
    (lambda topic: topic == SHADOW, 0.19),  # 500,000 writes a month
    (lambda topic: topic.startswith("@msg/"), 1.7),  # 9,000,000 messages a month, each sent and delivered once
    (lambda topic: FEED in topic, 4 / 60),  # points of a feed
)
"""Messages/s that NETPIE allows. Sources: NETPIE 2020's documents, "Free Quota"; for 2015 what its users quote."""
USUAL_RATE = 10.0
"""Messages/s elsewhere, which is NETPIE 2015's too."""


def allowed(topic: str) -> float:
    """Messages/s to this topic that no platform minds."""
    return next((rate for holds, rate in _RATES if holds(topic)), USUAL_RATE)


def documents(topic: str, window: Window, keys: list[str]) -> list[dict[str, Any]]:
    """The messages of a window: one for each row, and one for all to a shadow or a feed.

    A shadow has an object for each device, as `keys` tell them apart, and the window's end as its time; a feed has
    numbers alone. The names of both are letters, digits and _.
    """
    records = window.records()
    if topic == SHADOW:
        return [{"data": _by_device(records, keys), "timestamp": window.end}] if records else []
    if FEED in topic:
        numbers = _numbers(_by_device(records, keys))
        return [numbers] if numbers else []
    return [{**record, ROW: number} for number, record in enumerate(records)]


def _by_device(records: list[dict[str, Any]], keys: list[str]) -> dict[str, Any]:
    found: dict[str, Any] = {}
    for record in records:
        device = _plain("_".join(str(record[key]) for key in keys if record.get(key) is not None))
        values = {_plain(name): value for name, value in record.items() if name not in (END, *keys)}
        found.update({device: values} if device else values)
    return found


def _numbers(values: dict[str, Any], before: str = "") -> dict[str, Any]:
    found: dict[str, Any] = {}
    for name, value in values.items():
        if isinstance(value, dict):
            found |= _numbers(value, f"{name}_")
        elif isinstance(value, (int, float)) and not isinstance(value, bool):
            found[before + name] = value
    return found


def _plain(name: str) -> str:
    return re.sub("[^A-Za-z0-9]+", "_", name).strip("_")
