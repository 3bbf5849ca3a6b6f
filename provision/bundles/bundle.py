"""Note bundles: what a folder of `zeppelin_notes` says of its parameters and paragraphs."""

import tomllib
from collections.abc import Mapping
from dataclasses import dataclass, field
from importlib.resources import files
from pathlib import Path
from string import Formatter
from typing import Any

from netpie_creds.text_file import NotTextError, decode_text
from provision.bundles.checks import Checks, check_entries
from provision.bundles.conditions import ZEPPELIN
from provision.bundles.context import COMPUTED
from provision.bundles.engine import ECHOES_NOTHING, TYPED, is_generated, typed_part
from provision.bundles.outputs import PARAMETER as OUTPUTS
from provision.bundles.outputs import (
    all_login_names,
    asked_by_their_own,
    check_count,
    chosen,
    laid_out,
    language_of,
    output_template,
    with_outputs,
)
from provision.bundles.packed import PACKED, packed_source
from provision.bundles.parameters import Parameter, as_text, check_default, parameter
from provision.bundles.placeholders import place_names
from provision.bundles.template import Template, check_templates
from provision.errors import UsageError, nearest
from provision.toml_lines import TomlLines

DEFAULT_BUNDLE, OLDER_BUNDLE = USUAL_BUNDLES = ("structured", "streaming")
"""The bundles of notes for which none is named: the second where the first can't run, or lacks what is asked."""

REQUIRED = frozenset({"appid", "topic", "out", "secrets"})
"""The parameters that every bundle declares: a render is made of them."""
REQUIRED_FOR_JARS = frozenset({"connector", "mqtt_package", "mqtt_jars"})
"""Those of a bundle with a template that takes `dependencies`."""
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
        for name in asked_by_their_own(self.parameters, given):
            values[OUTPUTS] = sorted({*values[OUTPUTS], name})
        check_count(self.parameters, values)
        for name, each in self.parameters.items():
            if each.output in chosen(values):
                values[name] = each.value(given.get(name))
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
        return {
            name: "" if each.output and each.default is None and not given.get(name) else each.value(given.get(name))
            for name, each in self.parameters.items()
        }

    def _where_it_is(self, name: str) -> str:
        """The next step for a parameter that the bundle does not have: another that has it, or one that was meant."""
        others = [each for each in bundle_names() if name in load_bundle(each).parameters]
        if others:
            return f"{' and '.join(others)} {'have' if len(others) > 1 else 'has'} it: --bundle {others[-1]}"
        return nearest(name, self.parameters, f"it has {', '.join(sorted(self.parameters))}")

    @property
    def runs_python(self) -> bool:
        """Whether it has paragraphs of the interpreter `python`, or of that which the parameter `python` names."""
        return any(template.runs_python for template in self.templates)

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
    return _load(name, None)


def bundle_problems(name: str) -> list[UsageError]:
    """All that is wrong with a bundle, where `load_bundle` raises the first; what hides behind another is not found."""
    found: list[UsageError] = []
    try:
        _load(name, found)
    except UsageError as error:
        found.append(error)
    return found


def _load(name: str, found: list[UsageError] | None) -> Bundle:
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
        table = tomllib.loads(text)
    except tomllib.TOMLDecodeError as error:
        raise UsageError(f"{file}: {error}", next_step="fix that file") from error
    return _read(file, table, Checks(file, TomlLines(text), found))


def _text(file: Path) -> str:
    try:
        return decode_text(file.read_bytes()).removesuffix("\n")
    except NotTextError as error:
        raise UsageError(f"{str(file)!r}: {error}", next_step="save it as UTF-8") from error


