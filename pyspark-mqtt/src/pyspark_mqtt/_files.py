"""The little that the journal wants of a file system, so that a test can put a forgetful one in its place."""

from __future__ import annotations

import fcntl
import os
import time
from pathlib import Path

from pyspark_mqtt._errors import JournalError

_sync_data = getattr(os, "fdatasync", os.fsync)


class File:
    """A file that is written at its end only."""

    def __init__(self, path: Path) -> None:
        self._handle = os.open(path, os.O_RDWR | os.O_CREAT | os.O_APPEND, 0o600)

    def write(self, data: bytes) -> None:
        """Write all of it. Raises `OSError`; part of it may be in the file then."""
        view = memoryview(data)
        while view:
            view = view[os.write(self._handle, view) :]

    def sync(self) -> None:
        """Return when what was written would survive a power cut."""
        _sync_data(self._handle)

    def truncate(self, size: int) -> None:
        os.ftruncate(self._handle, size)

    def close(self) -> None:
        os.close(self._handle)


class Folder:
    """A folder of files on a local disk."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self._lock: int | None = None
        path.mkdir(parents=True, exist_ok=True, mode=0o700)

    def lock(self, wait: float) -> None:
        """Make this folder this process's alone, until the process ends or `unlock`. Raises `JournalError`."""
        handle = os.open(self.path / "lock", os.O_RDWR | os.O_CREAT, 0o600)
        end = time.monotonic() + wait
        while True:
            try:
                fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
                break
            except OSError:
                if time.monotonic() < end:
                    time.sleep(0.05)
                    continue
                owner = os.read(handle, 20).decode("ascii", "replace").strip()
                os.close(handle)
                raise JournalError(
                    f"the journal {self.path} is in use by process {owner or 'unknown'}",
                    "each stream has a journalLocation of its own; stop the other query, or name another folder",
                ) from None
        os.ftruncate(handle, 0)
        os.pwrite(handle, str(os.getpid()).encode(), 0)
        self._lock = handle

    def unlock(self) -> None:
        if self._lock is not None:
            os.close(self._lock)
            self._lock = None

    def names(self) -> list[str]:
        return sorted(os.listdir(self.path))

    def size(self, name: str) -> int:
        return (self.path / name).stat().st_size

    def append(self, name: str) -> File:
        """The file of that name, made if need be."""
        return File(self.path / name)

    def remove(self, name: str) -> None:
        (self.path / name).unlink()

    def sync(self) -> None:
        """Return when names that were made would survive a power cut."""
        handle = os.open(self.path, os.O_RDONLY)
        try:
            os.fsync(handle)
        finally:
            os.close(handle)
