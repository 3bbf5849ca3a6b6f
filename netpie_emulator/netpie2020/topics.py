"""NETPIE 2020's topics. They are relative to the device that names them, or hold the device (FlowChannel).

A route is a topic made absolute: `group/PROJECT/GROUP/@msg/…` for the messages of a group, `own/CLIENTID/…` for what
only the device itself hears, `flow/…` for a FlowChannel's answers.
"""

import hashlib
from collections.abc import Callable
from dataclasses import dataclass

from netpie_emulator.netpie2020.devices import Device

SHADOW_UPDATED = "@shadow/data/updated"
STATUS_CHANGED = "@device/status/changed"
FEED_UPDATED = "@feed/data/updated"
SHADOW_ANSWER = "@private/shadow/data/get/response"
BATCH_ANSWER = "@private/shadow/batch/update/response"
STATUS_ANSWER = "@private/device/status/get/response"
TAPS = {"shadow/updated": SHADOW_UPDATED, "device/changed": STATUS_CHANGED, "feed/updated": FEED_UPDATED}
TAP_MESSAGES = "msg/topic"
COMMANDS = {
    "@shadow/data/get": "get",
    "@shadow/data/update": "update",
    "@shadow/batch/update": "update",
    "@push": "push",
}
TAP_COMMANDS = {"shadow/get": "get", "shadow/update": "update", "device/get": "status"}

Opened = Callable[[str, str], Device | None]


@dataclass(frozen=True)
class Order:
    """What a publish asks for: a verb, the device it is about, and the topic of a message without its prefix."""

    verb: str  # "message", "private", or one of COMMANDS and TAP_COMMANDS
    device: Device
    topic: str = ""


def group_route(device: Device, topic: str) -> str:
    """Return the route of a message to the group."""
    scope = f"group/{device.project}/{device.group}" if device.group else f"alone/{device.client_id}"
    return f"{scope}/@msg/{topic}"


def own_route(device: Device, topic: str) -> str:
    """Return the route of what only the device hears."""
    return f"own/{device.client_id}/{topic}"


def flow_route(key: str, topic: str) -> str:
    """Return the route of an answer to a FlowChannel's client."""
    return f"flow/{hashlib.sha256(key.encode()).hexdigest()}/{topic}"


def device_filter(device: Device, topic_filter: str) -> str | None:
    """Return the route of a device's filter; None when it is not one of its topics."""
    if (inside := topic_filter.removeprefix("@msg/")) != topic_filter and inside:
        return group_route(device, inside)
    own = topic_filter.startswith(("@private/", "@shadow/"))
    return own_route(device, topic_filter) if own and topic_filter not in COMMANDS else None


def device_order(device: Device, topic: str) -> Order | None:
    """Return what a device's publish asks for; None when it is not one of its topics."""
    if verb := COMMANDS.get(topic):
        return Order(verb, device)
    for prefix, verb in (("@msg/", "message"), ("@private/", "private")):
        if (inside := topic.removeprefix(prefix)) != topic and inside:
            return Order(verb, device, inside)
    return None


def flow_filter(key: str, topic_filter: str, opened: Opened) -> str | None:
    """Return the route of a FlowChannel's filter; None when it is none, or its ID:TOKEN is wrong."""
    if topic_filter.startswith("@private/"):
        return flow_route(key, topic_filter)
    what, device, inside = _tapped(topic_filter, opened)
    if device is None:
        return None
    if what == TAP_MESSAGES:
        return group_route(device, inside) if inside else None
    return own_route(device, TAPS[what]) if what in TAPS and not inside else None


def flow_order(topic: str, opened: Opened) -> Order | None:
    """Return what a FlowChannel's publish asks for; None when it is no such topic, or its ID:TOKEN is wrong."""
    what, device, inside = _tapped(topic, opened)
    if device is None:
        return None
    if what in TAP_COMMANDS and not inside:
        return Order(TAP_COMMANDS[what], device)
    verb = {TAP_MESSAGES: "message", "private/topic": "private"}.get(what)
    return Order(verb, device, inside) if verb and inside else None


def _tapped(topic: str, opened: Opened) -> tuple[str, Device | None, str]:
    """Return what `@tap/A/B/ID:TOKEN/REST` is about: `A/B`, the device if it is enabled, and REST."""
    match topic.split("/", 4):
        case ["@tap", first, second, who, *rest]:
            client_id, _, token = who.partition(":")
            device = opened(client_id, token)
            usable = device if device is not None and device.enabled and not device.banned else None
            return f"{first}/{second}", usable, "".join(rest)
    return "", None, ""


def shown_to_device(route: str) -> str:
    """Return the topic that a device sees for a route."""
    return route[route.index("@") :]


def shown_to_flow(route: str) -> str:
    """Return the topic that a FlowChannel's client sees: messages come as `@msg/PROJECT/GROUP/…`."""
    scope, topic = route[: route.index("@") - 1], shown_to_device(route)
    return topic.replace("@msg/", f"@msg/{scope.partition('/')[2]}/", 1) if topic.startswith("@msg/") else topic