def _read(file: Path, table: dict[str, Any], checks: Checks) -> Bundle:
    for name in table:
        with checks.at(name):
            check_entries("", [name], NOTE_ENTRIES)
    parameters: dict[str, Parameter] = {}
    templates: list[Template] = []
    places: list[int] = []
    for name, entry in _entries(table, "parameters", dict, checks).items():
        with checks.at("parameters", name):
            parameters[name] = parameter(name, entry)
    entries = _entries(table, "paragraphs", list, checks)
    for number, output in laid_out(entries):
        with checks.at("paragraphs", number):
            template = output_template(entries[number], output) if output else _template(file.parent, entries[number])
            templates.append(template)
            places.append(number)
    languages = {language_of(str(entry.get("file", ""))) for entry in entries} - {""}
    with checks.at("parameters"):
        parameters = with_outputs(parameters, languages)
    with checks.at():
        embedded = table.get("embedded", {})
        bundle = Bundle(
            name=file.parent.name,
            title=table["title"],
            help=table["help"],
            path=table["path"],
            parameters=parameters,
            templates=tuple(templates),
            embedded={name: as_text(value) for name, value in embedded.items()},
            folder=file.parent,
        )
    names = COMPUTED | set(parameters) | (all_login_names() if languages else frozenset())
    if checks.found:  # of what follows much would be a consequence
        if parameters.keys() >= set(table.get("parameters", ())):
            check_templates(templates, parameters, names, checks, places)
        raise checks.found.pop()
    _check_parameters(bundle, embedded, checks)
    check_templates(bundle.templates, parameters, names, checks, places)
    return bundle


def _entries(table: Mapping[str, Any], name: str, kind: type, checks: Checks) -> Any:
    with checks.at(name):
        if not isinstance(table[name], kind):
            raise TypeError(f"{name} is no {'table' if kind is dict else 'array of tables'}")
        return table[name]
    return kind()


NOTE_ENTRIES = ("title", "help", "path", "parameters", "embedded", "paragraphs")
PARAGRAPH_ENTRIES = ("key", "title", "file", "interpreter", "config", "when", "role", "blocks")


def _check_parameters(bundle: Bundle, embedded: Mapping[str, Any], checks: Checks) -> None:
    """Check for a parameter that is missing, or has a name or a value that it can't have."""
    names = set(bundle.parameters)
    for name in sorted(REQUIRED - names):
        with checks.at("parameters"):
            raise UsageError(f"no parameter {name!r}", next_step="every bundle needs it")
    takes_jars = any("dependencies" in place_names(template.text) for template in bundle.templates)
    for name in sorted(REQUIRED_FOR_JARS - names if takes_jars else ()):
        with checks.at("parameters"):
            raise UsageError(f"no parameter {name!r}", next_step="a bundle with a place for dependencies needs it")
    for name in sorted(names & _RESERVED):
        with checks.at("parameters", name):
            raise UsageError(f"parameter {name!r}: the tool has that name", next_step="take another")
    named: list[tuple[str, tuple[str, ...]]] = [
        (each.multiple_of, ("parameters", name, "multiple_of"))
        for name, each in bundle.parameters.items()
        if each.multiple_of
    ]
    for entry, text in (("path", bundle.path), ("title", bundle.title)):
        with checks.at(entry):
            named += [(name, (entry,)) for _, name, _, _ in Formatter().parse(text) if name is not None]
    named += [(name, ("embedded", name)) for name in embedded]
    for name, where in named:
        if name not in names | {PLATFORM_NAME}:
            with checks.at(*where):
                raise UsageError(
                    f"it names a parameter {name!r} that it does not declare",
                    next_step=nearest(name, names, "declare it, or take another"),
                )
    for name, value in embedded.items():
        if name in names:
            with checks.at("embedded", name):
                check_default(bundle.parameters[name], value)


def _template(folder: Path, entry: dict[str, Any]) -> Template:
    key = entry["key"]
    check_entries(f"paragraph {key!r}: ", entry, PARAGRAPH_ENTRIES)
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
    """A template's text, and the file to name in errors; `engine:PART` and `packed:PACKAGE` are generated."""
    if name.startswith(PACKED):
        return Path(name), packed_source(name.removeprefix(PACKED))
    if is_generated(name):
        return Path(name), f"{typed_part(name.removeprefix(TYPED))}\n{ECHOES_NOTHING}"
    file = folder / name
    try:
        return file, _text(file)
    except OSError as error:
        raise UsageError(f"{name}: {error.strerror}", next_step="write that file, or fix its name") from error
