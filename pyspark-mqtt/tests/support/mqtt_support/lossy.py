"""A folder that forgets, at a power cut, whatever was not synced: some of it, all of it, or a part that is garbage."""

from __future__ import annotations

import os
from pathlib import Path
from random import Random

from pyspark_mqtt._files import File, Folder


class LossyFile(File):
    def __init__(self, path: Path, folder: LossyFolder) -> None:
        super().__init__(path)
        self._path = path
        self._folder = folder

    def sync(self) -> None:
        self._folder.safe[self._path.name] = self._path.stat().st_size

    def truncate(self, size: int) -> None:
        super().truncate(size)
        name = self._path.name
        self._folder.safe[name] = min(self._folder.safe.get(name, 0), size)


class LossyFolder(Folder):
    """`safe` has the bytes of each file that a power cut leaves alone, `named` the files that it leaves a name."""

    def __init__(self, path: Path) -> None:
        super().__init__(path)
        self.safe: dict[str, int] = {}
        self.named: set[str] = set()
        self._removed: dict[str, bytes] = {}

    def append(self, name: str) -> File:
        return LossyFile(self.path / name, self)

    def remove(self, name: str) -> None:
        if name in self.named:
            self._removed[name] = (self.path / name).read_bytes()[: self.safe.get(name, 0)]
        super().remove(name)

    def sync(self) -> None:
        self.named = set(self.names())
        self._removed.clear()

    def power_cut(self, chance: Random) -> None:
        """Leave the folder as a disk may have it. The journal that used it is not to be used any more."""
        for name in self.names():
            if name not in self.named and chance.random() < 0.5:
                (self.path / name).unlink()
                continue
            self._forget(self.path / name, chance)
        for name, content in self._removed.items():
            if chance.random() < 0.5:
                (self.path / name).write_bytes(content)

    def _forget(self, path: Path, chance: Random) -> None:
        size, safe = path.stat().st_size, self.safe.get(path.name, 0)
        if path.name == "lock" or size <= safe:
            return
        left = chance.randint(safe, size)
        os.truncate(path, left)
        if left > safe and chance.random() < 0.5:
            with path.open("r+b") as file:  # a page that never reached the disk, before one that did
                begin = chance.randrange(safe, left)
                file.seek(begin)
                file.write(bytes(chance.randint(1, left - begin)))


class FullDisk(LossyFolder):
    """A disk with room for so many bytes."""

    def __init__(self, path: Path, room: int) -> None:
        super().__init__(path)
        self.room = room

    def append(self, name: str) -> File:
        return _FullFile(self.path / name, self)


class _FullFile(LossyFile):
    def write(self, data: bytes) -> None:
        folder = self._folder
        assert isinstance(folder, FullDisk)
        super().write(data[: folder.room])
        if len(data) > folder.room:
            folder.room = 0
            raise OSError(28, "No space left on device")
        folder.room -= len(data)
