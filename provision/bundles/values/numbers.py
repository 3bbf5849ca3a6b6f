"""The number that a text is."""

import math


def number_of(text: str) -> float | None:
    """The finite number that a text is, as Spark reads it; None for any other text.

    Python alone takes `1_000`, and digits of other scripts.
    """
    try:
        value = float(text)
    except ValueError:
        return None
    return value if math.isfinite(value) and text.isascii() and "_" not in text else None
