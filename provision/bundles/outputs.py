"""The outputs that a note can have, a folder each in `zeppelin_notes/outputs`: what it is, parameters, paragraphs."""

import tomllib
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cache, partial
from importlib.resources import files
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from provision.bundles.checks import check_entries
from provision.bundles.connection import Connection
from provision.bundles.literals.values import Secret
from provision.bundles.parameters import Parameter, parameter
from provision.bundles.roles import Role
from provision.bundles.template import Template
from provision.errors import UsageError, nearest

PARAMETER = "outputs"
"""The parameter that says which outputs a note has."""
FILE = "outputs:"
"""What begins the `file` of a paragraph in whose place stand those of the outputs: `outputs:python`, their language."""
VARIANT = "variant"
"""The parameter whose value `outputs` makes that one count, where a bundle has others."""

_ENTRIES = ("title", "help", "always", "rows", "messages", "login", "parameters")
_FLAGS = ("always", "rows", "messages")
_FRAGMENT = "paragraph"


@dataclass(frozen=True)
class Output:
    """An output: `paragraphs` are its templates by language.

    `always`: every note has it. `rows`: it keeps all rows in the note's own folder. `messages`: it carries alerts.
    `login`: the variables with user and password, which go into Zeppelin's credential store; empty without a login.
    """

    name: str
    title: str
    help: str
    parameters: Mapping[str, Parameter]
    paragraphs: Mapping[str, str]
    always: bool = False
    rows: bool = False
    messages: bool = False
    login: tuple[str, ...] = ()

    @property
    def login_names(self) -> tuple[str, str]:
        """What templates call its user and its password."""
        return f"{self.name}_user", f"{self.name}_password"


@cache
def outputs() -> Mapping[str, Output]:
    """All of them, by name."""
    home = Path(str(files("zeppelin_notes"))) / "outputs"
    return {each.parent.name: _output(each) for each in sorted(home.glob("*/output.toml"))}


def _output(file: Path) -> Output:
    table = tomllib.loads(file.read_text(encoding="utf-8"))
    check_entries(f"{file}: ", table, _ENTRIES)
    name = file.parent.name
    declared = {
        each: replace(parameter(each, entry), output=name) for each, entry in table.get("parameters", {}).items()
    }
    fragments = {
        each.suffix[1:]: each.read_text(encoding="utf-8").rstrip("\n") for each in file.parent.glob(f"{_FRAGMENT}.*")
    }
    given = {each: table[each] for each in _FLAGS if each in table}
    login = tuple(table.get("login", ()))
    return Output(name, table["title"], table["help"], declared, fragments, login=login, **given)


def outputs_in(language: str) -> dict[str, Output]:
    """The outputs that notes in this language can have; raises UsageError where there are none."""
    found = {name: each for name, each in outputs().items() if language in each.paragraphs}
    if not found:
        languages = sorted({each for output in outputs().values() for each in output.paragraphs})
        raise UsageError(
            f"no output has a paragraph in {language!r}", next_step=nearest(language, languages, ", ".join(languages))
        )
    return found


def language_of(file: str) -> str:
    """The language of a paragraph's `file`; empty for one that is not the outputs'."""
    return file.removeprefix(FILE) if file.startswith(FILE) else ""


def with_outputs(parameters: Mapping[str, Parameter], languages: Iterable[str]) -> dict[str, Parameter]:
    """A bundle's parameters with those of the outputs in these languages, and the names that `outputs` can have.

    Raises UsageError where the bundle does not declare `outputs`, and for a name that it has already.
    """
    found: dict[str, Parameter] = dict(parameters)
    for language in languages:
        if PARAMETER not in parameters:
            raise UsageError(f"no parameter {PARAMETER!r} says which outputs there are", next_step="declare it")
        known = outputs_in(language)
        named = replace(parameters[PARAMETER], choices=tuple(name for name, each in known.items() if not each.always))
        named.value(",".join(named.default))
        found[PARAMETER] = named
        for each in known.values():
            own = {name: one for name, one in each.parameters.items() if one.language in ("", language)}
            for name in own.keys() & found.keys():
                raise UsageError(f"parameter {name!r}: the output {each.name} has that name", next_step="take another")
            found |= own
    return found


def laid_out(entries: Sequence[Mapping[str, Any]]) -> Iterator[tuple[int, Output | None]]:
    """The paragraphs of a bundle's entries in a note's order: the entry's number, and the output if it stands for one.

    An entry of the bundle's own with an output's key stands in that one's place.
    """
    keys = [str(entry.get("key")) for entry in entries]
    taken = {key_of(name) for entry in entries for name in _names(entry)}
    for number, entry in enumerate(entries):
        for name in _names(entry):
            key = key_of(name)
            yield (keys.index(key), None) if key in keys else (number, outputs()[name])
        if not _names(entry) and keys[number] not in taken:
            yield number, None


def _names(entry: Mapping[str, Any]) -> list[str]:
    """The outputs in whose place an entry stands."""
    language = language_of(str(entry.get("file", "")))
    return list(outputs_in(language)) if language else []


