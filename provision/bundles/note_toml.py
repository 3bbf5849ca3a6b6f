"""Edits `note.toml` as text: moves, changes, adds and drops paragraphs' tables, and leaves all else as it is."""

import json
import re
from collections.abc import Mapping, Sequence
from typing import Any

_HEADING = re.compile(r"^\[\[ *paragraphs *\]\][ \t]*(?:#.*)?$", re.MULTILINE)
_BARE = re.compile(r"[A-Za-z0-9_-]+")


def split_paragraphs(text: str) -> tuple[str, list[str]]:
    """The text before the first paragraph's table, and each table with the comment right above it."""
    starts = [_with_comment(text, heading.start()) for heading in _HEADING.finditer(text)]
    ends = [*starts[1:], len(text)]
    tables = [text[start:end] for start, end in zip(starts, ends, strict=True)]
    return text[: starts[0]] if starts else text, tables


def _with_comment(text: str, at: int) -> int:
    lines = text[:at].split("\n")[:-1]
    while lines and lines[-1].lstrip().startswith("#"):
        at -= len(lines.pop()) + 1
    return at


def join_paragraphs(head: str, tables: Sequence[str]) -> str:
    """The file's text, an empty line between tables."""
    return "\n\n".join(part.strip("\n") for part in (head, *tables)) + "\n"


def rewritten(table: str, entry: Mapping[str, Any]) -> str:
    """A paragraph's table with other contents; the comment above it stays, comments in it do not."""
    heading = _HEADING.search(table)
    comment = table[: heading.start()] if heading else ""
    return comment + new_table(entry)


def new_table(entry: Mapping[str, Any]) -> str:
    """A paragraph's table; what is None, False or empty is left out."""
    lines = [f"{_key(key)} = {_value(value)}" for key, value in entry.items() if value not in (None, False, "", {})]
    if entry.get("interpreter") == "":
        lines.append('interpreter = ""')
    return "\n".join(["[[paragraphs]]", *lines]) + "\n"


def _key(name: str) -> str:
    return name if _BARE.fullmatch(name) else _string(name)


def _value(value: Any) -> str:
    match value:
        case bool():
            return str(value).lower()
        case str():
            return _string(value)
        case int():
            return str(value)
        case float():
            return str(int(value)) if value.is_integer() else repr(value)
        case Mapping():
            pairs = ", ".join(f"{_key(str(key))} = {_value(each)}" for key, each in value.items() if each is not None)
            return f"{{ {pairs} }}" if pairs else "{}"
        case list() | tuple():
            return f"[{', '.join(_value(each) for each in value if each is not None)}]"
    raise TypeError(f"a {type(value).__name__} has no place in TOML")


def _string(text: str) -> str:
    # JSON's escapes are TOML's, but for the delete character
    return json.dumps(text, ensure_ascii=False).replace("\x7f", "\\u007f")
