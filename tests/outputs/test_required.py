"""A package that the note's Python does not have is installed once, into a folder of its own."""

import sys
import zipfile
from pathlib import Path

import pytest

from zeppelin_notes.outputs._requires import required


def wheel(folder: Path) -> Path:
    """A package `tiny_driver` as pip installs it."""
    path = folder / "tiny_driver-1.0-py3-none-any.whl"
    info = "tiny_driver-1.0.dist-info"
    with zipfile.ZipFile(path, "w") as file:
        file.writestr("tiny_driver.py", "answer = 42\n")
        file.writestr(f"{info}/METADATA", "Metadata-Version: 2.1\nName: tiny-driver\nVersion: 1.0\n")
        file.writestr(f"{info}/WHEEL", "Wheel-Version: 1.0\nGenerator: x\nRoot-Is-Purelib: true\nTag: py3-none-any\n")
        file.writestr(f"{info}/RECORD", "")
    return path


def test_it_is_installed_when_it_is_first_wanted_and_found_from_then_on(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    monkeypatch.setattr(sys, "path", list(sys.path))
    assert required("tiny_driver", str(wheel(tmp_path))).answer == 42
    del sys.modules["tiny_driver"]
    assert required("tiny_driver", "no-such-file.whl").answer == 42
    assert len(list((tmp_path / "cache" / "note-outputs").iterdir())) == 1
    del sys.modules["tiny_driver"]


def test_what_can_t_be_had_is_one_line(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    with pytest.raises(RuntimeError, match="has no missing_driver, and pip can't install it: ") as failed:
        required("missing_driver", str(tmp_path / "missing_driver-1.0-py3-none-any.whl"))
    assert "\n" not in str(failed.value)
    assert list((tmp_path / "cache" / "note-outputs").iterdir()) == []
