"""When a shadow's data is from."""

RELATIVE_BELOW = 8_388_608_000  # ms: below it a timestamp counts from now; it may be negative


def absolute(timestamp: object, now: int) -> int:
    """Return a `timestamp` or `ts` in epoch milliseconds; `now` for one that is no number."""
    if isinstance(timestamp, bool) or not isinstance(timestamp, int | float):
        return now
    try:
        given = int(timestamp)
    except (OverflowError, ValueError):  # infinite, or not a number
        return now
    return now + given if given < RELATIVE_BELOW else given
