"""`--target` and `--project`, which every command that reads a project file takes."""

from typing import Any

import click

from provision.project.context import PROJECT, TARGET, TARGET_VARIABLE, ProjectContext
from provision.project.find import NAME, VARIABLE


def _keep(key: str) -> Any:
    def keep(ctx: click.Context, _param: click.Parameter, value: str | None) -> None:
        if value:
            ctx.meta[key] = value

    return keep


_OPTIONS: dict[str, dict[str, Any]] = {
    "--target": {
        "metavar": "NAME",
        "callback": _keep(TARGET),
        "help": f"Take what the project file has for this target.  [env: {TARGET_VARIABLE}]",
    },
    "--project": {
        "metavar": "FILE|DIR",
        "callback": _keep(PROJECT),
        "help": f"The project file.  [env: {VARIABLE}; default: {NAME} here, or in the nearest folder above]",
    },
}
_HOW: dict[str, Any] = {"expose_value": False, "is_eager": True}


def project_options(command: Any) -> Any:
    """Add `--target` and `--project` to a command."""
    for name, texts in reversed(_OPTIONS.items()):
        command = click.option(name, **texts, **_HOW)(command)
    return command


def with_project(command: click.Command, *, takes_defaults: bool = True) -> click.Command:
    """The command and those below it with these options; the project file's values are their defaults if it
    `takes_defaults`.
    """
    if isinstance(command, click.Group):
        for below in command.commands.values():
            with_project(below, takes_defaults=takes_defaults)
        return command
    if not any(option.name == "project" for option in command.params):
        command.params += [click.Option([name], **texts, **_HOW) for name, texts in _OPTIONS.items()]
    if takes_defaults:
        command.context_class = ProjectContext
    return command
