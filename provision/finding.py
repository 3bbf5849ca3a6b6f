"""What a check found: a line of `doctor`."""

from dataclasses import dataclass
from enum import StrEnum
from typing import Any

from provision.console import one_line
from provision.errors import ProvisionError


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
