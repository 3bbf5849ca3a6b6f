"""Windows that an output has yet to take, on disk: they outlive the process, in order."""

from __future__ import annotations

import os
from contextlib import suppress
from pathlib import Path

from ._window import Window

LIMIT, LIMIT_BYTES = 8640, 256 * 1024 * 1024
"""How many windows wait at most, a day of ten-second windows, and how much they have. The oldest gives way."""


class Queue:
    """The windows in `folder`, a file each, by their end."""

    def __init__(self, folder: Path, limit: int = LIMIT, limit_bytes: int = LIMIT_BYTES) -> None:
        folder.mkdir(parents=True, exist_ok=True)
        self._folder, self._limit, self._limit_bytes = folder, limit, limit_bytes
        self._marker = folder / "delivered"
        self.dropped = 0

    def add(self, end: int, written: Path) -> None:
        """Take a window's file along, with a name of its own for it."""
        name = self._path(end)
        unfinished = name.with_suffix(".new")
        with suppress(FileNotFoundError):
            unfinished.unlink()
        os.link(written, unfinished)
        os.replace(unfinished, name)
        waiting = self.waiting()
        sizes = [self._size(each) for each in waiting]
        while len(waiting) > 1 and (len(waiting) > self._limit or sum(sizes) > self._limit_bytes):
            self.drop(waiting.pop(0))
            sizes.pop(0)
            self.dropped += 1

    def waiting(self) -> list[int]:
        """The ends of the windows, the oldest first."""
        return sorted(int(path.stem) for path in self._folder.glob("*.json"))

    def read(self, end: int) -> Window:
        """Raises ValueError, KeyError or TypeError for a file that is damaged, and OSError for none."""
        return Window.from_json(self._path(end).read_text(encoding="utf-8"))

    def delivered(self, end: int) -> None:
        """The output has taken this window."""
        unfinished = self._marker.with_suffix(".new")
        unfinished.write_text(str(end), encoding="utf-8")
        os.replace(unfinished, self._marker)
        self.drop(end)

    def drop(self, end: int) -> None:
        with suppress(FileNotFoundError):
            self._path(end).unlink()

    def _size(self, end: int) -> int:
        try:
            return self._path(end).stat().st_size
        except FileNotFoundError:  # delivered meanwhile
            return 0

    @property
    def last(self) -> int:
        """The end of the window that was delivered last; 0 for none."""
        try:
            return int(self._marker.read_text(encoding="utf-8"))
        except (OSError, ValueError):
            return 0

    def _path(self, end: int) -> Path:
        return self._folder / f"{end:015d}.json"
