"""Official distributions by their version, and Zeppelin's own pages for the embedded server, from servers here."""

import errno
import hashlib
from collections.abc import Iterator
from pathlib import Path

import pytest

from provision.cli import run
from provision.console import Console
from provision.embedded import distribution, download, web_pages
from provision.embedded.runtime import Choice, Runtime
from provision.errors import ProvisionError, UnreachableError, UsageError

from ..maven_fake import MavenFake
from .test_install import install_choice, zeppelin_tgz

VERSION = "0.12.1"
TGZ = f"zeppelin/zeppelin-{VERSION}/zeppelin-{VERSION}-bin-all.tgz"
WAR = "org/apache/zeppelin/zeppelin-web/0.10.0/zeppelin-web-0.10.0.war"
NEXT_WAR = "org/apache/zeppelin/zeppelin-web-angular/0.10.0/zeppelin-web-angular-0.10.0.war"


@pytest.fixture(autouse=True)
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("PROVISION_HOME", str(tmp_path / "home"))
    return tmp_path / "home"


@pytest.fixture
def server(monkeypatch: pytest.MonkeyPatch) -> Iterator[MavenFake]:
    """Plays the Apache archive and a Maven repository."""
    monkeypatch.setattr(download, "PAUSE", 0.01)
    with MavenFake() as fake:
        monkeypatch.setenv("PROVISION_APACHE_ARCHIVE", f"{fake.url}zeppelin/")
        monkeypatch.setenv("PROVISION_MAVEN_REPOSITORY", fake.url)
        yield fake


@pytest.fixture
def archive(server: MavenFake, tmp_path: Path) -> bytes:
    """The distribution in the archive, with its checksum."""
    content = zeppelin_tgz(tmp_path / "z.tgz", VERSION).read_bytes()
    server.files[TGZ] = content
    server.files[f"{TGZ}.sha512"] = f"{hashlib.sha512(content).hexdigest()}  {Path(TGZ).name}\n".encode()
    return content


def left(home: Path) -> list[str]:
    return sorted(path.name for path in home.rglob("*") if path.is_file() and path.name != "install.lock")


def test_a_version_is_installed_with_the_spark_and_the_java_that_fit_and_not_asked_for_again(
    archive: bytes, server: MavenFake, monkeypatch: pytest.MonkeyPatch
) -> None:
    choice = Choice(version=VERSION)
    got = install_choice(choice, monkeypatch)
    assert got.zeppelin_home.name == f"zeppelin-{VERSION}-bin-all"
    assert (str(got.spark_home), str(got.java_home)) == ("whole spark-3.5.7", "jre-17")
    assert set(got.wars) == {"zeppelin.war"}
    assert choice.is_met_by(got.zeppelin_home)
    assert not Choice(version="0.12.0").is_met_by(got.zeppelin_home)
    server.asked.clear()
    assert install_choice(choice, monkeypatch).zeppelin_home == got.zeppelin_home
    assert not server.asked


def test_a_checksum_as_gpg_writes_it_is_read(
    archive: bytes, server: MavenFake, monkeypatch: pytest.MonkeyPatch
) -> None:
    digits = hashlib.sha512(archive).hexdigest().upper()
    groups = " ".join(digits[at : at + 8] for at in range(0, 128, 8))
    server.files[f"{TGZ}.sha512"] = f"{Path(TGZ).name}: {groups[:72]}\n    {groups[72:]}\n".encode()
    assert install_choice(Choice(version=VERSION), monkeypatch).zeppelin_home.is_dir()


