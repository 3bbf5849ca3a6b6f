"""The order of a note's paragraphs, three ways. Pure."""

from collections.abc import Sequence


def arranged(
    live: Sequence[str], base: Sequence[str], wanted: Sequence[str], *, finish: bool = False
) -> tuple[str, ...]:
    """`live` in the order that `wanted` gives some of its ids; empty when nothing is to be moved.

    Nothing is when a person has moved one of these, so that they no longer stand as in `base`; unless `finish`: an
    arrangement was cut off. Each other id goes with the one of these that it stands behind.
    """
    ours = [each for each in live if each in wanted]
    if [each for each in wanted if each in ours] == ours:
        return ()
    if not finish and [each for each in base if each in ours] != ours:
        return ()
    groups: dict[str, list[str]] = {}
    head: list[str] = []
    group = head
    for each in live:
        if each in wanted:
            group = groups.setdefault(each, [])
        group.append(each)
    return (*head, *(each for one in wanted for each in groups.get(one, ())))


def moves(live: Sequence[str], order: Sequence[str]) -> list[tuple[str, int]]:
    """The moves, each an id and its new index, that one after the other bring `live` into `order`."""
    now, done = list(live), []
    for index, each in enumerate(order):
        if now[index] != each:
            now.remove(each)
            now.insert(index, each)
            done.append((each, index))
    return done
