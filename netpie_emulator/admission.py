"""NETPIE 2015: who may connect, how a refusal is answered, and which topics belong to an application."""

import hmac
from dataclasses import dataclass

from netpie_emulator.connack import Connack
from netpie_emulator.store import RegisteredApp, Status, Store, Thing, signature


@dataclass(frozen=True)
class Admitted:
    """An authenticated thing and its application."""

    thing: Thing
    app: RegisteredApp


def admit(store: Store, client_id: str, username: str, password: str) -> Admitted | Connack:
    """Return the thing with these credentials, or the refusal.

    `client_id` is the token, `username` is `KEY%EPOCH` or plain `KEY`, `password` is base64(HMAC-SHA1(
    `tokensecret&appsecret`, `token%username`)). The epoch is not compared with the clock: a note that runs for
    days reconnects with its first password.
    """
    thing = store.thing(client_id)
    app = store.application(thing.appkey) if thing else None
    if thing is None or app is None or username.partition("%")[0] != app.appkey:
        return Connack.TOKEN_INVALID
    expected = signature(thing.hmac_key(app), f"{client_id}%{username}")
    if not hmac.compare_digest(expected.encode(), password.encode()):
        return Connack.TOKEN_INVALID
    if app.status is not Status.ENABLED:
        return Connack.NOT_AUTHORISED
    return Admitted(thing, app)


def may_subscribe(who: Admitted, topic_filter: str) -> bool:
    """Whether a filter stays inside `/APPID/…`, or is the thing's own `/&id/TOKEN/…`."""
    return topic_filter.startswith((f"/{who.app.appid}/", f"/&id/{who.thing.token}/"))


def may_publish(who: Admitted, topic: str) -> bool:
    """Whether a topic is inside `/APPID/…` and not one of NETPIE's own."""
    inside = topic.removeprefix(f"/{who.app.appid}/")
    return inside not in ("", topic) and not inside.startswith("&")