def test_a_checksum_that_is_not_the_archive_s_keeps_nothing(
    archive: bytes, server: MavenFake, home: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    server.files[f"{TGZ}.sha512"] = b"0" * 128
    with pytest.raises(ProvisionError, match="wrong checksum") as told:
        install_choice(Choice(version=VERSION), monkeypatch)
    assert told.value.exit_code == 1
    assert left(home) == []


def test_a_file_that_is_no_checksum_is_refused(
    archive: bytes, server: MavenFake, monkeypatch: pytest.MonkeyPatch
) -> None:
    server.files[f"{TGZ}.sha512"] = b"<html>Not here</html>"
    with pytest.raises(ProvisionError, match=r"\.sha512: no checksum in it"):
        install_choice(Choice(version=VERSION), monkeypatch)
    assert server.asked[TGZ] == 0


def test_a_download_that_breaks_off_is_tried_again_and_then_told(
    archive: bytes, server: MavenFake, home: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    server.cut[TGZ] = download.TRIES
    with pytest.raises(UnreachableError, match="failed 3 times"):
        install_choice(Choice(version=VERSION), monkeypatch)
    assert left(home) == []
    server.cut[TGZ] = 1
    assert install_choice(Choice(version=VERSION), monkeypatch).zeppelin_home.is_dir()


def test_a_version_that_the_archive_does_not_have_is_one_line(
    server: MavenFake, home: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    with pytest.raises(ProvisionError, match=r"no Zeppelin 0\.12\.9 at http://127\.0\.0\.1") as told:
        install_choice(Choice(version="0.12.9"), monkeypatch)
    assert VERSION in told.value.next_step
    assert server.asked[TGZ.replace(VERSION, "0.12.9")] == 0


def test_an_archive_that_does_not_answer_is_told(server: MavenFake, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PROVISION_APACHE_ARCHIVE", "http://name:secret@127.0.0.1:9/zeppelin")
    with pytest.raises(UnreachableError) as told:
        install_choice(Choice(version=VERSION), monkeypatch)
    assert "secret" not in told.value.message


def test_a_full_disk_is_told_and_keeps_nothing(archive: bytes, home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def full(*_: object, **__: object) -> None:
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(distribution.tarfile.TarFile, "extractall", full)
    with pytest.raises(ProvisionError, match="the disk is full; nothing was installed"):
        install_choice(Choice(version=VERSION), monkeypatch)
    assert not any(name.endswith((".jar", ".sha512")) for name in left(home))


@pytest.mark.parametrize(
    ("words", "told"),
    [
        (["--zeppelin-version", "latest"], "no version"),
        (["--zeppelin-version", "0.12"], "no version"),
        (["--zeppelin-version", "0.9.0"], "is not of a Zeppelin from 0.10 to 0.12"),
        (["--zeppelin-version", "0.13.0"], "is not of a Zeppelin from 0.10 to 0.12"),
        (["--zeppelin-version", "../0.12.1"], "no version"),
        (["--zeppelin-version", VERSION, "--zeppelin-home", "."], "exclude each other"),
        (["--zeppelin-version", VERSION, "--python"], "--python is for the embedded Zeppelin"),
    ],
)
def test_a_mistake_is_one_line_before_anything_is_asked_for(
    words: list[str], told: str, server: MavenFake, capsys: pytest.CaptureFixture[str]
) -> None:
    assert run(["up", *words]) == UsageError.exit_code
    (line,) = capsys.readouterr().err.splitlines()
    assert told in line
    assert not server.asked


def test_an_archive_s_address_that_is_none_is_told(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PROVISION_APACHE_ARCHIVE", "/a/folder")
    with pytest.raises(UsageError, match="PROVISION_APACHE_ARCHIVE=/a/folder: not an http"):
        install_choice(Choice(version=VERSION), monkeypatch)


# --- the embedded server's own page ---


@pytest.fixture
def zeppelin(tmp_path: Path) -> Path:
    (tmp_path / "zeppelin").mkdir()
    return tmp_path / "zeppelin"


def install_pages(zeppelin: Path) -> dict[str, Path]:
    """Install the pages; returns those that the server is started with."""
    web_pages.install(zeppelin, "0.10.0", zeppelin / "no-spark", Console())
    return Runtime(zeppelin, zeppelin, zeppelin, zeppelin).wars


def publish(server: MavenFake, path: str, algorithm: str) -> None:
    content = path.encode() * 100
    server.files[path] = content
    server.files[f"{path}.{algorithm}"] = hashlib.new(algorithm, content).hexdigest().encode()


@pytest.mark.parametrize("algorithm", ["sha1", "sha256", "sha512"])
def test_a_registry_that_has_the_pages_gives_them_by_their_published_checksum(
    algorithm: str, server: MavenFake, zeppelin: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    publish(server, WAR, algorithm)
    publish(server, NEXT_WAR, algorithm)
    wars = install_pages(zeppelin)
    assert {name: war.name for name, war in wars.items()} == {
        "zeppelin.war": Path(WAR).name,
        "zeppelin.angular.war": Path(NEXT_WAR).name,
    }
    assert wars["zeppelin.war"].read_bytes() == server.files[WAR]
    server.asked.clear()
    install_pages(zeppelin)
    assert not server.asked
    assert capsys.readouterr().err == ""


def test_a_registry_that_has_not_is_asked_and_told_of_once(
    server: MavenFake, zeppelin: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert install_pages(zeppelin) == {}
    (line,) = capsys.readouterr().err.splitlines()
    assert "does not have Zeppelin's own web page, version 0.10.0" in line
    server.asked.clear()
    assert install_pages(zeppelin) == {}
    assert not server.asked
    assert capsys.readouterr().err == ""


def test_another_registry_is_asked_anew(
    server: MavenFake, zeppelin: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    assert install_pages(zeppelin) == {}
    with MavenFake() as other:
        monkeypatch.setenv("PROVISION_MAVEN_REPOSITORY", other.url)
        publish(other, WAR, "sha1")
        assert set(install_pages(zeppelin)) == {"zeppelin.war"}


def test_a_page_with_a_wrong_checksum_is_not_kept_and_the_server_goes_on_without(
    server: MavenFake, zeppelin: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    publish(server, WAR, "sha1")
    server.files[WAR] = b"other"
    assert install_pages(zeppelin) == {}
    (line,) = capsys.readouterr().err.splitlines()
    assert "wrong checksum" in line
    publish(server, WAR, "sha1")
    assert set(install_pages(zeppelin)) == {"zeppelin.war"}


def test_a_registry_out_of_reach_hinders_nothing(
    zeppelin: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("PROVISION_MAVEN_REPOSITORY", "http://127.0.0.1:9/")
    assert install_pages(zeppelin) == {}
    (line,) = capsys.readouterr().err.splitlines()
    assert line.startswith("without Zeppelin's own web page")
