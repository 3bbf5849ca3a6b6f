"""MQTT topics: what may be published and subscribed to."""

from provision.errors import UsageError

MAX_BYTES = 65_535  # MQTT 3.1.1, 1.5.3: a string's length is sent as two bytes
SHOWN = 60


def check_topic(topic: str) -> str:
    """Return `topic` if it can be published to.

    Quotes, spaces and `$` are legal in MQTT and are let through: whoever writes a topic into code quotes it.
    Control characters are not: MQTT lets a broker drop a connection that sends them (3.1.1, 1.5.3).

    Raises: UsageError when it is empty, has a wildcard, a NUL or another control character, is no valid Unicode, or
    is longer than 65,535 bytes of UTF-8.
    """
    if not topic:
        raise UsageError("the topic is empty", next_step="name one, such as metrics")
    if any(character in topic for character in "+#"):
        raise _refused(topic, "+ and # are wildcards, for subscribers only", "name one topic")
    if any(is_control(character) for character in topic):
        raise _refused(topic, "it has a control character", "use printable characters")
    check_length(topic)
    return topic


def check_below(topic: str) -> str:
    """Return `topic` if it can be one below an application's `/APPID/`. Raises: UsageError when it starts with `/`."""
    if topic.startswith("/"):
        raise _refused(topic, "it starts with /", "leave out the /APPID/ part: it is put before the topic")
    return topic


def check_filter(topic: str) -> str:
    """Return `topic` if it can be subscribed to: as `check_topic`, but `+` and `#` may stand for whole levels.

    Raises: UsageError as `check_topic` does, and when a wildcard is no whole level, or `#` is not the last one.
    """
    levels = topic.split("/")
    for place, level in enumerate(levels):
        if level not in ("+", "#") and any(wildcard in level for wildcard in "+#"):
            raise _refused(topic, "a wildcard has to be a whole level", "write a/+/b or a/#")
        if level == "#" and place < len(levels) - 1:
            raise _refused(topic, "# has to be the last level", "write a/#")
    check_topic("/".join("x" if level in ("+", "#") else level for level in levels))
    return topic


def split_topics(text: str) -> list[str]:
    """Return the topics that a person has written with commas between them, at least one, maybe empty."""
    return [topic.strip() for topic in text.split(",")] if "," in text else [text]


def check_length(topic: str) -> None:
    try:
        size = len(topic.encode())
    except UnicodeEncodeError as error:
        raise _refused(topic, "it is no valid Unicode", "use printable characters") from error
    if size > MAX_BYTES:
        raise _refused(topic, f"it is {size:,} bytes long, MQTT allows {MAX_BYTES:,}", "shorten it")


def is_control(character: str) -> bool:
    return character < " " or "\x7f" <= character <= "\x9f"


def _refused(topic: str, cause: str, next_step: str) -> UsageError:
    return UsageError(f"topic {shown(topic)}: {cause}", next_step=next_step)


def shown(text: str) -> str:
    return ascii(text if len(text) <= SHOWN else text[:SHOWN] + "…")
