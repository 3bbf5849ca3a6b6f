import hashlib
import os
import signal
import socket
import sys
import tarfile
import threading
import zipfile
from collections.abc import Iterator
from pathlib import Path
from types import SimpleNamespace

import psutil
import pytest

from provision.embedded import disk, pip_download
from provision.embedded.manifest import PypiFile
from provision.embedded.pip_download import download_release
from provision.errors import ProvisionError, UnreachableError

WHEEL = "tiny_thing-1.0-py3-none-any.whl"


@pytest.fixture(autouse=True)
def no_index(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder of wheels in place of the package index."""
    links = tmp_path / "links"
    links.mkdir()
    monkeypatch.setenv("PIP_NO_INDEX", "1")
    monkeypatch.setenv("PIP_FIND_LINKS", str(links))
    monkeypatch.setenv("PIP_NO_CACHE_DIR", "1")
    monkeypatch.setenv("PIP_CONFIG_FILE", os.devnull)
    return links


def wheel(folder: Path) -> PypiFile:
    """A package with nothing in it, and its pin."""
    path, info = folder / WHEEL, "tiny_thing-1.0.dist-info"
    tags = "Wheel-Version: 1.0\nGenerator: t\nRoot-Is-Purelib: true\nTag: py3-none-any\n"
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr(f"{info}/METADATA", "Metadata-Version: 2.1\nName: tiny-thing\nVersion: 1.0\n")
        archive.writestr(f"{info}/WHEEL", tags)
        archive.writestr(f"{info}/RECORD", "")
    content = path.read_bytes()
    return PypiFile("tiny-thing", "1.0", WHEEL, len(content), hashlib.sha256(content).hexdigest())


def names(folder: Path) -> set[str]:
    return {path.name for path in folder.iterdir()}


@pytest.fixture
def silent_index(monkeypatch: pytest.MonkeyPatch) -> Iterator[socket.socket]:
    """An index that takes connections and says nothing."""
    with socket.create_server(("127.0.0.1", 0)) as server:
        monkeypatch.delenv("PIP_NO_INDEX")
        monkeypatch.delenv("PIP_FIND_LINKS")
        monkeypatch.setenv("PIP_INDEX_URL", f"http://127.0.0.1:{server.getsockname()[1]}/simple")
        yield server


def test_the_file_arrives_checked_and_alone_and_is_not_asked_for_again(no_index: Path, tmp_path: Path) -> None:
    pin, counts = wheel(no_index), []
    downloads = tmp_path / "downloads"
    assert download_release(pin, downloads, counts.append) == downloads / WHEEL
    assert names(downloads) == {WHEEL}
    assert sum(counts) == pin.size
    (no_index / WHEEL).unlink()
    again: list[int] = []
    assert download_release(pin, downloads, again.append) == downloads / WHEEL
    assert sum(again) == pin.size


def test_a_wrong_checksum_keeps_nothing(no_index: Path, tmp_path: Path) -> None:
    pin = wheel(no_index)
    wrong = PypiFile(pin.name, pin.version, pin.file_name, pin.size, "0" * 64)
    counts: list[int] = []
    with pytest.raises(ProvisionError, match=f"{WHEEL}: wrong checksum") as caught:
        download_release(wrong, tmp_path / "downloads", counts.append)
    assert caught.value.exit_code == 1
    assert names(tmp_path / "downloads") == set()
    assert sum(counts) == 0


def test_code_of_a_source_distribution_with_a_wrong_checksum_never_runs(no_index: Path, tmp_path: Path) -> None:
    (tmp_path / "tiny-1.0").mkdir()
    ran = tmp_path / "ran"
    (tmp_path / "tiny-1.0" / "setup.py").write_text(f"open({str(ran)!r}, 'w')")
    with tarfile.open(no_index / "tiny-1.0.tar.gz", "w:gz") as archive:
        archive.add(tmp_path / "tiny-1.0", "tiny-1.0")
    with pytest.raises(ProvisionError, match="wrong checksum"):
        download_release(
            PypiFile("tiny", "1.0", "tiny-1.0.tar.gz", 9, "0" * 64), tmp_path / "downloads", lambda _: None
        )
    assert not ran.exists()


def test_an_index_that_is_down_is_unreachable(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.delenv("PIP_NO_INDEX")
    monkeypatch.delenv("PIP_FIND_LINKS")
    monkeypatch.setenv("PIP_RETRIES", "1")
    with socket.socket() as closed:
        closed.bind(("127.0.0.1", 0))
        monkeypatch.setenv("PIP_INDEX_URL", f"http://127.0.0.1:{closed.getsockname()[1]}/simple")
        with pytest.raises(UnreachableError) as caught:
            download_release(PypiFile("tiny-thing", "1.0", WHEEL, 9, "0" * 64), tmp_path / "d", lambda _: None)
    assert caught.value.exit_code == 4
    assert caught.value.message == "pip could not download tiny-thing==1.0: the package index can't be reached"
    assert names(tmp_path / "d") == set()


def test_a_release_that_the_index_lacks_is_told_in_pip_s_words(tmp_path: Path) -> None:
    with pytest.raises(UnreachableError, match="tiny-thing==1.0: No matching distribution found"):
        download_release(PypiFile("tiny-thing", "1.0", WHEEL, 9, "0" * 64), tmp_path / "d", lambda _: None)


@pytest.mark.parametrize(
    ("said", "shown"),
    [
        ("ERROR: Could not install packages due to an OSError: [Errno 28] No space left on device", "disk is full"),
        ("/usr/bin/python3: No module named pip", "has no pip"),
    ],
)
def test_what_pip_says_of_this_machine_is_no_fault_of_the_index(said: str, shown: str, tmp_path: Path) -> None:
    pin = PypiFile("tiny-thing", "1.0", WHEEL, 9, "0" * 64)
    with pytest.raises(ProvisionError, match=shown) as caught, disk.full_disk_reported(tmp_path):
        raise pip_download._failure(pin, [said])
    assert caught.value.exit_code == 1


def test_ctrl_c_ends_pip_and_leaves_nothing(silent_index: socket.socket, tmp_path: Path) -> None:
    main, before = threading.main_thread().ident, psutil.Process().children()
    assert main is not None
    ended = threading.Event()

    def press() -> None:
        asking, _ = silent_index.accept()
        with asking:
            signal.pthread_kill(main, signal.SIGINT)
            ended.wait(60)

    presser = threading.Thread(target=press)
    presser.start()
    with pytest.raises(KeyboardInterrupt):
        download_release(PypiFile("tiny-thing", "1.0", WHEEL, 9, "0" * 64), tmp_path / "d", lambda _: None)
    ended.set()
    presser.join()
    assert set(psutil.Process().children()) <= set(before)  # another test's may have ended
    assert names(tmp_path / "d") == set()


def test_what_a_killed_pip_left_is_swept(no_index: Path, tmp_path: Path) -> None:
    pin = wheel(no_index)
    left = tmp_path / "downloads" / ".partial-999999999-abc"
    (left / "tmp").mkdir(parents=True)
    (left / "tmp" / WHEEL).write_bytes(b"half")
    download_release(pin, tmp_path / "downloads", lambda _: None)
    assert names(tmp_path / "downloads") == {WHEEL}


def test_progress_shows_what_pip_has_written_so_far(tmp_path: Path) -> None:
    pin = PypiFile("tiny-thing", "1.0", WHEEL, 100, "")
    told: list[int] = []
    assert pip_download._report(tmp_path, pin, 0, told.append) == 0
    (tmp_path / "unpack").mkdir()
    (tmp_path / "unpack" / WHEEL).write_bytes(b"x" * 60)
    assert pip_download._report(tmp_path, pin, 0, told.append) == 60
    assert pip_download._report(tmp_path, pin, 60, told.append) == 0
    (tmp_path / "unpack" / WHEEL).write_bytes(b"x" * 1000)
    assert pip_download._report(tmp_path, pin, 60, told.append) == 40
    assert told == [60, 40]


def test_tags_are_those_of_published_wheels_this_python_s_own_first(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("sysconfig.get_platform", lambda: "linux-x86_64")
    python = f"cp3{sys.version_info[1]}"
    assert pip_download.wheel_tags() == [
        f"{python}-{python}-manylinux_2_28_x86_64",
        f"{python}-{python}-manylinux1_x86_64",
        f"{python}-{python}-linux_x86_64",
        "py3-none-manylinux_2_28_x86_64",
        "py3-none-manylinux1_x86_64",
        "py3-none-linux_x86_64",
    ]


@pytest.mark.parametrize(("machine", "tag"), [("arm64", "macosx_11_0_arm64"), ("x86_64", "macosx_10_9_x86_64")])
def test_a_mac_takes_wheels_of_its_processor(machine: str, tag: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("sysconfig.get_platform", lambda: f"macosx-14.0-{machine}")
    monkeypatch.setattr("os.uname", lambda: SimpleNamespace(machine=machine))
    tags = pip_download.wheel_tags()
    assert f"py3-none-{tag}" in tags
    assert f"py3-none-macosx_12_0_{machine}" in tags
    assert all(each.endswith(machine) for each in tags)
