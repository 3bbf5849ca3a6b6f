"""Writing to the cache: partial files are named as such, and a full disk is reported in one line."""

import errno
import os
import shutil
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from provision.errors import ProvisionError

_PARTIAL = ".partial-"
_LARGER = "free some space, or set PROVISION_HOME to a larger disk"


def partial_path(target: Path) -> Path:
    """Where this process writes `target` until it is whole."""
    return target.with_name(f"{_PARTIAL}{os.getpid()}-{target.name}")


@contextmanager
def scratch_folder(parent: Path) -> Iterator[Path]:
    """A folder inside `parent`, removed at the end, or by the next `sweep` if the process is killed."""
    scratch = Path(tempfile.mkdtemp(prefix=f"{_PARTIAL}{os.getpid()}-", dir=parent))
    try:
        yield scratch
    finally:
        shutil.rmtree(scratch, ignore_errors=True)


def sweep(folder: Path) -> None:
    """Remove from `folder` what killed processes left unfinished."""
    for leftover in folder.glob(f"{_PARTIAL}*"):
        pid = leftover.name.removeprefix(_PARTIAL).partition("-")[0]
        if not (pid.isdecimal() and _is_alive(int(pid))):
            _remove(leftover)


def drop_partials(folder: Path) -> None:
    """Remove from `folder` what this process left unfinished."""
    for leftover in folder.glob(f"{_PARTIAL}{os.getpid()}-*"):
        _remove(leftover)


def _remove(path: Path) -> None:
    if path.is_dir():
        shutil.rmtree(path, ignore_errors=True)
    else:
        path.unlink(missing_ok=True)


def _is_alive(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except (ProcessLookupError, OverflowError):
        return False
    except PermissionError:
        return True
    return True


def need_space(folder: Path, size: int) -> None:
    """Make `folder`; raise `ProvisionError` unless its disk has `size` bytes free."""
    folder.mkdir(parents=True, exist_ok=True)
    free = shutil.disk_usage(folder).free
    if free < size:
        raise ProvisionError(
            f"{folder}: {free / 1e6:.0f} MB free, {size / 1e6:.0f} MB needed; nothing was installed",
            next_step=_LARGER,
        )


@contextmanager
def full_disk_reported(folder: Path) -> Iterator[None]:
    """Turn the system's error of a full disk (or quota) into a `ProvisionError` about `folder`."""
    try:
        yield
    except OSError as error:
        if error.errno not in (errno.ENOSPC, errno.EDQUOT):
            raise
        raise ProvisionError(f"{folder}: the disk is full; nothing was installed", next_step=_LARGER) from error
