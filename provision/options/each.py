"""The options of `apply` for a class: one note per row of a file."""

import functools
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import click

from provision.errors import UsageError
from provision.streams.interpreter import ISOLATED, SHARED


@dataclass(frozen=True)
class EachOptions:
    """The values of these options; `per_note` None leaves Spark's setting alone."""

    file: Path
    jobs: int = 4
    run: bool = False
    per_note: str | None = None


def each_options(command: Callable[..., Any]) -> Callable[..., Any]:
    """Add the options; the command gets them as one `each: EachOptions`, or None without `--each`."""

    @click.option(
        "--each",
        "file",
        type=click.Path(exists=True, dir_okay=False, path_type=Path),
        metavar="FILE.csv",
        help="Write a note for each row: columns appid, appkey, appsecret or secret_file, topic, note, owner, …",
    )
    @click.option(
        "--jobs", type=click.IntRange(1, 32), default=4, show_default=True, help="With --each: rows at a time."
    )
    @click.option("--run", "run_each", is_flag=True, help="With --each: run the notes, where each has its own Spark.")
    @click.option("--isolate", "per_note", flag_value=ISOLATED, help="With --each: give each note its own Spark.")
    @click.option("--shared", "per_note", flag_value=SHARED, help="With --each: one Spark for all notes again.")
    @functools.wraps(command)
    def with_each(
        *args: Any, file: Path | None, jobs: int, run_each: bool, per_note: str | None, **others: Any
    ) -> Any:  # fmt: skip
        if file is None and (run_each or per_note):
            raise UsageError("--run, --isolate and --shared go with --each", next_step="add --each FILE.csv")
        if file is not None and getattr(others.get("note"), "path", None):
            raise UsageError("--note names one note", next_step="give --each's notes in a column `note`")
        each = EachOptions(file, jobs, run_each, per_note) if file else None
        return command(*args, each=each, **others)

    return with_each
