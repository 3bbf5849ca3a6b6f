"""Downloads with a pinned size and SHA-256: in parallel, kept artifact by artifact, checked before they count."""

import hashlib
import os
import shutil
import subprocess
import sys
import sysconfig
import tempfile
import threading
import time
from collections.abc import Callable, Iterable
from concurrent.futures import FIRST_EXCEPTION, ThreadPoolExecutor, wait
from pathlib import Path
from urllib.parse import urlsplit

import requests

from provision.embedded.manifest import MavenJar, PypiFile
from provision.errors import ProvisionError, UnreachableError

CONNECTIONS = 8
TRIES = 3
TIMEOUT = (10.0, 60.0)  # seconds to connect, and between two reads

Advance = Callable[[int], None]
"""Called with a number of bytes as they arrive (negative when a try is given up)."""


def is_intact(path: Path, size: int, sha256: str) -> bool:
    """Whether `path` is there with this size and SHA-256."""
    if not path.is_file() or path.stat().st_size != size:
        return False
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest() == sha256


def download_jars(repository: str, jars: Iterable[MavenJar], folder: Path, advance: Advance) -> None:
    """Download `jars` from the Maven repository at this URL into `folder`, several at a time.

    A jar that is there and intact is not downloaded again. Raises `UnreachableError` or `ProvisionError` for the
    first that fails; those that arrived stay.
    """
    folder.mkdir(parents=True, exist_ok=True)
    stop = threading.Event()
    with requests.Session() as session, ThreadPoolExecutor(CONNECTIONS) as pool:
        session.mount("", requests.adapters.HTTPAdapter(pool_maxsize=CONNECTIONS))
        one = _JarDownload(session, repository.rstrip("/"), folder, advance, stop)
        futures = [pool.submit(one, jar) for jar in jars]
        try:
            done, _ = wait(futures, return_when=FIRST_EXCEPTION)
            for future in done:
                future.result()
        except BaseException:
            stop.set()
            pool.shutdown(cancel_futures=True)
            raise


class _JarDownload:
    def __init__(
        self, session: requests.Session, repository: str, folder: Path, advance: Advance, stop: threading.Event
    ) -> None:
        self.session, self.repository, self.folder = session, repository, folder
        self.advance, self.stop = advance, stop

    def __call__(self, jar: MavenJar) -> None:
        target = self.folder / jar.file_name
        if is_intact(target, jar.size, jar.sha256):
            self.advance(jar.size)
            return
        for attempt in range(1, TRIES + 1):
            try:
                self._try(jar, target)
                return
            except (requests.ConnectionError, requests.Timeout, _CutOff) as error:
                if attempt == TRIES:
                    raise self._unreachable(jar, error) from error
                self.stop.wait(attempt)

    def _try(self, jar: MavenJar, target: Path) -> None:
        got, digest = 0, hashlib.sha256()
        part = target.with_name(f"{target.name}.{os.getpid()}.part")
        try:
            with self.session.get(f"{self.repository}/{jar.path}", stream=True, timeout=TIMEOUT) as response:
                if response.status_code != 200:
                    raise ProvisionError(
                        f"{jar.coordinate}: the Maven repository answered {response.status_code}",
                        next_step="name another one with PROVISION_MAVEN_REPOSITORY",
                    )
                with part.open("wb") as file:
                    for block in _blocks(response):
                        if self.stop.is_set():
                            raise ProvisionError("download stopped")
                        file.write(block)
                        digest.update(block)
                        got += len(block)
                        self.advance(len(block))
            if got < jar.size:
                raise _CutOff(f"cut off after {got:,} of {jar.size:,} bytes")
            check_digest(jar.coordinate, jar.sha256, digest.hexdigest())
            os.replace(part, target)
        except BaseException:
            self.advance(-got)
            raise
        finally:
            part.unlink(missing_ok=True)

    def _unreachable(self, jar: MavenJar, error: Exception) -> UnreachableError:
        host = urlsplit(self.repository).netloc
        cause = str(error) if isinstance(error, _CutOff) else f"no answer from {host}"
        return UnreachableError(
            f"download of {jar.coordinate} failed {TRIES} times: {cause}",
            next_step="check the network or proxy and run the same command again: it goes on where it stopped",
        )


class _CutOff(Exception):
    """A response ended before its pinned size."""


def _blocks(response: requests.Response) -> Iterable[bytes]:
    try:
        yield from response.iter_content(1 << 16)
    except (requests.exceptions.ChunkedEncodingError, requests.exceptions.ContentDecodingError) as error:
        raise _CutOff("the connection broke") from error


