"""What is wrong with a project file's settings, and with a bundle and its parameters. Asks nobody."""

from collections.abc import Iterator

import click

from provision.bundles.bundle import Bundle
from provision.errors import UsageError, nearest
from provision.options.note import NoteOptions
from provision.platforms.platform import Place
from provision.prepare import check_spec, note_spec
from provision.project.context import OWN_TABLE_ONLY, Defaults, command_names, name_problems
from provision.project.file import Project, Setting
from provision.project.option import checked, is_named, options_of, pairs_of, value_of


def settings_problems(ctx: click.Context, project: Project) -> Iterator[UsageError]:
    """An error for each setting that no command takes, or whose value is of the wrong kind."""
    unknown = list(name_problems(ctx, project, list(project.settings)))
    yield from unknown
    for setting in project.settings:
        option = _option_of(ctx, setting)
        if option is not None:
            yield from _value_problems(ctx, option, setting)
    try:
        Defaults(ctx, project)
    except UsageError as error:  # of the default target
        if error.message not in {each.message for each in unknown}:
            yield error


def _option_of(ctx: click.Context, setting: Setting) -> click.Option | None:
    """The option that a setting is for: of its own command, else of the first that has it."""
    all_names = [name for name in command_names(ctx) if name not in OWN_TABLE_ONLY]
    for name in [setting.command] if setting.command else all_names:
        root = ctx.find_root()
        command = root.command.get_command(root, name) if isinstance(root.command, click.Group) else None
        below = command.commands.values() if isinstance(command, click.Group) else [command]
        for each in filter(None, below):
            if setting.name in options_of(each):
                return options_of(each)[setting.name]
    return None


def _value_problems(ctx: click.Context, option: click.Option, setting: Setting) -> Iterator[UsageError]:
    try:
        if is_named(option):
            list(pairs_of(setting))
        elif (value := value_of(option, setting)) is not None:
            checked(ctx, option, setting, value)
    except UsageError as error:
        yield error


def parameter_problems(defaults: Defaults, bundle: Bundle) -> Iterator[UsageError]:
    """An error for each parameter of the project file that the bundle does not take, or not with that value."""
    for name, (value, setting) in defaults.pairs("pairs").items():
        try:
            if name not in bundle.parameters:
                listed = f"bundle {bundle.name} has {', '.join(sorted(bundle.parameters))}"
                raise UsageError(
                    f"bundle {bundle.name} has no parameter {name!r}",
                    next_step=nearest(name, bundle.parameters, listed),
                )
            if value:
                bundle.parameters[name].value(value)
        except UsageError as error:
            where = f"{setting.file}:{setting.lines.get(name, setting.line)}"
            yield UsageError(f"{where}: {error.message}", next_step=error.next_step)


def together_problems(bundle: Bundle, note: NoteOptions, place: Place, where: str) -> Iterator[UsageError]:
    """An error where the parameters do not fit each other, the path or a template."""
    try:
        check_spec(note_spec(bundle, note.pairs, place, note.path))
    except UsageError as error:
        is_placed = error.message.startswith(str(bundle.folder))
        yield UsageError(error.message if is_placed else f"{where}: {error.message}", next_step=error.next_step)
