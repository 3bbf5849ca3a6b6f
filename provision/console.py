"""What a person sees: progress on standard error, results on standard output; one JSON object with `--json`."""

import json
import sys
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any

from rich.console import Console as RichConsole
from rich.progress import (
    BarColumn,
    DownloadColumn,
    Progress,
    SpinnerColumn,
    TaskProgressColumn,
    TextColumn,
    TimeElapsedColumn,
    TransferSpeedColumn,
)
from rich.table import Table

from provision.errors import Shown

WIDE = 1000  # columns where there is no terminal: nothing is wrapped or cut for a reader that is a program


def _rich(terminal: bool, *, stderr: bool = False) -> RichConsole:
    return RichConsole(stderr=stderr, highlight=False, soft_wrap=True, width=None if terminal else WIDE)


@dataclass
class Console:
    """Two streams: `out` for what was asked for, `err` for how it is going."""

    as_json: bool = False
    debug: bool = False
    out: RichConsole = field(default_factory=lambda: _rich(sys.stdout.isatty()))
    err: RichConsole = field(default_factory=lambda: _rich(sys.stderr.isatty(), stderr=True))

    def say(self, text: str) -> None:
        """One line of progress, to standard error."""
        self.err.print(text, markup=False)

    @contextmanager
    def step(self, text: str) -> Iterator[None]:
        """Show that `text` is being done (a spinner with the seconds on a terminal), then that it is done."""
        columns = (SpinnerColumn(), TextColumn("{task.description}"), TimeElapsedColumn())
        if not self.err.is_terminal:
            self.say(f"{text} …")
            yield
            return
        with Progress(*columns, console=self.err, transient=True) as progress:
            task = progress.add_task(text, total=None)
            yield
            seconds = progress.tasks[task].elapsed or 0
        self.say(f"{text}: {seconds:.1f} s")

    @contextmanager
    def progress(self, *, unit: str = "") -> Iterator[Progress]:
        """A progress bar to add tasks to; `unit="bytes"` counts bytes and shows their rate."""
        amount = (DownloadColumn(), TransferSpeedColumn()) if unit == "bytes" else (TaskProgressColumn(),)
        columns = (TextColumn("{task.description}"), BarColumn(), *amount, TimeElapsedColumn())
        with Progress(*columns, console=self.err, transient=True, disable=not self.err.is_terminal) as progress:
            yield progress

    def result(self, answer: Mapping[str, Any], text: str | Table | None = None) -> None:
        """The command's answer: `answer` as one JSON object with `--json`, else `text`."""
        if self.as_json:
            sys.stdout.write(json.dumps(answer, default=str) + "\n")
            sys.stdout.flush()
        elif isinstance(text, Table):
            self.out.print(text)
        elif text:
            self.out.print(text, markup=False)

    def error(self, error: Shown) -> None:
        """One line: what, why, and what to do next."""
        if self.as_json:
            answer = {"kind": error.kind, "message": error.message, "next": error.next_step}
            sys.stdout.write(json.dumps({"error": answer}) + "\n")
        line = f"error: {one_line(error.message)}"
        if error.next_step:
            line += f"; {one_line(error.next_step)}"
        self.err.print(line, markup=False, style="red")


def one_line(text: str) -> str:
    """`text` with every run of white space made one space."""
    return " ".join(text.split())
