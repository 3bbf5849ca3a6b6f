"""What a person sees: progress on standard error, results on standard output; one JSON object with `--json`.

Rich is imported for a terminal, a table or a progress bar; lines that a program reads are written without it.
"""

import json
import os
import sys
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager, suppress
from typing import TYPE_CHECKING, Any, TextIO

from provision.errors import ShownError, error_json, hide_passwords
from provision.terminal import harmless

if TYPE_CHECKING:
    from rich.console import Console as RichConsole
    from rich.console import ConsoleOptions, RenderableType
    from rich.progress import Progress
    from rich.segment import Segment
    from rich.table import Table

WIDE = 1000  # columns without a terminal: never wrap or cut for a program


def _rich(stream: TextIO) -> "RichConsole":
    from rich.console import Console as RichConsole

    class HarmlessConsole(RichConsole):
        """Nothing that is printed drives the terminal, but what rich itself adds."""

        def print(self, *objects: Any, **how: Any) -> None:
            super().print(*(harmless(each) if isinstance(each, str) else each for each in objects), **how)

        def render(self, renderable: "RenderableType", options: "ConsoleOptions | None" = None) -> "Iterator[Segment]":
            for segment in super().render(renderable, options):
                yield segment if segment.control else segment._replace(text=harmless(segment.text))

    return HarmlessConsole(
        stderr=stream is sys.stderr, highlight=False, soft_wrap=True, width=None if stream.isatty() else WIDE
    )


def _is_plain(console: "RichConsole | None", stream: TextIO) -> bool:
    """Whether lines go to `stream` unstyled."""
    return console is None and not stream.isatty() and not os.environ.get("FORCE_COLOR")


def _write_line(stream: TextIO, text: str) -> None:
    stream.write(f"{harmless(text)}\n")
    stream.flush()


class Console:
    """Two rich consoles, created on first use: `out` for results, `err` for progress."""

    def __init__(
        self,
        as_json: bool = False,
        debug: bool = False,
        *,
        out: "RichConsole | None" = None,
        err: "RichConsole | None" = None,
    ) -> None:
        self.as_json = as_json
        self.debug = debug
        self._out = out
        self._err = err
        self._blotted: Callable[[str], str] = str

    @property
    def out(self) -> "RichConsole":
        """Standard output."""
        self._out = self._out or _rich(sys.stdout)
        return self._out

    @property
    def err(self) -> "RichConsole":
        """Standard error."""
        self._err = self._err or _rich(sys.stderr)
        return self._err

    def hide(self, blotted: Callable[[str], str]) -> None:
        """From now on `blotted` takes the secrets out of all that is shown."""
        self._blotted = blotted

    def shown(self, text: str) -> str:
        """The text as it may be shown."""
        return self._blotted(text)

    def say(self, text: str, style: str | None = None) -> None:
        """One line of progress, to standard error. Where nobody can read it the work goes on."""
        text = self.shown(hide_passwords(text))
        with suppress(OSError):
            if _is_plain(self._err, sys.stderr):
                _write_line(sys.stderr, text)
            else:
                self.err.print(text, markup=False, style=style)

    @contextmanager
    def step(self, text: str) -> Iterator[None]:
        """Show `text` while the block runs (on a terminal a spinner with the seconds), then that it is done."""
        if _is_plain(self._err, sys.stderr) or not self.err.is_terminal:
            self.say(f"{text} …")
            yield
            return
        from rich.progress import Progress, SpinnerColumn, TextColumn, TimeElapsedColumn

        columns = (SpinnerColumn(), TextColumn("{task.description}"), TimeElapsedColumn())
        with Progress(*columns, console=self.err, transient=True) as progress:
            task = progress.add_task(text, total=None)
            yield
            seconds = progress.tasks[task].elapsed or 0
        self.say(f"{text}: {seconds:.1f} s")

    @contextmanager
    def progress(self, *, unit: str = "") -> "Iterator[Progress]":
        """A progress bar to add tasks to; `unit="bytes"` counts bytes and shows their rate."""
        from rich.progress import (
            BarColumn,
            DownloadColumn,
            Progress,
            TaskProgressColumn,
            TextColumn,
            TimeElapsedColumn,
            TransferSpeedColumn,
        )

        amount = (DownloadColumn(), TransferSpeedColumn()) if unit == "bytes" else (TaskProgressColumn(),)
        columns = (TextColumn("{task.description}"), BarColumn(), *amount, TimeElapsedColumn())
        with Progress(*columns, console=self.err, transient=True, disable=not self.err.is_terminal) as progress:
            yield progress

    def result(self, answer: Mapping[str, Any], text: "str | Table | None" = None) -> None:
        """The command's answer: `answer` as one JSON object with `--json`, else `text`."""
        if self.as_json:
            _write_line(sys.stdout, self.shown(json.dumps(answer, default=str)))
            return
        if isinstance(text, str):
            text = self.shown(text)
        if text and isinstance(text, str) and _is_plain(self._out, sys.stdout):
            _write_line(sys.stdout, text)
        elif text:
            self.out.print(text, markup=False)

    def line(self, text: str) -> None:
        """One line of an answer that has no end, to standard output."""
        text = self.shown(text)
        if _is_plain(self._out, sys.stdout):
            _write_line(sys.stdout, text)
        else:
            self.out.print(text, markup=False)

    def error(self, error: ShownError) -> None:
        """Print an error in one line: the thing, the cause, the next step."""
        if self.as_json:
            with suppress(OSError):  # standard error has it too
                _write_line(sys.stdout, self.shown(json.dumps({"error": error_json(error)})))
        line = f"error: {one_line(error.message)}"
        if error.next_step:
            line += f"; {one_line(error.next_step)}"
        self.say(line, style="red")


class Quiet(Console):
    """Reports no progress: work that runs in parallel prints one line per item at its end."""

    def say(self, text: str, style: str | None = None) -> None:
        """Nothing."""

    @contextmanager
    def step(self, text: str) -> Iterator[None]:
        """Run the block silently."""
        yield


def one_line(text: str) -> str:
    """`text` with each run of white space collapsed to one space."""
    return " ".join(text.split())
