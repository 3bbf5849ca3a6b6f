"""A command's context: what the project file says is the default of the options."""

import os
from collections.abc import Iterator
from typing import Any

import click

from provision.errors import UsageError, nearest
from provision.help import Context
from provision.project.file import Project, Setting, read_project
from provision.project.find import NAME, find_project
from provision.project.option import (
    checked,
    given_names,
    is_named,
    is_typed,
    key_of,
    options_of,
    pairs_of,
    value_of,
    variables_of,
)
from provision.project.precedence import AS_PARAMETER, gives_way_to

PROJECT, TARGET = "provision.project", "provision.target"
"""Keys of `Context.meta`: what `--project` and `--target` say."""
_READ = "provision.read"
TARGET_VARIABLE = "PROVISION_TARGET"
OWN_TABLE_ONLY = frozenset({"demo"})
"""Commands with a world of their own, whose options are other commands' by name alone."""


class ProjectContext(Context):
    """The context of a command that takes its defaults from the project file."""

    def lookup_default(self, name: str, call: bool = True) -> Any:
        """The project file's value for the parameter `name`, where neither command line nor environment has one."""
        if not call or self.resilient_parsing:  # for --help, and for completion
            return None
        project = project_of(self)
        return None if project is None else Defaults(self, project).value(name)


def project_of(ctx: click.Context) -> Project | None:
    """The project file that counts here, read once; raises UsageError for one with a mistake."""
    if _READ not in ctx.meta:
        file = find_project(ctx.meta.get(PROJECT))
        project = read_project(file, command_names(ctx)) if file else None
        target = ctx.meta.get(TARGET) or os.environ.get(TARGET_VARIABLE)
        if project is None and target:
            raise UsageError(
                f"target {target!r}: there is no {NAME} here or above", next_step="write one with provision init"
            )
        ctx.meta[_READ] = project
    found: Project | None = ctx.meta[_READ]
    return found


def command_names(ctx: click.Context) -> list[str]:
    """The names of all commands."""
    root = ctx.find_root()
    return root.command.list_commands(root) if isinstance(root.command, click.Group) else []


class Defaults:
    """What a project file says to the command of a context."""

    def __init__(self, ctx: click.Context, project: Project) -> None:
        self.ctx, self.project = ctx, project
        self.command = _name_below_root(ctx)
        self.options = options_of(ctx.command)
        self.target = self._target()
        self.layers = [
            [each for each in layer if each.command or self.command not in OWN_TABLE_ONLY]
            for layer in project.layers(self.command, self.target)
        ]
        if not ctx.meta.get(f"{_READ}.checked"):
            check_names(ctx, project, [each for layer in self.layers for each in layer])
            ctx.meta[f"{_READ}.checked"] = True

    def _target(self) -> str:
        own = next((each for each in self.project.settings if each.name == "target" and not each.target), None)
        asked = self.ctx.meta.get(TARGET) or os.environ.get(TARGET_VARIABLE, "")
        if not asked and own is not None:
            asked = str(own.value)
            self.project.check_target(asked, own.where)
        self.project.check_target(asked)
        return asked

    def value(self, name: str) -> Any:
        """The value for the parameter `name`, as click takes it; None where the file has none."""
        options = {key: option for key, option in self.options.items() if option.name == name}
        if any(self.gives_way(key, option) for key, option in options.items()):
            return None
        if any(map(is_named, options.values())):
            return [f"{key}={value}" for key, (value, _) in self.pairs(name).items()] or None
        for key, option in options.items():
            setting = self.setting(key)
            if setting is not None:
                value = value_of(option, setting)
                if value is not None:
                    return checked(self.ctx, option, setting, value)
        return None

    def setting(self, key: str) -> Setting | None:
        """The setting of an option that counts most; of options that exclude each other one that is set above hides
        the others.
        """
        options = [other for other, option in self.options.items() if option.name == self.options[key].name]
        for layer in self.layers:
            found = [each for each in layer if each.name in options]
            if found:
                return next((each for each in found if each.name == key), None)
        return None

    def pairs(self, name: str) -> dict[str, tuple[str, Setting]]:
        """Name -> value and setting of an option NAME=VALUE, of all layers."""
        found: dict[str, tuple[str, Setting]] = {}
        for key, option in self.options.items():
            if option.name == name:
                for setting in (each for layer in self.layers for each in layer if each.name == key):
                    for each, value in pairs_of(setting):
                        found.setdefault(each, (value, setting))
        hidden = {parameter for key, parameter in AS_PARAMETER.items() if self.is_given(key)}
        return {each: both for each, both in found.items() if name != "pairs" or each not in hidden}

    def gives_way(self, key: str, option: click.Option) -> bool:
        """Whether command line or environment say something else."""
        if any(os.environ.get(variable) for variable in variables_of(option)):
            return True
        parameter = AS_PARAMETER.get(key)
        if parameter and any(parameter in given_names(self.ctx, each) for each in self.options.values()):
            return True
        return any(map(self.is_given, gives_way_to(key)))

    def is_given(self, key: str) -> bool:
        """Whether command line or environment give the option or argument."""
        for each in self.ctx.command.params:
            if each.name and key_of(each) == key:
                if any(os.environ.get(variable) for variable in variables_of(each)):
                    return True
                return is_typed(self.ctx, each.name)
        return False


