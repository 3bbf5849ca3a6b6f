"""The broker that a note's stream connects to: the one that NETPIE names, or one of the person's own."""

import hashlib
from collections.abc import Mapping
from typing import Any
from urllib.parse import urlsplit

from provision.bundles.values.topics import split_topics
from provision.errors import UsageError

SCHEMES = ("tcp", "ssl", "ws", "wss")
_TLS = ("ssl", "wss")


def check_broker(text: str) -> str:
    """Return `text` if it is a broker's address such as ssl://HOST:8883, or empty.

    Raises: UsageError for anything else; user name and password have no place in it.
    """
    if not text:
        return text
    try:
        parts = urlsplit(text)
        port = parts.port
    except ValueError:
        port = 0
    plain = text.isascii() and text.isprintable() and " " not in text
    if not plain or port == 0 or parts.scheme not in SCHEMES or not parts.hostname or "@" in parts.netloc:
        raise UsageError(
            f"broker={text.rpartition('@')[2]!r} is no address of an MQTT broker",
            next_step=f"write {', '.join(f'{scheme}://HOST:PORT' for scheme in SCHEMES[:2])}, without a password",
        )
    return text


def broker_values(values: Mapping[str, Any], netpie_url: str, path: str) -> dict[str, Any]:
    """What the templates of the note at `path` need to connect: `broker_url` and, without a thing, its client id.

    Raises: UsageError when the parameters of broker and receivers do not fit each other.
    """
    url = values.get("broker") or netpie_url
    _check_login(values)
    _check_receivers(values)
    if values.get("broker_ca") and urlsplit(url).scheme not in _TLS:
        raise UsageError(f"broker_ca is for TLS, and {url} is without", next_step="give --param broker=ssl://HOST:PORT")
    return {"broker_url": url, "broker_client_id": f"zeppelin-{hashlib.sha256(path.encode()).hexdigest()[:8]}"}


def _check_login(values: Mapping[str, Any]) -> None:
    if values.get("broker_login") == "none" and not values["broker"]:
        raise UsageError(
            "broker_login=none: NETPIE lets nobody in without a login",
            next_step="name a broker of your own with --param broker=tcp://HOST:PORT",
        )


def _check_receivers(values: Mapping[str, Any]) -> None:
    receivers = values.get("receivers", 1)
    if receivers == 1:
        return
    if values["broker_login"] == "netpie":
        raise UsageError(
            f"receivers={receivers}: a NETPIE thing connects once, and a note has one thing",
            next_step="leave receivers at 1, or take a broker of your own: --param broker=… --param broker_login=none",
        )
    topics = len(split_topics(values["topic"]))
    if values["sharing"] == "topics" and receivers > topics:
        raise UsageError(
            f"receivers={receivers}: sharing=topics gives each receiver a topic, and there are {topics}",
            next_step="name more topics, or take --param sharing=shared where the broker has shared subscriptions",
        )
