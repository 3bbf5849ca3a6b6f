"""One line of `doctor`: what a check found, or the error that it ended in."""

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from enum import StrEnum
from typing import Any

from netpie_creds import NetpieError
from provision.console import one_line
from provision.errors import ProvisionError, exit_status
from zeppelin_sdk import ZeppelinError


class Level(StrEnum):
    """How severe a finding is."""

    OK = "ok"
    WARN = "warn"
    FAIL = "fail"


@dataclass(frozen=True)
class Finding:
    """A part, its level and, unless `OK`, what to do; `exit_code` is that of a `FAIL`."""

    part: str
    level: Level
    message: str
    next_step: str = ""
    exit_code: int = ProvisionError.exit_code

    def to_json(self) -> dict[str, Any]:
        """The keys of a check of `doctor --json`."""
        return {"part": self.part, "level": str(self.level), "message": self.message, "next": self.next_step or None}

    def line(self) -> str:
        """The finding as a person reads it."""
        said = one_line(self.message) + (f"; {one_line(self.next_step)}" if self.next_step else "")
        return f"{self.level:<4}  {self.part:<12}  {said}"


def ok(part: str, message: str) -> Finding:
    """Nothing to do."""
    return Finding(part, Level.OK, message)


def warn(part: str, message: str, next_step: str) -> Finding:
    """It works or may work; something should be done."""
    return Finding(part, Level.WARN, message, next_step)


def fail(part: str, message: str, next_step: str, exit_code: int = ProvisionError.exit_code) -> Finding:
    """It does not work."""
    return Finding(part, Level.FAIL, message, next_step, exit_code)


def told(part: str, check: Callable[[], Iterable[Finding]]) -> Iterator[Finding]:
    """What `check` finds; an error of this project's packages or of the system ends it as a failure of `part`."""
    try:
        yield from check()
    except (ProvisionError, NetpieError, ZeppelinError) as error:
        yield fail(part, error.message, error.next_step, exit_status(error))
    except OSError as error:
        where = f"{error.filename}: " if error.filename else ""
        yield fail(part, f"{where}{error.strerror or error}", "fix that, and run it again")


def exit_code(findings: Iterable[Finding]) -> int:
    """0 when nothing failed, the failures' exit code when they share one (4 or 5), else 1."""
    codes = {finding.exit_code for finding in findings if finding.level is Level.FAIL}
    if not codes:
        return 0
    return codes.pop() if len(codes) == 1 else ProvisionError.exit_code
