"""Official Zeppelin distributions: a folder that is there already, or an archive to unpack."""

import gzip
import hashlib
import os
import re
import tarfile
import zlib
from pathlib import Path

from provision.console import Console
from provision.embedded import disk, download, install
from provision.errors import ProvisionError, UsageError
from provision.home import cache_dir

_OLDEST, _NEWEST = (0, 10), (0, 12)
NEWEST = "0.12.1"
"""The newest official distribution that was known when this was written."""
_ARCHIVE = "https://archive.apache.org/dist/zeppelin"


def check_version(version: str) -> str:
    """The version, such as 0.12.1; raises `UsageError` for what is none, is too old or too new."""
    found = re.fullmatch(r"(\d+)\.(\d+)\.\d+", version)
    if not found:
        raise UsageError(f"--zeppelin-version {version}: no version", next_step=f"give one such as {NEWEST}")
    if not _OLDEST <= (int(found[1]), int(found[2])) <= _NEWEST:
        raise UsageError(
            f"--zeppelin-version {version} is not of a Zeppelin from 0.10 to 0.12",
            next_step="start that server yourself and name it with --zeppelin URL",
        )
    return version


def install_version(version: str, console: Console) -> Path:
    """Install an official distribution from the Apache archive, by the SHA-512 that is published there.

    Returns its ZEPPELIN_HOME; one that is installed is not asked for again. `PROVISION_APACHE_ARCHIVE` names a mirror.
    """
    known = _known(version)
    if known.is_file() and (home := _installed(known.read_text())):
        return home
    root = os.environ.get("PROVISION_APACHE_ARCHIVE") or _ARCHIVE
    if not _is_url(root):
        raise UsageError(
            f"PROVISION_APACHE_ARCHIVE={root.rpartition('@')[2]}: not an http(s) address",
            next_step="name the folder that has zeppelin-VERSION folders in it",
        )
    name = f"zeppelin-{check_version(version)}"
    url = f"{root.rstrip('/')}/{name}/{name}-bin-all.tgz"
    published = download.published_digest(url)
    if published is None:
        raise ProvisionError(
            f"no Zeppelin {version} at {download.shown_url(root)}", next_step=f"see which there are, such as {NEWEST}"
        )
    home = install_archive(url, published[1], console)
    known.write_text(published[1])
    return home


def is_version(home: Path, version: str) -> bool:
    """Whether `home` is the official distribution of this version."""
    known = _known(version)
    return known.is_file() and _installed(known.read_text()) == home


def _known(version: str) -> Path:
    """Has the SHA-512 of the version, once it is installed."""
    return cache_dir() / "stack" / f"zeppelin-{version}.sha512"


def _installed(sha512: str) -> Path | None:
    folder = archive_dir(sha512)
    return _home_in(folder) if folder.is_dir() else None


def check_sha512(text: str) -> str:
    """The digest in `text`, which may be a whole .sha512 file; raises `UsageError` when there is none in it."""
    digest = text.split()[0].lower() if text.split() else ""
    if not re.fullmatch("[0-9a-f]{128}", digest):
        raise UsageError("--sha512 is not 128 hexadecimal digits", next_step="copy it from the .sha512 file")
    return digest


def install_archive(archive: str, sha512: str, console: Console) -> Path:
    """Unpack a distribution from a file or URL after checking its SHA-512; returns its ZEPPELIN_HOME."""
    sha512 = check_sha512(sha512)
    target = archive_dir(sha512)
    if not target.is_dir():
        with disk.full_disk_reported(cache_dir()):
            if _is_url(archive):
                source = _downloaded(archive, sha512, console)
                _unpack(source, download.shown_url(archive), target, console)
                source.unlink()
            else:
                _unpack(_checked(archive, sha512), archive, target, console)
    return _home_in(target) or target


def archive_dir(sha512: str) -> Path:
    """Where the distribution with this digest is once it is unpacked."""
    return cache_dir() / "stack" / f"distribution-{sha512[:12]}"


def _is_url(archive: str) -> bool:
    return archive.startswith(("http://", "https://"))


def _downloaded(url: str, sha512: str, console: Console) -> Path:
    source = install.downloads_dir() / f"distribution-{sha512[:12]}.tgz"
    if source.is_file() and _sha512(source) == sha512:
        return source
    with console.progress(unit="bytes") as progress:
        task = progress.add_task(f"downloading {download.shown_url(url)}", total=None)
        download.download_archive(url, source, sha512, lambda n: progress.advance(task, n))
    return source


def _checked(archive: str, sha512: str) -> Path:
    source = Path(archive).expanduser()
    if not source.is_file():
        raise UsageError(f"--zeppelin-archive {archive}: no such file", next_step="name a .tgz file or a URL")
    download.check_digest(archive, sha512, _sha512(source))
    return source


def _sha512(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha512").hexdigest()


def _unpack(source: Path, archive: str, target: Path, console: Console) -> None:
    def fill(folder: Path) -> None:
        try:
            with tarfile.open(source) as tar:
                tar.extractall(folder, filter="data")
        except (tarfile.TarError, EOFError, zlib.error, gzip.BadGzipFile) as error:
            raise ProvisionError(
                f"{archive}: not a whole .tgz archive ({error})", next_step="take zeppelin-VERSION-bin-all.tgz"
            ) from error
        home = _home_in(folder)
        if home is None:
            raise UsageError(f"{archive}: no Zeppelin in the archive", next_step="take zeppelin-VERSION-bin-all.tgz")
        zeppelin_version(home, archive)

    disk.need_space(cache_dir(), int(1.2 * source.stat().st_size))
    with console.step(f"unpacking {source.name}"):
        install.all_or_nothing(target, fill)


def _home_in(folder: Path) -> Path | None:
    homes = [folder, *sorted(path for path in folder.iterdir() if path.is_dir())]
    return next((home for home in homes if is_zeppelin_home(home)), None)


def is_zeppelin_home(folder: Path) -> bool:
    """Whether this folder is an unpacked Zeppelin distribution."""
    return (folder / "bin" / "interpreter.sh").is_file() and any((folder / "lib").glob("zeppelin-server-*.jar"))


def named_home(home: str) -> Path:
    """The folder of `--zeppelin-home`; raises `UsageError` when no distribution that fits is there."""
    folder = Path(home).expanduser().absolute()
    if not is_zeppelin_home(folder):
        raise UsageError(
            f"--zeppelin-home {home}: no Zeppelin distribution there",
            next_step="name the folder that has bin/interpreter.sh and lib/ in it",
        )
    zeppelin_version(folder, f"--zeppelin-home {home}")
    return folder


def zeppelin_version(home: Path, named: str) -> tuple[int, int]:
    """The version of the distribution in `home`, which the person `named`, as (0, 12); raises `UsageError` for
    one that is too old or too new.
    """
    server = next(iter(home.glob("lib/zeppelin-server-*.jar"))).name
    match = re.search(r"zeppelin-server-(\d+)\.(\d+)", server)
    version = (int(match[1]), int(match[2])) if match else (0, 0)
    if not _OLDEST <= version <= _NEWEST:
        raise UsageError(
            f"{named}: {server} is not of a Zeppelin from 0.10 to 0.12",
            next_step="start that server yourself and name it with --zeppelin URL",
        )
    return version
