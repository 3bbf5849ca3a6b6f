"""A plan as lines for a person to read: a verdict for each paragraph, and the diff of its text. Pure.

No secret is in them: a text that holds one is not shown, and one that a person has typed is blotted out.
"""

import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from difflib import unified_diff
from typing import Any

from provision.sync.line_ends import with_unix_lines
from provision.sync.plan import Change, Plan, Verdict
from provision.sync.provenance import base_text, digest
from provision.sync.redaction import blotted

HEAD, NOTE, PLUS, MINUS, HUNK, CONTEXT = "head", "note", "plus", "minus", "hunk", "context"
STYLES = {HEAD: "bold", NOTE: "italic", PLUS: "green", MINUS: "red", HUNK: "cyan", CONTEXT: ""}
"""Rich's style for each kind of line."""
_SHOWN_OF_NEW = 8  # lines of a paragraph that is wholly new


@dataclass(frozen=True)
class DiffLine:
    """One line, without its newline; `kind` is a key of `STYLES`."""

    kind: str
    text: str


def verdict_line(verdict: str, title: str, key: str, remark: str = "") -> str:
    """The line for a paragraph in a plan, an apply and an undo."""
    name = f"{title} ({key})" if title and key else title or key or "a paragraph without a title"
    return f"{verdict:<8} {printable(name)}{f': {remark}' if remark else ''}"


def change_line(change: Change) -> str:
    """A change's verdict, and why."""
    return verdict_line(change.verdict, change.title, change.key, _remark(change))


def _remark(change: Change) -> str:
    match change.verdict:
        case Verdict.UPDATE if change.merged:
            return "your lines and the bundle's, merged"
        case Verdict.KEEP if change.render is None:
            return "your edit stays, though the bundle no longer has the paragraph"
        case Verdict.KEEP:
            return "your edit stays"
        case Verdict.CONFLICT:
            return "you and the bundle have changed the same lines"
        case Verdict.GONE:
            return "you deleted it; it stays away"
        case Verdict.DROP:
            return "no longer in the bundle"
    return ""


def plan_lines(plan: Plan, secrets: Sequence[str] = ()) -> list[DiffLine]:
    """Every change with its diff, then what else there is to tell; `secrets` are blotted out."""
    lines = []
    for change in plan.changes:
        if change.verdict is not Verdict.SAME:
            lines.append(DiffLine(HEAD, blotted(change_line(change), secrets)))
            lines += (DiffLine(line.kind, printable(blotted(line.text, secrets))) for line in _body(change))
    if plan.order:
        lines.append(DiffLine(HEAD, "order    changed in the bundle; the paragraphs follow it"))
    same = sum(change.verdict is Verdict.SAME for change in plan.changes)
    if same:
        lines.append(DiffLine(NOTE, f"{same} paragraph{'s' if same > 1 else ''} unchanged"))
    return lines


def diff_text(change: Change, secrets: Sequence[str] = ()) -> str:
    """What `plan_lines` has below the change's line, with all of a new paragraph; `secrets` are blotted out."""
    if change.verdict is Verdict.SAME:
        return ""
    return "\n".join(printable(blotted(line.text.removeprefix("  "), secrets)) for line in _body(change, whole=True))


def _body(change: Change, *, whole: bool = False) -> Iterator[DiffLine]:
    if change.holds_secret:
        yield DiffLine(NOTE, "  its text holds a secret and is not shown")
        return
    live, render, after = change.live, change.render, change.after
    base = base_text(live) if live else None
    match change.verdict:
        case Verdict.ADD if after:
            yield from _new(after.text, None if whole else _SHOWN_OF_NEW)
        case Verdict.UPDATE if live and after:
            yield from _diff(live.text, after.text, "in the note", "after the apply")
        case Verdict.CONFLICT if live and render and base is None:
            yield from _diff(live.text, render.text, "in the note", "in the bundle")
        case Verdict.CONFLICT if live and render and base is not None:
            yield from _diff(base, live.text, "last applied", "in the note")
            yield from _diff(base, render.text, "last applied", "in the bundle")
        case Verdict.KEEP if live and base is not None:
            yield from _diff(base, live.text, "last applied", "in the note")
    if change.verdict is Verdict.UPDATE and live and after:
        yield from _setting("title", live.title, after.title)
        for key, value in after.changed_config(live).items():
            if key != "title":
                yield from _setting(key, live.config.get(key), value)


def _new(text: str, shown: int | None) -> Iterator[DiffLine]:
    lines = text.split("\n")
    for line in lines[:shown]:
        yield DiffLine(PLUS, f"  +{line}")
    left = len(lines[shown:]) if shown else 0
    if left > 0:
        yield DiffLine(NOTE, f"  … and {left} more line{'s' if left > 1 else ''}")


def file_diff(name: str, old: str, new: str) -> list[DiffLine]:
    """A file's changes as git shows them; empty without any."""
    lines = unified_diff(old.split("\n"), new.split("\n"), f"a/{name}", f"b/{name}", lineterm="")
    return [DiffLine(_kind(line), printable(line)) for line in lines]


def _diff(old: str, new: str, old_name: str, new_name: str) -> Iterator[DiffLine]:
    if digest(old) == digest(new):
        return
    before, after = (with_unix_lines(text).rstrip().split("\n") for text in (old, new))
    for line in unified_diff(before, after, old_name, new_name, lineterm=""):
        yield DiffLine(_kind(line), f"  {line}")


def _kind(line: str) -> str:
    if line.startswith(("---", "+++", "@@")):
        return HUNK
    return {"+": PLUS, "-": MINUS}.get(line[:1], CONTEXT)


def _setting(name: str, old: Any, new: Any) -> Iterator[DiffLine]:
    if old != new:
        yield DiffLine(MINUS, f"  -{name}: {_short(old)}")
        yield DiffLine(PLUS, f"  +{name}: {_short(new)}")


def _short(value: Any) -> str:
    if value is None:
        return "-"
    return json.dumps(value, ensure_ascii=False) if isinstance(value, Mapping | list | bool) else str(value)


def printable(text: str) -> str:
    """`text` without control characters, which could steer a terminal."""
    return "".join(each if each.isprintable() or each == "\t" else "\N{REPLACEMENT CHARACTER}" for each in text)
