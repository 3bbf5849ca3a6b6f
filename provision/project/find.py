"""Where the project file is: in the current folder, or in the nearest one above it."""

import os
from collections.abc import Iterator
from pathlib import Path

from provision.errors import UsageError

NAME = "provision.toml"
VARIABLE = "PROVISION_PROJECT"
"""Names the file, or its folder, in place of a search."""


def find_project(named: str | None = None) -> Path | None:
    """The project file that is `named`, it or its folder, else the nearest; None where there is none.

    The search ends at the user's home folder, if the current folder is below that, else at the root.

    Raises: UsageError for one that is named and is not there, and for one found that another user owns: what it says
    decides where credentials are sent.
    """
    named = named or os.environ.get(VARIABLE)
    if named:
        return _named(Path(named).expanduser())
    for folder in _upwards():
        file = folder / NAME
        if _is_file(file):
            _check_owner(file)
            return file
    return None


def _named(path: Path) -> Path:
    file = path / NAME if path.is_dir() else path
    if not file.exists():
        raise UsageError(f"{file}: there is no project file", next_step="write one with provision init")
    return file.absolute()


def _upwards() -> Iterator[Path]:
    try:
        here = Path.cwd()
    except FileNotFoundError:  # deleted under the shell
        return
    for folder in (here, *here.parents):
        yield folder
        if folder == Path.home():
            return


def _is_file(file: Path) -> bool:
    try:
        return file.is_file()
    except OSError:
        return False


def _check_owner(file: Path) -> None:
    owners = {0, os.geteuid(), int(os.environ.get("SUDO_UID") or 0)}
    owner = file.stat().st_uid
    if owner not in owners:
        raise UsageError(
            f"{file}: another user owns it (uid {owner}), and it decides where credentials are sent",
            next_step=f"if you trust it, name it: --project {file}, or {VARIABLE}",
        )
