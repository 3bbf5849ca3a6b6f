"""A bundle of the tool's as a person's own: its files, with another name and other events."""

import json
import re
import tomllib

from provision.bundles.bundle import load_bundle
from provision.bundles.engine import is_generated
from provision.bundles.values.schema import parse_schema
from provision.errors import UsageError
from provision.toml_lines import TomlLines

SCHEMA = "schema"
"""The parameter whose default is the form of a bundle's events."""
_LEADING_COMMENT = re.compile(r"\A(#[^\n]*\n)+")
_NAME = re.compile(r"\w[\w .-]{0,59}")


def check_schema(text: str) -> str:
    """The schema if events can have it; raises UsageError."""
    parse_schema(text)
    return " ".join(text.split())


def own_copy(bundle: str, name: str, schema: str | None = None) -> dict[str, str]:
    """File name -> text of a copy of the shipped `bundle`, whose notes are called after `name`, not the platform.

    A name that is none for a note leaves theirs as it is. With `schema` its events have that form.

    Raises: UsageError for a schema with which the bundle makes no note.
    """
    loaded = load_bundle(bundle)
    note = (loaded.folder / "note.toml").read_text(encoding="utf-8")
    changes: dict[tuple[str, ...], str] = {
        ("title",): _renamed(loaded.title, name, " "),
        ("path",): _renamed(loaded.path, name, "/"),
    }
    if schema is not None:
        changes["parameters", SCHEMA, "default"] = schema
    files = {each.file.name: each.file for each in loaded.templates if not is_generated(str(each.file))}
    texts = {file.name: file.read_text(encoding="utf-8") for file in files.values()}
    head = f"# A copy of the bundle {bundle} for events of your own: it is yours to edit.\n"
    return {"note.toml": head + _LEADING_COMMENT.sub("", _with(note, changes)), **texts}


def _renamed(text: str, name: str, separator: str) -> str:
    """`text` with `name` in place of what stands before the first separator."""
    first, there, rest = text.partition(separator)
    return f"{name}{there}{rest}" if first == "{platform}" and _NAME.fullmatch(name) else text


def _with(text: str, changes: dict[tuple[str, ...], str]) -> str:
    """The file's text with other values of entries that have a line each."""
    numbers = TomlLines(text)
    lines = text.split("\n")
    for path, value in changes.items():
        at = numbers.of(*path) - 1
        if [*tomllib.loads(lines[at])] != [path[-1]]:
            raise UsageError(f"the bundle has no line {path[-1]} = …", next_step="copy its folder and edit it by hand")
        lines[at] = f"{path[-1]} = {json.dumps(value, ensure_ascii=False)}"
    return "\n".join(lines)
