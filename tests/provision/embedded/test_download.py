import errno
import hashlib
import io
import signal
import socket
import threading
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from provision.embedded import disk, download
from provision.embedded.download import download_archive, download_jars
from provision.embedded.manifest import MavenJar
from provision.errors import ProvisionError, UnreachableError

from ..maven_fake import MavenFake, jar


@pytest.fixture
def maven(monkeypatch: pytest.MonkeyPatch) -> Iterator[MavenFake]:
    monkeypatch.setattr(download, "PAUSE", 0.01)
    with MavenFake() as fake:
        yield fake


class Progress:
    """Adds up what it is told."""

    def __init__(self) -> None:
        self.total = 0
        self._lock = threading.Lock()

    def __call__(self, count: int) -> None:
        with self._lock:
            self.total += count


def several(maven: MavenFake, count: int = 20) -> list[MavenJar]:
    return [maven.put(jar(f"jar{number}")) for number in range(count)]


def names(folder: Path) -> set[str]:
    return {path.name for path in folder.iterdir()}


def test_all_arrive_whole_under_their_names(maven: MavenFake, tmp_path: Path) -> None:
    jars, progress = several(maven), Progress()
    download_jars(maven.url, jars, tmp_path / "new", progress)
    for each in jars:
        assert download.is_intact(tmp_path / "new" / each.file_name, each.size, each.sha256)
    assert names(tmp_path / "new") == {each.file_name for each in jars}
    assert progress.total == sum(each.size for each in jars)


def test_several_come_at_once(maven: MavenFake, tmp_path: Path) -> None:
    maven.together = threading.Barrier(download.CONNECTIONS)
    download_jars(maven.url, several(maven, download.CONNECTIONS), tmp_path, Progress())
    assert maven.most_at_once == download.CONNECTIONS


def test_what_is_there_is_not_asked_for_again_and_what_is_damaged_is(maven: MavenFake, tmp_path: Path) -> None:
    jars, progress = several(maven, 4), Progress()
    download_jars(maven.url, jars, tmp_path, Progress())
    (tmp_path / jars[0].file_name).unlink()
    (tmp_path / jars[1].file_name).write_bytes(b"x" * jars[1].size)
    download_jars(maven.url, jars, tmp_path, progress)
    assert [maven.asked[each.path] for each in jars] == [2, 2, 1, 1]
    assert progress.total == sum(each.size for each in jars)


def test_those_that_arrived_stay_when_another_fails(maven: MavenFake, tmp_path: Path) -> None:
    good = [maven.put(jar("good"))]
    download_jars(maven.url, good, tmp_path, Progress())
    with pytest.raises(ProvisionError):
        download_jars(maven.url, [*good, jar("missing")], tmp_path, Progress())
    assert names(tmp_path) == {good[0].file_name}


def test_a_cut_off_body_is_asked_for_again_and_its_bytes_are_not_counted_twice(
    maven: MavenFake, tmp_path: Path
) -> None:
    one, progress = maven.put(jar("one")), Progress()
    maven.cut[one.path] = 2
    download_jars(maven.url, [one], tmp_path, progress)
    assert maven.asked[one.path] == 3
    assert progress.total == one.size
    assert names(tmp_path) == {one.file_name}


def test_a_body_cut_off_every_time_is_unreachable_and_named_and_nothing_of_it_stays(
    maven: MavenFake, tmp_path: Path
) -> None:
    one, progress = maven.put(jar("one")), Progress()
    maven.cut[one.path] = 99
    with pytest.raises(UnreachableError) as caught:
        download_jars(maven.url, [one], tmp_path, progress)
    assert caught.value.exit_code == 4
    assert caught.value.message.startswith("download of org.example:one:1.0 failed 3 times: ")
    assert "goes on where it stopped" in caught.value.next_step
    assert names(tmp_path) == set()
    assert progress.total == 0


def test_a_body_shorter_than_its_pin_is_cut_off_though_the_server_says_it_is_whole(
    maven: MavenFake, tmp_path: Path
) -> None:
    one = maven.put(jar("one", b"whole content"), b"whole")
    with pytest.raises(UnreachableError, match="cut off after 5 of 13 bytes"):
        download_jars(maven.url, [one], tmp_path, Progress())


def test_a_body_longer_than_its_pin_is_not_read_to_its_end(maven: MavenFake, tmp_path: Path) -> None:
    one = maven.put(jar("one", b"short"), b"short" * 100_000)
    with pytest.raises(ProvisionError, match="longer than its 5 bytes"):
        download_jars(maven.url, [one], tmp_path, Progress())
    assert names(tmp_path) == set()


def test_a_wrong_checksum_keeps_nothing_and_is_not_tried_again(maven: MavenFake, tmp_path: Path) -> None:
    one, progress = maven.put(jar("one", b"right"), b"wrong"), Progress()
    with pytest.raises(ProvisionError, match="org.example:one:1.0: wrong checksum") as caught:
        download_jars(maven.url, [one], tmp_path, progress)
    assert caught.value.exit_code == 1
    assert names(tmp_path) == set()
    assert maven.asked[one.path] == 1
    assert progress.total == 0


def test_a_jar_that_the_repository_lacks_is_named_with_the_answer(maven: MavenFake, tmp_path: Path) -> None:
    with pytest.raises(ProvisionError, match=r"org.example:none:1.0: 127.0.0.1:\d+ answered 404") as caught:
        download_jars(maven.url, [jar("none")], tmp_path, Progress())
    assert caught.value.exit_code == 1
    assert "PROVISION_MAVEN_REPOSITORY" in caught.value.next_step


