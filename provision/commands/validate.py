"""`provision validate`: what is wrong with a project, told without a server."""

from collections.abc import Iterator
from dataclasses import dataclass, replace
from typing import Any

import click

from netpie_creds import NetpieError
from provision.bundles.bundle import Bundle, bundle_problems, load_bundle
from provision.checks.project import parameter_problems, settings_problems, together_problems
from provision.classroom.of_usual import bundles_of_class
from provision.classroom.roster import read_people
from provision.classroom.rows import class_rows
from provision.console import Console, one_line
from provision.errors import ProvisionError, ShownError, UsageError, hide_passwords
from provision.options.each import EachOptions, each_options
from provision.options.note import NoteOptions, note_options
from provision.options.output import json_option
from provision.platforms import DEFAULT_PLATFORM, named_platform
from provision.platforms.platform import Given, Place
from provision.project.context import PROJECT, TARGET, Defaults, ProjectContext, project_of
from provision.project.file import Project
from zeppelin_sdk import ZeppelinClient, ZeppelinError

_SOME_PLACE = named_platform(DEFAULT_PLATFORM).place(Given({"appid": "APPID"}, env={}))
"""Where topics are, as far as the project names no account."""


@dataclass(frozen=True)
class Problem:
    """What is wrong: `message` begins with the file and line where that is known; `target` is empty for all."""

    message: str
    next_step: str
    target: str = ""

    def line(self) -> str:
        """The problem as a person reads it."""
        target = f"target {self.target}: " if self.target else ""
        return hide_passwords(f"{target}{one_line(self.message)}; {one_line(self.next_step)}".rstrip("; "))

    def to_json(self) -> dict[str, Any]:
        """The keys of a problem of `--json`."""
        shown = {"message": hide_passwords(self.message), "next": hide_passwords(self.next_step) or None}
        return {**shown, "target": self.target or None}


@click.command(name="apply")
@note_options
@each_options
def _as_apply(note: NoteOptions, each: EachOptions | None) -> tuple[NoteOptions, EachOptions | None]:
    """What an apply would be given."""
    return note, each


@click.command()
@click.option("--bundle", metavar="NAME|DIR", help="Check this bundle alone.")
@json_option
@click.pass_obj
@click.pass_context
def validate(ctx: click.Context, console: Console, /, bundle: str | None) -> None:
    """Check a project: provision.toml, its bundle, parameters, class file and the files that they name.

    Asks no server and no network, and looks at every target, or with --target at one. What is looked for: names of
    options and parameters that are none, values that are out of range or none of the choices, conditions that never
    hold, keys that are there twice, places in templates that no value fills, files that are missing, secrets.

    Each mistake is a line, with the file and the line that it is in, and what to do. Exit status: 0 when nothing is
    wrong, 2 when something is.

    \b
    provision validate
    provision validate --target prod
    provision validate --bundle ./greenhouse
    """
    if bundle is not None:
        checked, problems = [bundle], [_of(error) for error in bundle_problems(bundle)]
    else:
        checked, problems = _of_project(ctx)
    said = "\n".join(problem.line() for problem in problems) or f"{', '.join(checked)}: nothing is wrong"
    console.result(
        {"ok": not problems, "checked": checked, "problems": [problem.to_json() for problem in problems]}, said
    )
    if problems:
        raise click.exceptions.Exit(UsageError.exit_code)


def _of_project(ctx: click.Context) -> tuple[list[str], list[Problem]]:
    """What was checked, and what is wrong."""
    named, asked = ctx.meta.get(PROJECT), ctx.meta.get(TARGET)
    project = project_of(_context(ctx, named, asked))
    if project is None:
        raise UsageError("no provision.toml here or above", next_step="write one with provision init, or give --bundle")
    if asked:
        project.check_target(asked)
    problems = [_of(error) for error in settings_problems(_context(ctx, named, ""), project)]
    checked = [str(project.file)]
    if problems:  # settings that can't be taken
        return checked, problems
    for target in [asked] if asked else project.targets or [""]:
        found = [replace(_of(error), target=target) for error in _of_target(ctx, project, target)]
        known = {each.message for each in problems}
        problems += [each for each in found if each.message not in known]
    return checked, problems


def _context(ctx: click.Context, named: str | None, target: str | None) -> ProjectContext:
    """A context in which the options of `apply` get the project file's values for the target."""
    root = click.Context(ctx.find_root().command, info_name="provision", obj=ctx.obj)
    root.meta.update({PROJECT: named, TARGET: target})
    return ProjectContext(_as_apply, info_name="apply", parent=root)


def _of_target(ctx: click.Context, project: Project, target: str) -> Iterator[ShownError]:
    context = _context(ctx, str(project.file), target)
    try:
        with context.scope(cleanup=False):
            _as_apply.parse_args(context, [])
            note, each = context.invoke(_as_apply, **context.params)
    except ProvisionError as error:
        yield error
        return
    except click.UsageError as error:
        yield UsageError(f"{project.file}: {error.format_message()}")
        return
    try:
        if note.server.url is not None:
            ZeppelinClient(note.server.url).close()
    except ZeppelinError as error:
        yield error
    place = _SOME_PLACE
    try:
        account = note.application_for(None)
        if (account.names_account or account.given.hints) and each is None:  # else the rows name theirs
            place = account.named().place
    except (NetpieError, ProvisionError) as error:
        names_file = error.message.startswith(str(project.file.parent))
        where = "" if names_file else f"{project.file}: "
        yield UsageError(f"{where}{error.message}", next_step=error.next_step)
    yield from _of_note(Defaults(context, project), note, each, place)


def _of_note(defaults: Defaults, note: NoteOptions, each: EachOptions | None, place: Place) -> Iterator[ShownError]:
    try:
        name = (bundles_of_class(note.bundle, note.pairs, each.file) if each else note.bundles())[0]
    except UsageError as unread:
        yield unread
        return
    wrong, setting = bundle_problems(name), defaults.setting("bundle")
    for error in wrong:
        if setting is None or error.message.startswith(name):
            yield error
        else:
            yield setting.wrong(error.message, error.next_step)
    if wrong:
        return
    bundle = load_bundle(name)
    wrong = [*parameter_problems(defaults, bundle)]
    yield from wrong
    if each is not None:
        yield from _of_class(note, each, bundle)
    elif not wrong:
        yield from together_problems(bundle, note, place, str(defaults.project.file))


def _of_class(note: NoteOptions, each: EachOptions, bundle: Bundle) -> Iterator[ShownError]:
    try:
        _, refused = class_rows(read_people(each.file, bundle), bundle, note, None, planning=True)
    except (ProvisionError, NetpieError) as error:
        yield error
        return
    for row in refused:
        if row.error is not None:
            yield UsageError(f"{each.file}:{row.line}: {row.error.message}", next_step=row.error.next_step)


def _of(error: ShownError) -> Problem:
    return Problem(error.message, error.next_step)
