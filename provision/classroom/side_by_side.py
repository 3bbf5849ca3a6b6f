"""Rows side by side: each for itself, and none tried in vain for a cause by which another has failed."""

from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import FIRST_COMPLETED, Future, ThreadPoolExecutor, wait
from typing import Any, Protocol, TypeVar

from netpie_creds import NetpieError
from provision.classroom.causes import Failed, cause_of
from provision.classroom.outcome import Failure, Outcome, Result
from provision.errors import ProvisionError
from provision.platforms.platform import Cause
from zeppelin_sdk import ZeppelinError


class AnyRow(Protocol):
    """A row of a class file: its line and its note's path."""

    @property
    def line(self) -> int: ...
    @property
    def path(self) -> str: ...


Row = TypeVar("Row", bound=AnyRow)
_Row = TypeVar("_Row", bound=AnyRow, contravariant=True)


class Work(Protocol[_Row]):
    """What is done for each row, by several threads."""

    def needs(self, row: _Row) -> Sequence[Cause]:
        """What the row needs and other rows may need too."""

    def more(self, row: _Row) -> Mapping[str, Any]:
        """Further keys of the row's JSON where it fails."""

    def do(self, row: _Row) -> Outcome:
        """Do it; errors are raised."""


def do_rows(
    work: Work[Row],
    rows: Sequence[Row],
    jobs: int,
    tell: Callable[[Outcome], None],
    failed: Failed | None = None,
) -> list[Outcome]:
    """Do all rows, `jobs` at a time; `tell` gets each outcome as it comes. Returns the outcomes in the rows' order.

    A row that needs what another has `failed` by is not tried. An interrupt waits for no row that is under way.
    """
    failed = failed or Failed()
    pool = ThreadPoolExecutor(jobs, thread_name_prefix="class")
    futures: list[Future[Outcome]] = [pool.submit(_attempt, work, row, failed) for row in rows]
    left = set(futures)
    try:
        while left:
            ended, left = wait(left, return_when=FIRST_COMPLETED)
            for future in ended:
                tell(future.result())
    except BaseException:
        pool.shutdown(wait=False, cancel_futures=True)
        raise
    pool.shutdown()
    return [future.result() for future in futures]


def _attempt(work: Work[Row], row: Row, failed: Failed) -> Outcome:
    known = failed.first_of(work.needs(row))
    if known is not None:
        cause, error = known
        return _failed(work, row, error, cause)
    try:
        return work.do(row)
    except (ProvisionError, NetpieError, ZeppelinError) as error:
        its = cause_of(error, work.needs(row))
        if its is not None:
            failed.add(its, error)
        return _failed(work, row, error, its)
    except Exception as error:  # noqa: BLE001 - the other rows go on
        return _failed(work, row, ProvisionError(f"{type(error).__name__}: {error}"))


def _failed(work: Work[Row], row: Row, error: Failure, cause: Cause | None = None) -> Outcome:
    return Outcome(row.line, Result.FAILED, row.path, error=error, cause=cause, more=work.more(row))
