"""A mistyped parameter is told, whatever the server does: before it is asked, or in the place of its failure."""

from pathlib import Path

import pytest

from .bench import CommandBench

MISTYPED = [("windw=30", "windw"), ("window=soon", "window='soon'"), ("slide=0", "slide=0"), ("window", "no = in it")]
EACH = ["apply", "plan", "run", "stop", "status", "remove", "undo"]


@pytest.fixture
def away(bench: CommandBench, monkeypatch: pytest.MonkeyPatch) -> CommandBench:
    """The server that is named does not answer, and neither does NETPIE."""
    monkeypatch.setenv("ZEPPELIN_URL", "http://127.0.0.1:9")
    monkeypatch.setenv("NETPIE_AUTH", "http://127.0.0.1:9")
    return bench


@pytest.fixture
def people(tmp_path: Path) -> Path:
    file = tmp_path / "people.csv"
    file.write_text("note,topic\nClass/a,a\nClass/b,b\n")
    return file


def line_of(bench: CommandBench) -> str:
    """The one line that was said."""
    assert len(bench.said.splitlines()) == 1, bench.said
    return bench.said


@pytest.mark.parametrize(("pair", "told"), MISTYPED)
@pytest.mark.parametrize("words", [["apply"], ["plan"], ["apply", "--note", "N"], ["apply", "--bundle", "classic"]])
def test_it_is_told_where_the_server_is_away(away: CommandBench, words: list[str], pair: str, told: str) -> None:
    words = [*words, "--param", pair.replace("windw", "batchh") if "classic" in words else pair]
    assert away.run(*words) == 2
    assert told.replace("windw", "batchh" if "classic" in words else "windw") in line_of(away)


@pytest.mark.parametrize(("pair", "told"), MISTYPED)
@pytest.mark.parametrize("verb", EACH)
def test_it_is_told_of_a_class_before_the_server_is_asked(
    away: CommandBench, people: Path, verb: str, pair: str, told: str
) -> None:
    assert away.run(verb, "--each", str(people), "--param", pair) == 2
    assert told in line_of(away)


@pytest.mark.parametrize("verb", EACH)
def test_a_class_none_of_whose_rows_is_right_asks_no_server(away: CommandBench, tmp_path: Path, verb: str) -> None:
    file = tmp_path / "people.csv"
    file.write_text("note,window\nClass/a,soon\nClass/b,later\n")
    assert away.run(verb, "--each", str(file)) == 1
    assert "window='soon'" in away.out
    assert "window='later'" in away.out
    assert "127.0.0.1" not in away.said


@pytest.mark.parametrize("verb", EACH)
def test_a_row_that_is_wrong_is_told_with_the_server_that_is_away(
    away: CommandBench, tmp_path: Path, verb: str
) -> None:
    file = tmp_path / "people.csv"
    file.write_text("note,window\nClass/a,soon\nClass/b,60\n")
    assert away.run(verb, "--each", str(file)) == 4
    assert "Class/a (line 2): window='soon'" in away.said
    assert "127.0.0.1:9" in away.said.splitlines()[-1]


@pytest.mark.parametrize("verb", ["run", "stop", "status", "remove", "undo"])
@pytest.mark.parametrize(
    "words", [["--param", "window=30"], ["--bundle", "classic"], ["--appid", "A"], ["--credentials-file", "APP"]]
)
def test_what_goes_with_a_class_is_not_ignored_without_one(
    bench: CommandBench, tmp_path: Path, verb: str, words: list[str]
) -> None:
    (tmp_path / "APP").write_text("appid=A\n")
    words = [str(tmp_path / word) if word == "APP" else word for word in words]
    assert bench.run(verb, "N", *words) == 2
    assert "go with --each" in line_of(bench)
    assert bench.zeppelin.requests == []


@pytest.mark.parametrize("options", [["--bundle", "classik"], ["--bundle", "classic", "--into", "FULL"]])
def test_pull_looks_at_its_folders_before_it_asks_the_server(
    away: CommandBench, tmp_path: Path, options: list[str]
) -> None:
    (tmp_path / "FULL").mkdir()
    (tmp_path / "FULL" / "mine.txt").write_text("mine")
    words = [str(tmp_path / word) if word == "FULL" else word for word in options]
    assert away.run("pull", "N", *words) == 2
    assert "classik" in line_of(away) or "there are files in it" in away.said
