"""The page on bundles names all that a bundle can have: entries, types, roles, filters, values."""

import re
import tomllib

import pytest

from provision.bundles import bundle
from provision.bundles.context import COMPUTED
from provision.bundles.engine import typed_parts
from provision.bundles.literals import FILTERS
from provision.bundles.parameters import TYPES
from provision.bundles.roles import Role

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
    note, paragraph = (part.partition("\n\n")[0] for part in text(PAGE).split("| entry |")[1:])
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
    assert [list(tomllib.loads(code)) for code in tables] == [["paragraphs"], ["parameters"]]
