"""What a picture of windows shows: for each measure a line for each key. Pure."""

import math
from collections.abc import Sequence
from dataclasses import dataclass

from provision.errors import UsageError, nearest
from provision.live.history import History, Lines


@dataclass(frozen=True)
class Chart:
    """A title, and the measures in order, all with the same keys."""

    title: str
    measures: tuple[Lines, ...]


def chart_of(
    title: str, history: History, *, measures: Sequence[str] = (), keys: Sequence[str] = (), span: float = math.inf
) -> Chart:
    """The chart of these measures and keys, of all if none are named, over the last `span` seconds.

    Raises `UsageError` for a measure or a key that there is not, and where there are no windows.
    """
    known, found = history.measures(), history.keys()
    if not known:
        raise UsageError(f"{title}: no window with numbers in it", next_step="wait for one, or name another")
    for what, named, there in (("measure", measures, known), ("key", keys, found)):
        for each in named:
            if each not in there:
                raise UsageError(f"{title}: no {what} {each!r}", next_step=nearest(each, there, f"there is {there[0]}"))
    return Chart(title, tuple(history.lines(each, keys or found, span) for each in measures or known))
