"""The engine's Scala sources, and their typed form: the text of a paragraph that a Scala shell takes line by line."""

import re
import tomllib
from collections.abc import Iterable, Iterator
from functools import cache
from importlib.resources import files
from pathlib import Path
from typing import Any

from provision.bundles.packed import PACKED
from provision.errors import UsageError

PACKAGE = "netpie.spark"
"""What a note imports when the engine comes as a jar: `import netpie.spark._`."""

TYPED = "engine:"
"""What begins the `file` of a paragraph that is generated: `engine:slices`."""

ECHOES_NOTHING = """\
// What the shell echoes of the above is not shown; an error is.
org.apache.zeppelin.interpreter.InterpreterContext.get.out.clear(); print("%html <div hidden>")"""
"""The end of a Scala paragraph of which only an error is to be seen: Zeppelin's own `tableHide` hides errors too."""

_WIDTH = 120
_IMPORT = re.compile(r"import (?P<prefix>[\w.]+)\.(?:\{(?P<several>[^}]*)\}|(?P<one>\w+))")


def engine_sources() -> dict[str, str]:
    """Every source of the jar, by its path below `src/main/scala`."""
    root = _home() / "src" / "main" / "scala"
    return {path.relative_to(root).as_posix(): _text(path) for path in sorted(root.rglob("*.scala"))}


def is_generated(file: str) -> bool:
    """Whether the `file` of a paragraph names what is generated rather than a file."""
    return file.startswith((TYPED, PACKED, "outputs:"))


def typed_parts() -> list[str]:
    """The parts of the engine that can be typed into a paragraph each, in the order in which they need one another."""
    return list(_parts())


@cache
def typed_part(name: str) -> str:
    """The typed form of one of `typed_parts`; raises `UsageError` for any other name."""
    part = _parts().get(name)
    if part is None:
        raise UsageError(f"the engine has no part {name!r}", next_step=f"take one of {', '.join(typed_parts())}")
    folder = _home() / "src" / "main" / "scala" / PACKAGE.replace(".", "/")
    return typed_form([_text(folder / f"{file}.scala") for file in part["files"]], about=part.get("about", ""))


def typed_form(sources: Iterable[str], *, about: str = "") -> str:
    """One paragraph of Scala `sources` of the same package, in this order; `about` is its first comment.

    A shell knows no package clause, and two blank lines in a row end what is being typed. The imports are merged and
    come first. Raises `ValueError` when two sources import different things by one name.
    """
    split = [_split(source) for source in sources]
    comment = [f"// {line}" for line in about.strip().splitlines()]
    head = "\n".join([*comment, *_merged([line for imports, _ in split for line in imports])])
    text = "\n\n".join(part for part in (head, *(body for _, body in split)) if part)
    return re.sub(r"\n{3,}", "\n\n", text)


def _split(source: str) -> tuple[list[str], str]:
    """A source's imports at its top, and what follows them."""
    lines = source.splitlines()
    top = next((i for i, line in enumerate(lines) if not re.match(r"package |import |\s*$", line)), len(lines))
    return [line for line in lines[:top] if line.startswith("import ")], "\n".join(lines[top:]).strip()


def _merged(imports: Iterable[str]) -> list[str]:
    found: dict[str, dict[str, None]] = {}
    for line in imports:
        parsed = _IMPORT.fullmatch(line)
        if parsed is None:
            raise ValueError(f"not an import that can be merged: {line}")
        names = re.split(r",\s*", parsed["several"].strip()) if parsed["several"] else [parsed["one"]]
        found.setdefault(parsed["prefix"], {}).update(dict.fromkeys(names))
    _check_names(found)
    return [line for prefix in sorted(found) for line in _lines(prefix, sorted(found[prefix]))]


def _check_names(found: dict[str, dict[str, None]]) -> None:
    origins: dict[str, str] = {}
    for prefix, names in found.items():
        for name in (each.split(" => ")[-1] for each in names if each != "_"):
            if origins.setdefault(name, prefix) != prefix:
                raise ValueError(f"{name} is imported from {origins[name]} and from {prefix}: rename one of them")


def _lines(prefix: str, names: list[str]) -> Iterator[str]:
    """`import PREFIX.{…}`, in as many lines as its width takes."""
    if len(names) == 1 and "=>" not in names[0]:
        yield f"import {prefix}.{names[0]}"
        return
    line: list[str] = []
    for name in names:
        if line and len(f"import {prefix}.{{{', '.join([*line, name])}}}") > _WIDTH:
            yield f"import {prefix}.{{{', '.join(line)}}}"
            line = []
        line.append(name)
    yield f"import {prefix}.{{{', '.join(line)}}}"


@cache
def _parts() -> dict[str, dict[str, Any]]:
    return tomllib.loads(_text(_home() / "typed.toml"))


def _home() -> Path:
    return Path(str(files("zeppelin_notes"))) / "engine"


def _text(path: Path) -> str:
    return path.read_text(encoding="utf-8")
