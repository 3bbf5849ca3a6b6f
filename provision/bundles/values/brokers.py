"""The broker that a note's stream connects to: the one that NETPIE names, or one of the person's own."""

from urllib.parse import urlsplit

from provision.errors import UsageError

SCHEMES = ("tcp", "ssl", "ws", "wss")


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
