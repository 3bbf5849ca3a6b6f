"""The command line, run in this process."""

import contextlib
import io
import json
from dataclasses import dataclass
from typing import Any

from provision.cli import run


@dataclass(frozen=True)
class Outcome:
    """The result of a command line."""

    status: int
    out: str
    err: str

    @property
    def json(self) -> dict[str, Any]:
        """What it printed with `--json`."""
        return json.loads(self.out)

    @property
    def errors(self) -> list[str]:
        return [line for line in self.err.splitlines() if line.startswith("error: ")]


def provision(*arguments: object) -> Outcome:
    """Run `provision ARGUMENTS`."""
    with contextlib.redirect_stdout(io.StringIO()) as out, contextlib.redirect_stderr(io.StringIO()) as err:
        status = run([str(argument) for argument in arguments])
    return Outcome(status, out.getvalue(), err.getvalue())


def done(*arguments: object) -> Outcome:
    """Run `provision ARGUMENTS`, which must succeed."""
    outcome = provision(*arguments)
    assert outcome.status == 0, outcome.err
    return outcome
