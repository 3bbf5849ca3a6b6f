"""Parallel HTTP downloads, each file checked against its pinned digest before it is kept."""

import hashlib
import os
import re
import threading
import time
from collections.abc import Callable, Collection
from concurrent.futures import ThreadPoolExecutor, as_completed, wait
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import urlsplit

import requests

from netpie_creds.web import open_session, proxies_for, why_tls
from provision.embedded import disk
from provision.embedded.manifest import MavenJar
from provision.errors import ProvisionError, UnreachableError

CONNECTIONS = 8
TRIES = 3
PAUSE = 1.0  # seconds before the second try, twice as many before the third
TIMEOUT = (10.0, 60.0)  # seconds to connect, and between two reads
STOPPING = 1.0  # seconds that an interrupted download waits for its threads

Advance = Callable[[int], None]
"""Called with a number of bytes as they arrive (negative when a try is given up)."""

_NOT_PUBLISHED = "it is not the file that was published: try another source"
_OTHER_REPOSITORY = "name another Maven repository with PROVISION_MAVEN_REPOSITORY"


def is_intact(path: Path, size: int, sha256: str) -> bool:
    """Whether `path` is there with this size and SHA-256."""
    if not path.is_file() or path.stat().st_size != size:
        return False
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest() == sha256


def check_digest(what: str, expected: str, actual: str) -> None:
    """Raise `ProvisionError` unless both digests are the same."""
    if actual != expected:
        raise ProvisionError(
            f"{what}: wrong checksum (expected {expected[:12]}…, got {actual[:12]}…); nothing of it was kept",
            next_step=_NOT_PUBLISHED,
        )


def download_jars(repository: str, jars: Collection[MavenJar], folder: Path, advance: Advance) -> None:
    """Download `jars` from the Maven repository at this URL into `folder`, several at a time.

    An intact jar is not downloaded again. Raises `UnreachableError` or `ProvisionError` for the first that fails; the
    others that arrived stay.
    """
    root = repository.rstrip("/")
    wanted = [
        _Wanted(
            name=jar.coordinate,
            url=f"{root}/{jar.path}",
            target=folder / jar.file_name,
            algorithm="sha256",
            digest=jar.sha256,
            hint=_OTHER_REPOSITORY,
            size=jar.size,
        )
        for jar in jars
    ]
    _download(wanted, folder, advance)


def shown_url(url: str) -> str:
    """The address without what may be a password: the login before the host, and the query."""
    parts = urlsplit(url)
    return f"{parts.scheme}://{parts.netloc.rpartition('@')[2]}{parts.path}"


def download_archive(url: str, target: Path, digest: str, advance: Advance, *, algorithm: str = "sha512") -> None:
    """Download one large file from an http(s) URL to `target`. Raises as `download_jars`."""
    _download([_Wanted(shown_url(url), url, target, algorithm, digest, "check the address")], target.parent, advance)


def published_digest(
    url: str, algorithms: Collection[str] = ("sha512",), *, tries: int = TRIES
) -> tuple[str, str] | None:
    """The first of `algorithms` whose checksum is published beside the file at `url`, and the checksum.

    None where there is none. Raises `ProvisionError` for a checksum that is none, `UnreachableError` for no answer.
    """
    with open_session() as session:
        for algorithm in algorithms:
            text = _small_text(session, f"{url}.{algorithm}", tries)
            if text is None:
                continue
            digits = 2 * hashlib.new(algorithm, usedforsecurity=False).digest_size
            found = re.search(rf"(?:[0-9a-f]\s*){{{digits}}}", text.rpartition(":")[2].lower())  # gpg writes groups
            if found is None:
                raise ProvisionError(f"{shown_url(url)}.{algorithm}: no checksum in it", next_step=_NOT_PUBLISHED)
            return algorithm, "".join(found[0].split())
    return None


def _small_text(session: requests.Session, url: str, tries: int) -> str | None:
    host = urlsplit(url).netloc.rpartition("@")[2]
    for attempt in range(1, tries + 1):
        try:
            response = session.get(url, timeout=TIMEOUT, proxies=proxies_for(url))
        except requests.RequestException as error:
            cause = _cause(error, host)
        else:
            if response.status_code == 200:
                return response.text
            if response.status_code != 429 and response.status_code < 500:
                return None
            cause = f"{host} answered {response.status_code}"
        if attempt < tries:
            time.sleep(attempt * PAUSE)
    raise UnreachableError(f"{shown_url(url)}: {cause}", next_step="check the network or proxy and run it again")


