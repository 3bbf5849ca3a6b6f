"""Three-way merges: of texts line by line, of settings key by key. Pure."""

from collections.abc import Mapping
from dataclasses import dataclass
from difflib import SequenceMatcher
from enum import Enum
from typing import Any

from provision.sync.line_ends import with_lines_of, with_unix_lines


class _Absent(Enum):
    ABSENT = "absent"


ABSENT = _Absent.ABSENT
"""A setting that is not set."""


@dataclass(frozen=True, order=True)
class _Edit:
    """The base's lines from `start` up to `end` (none: an insertion) replaced by `lines`."""

    start: int
    end: int
    lines: tuple[str, ...]

    def touches(self, other: "_Edit") -> bool:
        """Whether both replace a line, or insert lines at one place: the order of these would be a guess."""
        if self.start == self.end == other.start == other.end:
            return True
        return self.start < other.end and other.start < self.end


def merge_texts(base: str, ours: str, theirs: str) -> str | None:
    """`base` with the changes of both sides; None when both changed the same lines, or inserted at one place.

    A merged text has every line of `ours` that `base` does not have, and the line ends of `ours`.
    """
    merged = _merged(*map(with_unix_lines, (base, ours, theirs)))
    if merged is None or merged == with_unix_lines(ours):
        return None if merged is None else ours
    return with_lines_of(ours, merged)


def _merged(base: str, ours: str, theirs: str) -> str | None:
    if theirs in (base, ours):
        return ours
    if ours == base:
        return theirs
    lines = base.split("\n")
    mine, new = _edits(lines, ours.split("\n")), _edits(lines, theirs.split("\n"))
    if any(edit != other and edit.touches(other) for edit in mine for other in new):
        return None
    merged: list[str] = []
    done = 0
    for edit in sorted({*mine, *new}):
        merged += [*lines[done : edit.start], *edit.lines]
        done = edit.end
    return "\n".join(merged + lines[done:])


def _edits(base: list[str], changed: list[str]) -> list[_Edit]:
    codes = SequenceMatcher(None, base, changed, autojunk=False).get_opcodes()
    return [_Edit(i, j, tuple(changed[k:m])) for tag, i, j, k, m in codes if tag != "equal"]


def merge_settings(base: Any, ours: Any, theirs: Any) -> Any:
    """`theirs` where `ours` is still `base`, else `ours`; mappings are merged key by key. `ABSENT`: not set."""
    if not (isinstance(ours, Mapping) and isinstance(theirs, Mapping)):
        return theirs if ours == base else ours
    known = base if isinstance(base, Mapping) else {}
    keys = list(dict.fromkeys([*ours, *theirs]))
    merged = {
        key: merge_settings(known.get(key, ABSENT), ours.get(key, ABSENT), theirs.get(key, ABSENT)) for key in keys
    }
    return {key: value for key, value in merged.items() if value is not ABSENT}


def departs(base: Any, live: Any) -> bool:
    """Whether `live` differs from `base` in something that `base` sets."""
    if isinstance(base, Mapping) and isinstance(live, Mapping):
        return any(departs(value, live.get(key, ABSENT)) for key, value in base.items())
    return bool(base != live)
