"""Note bundles: what a folder of `zeppelin_notes` says of its parameters and paragraphs."""

import tomllib
from collections.abc import Collection, Mapping
from dataclasses import dataclass, field
from importlib.resources import files
from pathlib import Path
from string import Formatter
from typing import Any

from netpie_creds.text_file import NotTextError, decode_text
from provision.bundles.conditions import ZEPPELIN
from provision.bundles.context import COMPUTED
from provision.bundles.engine import ECHOES_NOTHING, TYPED, is_generated, typed_part
from provision.bundles.parameters import Parameter, as_text, check_default, parameter
from provision.bundles.template import Template, check_templates
from provision.errors import UsageError, nearest

DEFAULT_BUNDLE = "streaming"

REQUIRED = frozenset({"appid", "topic", "out", "connector", "mqtt_package", "mqtt_jars", "secrets"})
"""The parameters that every bundle declares: a render is made of them."""
PLATFORM_NAME = "platform"
"""What a bundle's title and path call where the events come from, beside its parameters."""
_RESERVED = COMPUTED | {ZEPPELIN, PLATFORM_NAME}


@dataclass(frozen=True)
class Bundle:
    """A note bundle; `title` and `path` are formats that take the parameters.

    `embedded` are the parameters, as text, that the bundle takes on the embedded stack where a person gives none.
    """

    name: str
    title: str
    help: str
    path: str
    parameters: Mapping[str, Parameter]
    templates: tuple[Template, ...]
    embedded: Mapping[str, str] = field(default_factory=dict)
    folder: Path = Path()

    def values(self, given: Mapping[str, str | None]) -> dict[str, Any]:
        """Every parameter's value, as `each_value`, checked against each other too."""
        values = self.each_value(given)
        for each in self.parameters.values():
            each.check_multiple(values)
        return values

    def each_value(self, given: Mapping[str, str | None]) -> dict[str, Any]:
        """Every parameter's value, each checked by itself: the given text, else its default.

        Raises `UsageError` for a name that the bundle does not have, a value that can't be one or is out of range,
        and a parameter without a default that is not given.
        """
        unknown = sorted(set(given) - set(self.parameters))
        if unknown:
            raise UsageError(
                f"bundle {self.name} has no parameter {unknown[0]!r}",
                next_step=self._where_it_is(unknown[0]),
            )
        return {name: each.value(given.get(name)) for name, each in self.parameters.items()}

    def _where_it_is(self, name: str) -> str:
        """The next step for a parameter that the bundle does not have: another that has it, or one that was meant."""
        others = [each for each in bundle_names() if name in load_bundle(each).parameters]
        if others:
            return f"{' and '.join(others)} {'have' if len(others) > 1 else 'has'} it: --bundle {others[-1]}"
        return nearest(name, self.parameters, f"it has {', '.join(sorted(self.parameters))}")

    @property
    def runs_python(self) -> bool:
        """Whether it has paragraphs of the interpreter `python`."""
        return any(template.interpreter.partition(".")[0] == "python" for template in self.templates)

    @property
    def own_folder(self) -> str:
        """The folder of a bundle that did not come with the tool; empty for one that did."""
        folder = self.folder.resolve()
        return "" if folder.parent == _shipped().resolve() else str(folder)


def bundle_names() -> list[str]:
    """The bundles that come with the tool."""
    return sorted(entry.name for entry in _shipped().iterdir() if entry.joinpath("note.toml").is_file())


def _shipped() -> Path:
    return Path(str(files("zeppelin_notes")))


def load_bundle(name: str) -> Bundle:
    """The bundle of that name, or in the folder of that path; raises `UsageError` when it is none."""
    folder = Path(name) if "/" in name else _shipped() / name
    file = folder / "note.toml"
    try:
        text = _text(file)
    except OSError as error:
        raise UsageError(
            f"no bundle {name!r}: {error.strerror}",
            next_step=nearest(name, bundle_names(), f"take one of {', '.join(bundle_names())}, or a folder: ./DIR"),
        ) from error
    try:
        return _read(file, tomllib.loads(text))
    except KeyError as error:
        raise UsageError(f"{file}: no {error.args[0]} in it", next_step="add it") from error
    except (tomllib.TOMLDecodeError, AttributeError, TypeError, ValueError) as error:
        raise UsageError(f"{file}: {error}", next_step="fix that file") from error


