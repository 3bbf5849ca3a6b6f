"""Three-way merges: of texts line by line, of settings key by key. Pure."""

from collections.abc import Mapping
from difflib import SequenceMatcher
from enum import Enum
from typing import Any


class _Absent(Enum):
    ABSENT = "absent"


ABSENT = _Absent.ABSENT
"""Stands for a setting that is not there."""


def merge_texts(base: str, ours: str, theirs: str) -> str | None:
    """`base` with the changes of both sides, or None where both changed the same lines, or neighbouring ones.

    Every line that `ours` has and `base` has not is in what is returned.
    """
    if theirs in (base, ours):
        return ours
    if ours == base:
        return theirs
    lines = [text.split("\n") for text in (base, ours, theirs)]
    merged: list[str] = []
    done = [0, 0, 0]
    for common in [*_in_all(*lines), tuple(map(len, lines))]:
        old, mine, new = (each[start:end] for each, start, end in zip(lines, done, common, strict=True))
        if new in (old, mine):
            merged += mine
        elif mine == old:
            merged += new
        else:
            return None
        merged += lines[0][common[0] : common[0] + 1]
        done = [index + 1 for index in common]
    return "\n".join(merged)


def _in_all(base: list[str], ours: list[str], theirs: list[str]) -> list[tuple[int, ...]]:
    """The lines of `base` that both sides have left as they were: their indices in all three."""
    kept, kept_too = _kept(base, ours), _kept(base, theirs)
    return [(index, kept[index], kept_too[index]) for index in kept if index in kept_too]


def _kept(base: list[str], changed: list[str]) -> dict[int, int]:
    blocks = SequenceMatcher(None, base, changed, autojunk=False).get_matching_blocks()
    return {block.a + i: block.b + i for block in blocks for i in range(block.size)}


def merge_settings(base: Any, ours: Any, theirs: Any) -> Any:
    """`theirs` wherever `ours` is still `base`, else `ours`; mappings key by key. `ABSENT` where neither is left."""
    if not (isinstance(ours, Mapping) and isinstance(theirs, Mapping)):
        return theirs if ours == base else ours
    known = base if isinstance(base, Mapping) else {}
    keys = list(dict.fromkeys([*ours, *theirs]))
    merged = {
        key: merge_settings(known.get(key, ABSENT), ours.get(key, ABSENT), theirs.get(key, ABSENT)) for key in keys
    }
    return {key: value for key, value in merged.items() if value is not ABSENT}


def departs(base: Any, live: Any) -> bool:
    """Whether something that `base` sets is not so in `live`; what `live` has besides does not count."""
    if isinstance(base, Mapping) and isinstance(live, Mapping):
        return any(departs(value, live.get(key, ABSENT)) for key, value in base.items())
    return bool(base != live)
