"""Differences of a text, in the format that Zeppelin's web page and server exchange while a person types.

It is the text format of Google's diff-match-patch, as Zeppelin's page sends it: each change is a line
`@@ -START,LENGTH +START,LENGTH @@`, then a line each for what stays (` `), goes (`-`) and comes (`+`), with odd
characters percent-encoded. Positions and lengths count UTF-16 units; a position is one in the text as the
changes before have left it.
"""

import difflib
import re
from collections.abc import Iterator
from urllib.parse import quote, unquote

_CONTEXT, _MOST_CONTEXT = 4, 16
_PLAIN = " ~!@#$&*()=+,/?:;'-_."
_HEADER = re.compile(r"@@ -(\d+)(?:,(\d+))? \+(\d+)(?:,(\d+))? @@")


def make_patch(old: str, new: str) -> str:
    """The patch that makes `new` out of `old`; "" when they are the same.

    Each group of changed lines is a change of its own, which the server can still place after somebody else
    has edited other lines.
    """
    text, moved, lines = old, 0, []
    for start, end, coming in _changes(old, new):
        start, end = start + moved, end + moved
        begin, stop = _with_context(text, start, end)
        parts = [(" ", text[begin:start]), ("-", text[start:end]), ("+", coming), (" ", text[end:stop])]
        before = "".join(part for sign, part in parts if sign != "+")
        after = "".join(part for sign, part in parts if sign != "-")
        at = _units(text[:begin])
        lines.append(f"@@ -{_span(at, before)} +{_span(at, after)} @@\n")
        lines += [f"{sign}{quote(part, safe=_PLAIN)}\n" for sign, part in parts if part]
        text = text[:start] + coming + text[end:]
        moved += len(coming) - (end - start)
    return "".join(lines)


def apply_patch(text: str, patch: str) -> str | None:
    """`text` with a patch applied, or None when the patch was not made for exactly this text."""
    at = None
    for line in patch.splitlines():
        header = _HEADER.fullmatch(line)
        if header:
            # positions count from 1, except where nothing is left of the text
            at = _index(text, int(header[3]) - (header[4] != "0"))
            continue
        if at is None or line[:1] not in (" ", "-", "+"):
            return None
        part = unquote(line[1:])
        if line[0] == "+":
            text = text[:at] + part + text[at:]
        elif text[at : at + len(part)] != part:
            return None
        elif line[0] == "-":
            text = text[:at] + text[at + len(part) :]
        at += 0 if line[0] == "-" else len(part)
    return text


def _changes(old: str, new: str) -> Iterator[tuple[int, int, str]]:
    """Where `old` differs from `new`: start and end in `old`, and what is in their place in `new`."""
    going, coming = old.splitlines(keepends=True), new.splitlines(keepends=True)
    at = 0
    for kind, i, j, k, m in difflib.SequenceMatcher(None, going, coming, autojunk=False).get_opcodes():
        before, after = "".join(going[i:j]), "".join(coming[k:m])
        if kind != "equal":
            head = _alike(before, after)
            tail = _alike(before[head:][::-1], after[head:][::-1])
            yield at + head, at + len(before) - tail, after[head : len(after) - tail]
        at += len(before)


def _alike(one: str, other: str) -> int:
    """How many characters two texts have in common at their beginning."""
    pairs = enumerate(zip(one, other, strict=False))
    return next((n for n, (a, b) in pairs if a != b), min(len(one), len(other)))


def _with_context(text: str, start: int, end: int) -> tuple[int, int]:
    """The span widened by what tells it from other places in the text, as far as that is short."""
    for size in range(_CONTEXT, _MOST_CONTEXT + 1, _CONTEXT):
        begin, stop = max(0, start - size), min(len(text), end + size)
        if text.find(text[begin:stop], text.find(text[begin:stop]) + 1) < 0:
            break
    return begin, stop


def _units(text: str) -> int:
    """The length in UTF-16 units."""
    return len(text.encode("utf-16-le", "surrogatepass")) // 2


def _index(text: str, units: int) -> int:
    """The index of the character that begins after so many UTF-16 units."""
    return len(text.encode("utf-16-le", "surrogatepass")[: max(0, units) * 2].decode("utf-16-le", "ignore"))


def _span(at: int, text: str) -> str:
    """A position and a length as a patch's header has them."""
    length = _units(text)
    return f"{at + 1}" if length == 1 else f"{at + 1 if length else at},{length}"
