"""This machine: Python, the tool's folders, their disk space, and who may read the secrets in them."""

import platform
import shutil
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path

from provision.embedded.zeppelin import check_folder
from provision.errors import UsageError
from provision.finding import Finding, fail, ok, warn
from provision.home import cache_dir, data_dir, is_open, state_dir

PYTHON = (3, 11)
SCARCE, TOO_LITTLE = 2_000_000_000, 300_000_000  # bytes: an install takes 0.8 GB and notes' output grows


def check_machine(*, embedded: bool) -> Iterator[Finding]:
    """Python, folders, space, modes; `embedded` when Zeppelin and Spark are to run here too."""
    yield _python()
    for folder in (state_dir(), data_dir(), cache_dir()):
        yield _writable(folder)
    if embedded:
        yield _fit_for_zeppelin()
    yield _space(data_dir())
    yield _private(state_dir())


def _python() -> Finding:
    version = platform.python_version()
    if sys.version_info < PYTHON:
        return fail("python", f"Python {version}", f"use Python {PYTHON[0]}.{PYTHON[1]} or newer")
    return ok("python", f"{version} ({sys.executable})")


def _writable(folder: Path) -> Finding:
    try:
        folder.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryFile(dir=folder):
            return ok("folder", f"{folder} can be written")
    except OSError as error:
        next_step = "make it writable, or set PROVISION_HOME to a folder of yours"
        return fail("folder", f"{folder}: {error.strerror}", next_step)


def _fit_for_zeppelin() -> Finding:
    try:
        for folder in (data_dir(), cache_dir()):
            check_folder(folder)
    except UsageError as error:
        return fail("folder", error.message, error.next_step)
    return ok("folder", "names that Zeppelin and Spark can run in")


def _space(folder: Path) -> Finding:
    free = shutil.disk_usage(folder).free
    told = f"{free / 1e9:.1f} GB free at {folder}"
    next_step = "free some space, or set PROVISION_HOME to a larger disk"
    if free < TOO_LITTLE:
        return fail("disk", told, next_step)
    return warn("disk", told, next_step) if free < SCARCE else ok("disk", told)


def _private(folder: Path) -> Finding:
    """Secret files below the state folder that others may read."""
    files = (path for kind in ("*.cache", "*.toml") for path in sorted(folder.rglob(kind)))
    open_ones = [path for path in files if is_open(path)]
    if open_ones:
        more = f" and {len(open_ones) - 1} more" if len(open_ones) > 1 else ""
        return warn("secrets", f"{open_ones[0]}{more} can be read by others", f"chmod -R go= {folder}")
    return ok("secrets", f"nobody else can read those in {folder}")
