"""What became of a row."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any

from netpie_creds import NetpieError
from provision.console import one_line
from provision.errors import ConflictError, ProvisionError, error_json, exit_status
from provision.platforms.platform import Cause
from zeppelin_sdk import ZeppelinError

Failure = ProvisionError | NetpieError | ZeppelinError


class Result(StrEnum):
    """What became of a row."""

    DONE = "done"
    SAME = "same"
    FAILED = "failed"


@dataclass(frozen=True)
class Outcome:
    """The result of one row. `note` is its path; `url` is empty where no note is.

    `word` and `told` are its line of text, `more` its further keys of `--json`. `cause` is what other rows fail by too.
    """

    line: int
    result: Result
    note: str
    url: str = ""
    error: Failure | None = None
    cause: Cause | None = None
    word: str = ""
    told: str = ""
    more: Mapping[str, Any] = field(default_factory=dict)

    def to_json(self) -> dict[str, Any]:
        """The keys of a row of a command's `--each --json`."""
        return {
            "line": self.line,
            "result": str(self.result),
            "note": self.note,
            "url": self.url,
            "error": self.error and error_json(self.error),
            **self.more,
        }

    def text(self, as_line: int | None = None) -> str:
        """The row as one line of text; `as_line` is the row that has told the same cause."""
        where = f"{self.word or self.result:<9} {self.note or '?'} (line {self.line})"
        if self.error is None:
            return f"{where}: {self.told}" if self.told else where
        if as_line is not None:
            return f"{where}: as line {as_line}"
        told = error_json(self.error)
        return f"{where}: {one_line('; '.join(filter(None, (told['message'], told['next']))))}"


def exit_code(outcomes: Iterable[Outcome]) -> int:
    """0 when no row failed, 3 when only conflicts did, the status of a cause that all failures share, else 1.

    A single row that fails among others shares nothing.
    """
    every = list(outcomes)
    failed = [outcome for outcome in every if outcome.error is not None]
    if not failed:
        return 0
    if all(isinstance(outcome.error, ConflictError) for outcome in failed):
        return ConflictError.exit_code
    causes = {outcome.cause for outcome in failed}
    is_shared = len(causes) == 1 and None not in causes and (len(failed) > 1 or len(every) == 1)
    return exit_status(failed[0].error) if is_shared and failed[0].error else ProvisionError.exit_code
