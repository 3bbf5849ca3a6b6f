"""What is in force for a command line, and where each value is from."""

import os
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import click
from click.core import ParameterSource, iter_params_for_processing

from provision.errors import UsageError, nearest
from provision.project.context import Defaults, ProjectContext, project_of
from provision.project.file import Project, Setting
from provision.project.option import UNSET, given_names, is_named, name_of, options_of, variables_of

COMMAND_LINE, ENVIRONMENT, PROJECT, DEFAULT, BUNDLE = "command line", "environment", "project", "default", "bundle"
_LEFT_OUT = ("json", "debug")


@dataclass(frozen=True)
class InForce:
    """A value and its source; `setting` is the project file's, `variable` the environment's. None: it is not shown."""

    name: str
    value: Any = field(repr=False)
    source: str
    variable: str = ""
    setting: Setting | None = None

    @property
    def line(self) -> int:
        """Its line in the project file; 0 if it is not from there."""
        name = self.name.rpartition(".")[2]
        return self.setting.lines.get(name, self.setting.line) if self.setting else 0

    def told(self, folder: Path) -> str:
        """Where it is from, files as seen from `folder`."""
        if self.setting is not None:
            target = f", target {self.setting.target}" if self.setting.target else ""
            file = self.setting.file
            return f"{file.relative_to(folder) if file.is_relative_to(folder) else file}:{self.line}{target}"
        return "the bundle's default" if self.source == BUNDLE else f"{self.source} {self.variable}".rstrip()

    def to_json(self) -> dict[str, Any]:
        """As `--json` has it."""
        where = self.setting
        return {
            "name": self.name,
            "value": self.value,
            "from": self.source,
            "variable": self.variable or None,
            "file": str(where.file) if where else None,
            "line": self.line or None,
            "target": (where.target or None) if where else None,
        }


def parsed(root: click.Context, words: Sequence[str]) -> click.Context:
    """The context of a command line whose arguments may be left out; raises click's errors and UsageError."""
    command, name, rest = root.command, "", list(words)
    while isinstance(command, click.Group):
        if not rest:
            raise UsageError(f"provision {name} has commands of its own", next_step=f"see provision {name} --help")
        word, *rest = rest
        below = command.get_command(root, word)
        if below is None:
            known = command.list_commands(root)
            raise UsageError(f"No such command {word!r}", next_step=nearest(word, known, "see provision --help"))
        command, name = below, name or word
    if command.context_class is not ProjectContext:
        raise UsageError(f"provision {name} takes nothing from a project file", next_step="name another command")
    ctx = command.context_class(command, info_name=name, parent=root)
    with ctx.scope(cleanup=False):
        options, _, order = command.make_parser(ctx).parse_args(args=rest)
        for each in iter_params_for_processing(order, command.get_params(ctx)):
            if isinstance(each, click.Option) or options.get(str(each.name)):
                each.handle_parse_result(ctx, options, [])
    ctx.params.update({name: None for name, value in ctx.params.items() if value is UNSET})
    return ctx


def values_in_force(ctx: click.Context) -> Iterator[InForce]:
    """The command's options that have a value, and what the environment says that is no option's."""
    project = project_of(ctx)
    defaults = Defaults(ctx, project) if project else None
    for key, option in options_of(ctx.command).items():
        if key not in _LEFT_OUT:
            yield from _of_option(ctx, key, option, defaults)


def _of_option(ctx: click.Context, key: str, option: click.Option, defaults: Defaults | None) -> Iterator[InForce]:
    value, source = ctx.params.get(str(option.name)), ctx.get_parameter_source(str(option.name))
    if option.is_flag and not option.is_bool_flag and value != option.flag_value:
        return  # another of those that exclude each other
    if is_named(option):
        yield from _pairs(ctx, key, option, value or (), defaults)
        return
    variable = next((each for each in variables_of(option) if os.environ.get(each)), "")
    match source:
        case ParameterSource.COMMANDLINE:
            yield InForce(key, _plain(value), COMMAND_LINE)
        case ParameterSource.DEFAULT_MAP if defaults:
            yield InForce(key, _plain(value), PROJECT, setting=defaults.setting(key))
        case _ if variable:
            is_secret = source is not ParameterSource.ENVIRONMENT and key.endswith("-file")
            shown = value if source is ParameterSource.ENVIRONMENT else os.environ[variable]
            yield InForce(key, None if is_secret else _plain(shown), ENVIRONMENT, variable)
        case _ if value not in (None, False, ()):
            yield InForce(key, _plain(value), DEFAULT)


def _pairs(
    ctx: click.Context, key: str, option: click.Option, pairs: Sequence[str], defaults: Defaults | None
) -> Iterator[InForce]:
    of_file = defaults.pairs(str(option.name)) if defaults else {}
    typed = given_names(ctx, option)
    for pair in pairs:
        name = name_of(pair)
        setting = of_file[name][1] if name in of_file and name not in typed else None
        yield InForce(f"{key}.{name}", pair.partition("=")[2], PROJECT if setting else COMMAND_LINE, setting=setting)


def _plain(value: Any) -> Any:
    """A value as JSON has it."""
    if isinstance(value, list | tuple):
        return [_plain(each) for each in value]
    return value if isinstance(value, str | int | float | bool) else str(value)


def target_of(ctx: click.Context, project: Project | None) -> str:
    """The target that is chosen; empty for none."""
    return Defaults(ctx, project).target if project else ""
