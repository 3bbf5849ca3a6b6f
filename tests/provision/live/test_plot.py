"""`provision plot` of files, and of a note on a staged server."""

import json
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from provision.cli import run

from .stage import Stage

TIDY = "window_end,id,avg(cpu)\n2026-11-26T09:00:10Z,ant,1.123456789\n2026-11-26T09:00:20Z,ant,2\n"


@pytest.fixture(scope="module")
def stage() -> Iterator[Stage]:
    with Stage() as running:
        running.add("NETPIE/PLOT metrics csv")
        yield running


@pytest.fixture(autouse=True)
def named(stage: Stage, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("PROVISION_HOME", str(tmp_path / "home"))
    monkeypatch.setenv("ZEPPELIN_URL", stage.url)
    monkeypatch.chdir(tmp_path)


def test_a_note_is_drawn_in_the_terminal(capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["plot", "PLOT metrics csv", "--key", "ant", "--key", "bee"]) == 0
    shown = capsys.readouterr().out
    assert "\x1b" not in shown
    assert shown.splitlines()[0].rstrip() == "avg(loadavg)"
    assert shown.splitlines()[-1].rstrip() == "a ant   b bee"


def test_a_note_is_drawn_into_a_file(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["plot", "PLOT metrics csv", "--measure", "avg(cpu)", "--out", "cpu.svg", "--json"]) == 0
    answer = json.loads(capsys.readouterr().out)
    assert answer["file"] == "cpu.svg"
    assert [each["measure"] for each in answer["measures"]] == ["avg(cpu)"]
    assert len(answer["measures"][0]["lines"]["ant"]) == 12
    assert "avg(cpu)" in (tmp_path / "cpu.svg").read_text(encoding="utf-8")


def test_a_dataset_is_drawn_with_all_its_digits_for_a_script(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "averages.csv").write_text(TIDY, encoding="utf-8")
    assert run(["plot", "averages.csv", "--json", "--zeppelin", "http://127.0.0.1:9"]) == 0
    (measure,) = json.loads(capsys.readouterr().out)["measures"]
    assert measure["lines"] == {"ant": [1.123456789, 2.0]}


def test_the_document_s_folders_are_drawn(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    for at in range(3):
        folder = tmp_path / "out" / f"avg-{1795683610000 + 10_000 * at}"
        folder.mkdir(parents=True)
        (folder / "part-00000.csv").write_text(f"2026-11-26T09:00:09.000Z,ant,{at}.5\n", encoding="utf-8")
        (folder / "_SUCCESS").touch()
    assert run(["plot", "out", "--columns", "ts,id,cpu", "--json"]) == 0
    (measure,) = json.loads(capsys.readouterr().out)["measures"]
    assert (measure["measure"], measure["lines"]) == ("cpu", {"ant": [0.5, 1.5, 2.5]})


@pytest.mark.parametrize(
    ("words", "status", "told"),
    [
        (["plot", "nothing such"], 2, "no note 'nothing such'"),
        (["plot", "./nothing/such.csv"], 2, "no such file"),
        (["plot", "PLOT metrics csv", "--out", "a.gif"], 2, "no name of a picture"),
        (["plot", "PLOT metrics csv", "--columns", "a"], 2, "--columns is for files"),
        (["plot", "PLOT metrics csv", "--measure", "x"], 2, "no measure 'x'"),
        (["plot", "PLOT metrics csv", "--zeppelin", "http://127.0.0.1:9"], 4, ""),
        (["plot", "."], 2, "no window with numbers"),
    ],
)
def test_a_mistake_is_one_line(words: list[str], status: int, told: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert run(words) == status
    (line,) = capsys.readouterr().err.splitlines()
    assert told in line


def test_where_the_extra_is_missing_it_is_named(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setitem(sys.modules, "matplotlib", None)
    assert run(["plot", "PLOT metrics csv", "--out", "a.png"]) == 1
    assert "pip install '.[plot]'" in capsys.readouterr().err


def test_a_full_disk_is_one_line(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    def fails(*_: object, **__: object) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr("matplotlib.figure.Figure.savefig", fails)
    assert run(["plot", "PLOT metrics csv", "--out", "a.png"]) == 1
    (line,) = capsys.readouterr().err.splitlines()
    assert "No space left on device; free some space" in line
