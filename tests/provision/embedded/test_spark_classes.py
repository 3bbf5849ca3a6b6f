"""Java's archive of Spark's classes: made once, by a stand-in for the Python that would run the stream."""

import errno
import sys
import time
from pathlib import Path
from types import SimpleNamespace

import psutil
import pytest

from provision.console import Console
from provision.embedded import spark_classes
from provision.embedded.manifest import PackagedFile
from provision.home import cache_dir

SCRIPT = f"""#!{sys.executable}
import os, pathlib, sys, time
assert "JAVA_TOOL_OPTIONS" not in os.environ and os.environ["EMBEDDED_SPARK"] == "/spark"
option = os.environ["PYSPARK_SUBMIT_ARGS"].split("-XX:ArchiveClassesAtExit=")[1].split()[0]
assert pathlib.Path(sys.argv[1]).name == "typical_stream.py"
runs = pathlib.Path({{runs!r}})
runs.write_text(runs.read_text() + f"{{{{os.getpid()}}}}\\n")
print("not to be seen")
pathlib.Path(option).write_text("classes")
{{then}}
"""


@pytest.fixture
def runs(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A file with the pid of each run."""
    monkeypatch.setenv("PROVISION_HOME", str(tmp_path / "home"))
    monkeypatch.setenv("JAVA_TOOL_OPTIONS", "-Dsome=thing")
    cache_dir().mkdir(parents=True)
    file = tmp_path / "runs"
    file.touch()
    return file


def made(runs: Path, monkeypatch: pytest.MonkeyPatch, then: str = "") -> Path:
    """Make the archive twice with a Python that does this at the end; returns its path."""
    text = SCRIPT.format(runs=str(runs), then=then)
    launcher = PackagedFile("python.sh", "interpreter/python/bin/python", text.encode())
    monkeypatch.setattr(spark_classes, "_launcher", lambda: [launcher])
    archive = spark_classes.archive_path("spark-4.1.4", "jre-17")
    for _ in range(2):
        spark_classes.make(archive, {"EMBEDDED_SPARK": "/spark"}, Console())
    assert len(runs.read_text().split()) == 1
    assert [path for path in archive.parent.parent.iterdir() if path != archive.parent] == []
    return archive


def test_it_is_made_once(runs: Path, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]) -> None:
    archive = made(runs, monkeypatch)
    assert archive.read_text() == "classes"
    assert cache_dir() in archive.parents
    out, err = capfd.readouterr()
    assert (out, err) == ("", "preparing Spark, once, for notes to start sooner …\n")


def test_one_that_fails_is_not_kept_and_not_tried_at_each_start(runs: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    archive = made(runs, monkeypatch, "sys.exit(1)")
    assert [*archive.parent.iterdir()] == []


def test_a_full_disk_is_no_error(
    runs: Path, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> None:
    with monkeypatch.context() as patch:
        patch.setattr("shutil.disk_usage", lambda _: SimpleNamespace(free=1_000_000))
        archive = spark_classes.archive_path("spark-4.1.4", "jre-17")
        spark_classes.make(archive, {}, Console())
    assert not archive.parent.exists()
    assert capfd.readouterr() == ("", "")
    assert made(runs, monkeypatch).is_file()


def test_a_disk_that_gets_full_is_no_error(runs: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def full(*_: object) -> None:
        raise OSError(errno.ENOSPC, "No space left on device")

    archive = spark_classes.archive_path("spark-4.1.4", "jre-17")
    with monkeypatch.context() as patch:
        patch.setattr("provision.embedded.install.write_packaged", full)
        spark_classes.make(archive, {}, Console())
    assert [*archive.parent.parent.iterdir()] == []
    assert made(runs, monkeypatch).is_file()


def test_one_that_hangs_is_ended(runs: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(spark_classes, "_PATIENCE", 1.5)
    began = time.monotonic()
    archive = made(runs, monkeypatch, "time.sleep(60)")
    assert time.monotonic() - began < 30
    assert [*archive.parent.iterdir()] == []
    assert not psutil.pid_exists(int(runs.read_text()))


def test_another_start_or_another_place_of_it_is_another_archive(
    runs: Path, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    def path() -> Path:
        return spark_classes.archive_path("spark-4.1.4", "jre-17")

    one = path()
    assert one.parent.name.startswith("spark-4.1.4-")
    assert "-on-jre-17-" in one.parent.name
    (tmp_path / "link").symlink_to(tmp_path / "home")
    monkeypatch.setenv("PROVISION_HOME", str(tmp_path / "link"))
    assert path().parent.name == one.parent.name
    (tmp_path / "home").rename(tmp_path / "moved")
    monkeypatch.setenv("PROVISION_HOME", str(tmp_path / "moved"))
    moved = path()
    assert moved.parent.name != one.parent.name
    monkeypatch.setattr(spark_classes, "_launcher", lambda: [PackagedFile("python.sh", "bin/python", b"#")])
    assert path() != moved