def _text(file: Path) -> str:
    try:
        return decode_text(file.read_bytes()).removesuffix("\n")
    except NotTextError as error:
        raise UsageError(f"{str(file)!r}: {error}", next_step="save it as UTF-8") from error


def _read(file: Path, table: dict[str, Any]) -> Bundle:
    parameters = {name: parameter(name, entry) for name, entry in table["parameters"].items()}
    bundle = Bundle(
        name=file.parent.name,
        title=table["title"],
        help=table["help"],
        path=table["path"],
        parameters=parameters,
        templates=tuple(_template(file.parent, entry) for entry in table["paragraphs"]),
        embedded={name: as_text(value) for name, value in table.get("embedded", {}).items()},
        folder=file.parent,
    )
    _check_entries("note.toml", table, NOTE_ENTRIES)
    try:
        _check_parameters(bundle, table.get("embedded", {}))
        check_templates(bundle.templates, parameters, COMPUTED | set(parameters))
    except UsageError as error:
        where = "" if error.message.startswith(str(file.parent)) else f"{file}: "
        raise UsageError(f"{where}{error.message}", next_step=error.next_step) from error
    return bundle


NOTE_ENTRIES = ("title", "help", "path", "parameters", "embedded", "paragraphs")
PARAGRAPH_ENTRIES = ("key", "title", "file", "interpreter", "config", "when", "role", "blocks")


def _check_entries(what: str, table: Mapping[str, Any], known: Collection[str]) -> None:
    unknown = sorted(set(table) - set(known))
    if unknown:
        raise ValueError(f"{what}: unknown entry {unknown[0]!r}; there are {', '.join(known)}")


def _check_parameters(bundle: Bundle, embedded: Mapping[str, Any]) -> None:
    """Raise `UsageError` for a parameter that is missing, or has a name or a value that it can't have."""
    names = set(bundle.parameters)
    if REQUIRED - names:
        raise UsageError(f"no parameter {min(REQUIRED - names)!r}", next_step="every bundle needs it")
    if names & _RESERVED:
        raise UsageError(f"parameter {min(names & _RESERVED)!r}: the tool has that name", next_step="take another")
    named = {each.multiple_of for each in bundle.parameters.values() if each.multiple_of} | set(embedded)
    named |= {name for _, name, _, _ in Formatter().parse(bundle.path + bundle.title) if name is not None}
    if named - names - {PLATFORM_NAME}:
        raise UsageError(f"it names a parameter {min(named - names - {PLATFORM_NAME})!r} that it does not declare")
    for name, value in embedded.items():
        check_default(bundle.parameters[name], value)


def _template(folder: Path, entry: dict[str, Any]) -> Template:
    key = entry["key"]
    _check_entries(f"paragraph {key!r}", entry, PARAGRAPH_ENTRIES)
    file, text = _file_and_text(folder, entry["file"])
    return Template(
        key=key,
        title=entry.get("title", ""),
        interpreter=entry["interpreter"],
        text=text,
        config=entry.get("config", {}),
        when=entry.get("when", {}),
        role=entry.get("role", ""),
        blocks=entry.get("blocks", False),
        file=file,
    )


def _file_and_text(folder: Path, name: str) -> tuple[Path, str]:
    """A template's text, and the file to name in errors; `engine:PART` is generated, any other name a file's."""
    if is_generated(name):
        try:
            return Path(name), f"{typed_part(name.removeprefix(TYPED))}\n{ECHOES_NOTHING}"
        except UsageError as error:
            raise UsageError(f"{folder / 'note.toml'}: {error.message}", next_step=error.next_step) from error
    file = folder / name
    try:
        return file, _text(file)
    except OSError as error:
        raise UsageError(f"{file}: {error.strerror}", next_step="fix note.toml beside it") from error
