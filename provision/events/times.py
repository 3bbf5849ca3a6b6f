"""Points in time as events have them: text in ISO 8601 or the tutorial's form, seconds or milliseconds since 1970."""

import re
from datetime import UTC, datetime

MILLISECONDS_FROM = 1e11
"""100,000,000,000 seconds are the year 5138, as many milliseconds are in 1973."""
EARLIEST, LATEST = 946_684_800.0, 4_102_444_800.0  # 2000 and 2100: what is taken for a time without being told

_ISO = re.compile(
    r"(?P<day>\d{4}-\d\d-\d\d)(?:[T ](?P<clock>\d\d:\d\d(?::\d\d(?:[.,]\d{1,9})?)?) ?(?P<zone>Z|[+-]\d\d(?::?\d\d)?)?)?"
)


def seconds_of_text(text: str) -> float | None:
    """Seconds since 1970 of a time such as `2018-10-29T09:53:36+0700`; one without a zone is taken for UTC.

    None for what is no time in ISO 8601.
    """
    found = _ISO.fullmatch(text.strip())
    if found is None:
        return None
    clock = (found["clock"] or "00:00").replace(",", ".")
    whole, _, part = clock.partition(".")
    try:
        moment = datetime.fromisoformat(f"{found['day']}T{whole}{_zone(found['zone'])}")
    except ValueError:
        return None
    return moment.timestamp() + (float(f"0.{part}") if part else 0.0)


def has_zone(text: str) -> bool:
    """Whether a time says in which zone it is."""
    found = _ISO.fullmatch(text.strip())
    return bool(found and found["zone"])


def seconds_of_number(number: float) -> float:
    """Seconds since 1970 of a number of seconds, or of milliseconds."""
    return number / 1000 if abs(number) >= MILLISECONDS_FROM else float(number)


def plausible(seconds: float) -> bool:
    """Whether a number that nobody calls a time may be one."""
    return EARLIEST <= seconds <= LATEST


def iso(seconds: float) -> str:
    """A time to show, in UTC."""
    try:
        return datetime.fromtimestamp(seconds, UTC).isoformat(sep="T", timespec="seconds").replace("+00:00", "Z")
    except (OverflowError, OSError, ValueError):
        return f"{seconds:g} s since 1970"


def _zone(zone: str | None) -> str:
    if not zone or zone == "Z":
        return "+00:00"
    digits = zone[1:].replace(":", "").ljust(4, "0")
    return f"{zone[0]}{digits[:2]}:{digits[2:]}"
