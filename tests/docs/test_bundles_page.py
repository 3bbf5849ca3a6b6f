"""The page on bundles names all that a bundle can have: entries, types, roles, filters, values."""

import re
import tomllib
from pathlib import Path

import pytest

from provision.bundles import bundle
from provision.bundles.context import COMPUTED
from provision.bundles.engine import typed_parts
from provision.bundles.literals import FILTERS
from provision.bundles.parameters import PARAMETER_ENTRIES, TYPES
from provision.bundles.roles import Role
from provision.platforms import named_platform
from provision.platforms.platform import Given
from provision.prepare import check_spec, note_spec

from .pages import FENCE, ROOT, rows, text

PAGE = ROOT / "docs" / "bundles.md"


def named(header: str) -> set[str]:
    """The code spans in the first column of a table."""
    return {span for row in rows(PAGE, header) for span in re.findall(r"`([^`]+)`", row[0])}


@pytest.mark.parametrize(
    ("header", "there"),
    [("| type |", TYPES), ("| role |", Role), ("| filter |", FILTERS), ("| value |", COMPUTED)],
)
def test_the_tables_are_whole(header: str, there: object) -> None:
    assert named(header) == set(there)


def test_the_entries_are_those_that_are_read() -> None:
    note, paragraph = (part.partition("\n\n")[0] for part in text(PAGE).split("| entry |")[1:3])
    assert {name for name in bundle.NOTE_ENTRIES if re.search(rf"[`\[]{name}\b", note)} == set(bundle.NOTE_ENTRIES)
    assert set(re.findall(r"^\| `(\w+)`", paragraph, re.MULTILINE)) == set(bundle.PARAGRAPH_ENTRIES)


def test_the_parts_of_the_engine_are_named() -> None:
    assert set(re.findall(r"`engine:(\w+)`", text(PAGE))) == set(typed_parts())


def test_the_parameters_that_every_bundle_has_are_named() -> None:
    sentence = re.search(r"Every bundle declares ([^.]*)\.", text(PAGE))
    assert sentence
    assert set(re.findall(r"`(\w+)`", sentence[1])) == bundle.REQUIRED


def test_the_toml_is_toml() -> None:
    tables = [code for _, language, code in FENCE.findall(text(PAGE)) if language == "toml"]
    tops = [list(tomllib.loads(code)) for code in tables]
    assert tops == [["paragraphs"], ["parameters"], ["title", "help", "path", "parameters", "paragraphs"]]


def test_the_entries_of_a_parameter_are_those_that_are_read() -> None:
    assert named("| entry of a parameter |") == set(PARAMETER_ENTRIES)


def test_the_parameters_that_mean_something_are_those_that_every_bundle_has() -> None:
    assert named("| parameter |") == bundle.REQUIRED | bundle.REQUIRED_FOR_JARS


def test_the_smallest_bundle_is_one_and_makes_a_note(tmp_path: Path) -> None:
    codes = {language: code for _, language, code in FENCE.findall(text(PAGE).partition("## The smallest one")[2])}
    (tmp_path / "note.toml").write_text(codes["toml"], encoding="utf-8")
    (tmp_path / "start.scala").write_text(codes["scala"], encoding="utf-8")
    (tmp_path / "dependencies.conf").write_text("{{ dependencies | spark_conf }}", encoding="utf-8")

    assert bundle.bundle_problems(str(tmp_path)) == []
    place = named_platform("netpie2015").place(Given({"appid": "MyApp"}, env={}))
    check_spec(note_spec(bundle.load_bundle(str(tmp_path)), (), place))