def check_digest(what: str, expected: str, actual: str) -> None:
    """Raise `ProvisionError` unless both SHA digests are the same."""
    if actual != expected:
        raise ProvisionError(
            f"{what}: wrong checksum (pinned {expected[:12]}…, got {actual[:12]}…)",
            next_step="the download was altered on its way: nothing of it was kept",
        )


def download_release(release: PypiFile, folder: Path, advance: Advance) -> Path:
    """Download a file of a PyPI release into `folder` with pip (its index, proxy and certificates), and check it.

    Returns its path; one that is there and intact is not downloaded again.
    """
    folder.mkdir(parents=True, exist_ok=True)
    target = folder / release.file_name
    if is_intact(target, release.size, release.sha256):
        advance(release.size)
        return target
    with tempfile.TemporaryDirectory(prefix="pip-", dir=folder) as scratch:
        _pip_download(release, Path(scratch), advance)
        got = Path(scratch) / release.file_name
        with got.open("rb") as file:
            check_digest(release.file_name, release.sha256, hashlib.file_digest(file, "sha256").hexdigest())
        os.replace(got, target)
    return target


def _pip_download(release: PypiFile, scratch: Path, advance: Advance) -> None:
    kind = "--only-binary=:all:" if release.is_wheel else "--no-binary=:all:"
    requirement = f"{release.name}=={release.version}"
    temporary = scratch / "tmp"
    temporary.mkdir()
    process = subprocess.Popen(
        [sys.executable, "-m", "pip", "download", "--quiet", "--no-deps", "--no-input",
         "--disable-pip-version-check", "--dest", str(scratch), kind, requirement],
        env={**os.environ, "TMPDIR": str(temporary)},
        stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True,
    )  # fmt: skip
    assert process.stderr is not None  # noqa: S101 - asked for above
    reader = _Tail(process.stderr)
    shown = 0
    try:
        while process.poll() is None:
            shown += _report(temporary, release, shown, advance)
            time.sleep(0.2)
    except BaseException:
        process.terminate()
        process.wait()
        raise
    if process.returncode or not (scratch / release.file_name).is_file():
        raise UnreachableError(
            f"pip could not download {requirement}: {reader.last() or 'no file for this platform'}",
            next_step="check the network, the package index and the free disk space, then run the command again",
        )
    advance(release.size - shown)


class _Tail(threading.Thread):
    """Reads a stream to its end and keeps the last line that says something."""

    def __init__(self, stream: Iterable[str]) -> None:
        super().__init__(daemon=True)
        self._stream, self._last = stream, ""
        self.start()

    def run(self) -> None:
        for line in self._stream:
            if line.strip() and not line.startswith("[notice]"):
                self._last = line.strip()

    def last(self) -> str:
        self.join(5)
        return self._last.removeprefix("ERROR: ")


def _report(temporary: Path, release: PypiFile, shown: int, advance: Advance) -> int:
    """Tell `advance` what pip has written to its temporary folder since; pip itself says nothing we could read."""
    sizes = (path.stat().st_size for path in temporary.rglob(release.file_name) if path.exists())
    new = min(max(sizes, default=0), release.size) - shown
    if new > 0:
        advance(new)
    return max(new, 0)


def platform_tags() -> list[str]:
    """The platform tags of wheels that run here, best first (PEP 425, PEP 600)."""
    platform = sysconfig.get_platform().replace("-", "_").replace(".", "_")
    if platform.startswith("linux_"):
        return [f"manylinux1_{platform.removeprefix('linux_')}", platform]
    if platform.startswith("macosx_"):
        machine = os.uname().machine
        return ["macosx_11_0_arm64" if machine == "arm64" else "macosx_10_9_x86_64"]
    return [platform]


def download_archive(url: str, target: Path, advance: Advance) -> None:
    """Download one large file from an http(s) URL to `target`, as a `.part` file first."""
    part = target.with_name(target.name + ".part")
    try:
        with requests.get(url, stream=True, timeout=TIMEOUT) as response:
            if response.status_code != 200:
                raise UnreachableError(f"{url}: answered {response.status_code}", next_step="check the address")
            with part.open("wb") as file:
                for block in _blocks(response):
                    file.write(block)
                    advance(len(block))
        os.replace(part, target)
    except (requests.ConnectionError, requests.Timeout, _CutOff) as error:
        raise UnreachableError(f"{url}: the download broke off", next_step="run the same command again") from error
    finally:
        part.unlink(missing_ok=True)


def link_or_copy(source: Path, target: Path) -> None:
    """A hard link where the file system has them, else a copy."""
    target.parent.mkdir(parents=True, exist_ok=True)
    try:
        os.link(source, target)
    except OSError:
        shutil.copy2(source, target)
