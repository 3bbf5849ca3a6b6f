"""`provision config`: what is in force, and where each value is from."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import click

from provision.bundles.bundle import load_bundle
from provision.bundles.parameters import as_text
from provision.bundles.values.spark import holds_secret
from provision.console import Console
from provision.errors import UsageError, hide_passwords
from provision.options.output import json_option
from provision.options.usual_bundle import usual_bundles
from provision.project.context import project_of
from provision.project.in_force import BUNDLE, InForce, parsed, target_of, values_in_force

NOT_SHOWN = "(not shown)"


@click.command(context_settings={"ignore_unknown_options": True, "allow_interspersed_args": False})
@click.argument("words", nargs=-1, type=click.UNPROCESSED, metavar="[COMMAND [OPTION]...]")
@json_option
@click.pass_obj
@click.pass_context
def config(ctx: click.Context, console: Console, /, words: tuple[str, ...]) -> None:
    """Print what is in force for a command, and where each value is from.

    COMMAND is `apply` where it is left out; options behind it count as if it were run with them. Nothing is run, and
    no server is asked: of a note that is there, what it was applied with counts before the bundle's defaults.

    The command line counts most, then the environment, then what provision.toml has for the target, then what it has
    for all; last the option's own default. Secrets are never shown.

    \b
    provision config
    provision config --target prod
    provision config publish --file events.jsonl
    provision config apply --param window=300
    """
    command = parsed(ctx.find_root(), words or ("apply",))
    project = project_of(command)
    target = target_of(command, project)
    values = [*values_in_force(command)]
    values += _of_bundle(command, values, console)
    shown = [_hidden(each) for each in values]
    answer = {
        "project": str(project.file) if project else None,
        "target": target or None,
        "command": " ".join(words or ("apply",)),
        "values": [each.to_json() for each in shown],
    }
    console.result(answer, None if console.as_json else _text(project.file if project else None, target, shown))


def _of_bundle(ctx: click.Context, values: list[InForce], console: Console) -> Iterator[InForce]:
    """The defaults of the bundle's parameters that nothing gives."""
    names = {each.name for each in ctx.command.params}
    if not {"bundle", "pairs"} <= names:
        return
    try:
        bundle = load_bundle(usual_bundles(ctx.params["pairs"], named=ctx.params.get("bundle"))[0])
    except UsageError as error:
        console.say(f"warning: {error.message}; see it with provision validate", style="yellow")
        return
    given = {each.name for each in values}
    for name, parameter in bundle.parameters.items():
        if f"param.{name}" not in given and parameter.default is not None:
            yield InForce(f"param.{name}", as_text(parameter.default), BUNDLE)


def _hidden(each: InForce) -> InForce:
    """The value without what may be a secret."""
    name = "" if each.source == BUNDLE or each.name.endswith("-file") else each.name.rpartition(".")[2]
    texts = each.value if isinstance(each.value, list) else [each.value]
    if each.value is None or any(holds_secret("", str(text)) for text in texts) or _names_secret(name):
        return InForce(each.name, NOT_SHOWN, each.source, each.variable, each.setting)
    value: Any = hide_passwords(each.value) if isinstance(each.value, str) else each.value
    return InForce(each.name, value, each.source, each.variable, each.setting)


def _names_secret(name: str) -> bool:
    return name not in ("appkey", "key", "secrets") and holds_secret(name, "x")


def _text(file: Path | None, target: str, values: list[InForce]) -> str:
    here = Path.cwd()
    head = [f"project  {file or 'none: no provision.toml here or above'}"]
    if target:
        head.append(f"target   {target}")
    rows = [(each.name, _one_line(each.value), each.told(here)) for each in values]
    wide = [max((len(row[column]) for row in rows), default=0) for column in (0, 1)]
    return "\n".join([*head, "", *(f"{name:<{wide[0]}}  {value:<{wide[1]}}  {where}" for name, value, where in rows)])


def _one_line(value: Any) -> str:
    text = ", ".join(map(str, value)) if isinstance(value, list) else str(value)
    return " ".join(text.split()) or '""'
