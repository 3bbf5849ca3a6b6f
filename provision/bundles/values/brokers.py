"""The broker that a note's stream connects to: the one that NETPIE names, or one of the person's own."""

import re
from urllib.parse import urlsplit

from provision.errors import UsageError

SCHEMES = ("tcp", "ssl", "ws", "wss")
_ALIASES = {"mqtt": "tcp", "mqtts": "ssl", "tls": "ssl"}  # what other clients call them; Paho's are `SCHEMES`
_HOST = re.compile(r"[A-Za-z0-9._-]+|[0-9a-fA-F:.]+")


def check_broker(text: str) -> str:
    """Return `text` as the address of a broker such as ssl://HOST:8883, or empty.

    `HOST:PORT` alone is tcp, mqtt:// is tcp:// and mqtts:// is ssl://, as Paho writes them.

    Raises: UsageError for anything else; user name and password have no place in it.
    """
    if not text:
        return text
    scheme, separator, rest = text.partition("://")
    if not separator:
        scheme, rest = "tcp", text
    scheme = _ALIASES.get(scheme.lower(), scheme.lower())
    address = f"{scheme}://{rest}"
    try:
        parts = urlsplit(address)
        port = parts.port
    except ValueError:
        port = 0
    plain = address.isascii() and address.isprintable() and " " not in address
    named = separator or port  # a name alone may be anything
    if not plain or not named or port == 0 or scheme not in SCHEMES or not _is_host(parts.hostname) or "@" in rest:
        raise UsageError(
            f"broker={text.rpartition('@')[2]!r} is no address of an MQTT broker",
            next_step=f"write {', '.join(f'{scheme}://HOST:PORT' for scheme in SCHEMES[:2])}, without a password",
        )
    return address


def _is_host(name: str | None) -> bool:
    return bool(_HOST.fullmatch(name or ""))