def output_template(entry: Mapping[str, Any], output: Output) -> Template:
    """The paragraph of an output for one of `file = "outputs:LANGUAGE"`."""
    language = language_of(entry["file"])
    return Template(
        key=key_of(output.name),
        title=output.title,
        interpreter=entry["interpreter"],
        text=output.paragraphs[language],
        config=entry.get("config", {}),
        when=condition_of(entry, output),
        role=Role.OUTPUTS,
        file=Path(f"{FILE}{output.name}/{_FRAGMENT}.{language}"),
    )


def key_of(name: str) -> str:
    """The key of an output's paragraph."""
    return f"output-{name}"


def condition_of(entry: Mapping[str, Any], output: Output) -> dict[str, Any]:
    """When its paragraph is in a note."""
    return {**entry.get("when", {}), **({} if output.always else {PARAMETER: output.name})}


def chosen(values: Mapping[str, Any]) -> list[str]:
    """The outputs that a note with these values has, but for those that every note has."""
    return list(values.get(PARAMETER, ())) if values.get(VARIANT, PARAMETER) == PARAMETER else []


def asked_by_their_own(parameters: Mapping[str, Parameter], given: Mapping[str, str | None]) -> list[str]:
    """The outputs that are chosen by a parameter of their own name."""
    return [name for name, each in parameters.items() if each.output == name and given.get(name)]


def drivers(values: Mapping[str, Any]) -> list[str]:
    """Maven coordinates of what the outputs of a note with these values have to load."""
    of_chosen = (each for name in chosen(values) for each in outputs()[name].parameters.values())
    return [values[each.name] for each in of_chosen if each.type == "coordinate" and values.get(each.name)]


def check_count(parameters: Mapping[str, Parameter], values: Mapping[str, Any]) -> None:
    """Raise UsageError for outputs that are asked of a note that writes something else."""
    if PARAMETER not in parameters or values.get(VARIANT, PARAMETER) == PARAMETER:
        return
    if values[PARAMETER] != parameters[PARAMETER].default:
        raise UsageError(
            f"outputs={','.join(values[PARAMETER])} counts with variant=outputs only, and variant is {values[VARIANT]}",
            next_step="give --param variant=outputs, or leave outputs out",
        )


def all_login_names() -> frozenset[str]:
    """What templates may name of outputs' logins."""
    return frozenset(name for each in outputs().values() if each.login for name in each.login_names)


def login_secrets(own: str) -> dict[str, Secret]:
    """The logins of outputs by the names that templates have for them; `own` is the note's part of the entries' names.

    Their values are not known here: they are in Zeppelin's credential store only.
    """
    return {
        name: Secret(entity_of(each.name, own), part, "")
        for each in outputs().values()
        if each.login
        for name, part in zip(each.login_names, ("user", "password"), strict=True)
    }


def entity_of(name: str, own: str) -> str:
    """What an output's entry of the credential store is called."""
    return f"netpie-output-{name}-{own}"


def check_destinations(bundle: Mapping[str, Parameter], values: Mapping[str, Any], connection: Connection) -> None:
    """Raise UsageError for an output that writes, at the note's broker, what the note reads or nobody may write."""
    for name, each in bundle.items():
        if each.type != "destination" or each.output not in chosen(values):
            continue
        if not _same_host(values.get(f"{each.output}_broker"), connection.values.broker_url):
            continue
        topic, device = values[name], values.get(f"{each.output}_client_id")
        if any(map(partial(matches, topic=topic), connection.heard or connection.values.mqtt_topics)):
            raise UsageError(
                f"{name}={topic}: the note reads that topic, and would read what it writes",
                next_step="take another topic for one of them",
            )
        if device in connection.devices:
            raise UsageError(
                f"{each.output}_client_id={device}: the note itself connects as that device, or hears what it writes",
                next_step="take a device of its own for the output",
            )
        if connection.writable and not topic.startswith(connection.writable):
            raise UsageError(
                f"{name}={topic}: {connection.values.platform} lets nobody write there",
                next_step=f"take {', '.join(f'{each}…' if each[-1] == '/' else each for each in connection.writable)}",
            )


def _same_host(given: str | None, own: str) -> bool:
    """Whether a broker, empty for the note's own, is on that one's host; its ports are one broker's with and without
    TLS.
    """
    hosts = [(urlsplit(url).hostname or "").replace("localhost", "127.0.0.1") for url in (given, own) if url]
    return not given or hosts[0] == hosts[-1]


def matches(pattern: str, topic: str) -> bool:
    """Whether a subscription to `pattern`, shared or not, gets what is published to `topic`."""
    if pattern.startswith("$share/"):
        pattern = pattern.split("/", 2)[-1]
    levels, asked = topic.split("/"), pattern.split("/")
    if asked[-1] == "#":
        return len(levels) >= len(asked) - 1 and _same(asked[:-1], levels[: len(asked) - 1])
    return len(levels) == len(asked) and _same(asked, levels)


def _same(asked: Sequence[str], levels: Sequence[str]) -> bool:
    return all(one in ("+", other) for one, other in zip(asked, levels, strict=True))
