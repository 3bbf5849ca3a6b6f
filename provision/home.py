"""Where state and downloads live: the platform's user directories, or all of it under `PROVISION_HOME`."""

import os
import stat
import tempfile
from pathlib import Path

import platformdirs

APP = "netpie-zeppelin"


def _base(kind: str, platform_default: Path) -> Path:
    home = os.environ.get("PROVISION_HOME")
    if not home and " " in str(platform_default):
        home = f"~/.{APP}"  # macOS's "Application Support": Zeppelin's start scripts can't run in a folder with a space
    return Path(home).expanduser().absolute() / kind if home else platform_default


def cache_dir() -> Path:
    """Downloads and what is installed from them; safe to delete while nothing runs."""
    return _base("cache", platformdirs.user_cache_path(APP))


def data_dir() -> Path:
    """Notes, output files and logs of the embedded stack."""
    return _base("data", platformdirs.user_data_path(APP))


def state_dir() -> Path:
    """What runs now, credentials, and the records that `undo` needs. Created 0700."""
    return private_dir(_base("state", platformdirs.user_state_path(APP)))


def private_dir(path: Path) -> Path:
    """Make `path` (mode 0700) and return it."""
    path.mkdir(parents=True, exist_ok=True, mode=0o700)
    path.chmod(0o700)
    return path


def write_private(path: Path, text: str) -> None:
    """Write a file atomically, mode 0600."""
    handle, part = tempfile.mkstemp(prefix=f".{path.name}.", dir=path.parent)
    try:
        with os.fdopen(handle, "w", encoding="utf-8") as file:
            file.write(text)
        os.replace(part, path)
    except BaseException:
        os.unlink(part)
        raise


def is_open(path: Path) -> bool:
    """Whether anyone but the owner may read the file."""
    return bool(path.stat().st_mode & (stat.S_IRWXG | stat.S_IRWXO))
