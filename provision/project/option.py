"""What a project file's settings are to click's options: their names, and values of TOML as an option takes them."""

import os
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import click
from click.core import ParameterSource

from provision.project.file import Setting

NOT_IN_A_FILE = frozenset({"help", "version", "project", "target"})
UNSET = getattr(click.core, "UNSET", None)
"""What click, from 8.3 on, has for no value."""
_ENVIRONMENT = re.compile(r"\[env: ([A-Z_]+)")
_LOCAL = re.compile(r"\b(DIR|FILE)\b")  # in the metavar of an option that takes a path, or something else too


class NamedValues(click.Option):
    """A repeatable option NAME=VALUE; what the command line leaves out is taken from the project file."""

    def consume_value(self, ctx: click.Context, opts: Any) -> tuple[Any, ParameterSource]:
        """The pairs, the project file's first."""
        value, source = super().consume_value(ctx, opts)
        if source is ParameterSource.COMMANDLINE:
            given = {name_of(pair) for pair in value}
            ctx.meta[_given_key(self)] = given
            kept = [pair for pair in ctx.lookup_default(str(self.name)) or () if name_of(pair) not in given]
            value = [*kept, *value]
        return value, source


def _given_key(option: click.Option) -> str:
    return f"provision.given.{option.name}"


def given_names(ctx: click.Context, option: click.Option) -> set[str]:
    """The names that the command line gives to an option NAME=VALUE."""
    names: set[str] = ctx.meta.get(_given_key(option), set())
    return names


def is_typed(ctx: click.Context, name: str) -> bool:
    """Whether the command line gives the parameter."""
    return ctx.get_parameter_source(name) is ParameterSource.COMMANDLINE


def typed_names(ctx: click.Context) -> list[str]:
    """The parameters that the command line gives."""
    return [each.name for each in ctx.command.params if each.name and is_typed(ctx, each.name)]


def name_of(pair: str) -> str:
    """The NAME of a NAME=VALUE."""
    return pair.partition("=")[0].strip()


def key_of(parameter: click.Parameter) -> str:
    """What a project file calls an option: its long name without the dashes; an argument by its name, NOTE."""
    if isinstance(parameter, click.Argument):
        return parameter.human_readable_name
    return max(parameter.opts, key=len).lstrip("-")


def options_of(command: click.Command) -> dict[str, click.Option]:
    """The options of a command that can stand in a project file, by their names there."""
    options = [each for each in command.params if isinstance(each, click.Option)]
    return {key_of(each): each for each in options if key_of(each) not in NOT_IN_A_FILE}


def is_named(option: click.Option) -> bool:
    """Whether it is a repeatable NAME=VALUE."""
    return isinstance(option, NamedValues)


def variables_of(parameter: click.Parameter) -> list[str]:
    """The variables of the environment that stand for an option, as its help tells."""
    told = _ENVIRONMENT.findall(getattr(parameter, "help", None) or "")
    return [*told, *([parameter.envvar] if isinstance(parameter.envvar, str) else [])]


def pairs_of(setting: Setting) -> Iterator[tuple[str, str]]:
    """The names and values, as text, of a setting for an option NAME=VALUE: a table, or a list of texts.

    Raises: UsageError for another form.
    """
    table, value = isinstance(setting.value, dict), setting.value
    if not table and not (isinstance(value, list) and all(isinstance(each, str) and "=" in each for each in value)):
        raise setting.wrong("no table of names and values", f"write [{setting.name}] and below it NAME = VALUE")
    pairs = value.items() if table else ((name_of(each), each.partition("=")[2]) for each in value)
    for name, each in pairs:
        yield name, _pair_text(setting, name, each)


def _pair_text(setting: Setting, name: str, value: Any) -> str:
    if isinstance(value, list) and all(isinstance(each, str) for each in value):
        return ",".join(value)
    if isinstance(value, bool) or not isinstance(value, str | int | float):
        raise setting.wrong(f"{name} is no text, number or list of texts", f'write {name} = "…"')
    return str(value)


def value_of(option: click.Option, setting: Setting) -> Any:
    """The setting as click takes it; None for one that is taken back (`""`, `false`).

    Raises: UsageError for a value of another kind.
    """
    value = setting.value
    if option.is_flag:
        if not isinstance(value, bool):
            raise setting.wrong("it is a switch", "write true or false")
        off = False if option.secondary_opts else None  # of --keep/--no-keep
        return (True if option.is_bool_flag else option.flag_value) if value else off
    if option.multiple:
        texts = value if isinstance(value, list) else [value]
        return [_text(option, setting, each) for each in texts] or None
    if isinstance(value, bool) and option.flag_value not in (None, UNSET):  # it takes a value, or none
        return option.flag_value if value else None
    return _text(option, setting, value) or None


def _text(option: click.Option, setting: Setting, value: Any) -> str:
    if isinstance(value, bool) or not isinstance(value, str | int | float):
        raise setting.wrong("no text and no number", f'write {setting.name} = "…"')
    return _local(option, setting.file.parent, value) if isinstance(value, str) and value else str(value)


def _local(option: click.Option, folder: Path, text: str) -> str:
    """A path as it is from the project file's folder; `bundle = "classic"` is a name, "./classic" a folder."""
    metavar = option.metavar or ""
    is_path = (isinstance(option.type, click.Path) and text != "-") or metavar == "DIR"
    may_be = bool(_LOCAL.search(metavar)) and "/" in text and "://" not in text
    return os.path.normpath(folder / Path(text).expanduser()) if is_path or may_be else text


def checked(ctx: click.Context, option: click.Option, setting: Setting, value: Any) -> Any:
    """`value` if the option takes it; raises UsageError with the setting's place otherwise."""
    try:
        option.type_cast_value(ctx, value)
    except click.BadParameter as error:
        raise setting.wrong(
            error.message.rstrip("."), f"fix it there, or give --{setting.name} on the command line"
        ) from None
    return value
