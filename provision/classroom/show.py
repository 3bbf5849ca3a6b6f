"""Shows what becomes of rows: a line each in the file's order, behind a progress bar on a terminal; a cause once."""

from collections import deque
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager, nullcontext
from typing import Any

import click

from netpie_creds import NetpieError
from provision.classroom.causes import Failed
from provision.classroom.outcome import Outcome, Result, exit_code
from provision.classroom.side_by_side import Row, Work, do_rows
from provision.console import Console
from provision.errors import ProvisionError
from provision.platforms.platform import Cause
from zeppelin_sdk import ZeppelinError


def do_and_show(
    console: Console,
    work: Work[Row],
    rows: Sequence[Row],
    refused: Sequence[Outcome],
    jobs: int,
    failed: Failed | None = None,
) -> list[Outcome]:
    """Do all rows and show what becomes of each; `refused` are the outcomes of rows that can't be tried.

    Returns all outcomes in the file's order. At an interrupt what has become of rows is shown too.
    """
    lines = _Lines(console, [*(outcome.line for outcome in refused), *(row.line for row in rows)])
    bar = console.err.is_terminal
    try:
        with console.progress() if bar else nullcontext() as progress:
            task = progress.add_task("notes", total=len(rows)) if progress else None

            def tell(outcome: Outcome) -> None:
                lines.add(outcome)
                if progress is None or task is None:
                    lines.show()
                else:
                    progress.advance(task)

            for outcome in refused:
                lines.add(outcome)
            outcomes = do_rows(work, rows, jobs, tell, failed)
        lines.show()
    except KeyboardInterrupt:
        lines.show_rest()
        console.say(f"{lines.count} of {len(rows) + len(refused)} rows were done; run it again for the others")
        raise
    return sorted([*refused, *outcomes], key=lambda outcome: outcome.line)


def show_refused(console: Console, refused: Sequence[Outcome]) -> list[Outcome]:
    """Show the outcomes of a class none of whose rows can be tried, and return them in the file's order."""
    lines = _Lines(console, [outcome.line for outcome in refused])
    for outcome in refused:
        lines.add(outcome)
    lines.show()
    return sorted(refused, key=lambda outcome: outcome.line)


@contextmanager
def told_anyway(console: Console, refused: Sequence[Outcome]) -> Iterator[None]:
    """Say which rows can't be tried where the block fails by what concerns the class as a whole."""
    try:
        yield
    except (ProvisionError, NetpieError, ZeppelinError):
        for outcome in sorted(refused, key=lambda outcome: outcome.line):
            console.say(outcome.text())
        raise


def finish(
    console: Console, outcomes: Iterable[Outcome], *, code: Callable[[Sequence[Outcome]], int] = exit_code
) -> None:
    """Give the answer, say how many rows became what, and end the command with `code` of the outcomes."""
    all_outcomes = list(outcomes)
    counts = {str(result): sum(outcome.result is result for outcome in all_outcomes) for result in Result}
    answer: Mapping[str, Any] = {"rows": [outcome.to_json() for outcome in all_outcomes], **counts}
    console.result(answer)
    console.say(", ".join(f"{count} {result}" for result, count in counts.items() if count))
    if status := code(all_outcomes):
        raise click.exceptions.Exit(status)


class _Lines:
    """The rows' lines of text: each is shown once all before it in the file are."""

    def __init__(self, console: Console, order: Iterable[int]) -> None:
        self._console = console
        self._order = deque(sorted(order))
        self._waiting: dict[int, Outcome] = {}
        self._told: dict[Cause, int] = {}
        self.count = 0

    def add(self, outcome: Outcome) -> None:
        self._waiting[outcome.line] = outcome
        self.count += 1

    def show(self) -> None:
        """Show those whose turn it is."""
        while self._order and self._order[0] in self._waiting:
            self._print(self._waiting.pop(self._order.popleft()))

    def show_rest(self) -> None:
        """Show those that wait for their turn too."""
        for line in sorted(self._waiting):
            self._print(self._waiting[line])

    def _print(self, outcome: Outcome) -> None:
        first = self._told.setdefault(outcome.cause, outcome.line) if outcome.cause else outcome.line
        if not self._console.as_json:
            text = outcome.text(None if first == outcome.line else first)
            self._console.out.print(self._console.shown(text), markup=False)
