"""Rows of windows in few files: the newest grows by being written anew, and what is older than wanted is deleted."""

from __future__ import annotations

from datetime import datetime, timezone
from typing import ClassVar, Protocol

from ._files import Files, files_in
from ._window import Window, iso

SPAN = 3_600_000
"""How far apart the windows of a file are at most, in ms: an hour."""
MIB = 1024 * 1024


class Form(Protocol):
    """How rows are written."""

    suffix: str
    by_day: bool
    """Whether the files of a day have a folder of their own, `day=2026-11-26`."""
    full: int
    """How many bytes a file has before the next one begins."""

    def fits(self, data: bytes, window: Window) -> bool:
        """Whether a file with these bytes has the window's columns."""

    def joined(self, data: bytes, window: Window) -> bytes:
        """The bytes, empty for a new file, with the window's rows behind them."""

    def ends(self, data: bytes) -> set[int]:
        """The ends of windows in a file, in ms since 1970."""

    def without(self, data: bytes, end: int) -> bytes:
        """The bytes without this window's rows; empty where no other's are left."""


class Dataset:
    """The rows of windows in `files`, a window's once however often it is written.

    A file has the windows of an hour at most, of one day in UTC, with the same columns. Files whose windows all ended
    `keep_hours` before the newest one are deleted, and the oldest where all have more than `keep_mb` MiB; 0 keeps all.
    """

    def __init__(self, files: Files, form: Form, keep_hours: float = 0, keep_mb: float = 0) -> None:
        self._files, self._form = files, form
        self._keep_ms, self._keep_bytes = int(keep_hours * 3_600_000), int(keep_mb * MIB)
        self._names: list[str] | None = None
        self._last = 0

    def write(self, window: Window) -> None:
        """Put the window's rows in place of those it had; none is half there if this ends early."""
        names = self._known()
        if window.end <= self._last and self._replace(window):
            return
        if not window.rows:
            return
        # by columns too: the newest file may be another query's
        name = next((each for each in reversed(names) if _first(each) <= window.end), "")
        data = self._files.read(name) if name and self._is_near(name, window) else b""
        if data and len(data) < self._form.full and self._form.fits(data, window):
            self._files.write(name, self._form.joined(data, window))
        else:
            self._begin(window)
        self._last = max(self._last, window.end)

    def _known(self) -> list[str]:
        """The names of its files; what the newest has is looked up once."""
        if self._names is None:
            names = [name for name in self._files.names() if name.endswith(self._form.suffix) and _first(name)]
            names.sort(key=lambda name: (_first(name), name))
            self._last = max(self._form.ends(self._files.read(names[-1])), default=0) if names else 0
            self._names = names
        return self._names

    def _replace(self, window: Window) -> bool:
        """Whether the window's rows are in a file, which has the new ones now."""
        found = False
        for name in reversed(self._known()):
            if _first(name) > window.end or not self._is_near(name, window):
                continue
            data = self._files.read(name)
            if window.end not in self._form.ends(data):
                continue
            rest = self._form.without(data, window.end)
            fits = not rest or self._form.fits(rest, window)
            if window.rows and fits and not found:
                found = True
                rest = self._form.joined(rest, window)
            if rest:
                self._files.write(name, rest)
            else:
                self._files.remove(name)
                self._known().remove(name)
        return found

    def _is_near(self, name: str, window: Window) -> bool:
        """Whether the window may be in that file."""
        first = _first(name)
        return 0 <= window.end - first < SPAN and _day(first) == _day(window.end)

    def _begin(self, window: Window) -> None:
        stem = f"{_folder(window) if self._form.by_day else ''}rows-{_compact(window.end)}"
        names = self._known()
        name = next(
            each
            for each in (f"{stem}{more}{self._form.suffix}" for more in ("", *(f"-{n}" for n in range(2, 1000))))
            if each not in names
        )
        self._files.write(name, self._form.joined(b"", window))
        names.append(name)
        names.sort(key=lambda each: (_first(each), each))
        self._sweep()

    def _sweep(self) -> None:
        """Delete what is not to be kept; the newest file stays."""
        names = self._known()
        newest = _first(names[-1])
        while self._keep_ms and len(names) > 1 and _first(names[1]) <= newest - self._keep_ms:
            self._files.remove(names.pop(0))
        sizes = [self._files.size(name) for name in names] if self._keep_bytes else []
        while len(names) > 1 and sum(sizes) > self._keep_bytes > 0:
            self._files.remove(names.pop(0))
            sizes.pop(0)


class Table:
    """Rows in files of one form in `folder`, a path of this machine's or a URL; of `keep_…` see `Dataset`."""

    form: ClassVar[Form]

    def __init__(self, folder: str, keep_hours: float = 0, keep_mb: float = 0, files: Files | None = None) -> None:
        self._dataset = Dataset(files or files_in(folder), self.form, keep_hours, keep_mb)

    def write(self, window: Window) -> None:
        self._dataset.write(window)


def _compact(end: int) -> str:
    return (iso(end * 1000) or "").replace("-", "").replace(":", "").partition(".")[0].rstrip("Z") + "Z"


def _day(end: int) -> str:
    return (iso(end * 1000) or "")[:10]


def _folder(window: Window) -> str:
    return f"day={_day(window.end)}/"


def _first(name: str) -> int:
    """The end of the first window of a file, in ms since 1970, by the file's name; 0 for a file of somebody else's."""
    stamp = name.rpartition("/")[2].partition("-")[2][:16]
    try:
        return int(datetime.strptime(stamp, "%Y%m%dT%H%M%SZ").replace(tzinfo=timezone.utc).timestamp()) * 1000
    except ValueError:
        return 0