def test_a_server_in_trouble_is_asked_again_and_then_unreachable(maven: MavenFake, tmp_path: Path) -> None:
    one = maven.put(jar("one"))
    maven.fail[one.path] = 503
    with pytest.raises(UnreachableError, match="answered 503"):
        download_jars(maven.url, [one], tmp_path, Progress())
    assert maven.asked[one.path] == download.TRIES


def test_a_server_that_is_down_is_unreachable(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(download, "PAUSE", 0.01)
    with socket.socket() as closed:
        closed.bind(("127.0.0.1", 0))
        port = closed.getsockname()[1]
        with pytest.raises(UnreachableError, match=f"org.example:one:1.0 .*no answer from 127.0.0.1:{port}"):
            download_jars(f"http://127.0.0.1:{port}", [jar("one")], tmp_path, Progress())


def test_a_password_in_the_address_is_not_shown(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(download, "PAUSE", 0.01)
    with pytest.raises(UnreachableError) as caught:
        download_jars("http://me:hunter2@127.0.0.1:1/", [jar("one")], tmp_path, Progress())
    assert "hunter2" not in caught.value.message


def test_one_that_fails_stops_the_others(maven: MavenFake, tmp_path: Path) -> None:
    slow = maven.put(jar("slow"))
    maven.silent.add(slow.path)
    since = time.monotonic()
    with pytest.raises(ProvisionError, match="404"):
        download_jars(maven.url, [slow, jar("none")], tmp_path, Progress())
    assert time.monotonic() - since < 5
    assert names(tmp_path) == set()


def test_ctrl_c_stops_at_once_though_servers_are_silent_and_leaves_nothing_partial(
    maven: MavenFake, tmp_path: Path
) -> None:
    jars = several(maven, 12)
    maven.silent.update(each.path for each in jars)
    main = threading.main_thread().ident
    assert main is not None

    def press() -> None:
        while len(maven.asked) < download.CONNECTIONS:
            time.sleep(0.01)
        signal.pthread_kill(main, signal.SIGINT)

    presser = threading.Thread(target=press)
    presser.start()
    since = time.monotonic()
    with pytest.raises(KeyboardInterrupt):
        download_jars(maven.url, jars, tmp_path, Progress())
    assert time.monotonic() - since < 5
    presser.join()
    assert names(tmp_path) == set()


def test_what_a_killed_download_left_is_swept_and_what_another_one_writes_now_is_not(
    maven: MavenFake, tmp_path: Path
) -> None:
    (tmp_path / ".partial-999999999-old.jar").write_bytes(b"old")
    (tmp_path / ".partial-x-odd.jar").write_bytes(b"odd")
    (tmp_path / ".partial-1-alive.jar").write_bytes(b"of a process that runs")
    download_jars(maven.url, several(maven, 1), tmp_path, Progress())
    assert names(tmp_path) == {".partial-1-alive.jar", "jar0-1.0.jar"}


def test_a_disk_that_gets_full_is_told_in_one_line_and_nothing_partial_stays(
    maven: MavenFake, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    class Full(io.BytesIO):
        def write(self, _block: Any) -> int:
            raise OSError(errno.ENOSPC, "No space left on device")

    def opened(path: Path, mode: str = "r", **options: Any) -> Any:
        if "w" not in mode:
            return open(path, mode, **options)
        path.touch()
        return Full()

    jars, progress = several(maven, 3), Progress()
    monkeypatch.setattr(Path, "open", opened)
    with (
        pytest.raises(ProvisionError, match="the disk is full; nothing was installed") as caught,
        disk.full_disk_reported(tmp_path),
    ):
        download_jars(maven.url, jars, tmp_path, progress)
    assert caught.value.exit_code == 1
    assert names(tmp_path) == set()
    assert progress.total == 0


def test_an_archive_is_kept_only_with_its_sha512(maven: MavenFake, tmp_path: Path) -> None:
    maven.files["z.tgz"] = b"zeppelin"
    target = tmp_path / "z.tgz"
    with pytest.raises(ProvisionError, match="wrong checksum"):
        download_archive(maven.url + "z.tgz", target, "0" * 128, Progress())
    assert names(tmp_path) == set()
    download_archive(maven.url + "z.tgz", target, hashlib.sha512(b"zeppelin").hexdigest(), Progress())
    assert target.read_bytes() == b"zeppelin"


def test_an_archive_that_is_not_at_the_address_says_so(maven: MavenFake, tmp_path: Path) -> None:
    with pytest.raises(ProvisionError, match="answered 404") as caught:
        download_archive(maven.url + "none.tgz", tmp_path / "z.tgz", "0" * 128, Progress())
    assert caught.value.next_step == "check the address"


@pytest.mark.parametrize("path", ["none.tgz", "z.tgz"])
def test_a_password_in_an_archive_s_address_is_in_no_error(maven: MavenFake, tmp_path: Path, path: str) -> None:
    maven.files["z.tgz"] = b"zeppelin"
    url = maven.url.replace("://", "://ann:hush@") + path + "?token=hush"
    with pytest.raises(ProvisionError) as caught:
        download_archive(url, tmp_path / "z.tgz", "0" * 128, Progress())
    assert "hush" not in caught.value.message + caught.value.next_step
    assert path in caught.value.message
