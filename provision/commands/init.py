"""`provision init`: writes a project."""

import os
from pathlib import Path

import click

from provision.bundles.bundle import DEFAULT_BUNDLE, OLDER_BUNDLE
from provision.bundles.own_copy import check_schema, own_copy
from provision.console import Console
from provision.errors import UsageError
from provision.options.output import json_option
from provision.project.find import NAME
from provision.project.write import BUNDLE, write_project


@click.command()
@click.argument("folder", metavar="[DIR]", type=click.Path(file_okay=False, path_type=Path), default=Path())
@click.option(
    "--schema",
    metavar="FIELDS",
    help='The fields of your events: "device string, temperature double".  [default: those of the document]',
)
@click.option(
    "--bundle",
    metavar="NAME|DIR",
    default=DEFAULT_BUNDLE,
    show_default=True,
    help=f"The bundle to copy; {OLDER_BUNDLE} for a server without Spark from 3.3 in Python.",
)
@json_option
@click.pass_obj
def init(console: Console, /, folder: Path, schema: str | None, bundle: str) -> None:
    """Write a project into DIR, by default this folder: provision.toml, and a bundle of your own.

    The bundle is one of the tool's, copied for you to edit: it averages the numbers of each device over a
    sliding window. With --schema its events have the fields that you name, with types of Spark SQL: string, double,
    int, bigint, boolean, timestamp, … The first text tells the devices apart, the first timestamp is the event's
    time; without one the time of arrival counts.

    In the folder and below it, all commands take what provision.toml says: `provision config` shows it, `provision
    validate` checks it. Nothing that is there is overwritten: a folder that has a project is refused.

    \b
    provision init
    provision init greenhouse --schema "device string, temperature double, humidity double"
    """
    fields = check_schema(schema) if schema is not None else None
    if os.path.lexists(folder / NAME):
        raise UsageError(f"{folder / NAME}: there is a project already", next_step="edit it, or name another folder")
    if os.path.lexists(folder / BUNDLE):
        raise UsageError(
            f"{folder / BUNDLE}: it is there already, and would be the project's bundle",
            next_step="name another folder, or move it away",
        )
    written = write_project(folder, own_copy(bundle, folder.resolve().name, fields))
    text = "\n".join([*map(str, written), "", *_next_steps(folder)])
    console.result({"project": str((folder / NAME).absolute()), "written": [*map(str, written)]}, text)


def _next_steps(folder: Path) -> list[str]:
    cd = [] if folder.resolve() == Path.cwd() else [f"cd {folder}"]
    return [*cd, "provision up       # a Zeppelin here; or name yours in provision.toml", "provision apply"]
