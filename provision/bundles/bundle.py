"""Note bundles: what a folder of `zeppelin_notes` says of its parameters and paragraphs."""

import tomllib
from collections.abc import Mapping
from dataclasses import dataclass, field
from importlib.resources import files
from pathlib import Path
from string import Formatter
from typing import Any

from provision.bundles.parameters import Parameter, parameter
from provision.bundles.placeholders import COMPUTED, check_places
from provision.errors import UsageError

Condition = Mapping[str, Any]
"""Parameter name -> its value or a list of values; `zeppelin` -> a version condition such as "<0.9"."""

REQUIRED = frozenset({"appid", "topic", "variant", "out", "connector", "mqtt_package", "mqtt_jars", "secrets"})
"""The parameters that every bundle declares: a render is made of them."""


@dataclass(frozen=True)
class Template:
    """A paragraph of a bundle before it is rendered. `blocks`: it runs as long as the stream does."""

    key: str
    title: str
    interpreter: str
    text: str = field(repr=False)
    config: Mapping[str, Any] = field(default_factory=dict)
    when: Condition = field(default_factory=dict)
    blocks: bool = False
    file: Path = Path()


@dataclass(frozen=True)
class Bundle:
    """A note bundle; `title` and `path` are formats that take the parameters."""

    name: str
    title: str
    help: str
    path: str
    parameters: Mapping[str, Parameter]
    templates: tuple[Template, ...]
    folder: Path = Path()

    def values(self, given: Mapping[str, str | None]) -> dict[str, Any]:
        """Every parameter's value, checked: the given text, else its default.

        Raises `UsageError` for a name that the bundle does not have, a value that can't be one or is out of range,
        and a parameter without a default that is not given.
        """
        unknown = sorted(set(given) - set(self.parameters))
        if unknown:
            raise UsageError(
                f"bundle {self.name} has no parameter {unknown[0]!r}",
                next_step="it has " + ", ".join(sorted(self.parameters)),
            )
        values = {name: each.value(given.get(name)) for name, each in self.parameters.items()}
        for each in self.parameters.values():
            each.check_multiple(values)
        return values


def bundle_names() -> list[str]:
    """The bundles that come with the tool."""
    root = files("zeppelin_notes")
    return sorted(entry.name for entry in root.iterdir() if entry.joinpath("note.toml").is_file())


def load_bundle(name: str) -> Bundle:
    """The bundle of that name, or in the folder of that path; raises `UsageError` when it is none."""
    folder = Path(name) if "/" in name else Path(str(files("zeppelin_notes"))) / name
    file = folder / "note.toml"
    try:
        text = _text(file)
    except OSError as error:
        raise UsageError(
            f"no bundle {name!r}: {error.strerror}", next_step=f"take one of {', '.join(bundle_names())}"
        ) from error
    try:
        return _read(file, tomllib.loads(text))
    except KeyError as error:
        raise UsageError(f"{file}: no {error.args[0]} in it", next_step="add it") from error
    except (tomllib.TOMLDecodeError, AttributeError, TypeError, ValueError) as error:
        raise UsageError(f"{file}: {error}", next_step="fix that file") from error


def _text(file: Path) -> str:
    try:
        return file.read_text(encoding="utf-8").removesuffix("\n")
    except ValueError as error:
        raise UsageError(f"{str(file)!r}: not a text file in UTF-8", next_step="save it as one") from error


def _read(file: Path, table: dict[str, Any]) -> Bundle:
    bundle = Bundle(
        name=file.parent.name,
        title=table["title"],
        help=table["help"],
        path=table["path"],
        parameters={name: parameter(name, entry) for name, entry in table["parameters"].items()},
        templates=tuple(_template(file.parent, entry) for entry in table["paragraphs"]),
        folder=file.parent,
    )
    _check(bundle, file)
    return bundle


def _check(bundle: Bundle, file: Path) -> None:
    """Raise `UsageError` for what would only come out when the bundle is rendered."""
    names = set(bundle.parameters)
    missing = REQUIRED - names
    if missing:
        raise UsageError(f"{file}: no parameter {min(missing)!r}", next_step="every bundle needs it")
    others = {each.multiple_of for each in bundle.parameters.values() if each.multiple_of}
    for template in bundle.templates:
        others |= set(template.when) - {"zeppelin"}
        check_places(template.text, template.file, names | COMPUTED)
    others |= {name for _, name, _, _ in Formatter().parse(bundle.path + bundle.title) if name is not None}
    if others - names:
        raise UsageError(f"{file}: it names a parameter {min(others - names)!r} that it does not declare")


def _template(folder: Path, entry: dict[str, Any]) -> Template:
    file = folder / entry["file"]
    try:
        text = _text(file)
    except OSError as error:
        raise UsageError(f"{file}: {error.strerror}", next_step="fix note.toml beside it") from error
    return Template(
        key=entry["key"],
        title=entry.get("title", ""),
        interpreter=entry["interpreter"],
        text=text,
        config=entry.get("config", {}),
        when=entry.get("when", {}),
        blocks=entry.get("blocks", False),
        file=file,
    )
