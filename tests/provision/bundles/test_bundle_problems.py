"""What is wrong with a bundle: each mistake with the line of `note.toml`, or of the template, that has it."""

import shutil
from pathlib import Path

import pytest

from provision.bundles.bundle import bundle_names, bundle_problems, load_bundle
from provision.errors import UsageError

GREENHOUSE = Path(__file__).parents[3] / "examples" / "greenhouse"


@pytest.fixture
def bundle(tmp_path: Path) -> Path:
    """A copy of the example's folder."""
    return Path(shutil.copytree(GREENHOUSE, tmp_path / "greenhouse"))


def change(file: Path, old: str, new: str) -> int:
    """Replace a text that is there once; returns its line."""
    text = file.read_text(encoding="utf-8")
    assert text.count(old) == 1, text.count(old)
    file.write_text(text.replace(old, new), encoding="utf-8")
    return text.count("\n", 0, text.index(old)) + 1


@pytest.mark.parametrize("name", [*bundle_names(), str(GREENHOUSE)])
def test_nothing_is_wrong_with_what_comes_with_the_tool(name: str) -> None:
    assert bundle_problems(name) == []


@pytest.mark.parametrize(
    ("old", "new", "cause", "step"),
    [
        ('help = "Temp', 'halp = "Temp', "unknown entry 'halp'", "did you mean help?"),
        ("minimum = -50", "minimun = -50", "parameter too_warm: unknown entry 'minimun'", "did you mean minimum?"),
        ('type = "topic"', 'type = "topik"', "parameter topic: unknown type 'topik'", "did you mean topic?"),
        ("default = 30", "default = 300", "default too_warm=300 is out of range", "fix that file"),
        ('file = "columns.scala"', 'file = "colums.scala"', "colums.scala: No such file", "write that file"),
        ('when = { connector = "jar" }', 'when = { connector = "jra" }', "can't be 'jra'", "did you mean jar?"),
        ('when = { connector = "jar" }', 'when = { conector = "jar" }', "no parameter 'conector'", "connector?"),
        ('key = "columns"', 'key = "stream"', "two paragraphs with key 'stream'", "fix their `when`"),
        ('role = "window"', 'role = "widow"', "unknown role 'widow'", "roles: "),
        ('path = "Greenhouse/{appid}', 'path = "Greenhouse/{apid}', "it names a parameter 'apid'", "mean appid?"),
    ],
)
def test_a_mistake_has_its_line_and_the_next_step(bundle: Path, old: str, new: str, cause: str, step: str) -> None:
    line = change(bundle / "note.toml", old, new)

    error = bundle_problems(str(bundle))[0]
    where, _, message = error.message.partition(": ")
    assert cause in message
    assert step in error.next_step
    file, _, number = where.rpartition(":")
    assert file == str(bundle / "note.toml")
    assert abs(int(number) - line) <= 8  # the line of its table, where the entry has none of its own


def test_what_is_there_twice_is_an_error_of_toml_with_its_line(bundle: Path) -> None:
    line = change(bundle / "note.toml", "minimum = -50\n", "minimum = -50\nminimum = -5\n") + 1

    (error,) = bundle_problems(str(bundle))
    assert f"line {line}," in error.message


def test_all_mistakes_are_told_and_a_load_tells_the_first(bundle: Path) -> None:
    change(bundle / "note.toml", "minimum = -50", "minimun = -50")
    change(bundle / "note.toml", 'file = "columns.scala"', 'file = "colums.scala"')
    change(bundle / "note.toml", 'file = "query.scala"', 'file = "qery.scala"')

    told = [error.message for error in bundle_problems(str(bundle))]
    assert [name in each for name, each in zip(("minimun", "colums.scala", "qery.scala"), told, strict=True)] == [
        True
    ] * 3
    with pytest.raises(UsageError, match="'minimun'"):
        load_bundle(str(bundle))


def test_mistakes_of_templates_are_told_with_their_own_lines(bundle: Path) -> None:
    line = change(bundle / "query.scala", "{{ too_warm | scala }}", "{{ too_hot | scala }}")
    other = change(bundle / "context.scala", "{{ batch | scala }}", "{{ batch | skala }}")

    told = {error.message.partition(": ")[0] for error in bundle_problems(str(bundle))}
    assert told == {f"{bundle / 'query.scala'}:{line}", f"{bundle / 'context.scala'}:{other}"}


def test_a_folder_that_is_no_bundle_is_one_problem(tmp_path: Path) -> None:
    (error,) = bundle_problems(f"{tmp_path}/none")
    assert "no bundle" in error.message