@dataclass(frozen=True)
class _Wanted:
    """A file to download; `size` in bytes, where it is known; `hint` is the next step when the server lacks it."""

    name: str
    url: str
    target: Path
    algorithm: str
    digest: str
    hint: str
    size: int | None = None

    @property
    def host(self) -> str:
        """The server's name and port, without any password in the URL."""
        return urlsplit(self.url).netloc.rpartition("@")[2]

    @property
    def is_there(self) -> bool:
        return self.size is not None and is_intact(self.target, self.size, self.digest)


def _download(wanted: Collection[_Wanted], folder: Path, advance: Advance) -> None:
    folder.mkdir(parents=True, exist_ok=True)
    disk.sweep(folder)
    stop = threading.Event()
    pool = ThreadPoolExecutor(CONNECTIONS, thread_name_prefix="download")
    with open_session() as session:
        one = _Download(session, advance, stop)
        files = [pool.submit(one, each) for each in wanted]
        try:
            for file in as_completed(files):
                file.result()
        finally:
            stop.set()
            pool.shutdown(wait=False, cancel_futures=True)  # a silent server must not hold up Ctrl-C
            if wait([file for file in files if not file.cancelled()], STOPPING).not_done:
                disk.drop_partials(folder)


class _BrokeOff(Exception):
    """A try failed; another may succeed."""


class _Stopped(Exception):
    """Another download failed, or Ctrl-C."""


class _Download:
    """One file at a time, over a session that all threads share."""

    def __init__(self, session: requests.Session, advance: Advance, stop: threading.Event) -> None:
        self._session, self._advance, self._stop = session, advance, stop

    def __call__(self, wanted: _Wanted) -> None:
        if wanted.is_there:
            self._advance(wanted.size or 0)
            return
        for attempt in range(1, TRIES + 1):
            try:
                self._try(wanted)
                return
            except (_BrokeOff, requests.RequestException) as error:
                if attempt == TRIES:
                    raise UnreachableError(
                        f"download of {wanted.name} failed {TRIES} times: {_cause(error, wanted.host)}",
                        next_step="check the network or proxy and run the same command again: "
                        "it goes on where it stopped",
                    ) from error
                if self._stop.wait(attempt * PAUSE):
                    raise _Stopped from error

    def _try(self, wanted: _Wanted) -> None:
        part = disk.partial_path(wanted.target)
        got, digest = 0, hashlib.new(wanted.algorithm)
        try:
            with part.open("wb") as file, self._answer(wanted) as response:
                for block in response.iter_content(1 << 16):
                    if self._stop.is_set():
                        raise _Stopped
                    file.write(block)
                    digest.update(block)
                    got += len(block)
                    self._advance(len(block))
                    _check_not_longer(wanted, got)
            if wanted.size is not None and got < wanted.size:
                raise _BrokeOff(f"cut off after {got:,} of {wanted.size:,} bytes")
            check_digest(wanted.name, wanted.digest, digest.hexdigest())
            os.replace(part, wanted.target)
        except BaseException:
            self._advance(-got)
            raise
        finally:
            part.unlink(missing_ok=True)

    def _answer(self, wanted: _Wanted) -> requests.Response:
        response = self._session.get(wanted.url, stream=True, timeout=TIMEOUT, proxies=proxies_for(wanted.url))
        if response.status_code == 200:
            return response
        response.close()
        if response.status_code == 429 or response.status_code >= 500:
            raise _BrokeOff(f"{wanted.host} answered {response.status_code}")
        raise ProvisionError(f"{wanted.name}: {wanted.host} answered {response.status_code}", next_step=wanted.hint)


def _check_not_longer(wanted: _Wanted, got: int) -> None:
    if wanted.size is not None and got > wanted.size:
        raise ProvisionError(
            f"{wanted.name}: longer than its {wanted.size:,} bytes; nothing of it was kept", next_step=_NOT_PUBLISHED
        )


def _cause(error: _BrokeOff | requests.RequestException, host: str) -> str:
    if isinstance(error, _BrokeOff):
        return str(error)
    if isinstance(error, requests.exceptions.SSLError):
        return f"{host}: {why_tls(error)}"
    causes = {
        requests.exceptions.ProxyError: f"the proxy to {host} does not answer",
        requests.Timeout: f"no answer from {host} in time",
        requests.exceptions.ChunkedEncodingError: f"{host} broke the connection",
        requests.TooManyRedirects: f"{host} redirects without an end",
    }
    return next((cause for kind, cause in causes.items() if isinstance(error, kind)), f"no answer from {host}")
