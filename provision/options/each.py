"""The options for a class: what a command does for one note, for the note of each row of a file."""

import functools
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import click

from provision.errors import UsageError
from provision.options.application import ApplicationOptions, place_options
from provision.project.option import NamedValues, typed_names
from provision.streams.interpreter import ISOLATED, SHARED

_FILE = click.Path(exists=True, dir_okay=False, path_type=Path)
_JOBS = click.option(
    "--jobs", type=click.IntRange(1, 32), default=4, show_default=True, help="With --each: rows at a time."
)


@dataclass(frozen=True)
class EachOptions:
    """The values of the options of `apply`; `per_note` None leaves Spark's setting alone."""

    file: Path
    jobs: int = 4
    run: bool = False
    per_note: str | None = None


@dataclass(frozen=True)
class ClassOptions:
    """Which notes a class file names: a row's path is its column `note`, else the bundle's for the row's parameters."""

    file: Path
    jobs: int = 4
    bundle: str | None = None
    pairs: tuple[str, ...] = ()
    application: ApplicationOptions = field(default_factory=ApplicationOptions)


def each_options(command: Callable[..., Any]) -> Callable[..., Any]:
    """Add the options of `apply`; the command gets them as one `each: EachOptions`, or None without `--each`."""

    @click.option(
        "--each",
        "file",
        type=_FILE,
        metavar="FILE.csv",
        help="Write a note for each row: columns appid, appkey, appsecret or secret_file (or what another platform's "
        "accounts have), topic, note, owner, …",
    )
    @_JOBS
    @click.option("--run", "run_each", is_flag=True, help="With --each: run the notes, where each has its own Spark.")
    @click.option("--isolate", "per_note", flag_value=ISOLATED, help="With --each: give each note its own Spark.")
    @click.option("--shared", "per_note", flag_value=SHARED, help="With --each: one Spark for all notes again.")
    @functools.wraps(command)
    def with_each(
        *args: Any, file: Path | None, jobs: int, run_each: bool, per_note: str | None, **others: Any
    ) -> Any:  # fmt: skip
        if file is None and (run_each or per_note):
            raise UsageError("--run, --isolate and --shared go with --each", next_step="add --each FILE.csv")
        _refuse_path(file, others)
        each = EachOptions(file, jobs, run_each, per_note) if file else None
        return command(*args, each=each, **others)

    return with_each


def plan_each_options(command: Callable[..., Any]) -> Callable[..., Any]:
    """Add the options of `plan`; the command gets them as one `each: EachOptions`, or None without `--each`."""

    @click.option(
        "--each", "file", type=_FILE, metavar="FILE.csv", help="Plan the note of each row, as `apply --each`."
    )
    @_JOBS
    @functools.wraps(command)
    def with_each(*args: Any, file: Path | None, jobs: int, **others: Any) -> Any:
        _refuse_path(file, others)
        return command(*args, each=EachOptions(file, jobs) if file else None, **others)

    return with_each


def _refuse_path(file: Path | None, others: dict[str, Any]) -> None:
    if file is not None and getattr(others.get("note"), "path", None):
        raise UsageError("--note names one note", next_step="give --each's notes in a column `note`")


def note_or_each(*, required: bool = True, in_turn: bool = False) -> Callable[[Callable[..., Any]], Callable[..., Any]]:
    """Add the argument NOTE, and the options for a class in its place.

    The command gets `note`, None with `--each` or where it is not `required`, and `each: ClassOptions`, or None.
    `in_turn`: one row at a time, so there is no `--jobs`.
    """

    def check(ctx: click.Context, param: click.Parameter, note: str | None) -> str | None:
        file = ctx.params.get("each_file")
        if note is not None and file is not None:
            raise click.BadParameter("it names one note, and --each many: give one of the two", ctx, param, "NOTE")
        if note is None and file is None and required and not ctx.resilient_parsing:
            raise click.MissingParameter("Name a note, or --each FILE.csv.", ctx, param, "NOTE")
        return note

    options = (
        # both eager, and this one first: what a project file says of it has to be known where NOTE is missing
        click.option(
            "--each",
            "each_file",
            type=_FILE,
            is_eager=True,
            metavar="FILE.csv",
            help="Do it for the note of each row: the file of `apply --each`.",
        ),
        click.argument("note", required=False, callback=check, is_eager=True),
        *(() if in_turn else (_JOBS,)),
        click.option(
            "--bundle",
            metavar="NAME|DIR",
            help="With --each: the bundle, for rows without a column `note`.  [default: that of their notes]",
        ),
        click.option(
            "--param",
            "pairs",
            cls=NamedValues,
            multiple=True,
            metavar="NAME=VALUE",
            help="With --each: as in its apply.",
        ),
        place_options,
    )

    def is_of_class(name: str) -> bool:
        return name in ("bundle", "pairs", "credentials_file", "platform_name") or name.startswith("of_account_")

    def decorate(command: Callable[..., Any]) -> Callable[..., Any]:
        @functools.wraps(command)
        def with_class(
            *args: Any,
            each_file: Path | None,
            bundle: str | None,
            pairs: tuple[str, ...],
            application: ApplicationOptions,
            jobs: int = 1,
            **others: Any,
        ) -> Any:
            if each_file is None:
                if any(map(is_of_class, typed_names(click.get_current_context()))):
                    raise UsageError(
                        "--bundle, --param and what names an account go with --each",
                        next_step="add --each FILE.csv, or leave them out: a note keeps what it was applied with",
                    )
                return command(*args, each=None, **others)
            each = ClassOptions(each_file, jobs, bundle, pairs, application)
            return command(*args, each=each, **others)

        decorated: Callable[..., Any] = with_class
        for option in reversed(options):
            decorated = option(decorated)
        return decorated

    return decorate