def check_names(ctx: click.Context, project: Project, settings: list[Setting]) -> None:
    """Raise UsageError for the first of `name_problems`."""
    for problem in name_problems(ctx, project, settings):
        raise problem


def name_problems(ctx: click.Context, project: Project, settings: list[Setting]) -> Iterator[UsageError]:
    """An error for each setting that is an option of no command, or not of the one whose table it is in."""
    own = options_of(ctx.command)
    common = [each for each in settings if not each.command and each.name not in own]
    known = _options_of_all(ctx, {each.name for each in common})
    for each in common:
        if each.name not in known and each.name != "target":
            hint = f"it is an option's long name: see provision {_name_below_root(ctx)} --help".replace("  ", " ")
            if isinstance(each.value, dict):
                hint = f"a table is a command's, {', '.join(command_names(ctx)[:3])}, …, [param] or [targets.NAME]"
            raised = [*known, "targets", *(command_names(ctx) if isinstance(each.value, dict) else ())]
            yield each.wrong("no command has such an option", nearest(each.name, raised, hint))
    for each in settings:
        if each.name == "target" and (each.target or each.command):
            yield each.wrong("only the file as a whole has a target", "move it to the top of the file")
        elif each.command:
            there = _options_below(ctx, each.command)
            if each.name not in there:
                yield each.wrong(
                    f"provision {each.command} has no such option",
                    nearest(each.name, there, f"see provision {each.command} --help"),
                )


def _options_of_all(ctx: click.Context, wanted: set[str]) -> set[str]:
    """The options of all commands, as far as they have to be read for those that are wanted."""
    found = {"target"}
    for name in reversed(command_names(ctx)):  # the first take longest to import
        if not wanted - found:
            break
        found |= _options_below(ctx, name) if name not in OWN_TABLE_ONLY else set()
    return found


def _options_below(ctx: click.Context, name: str) -> set[str]:
    root = ctx.find_root()
    command = root.command.get_command(root, name) if isinstance(root.command, click.Group) else None
    return _names_below(command) if command is not None else set()


def _names_below(command: click.Command) -> set[str]:
    below = command.commands.values() if isinstance(command, click.Group) else ()
    return set(options_of(command)).union(*map(_names_below, below))


def _name_below_root(ctx: click.Context) -> str:
    while ctx.parent is not None and ctx.parent.parent is not None:
        ctx = ctx.parent
    return ctx.info_name or ""
