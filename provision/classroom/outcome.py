"""What became of a row."""

from dataclasses import dataclass
from enum import StrEnum
from typing import Any

from netpie_creds import NetpieError
from provision.console import one_line
from provision.errors import ConflictError, ProvisionError, error_json
from zeppelin_sdk import ZeppelinError

Failure = ProvisionError | NetpieError | ZeppelinError


class Result(StrEnum):
    """What became of a row."""

    DONE = "done"
    SAME = "same"
    FAILED = "failed"


@dataclass(frozen=True)
class Outcome:
    """The result of one row. `note` is its path; `url` and `cache` (its thing's folder) empty if it failed early."""

    line: int
    result: Result
    note: str
    url: str = ""
    cache: str = ""
    error: Failure | None = None

    @property
    def is_conflict(self) -> bool:
        return isinstance(self.error, ConflictError)

    def to_json(self) -> dict[str, Any]:
        """The keys of a row of `apply --each --json`."""
        return {
            "line": self.line,
            "result": str(self.result),
            "note": self.note,
            "url": self.url,
            "cache": self.cache,
            "error": self.error and error_json(self.error),
        }

    def text(self) -> str:
        """The row as one line of text."""
        where = f"{self.result:<6}  {self.note or '?'} (line {self.line})"
        if self.error is None:
            return where
        told = error_json(self.error)
        return f"{where}: {one_line('; '.join(filter(None, (told['message'], told['next']))))}"
