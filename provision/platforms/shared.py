"""What platforms have in common."""

import hashlib
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from provision.bundles.values.topics import split_topics
from provision.errors import UsageError
from provision.finding import Finding, ok, warn
from provision.home import is_open
from provision.mqtt.login import Login
from provision.platforms.platform import Limits
from zeppelin_sdk import note_path


def client_id_of(path: str) -> str:
    """A client id that is the note's own: a broker drops a connection when another comes with its client id."""
    return f"zeppelin-{hashlib.sha256(path.encode()).hexdigest()[:8]}"


def entity_of(account: str, path: str) -> str:
    """What the names of a note's entries of the credential store begin with."""
    return f"netpie-{account}-{hashlib.sha256(note_path(path).encode()).hexdigest()[:8]}"


_LIMITED = {
    "bahir": ("Bahir's package", "take --param connector=jar, or --bundle streaming"),
    "python": ("pyspark-mqtt", "take --bundle streaming, or the broker's port without websockets"),
}
"""MQTT clients of bundles that speak no websockets, by the parameter `connector`."""


def check_client(values: Mapping[str, Any], url: str, *, own_tls: bool = False) -> None:
    """Raise `UsageError` for a broker whose protocol the bundle's MQTT client does not speak."""
    client, next_step = _LIMITED.get(values.get("connector", "python" if "python" in values else ""), ("", ""))
    if client and Login(url).over_websocket:
        raise UsageError(f"{url}: {client} speaks MQTT over TCP and TLS, not over websockets", next_step=next_step)
    if own_tls and values.get("connector") == "bahir":
        raise UsageError(f"{client} takes no authority and no certificate of one's own", next_step=next_step)


def check_receivers(values: Mapping[str, Any], limits: Limits, who: str) -> None:
    """Raise `UsageError` for more receivers than the platform or the topics allow; `who` connects."""
    receivers = values.get("receivers", 1)
    if receivers == 1:
        return
    if limits.connections == 1:
        raise UsageError(
            f"receivers={receivers}: {who} connects once, and a note is one",
            next_step="leave receivers at 1, or take a broker of your own: --platform mqtt",
        )
    topics = len(split_topics(values["topic"]))
    if values["sharing"] == "topics" and receivers > topics:
        raise UsageError(
            f"receivers={receivers}: sharing=topics gives each receiver a topic, and there are {topics}",
            next_step="name more topics, or take --param sharing=shared where the broker has shared subscriptions",
        )


def mode_of(file: Path) -> Finding:
    """Whether a file with secrets is its owner's only."""
    if is_open(file):
        return warn("secrets", f"{file} can be read by others", f"chmod 600 {file}")
    return ok("secrets", f"{file} is its owner's only")
