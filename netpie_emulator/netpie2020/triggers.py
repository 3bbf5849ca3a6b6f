"""Triggers: what is done when a shadow or a device's status changes, and the webhooks that do it.

A trigger is the name of an event alone, or `{"action", "event", "condition", "msg", "option"}` as the platform's
documents have it. An action is sent by the event hook of its name, to loopback only: this emulator calls nobody else.
"""

import http.client
import json
import re
import threading
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from typing import Any
from urllib.parse import urlsplit

from netpie_emulator.netpie2020.expressions import ExpressionError, evaluate, looked_up

SHADOW_UPDATED = "SHADOW.UPDATED"
STATUS_CHANGED = "DEVICE.STATUSCHANGED"
HOOK_TIMEOUT = 10.0  # seconds
LOOPBACK_HOSTS = ("127.0.0.1", "localhost", "::1")
_PLACE = re.compile(r"\{\{\s*([^{}]*?)\s*\}\}")


@dataclass(frozen=True)
class Action:
    """What a trigger has asked for; `sent` is whether a hook on loopback was called with it."""

    deviceid: str
    event: str
    action: str = ""
    msg: str = ""
    option: Mapping[str, Any] = field(default_factory=dict)
    sent: bool = False


def actions_of(
    triggers: list[Any], event: str, deviceid: str, scopes: Mapping[str, object], hooks: Mapping[str, Any]
) -> list[Action]:
    """Return what the triggers of `event` ask for now, not sent yet.

    A shadow's trigger needs a condition. One that has no value for this data is false.
    """
    return [_action(trigger, event, deviceid, scopes, hooks) for trigger in triggers if _fires(trigger, event, scopes)]


def send(action: Action, hooks: Mapping[str, Any]) -> None:
    """Call the hook of an action, in a thread of its own. Best effort: failures are ignored."""
    if action.sent:
        threading.Thread(target=_call, args=(action, hooks[action.action]), name="netpie-hook", daemon=True).start()


def filled(template: str, scopes: Mapping[str, object]) -> str:
    """Return `template` with each `{{$NEW.a.b}}` as its value; null where it is not there."""
    return _PLACE.sub(lambda place: _text(looked_up(place[1], scopes)), template)


def _fires(trigger: Any, event: str, scopes: Mapping[str, object]) -> bool:
    if not isinstance(trigger, dict):
        return bool(trigger == event)
    if trigger.get("event") != event:
        return False
    condition = trigger.get("condition")
    if condition is None:
        return event != SHADOW_UPDATED
    try:
        return bool(evaluate(str(condition), scopes))
    except ExpressionError:
        return False


def _action(trigger: Any, event: str, deviceid: str, scopes: Mapping[str, object], hooks: Mapping[str, Any]) -> Action:
    if not isinstance(trigger, dict):
        return Action(deviceid, event)
    name, option = str(trigger.get("action", "")), trigger.get("option")
    hook = hooks.get(name)
    local = isinstance(hook, dict) and urlsplit(str(hook.get("uri", ""))).hostname in LOOPBACK_HOSTS
    message = filled(str(trigger.get("msg", "")), scopes)
    return Action(deviceid, event, name, message, option if isinstance(option, dict) else {}, local)


def _call(action: Action, hook: Mapping[str, Any]) -> None:
    scopes = asdict(action)
    uri = urlsplit(filled(str(hook["uri"]), scopes))
    headers = hook.get("header") if isinstance(hook.get("header"), dict) else {}
    try:
        link = http.client.HTTPConnection(uri.hostname or "", uri.port or 80, timeout=HOOK_TIMEOUT)
        link.request(
            str(hook.get("method", "POST")),
            f"{uri.path or '/'}{'?' + uri.query if uri.query else ''}",
            filled(str(hook.get("body", "")), scopes).encode(),
            {name: filled(str(value), scopes) for name, value in (headers or {}).items()},
        )
        link.getresponse().read()
        link.close()
    except (OSError, ValueError, http.client.HTTPException):
        return


def _text(value: object) -> str:
    return value if isinstance(value, str) else json.dumps(value, separators=(",", ":"), ensure_ascii=False)
