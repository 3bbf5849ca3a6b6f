"""Downloads one file of a PyPI release with pip: its index, its proxy, its certificates, its cache."""

import contextlib
import errno
import hashlib
import os
import subprocess
import sys
import sysconfig
import threading
import time
from collections.abc import Iterable
from pathlib import Path

from provision.embedded import disk
from provision.embedded.download import Advance, check_digest, is_intact
from provision.embedded.manifest import PypiFile
from provision.errors import ProvisionError, UnreachableError

STOPPING = 5.0  # seconds that pip gets to end when asked to


def download_release(release: PypiFile, folder: Path, advance: Advance) -> Path:
    """Download a file of a PyPI release into `folder` and check it; returns its path.

    An intact file is not downloaded again. Raises `UnreachableError` when pip can't get it, and
    `ProvisionError` for a wrong checksum.
    """
    folder.mkdir(parents=True, exist_ok=True)
    disk.sweep(folder)
    target = folder / release.file_name
    if is_intact(target, release.size, release.sha256):
        advance(release.size)
        return target
    with disk.scratch_folder(folder) as scratch:
        got = _pip_download(release, scratch, advance)
        with got.open("rb") as file:
            check_digest(release.file_name, release.sha256, hashlib.file_digest(file, "sha256").hexdigest())
        os.replace(got, target)
    return target


def _pip_download(release: PypiFile, scratch: Path, advance: Advance) -> Path:
    """Run pip, which checks the digest itself before it looks into the file (a source distribution runs code)."""
    temporary = scratch / "tmp"
    temporary.mkdir()
    requirements = scratch / "requirements.txt"
    requirements.write_text(f"{release.name}=={release.version} --hash=sha256:{release.sha256}\n")
    kind = "--only-binary" if release.is_wheel else "--no-binary"
    process = subprocess.Popen(
        [sys.executable, "-m", "pip", "download", "--quiet", "--no-deps", "--no-input", "--no-color",
         "--disable-pip-version-check", "--dest", str(scratch), kind, release.name, "--requirement", str(requirements)],
        env={**os.environ, "TMPDIR": str(temporary)},
        stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True, errors="replace",
    )  # fmt: skip
    said = _Said(process.stderr or [])
    shown = 0
    try:
        while process.poll() is None:
            shown += _report(temporary, release, shown, advance)
            time.sleep(0.1)
    except BaseException:
        _stop(process)
        advance(-shown)
        raise
    got = scratch / release.file_name
    if process.returncode or not got.is_file():
        advance(-shown)
        raise _failure(release, said.lines())
    advance(release.size - shown)
    return got


def _stop(process: subprocess.Popen[str]) -> None:
    process.terminate()
    try:
        process.wait(STOPPING)
    except subprocess.TimeoutExpired:
        process.kill()
        process.wait()


class _Said(threading.Thread):
    """Reads a process's output, so that it never blocks on a full pipe."""

    def __init__(self, stream: Iterable[str]) -> None:
        super().__init__(name="pip", daemon=True)
        self._stream = stream
        self._lines: list[str] = []
        self.start()

    def run(self) -> None:
        for line in self._stream:
            if line.strip() and not line.startswith("[notice]"):
                self._lines.append(line.strip())

    def lines(self) -> list[str]:
        self.join(5)
        return self._lines


def _failure(release: PypiFile, lines: list[str]) -> Exception:
    """The error that pip's output means."""
    what, words = f"{release.name}=={release.version}", "\n".join(lines)
    if "No space left on device" in words or "Disk quota exceeded" in words:
        return OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
    if "DO NOT MATCH THE HASHES" in words:
        return ProvisionError(
            f"{release.file_name}: wrong checksum (expected {release.sha256[:12]}…); nothing of it was kept",
            next_step="it is not the file that was published: check which package index pip uses",
        )
    if "No module named pip" in words:
        return ProvisionError(
            f"{sys.executable} has no pip to download {what} with", next_step="install it: python -m ensurepip"
        )
    last = next((line.removeprefix("ERROR: ") for line in reversed(lines) if "ERROR: " in line), "it got no such file")
    unreachable = "connection" in words.lower() or "Max retries" in words
    cause = "the package index can't be reached" if unreachable else last
    return UnreachableError(
        f"pip could not download {what}: {cause}",
        next_step="check the network and the package index, then run the same command again",
    )


def _report(temporary: Path, release: PypiFile, shown: int, advance: Advance) -> int:
    """Tell `advance` what pip has added to its temporary folder; pip reports no progress that a program can read."""
    sizes = [0]
    with contextlib.suppress(FileNotFoundError):  # pip moves its files about meanwhile
        sizes += [path.stat().st_size for path in temporary.rglob(release.file_name)]
    new = max(0, min(max(sizes), release.size) - shown)
    if new:
        advance(new)
    return new


_MANYLINUX = ("manylinux_2_28", "manylinux1", "linux")


def wheel_tags() -> list[str]:
    """The tags of wheels that run here, best first (PEP 425, PEP 600): of this Python, then of any Python 3."""
    platform = sysconfig.get_platform().replace("-", "_").replace(".", "_")
    machine = os.uname().machine
    if platform.startswith("linux_"):
        platforms = [f"{kind}_{platform.removeprefix('linux_')}" for kind in _MANYLINUX]
    elif platform.startswith("macosx_"):
        platforms = [f"macosx_{oldest}_{machine}" for oldest in ("12_0", "11_0" if machine == "arm64" else "10_9")]
    else:
        platforms = [platform]
    python = f"cp{sys.version_info[0]}{sys.version_info[1]}"
    return [f"{kind}-{each}" for kind in (f"{python}-{python}", "py3-none") for each in platforms]
