"""A note by what a person calls it."""

import pytest

from provision.errors import UsageError
from provision.sync.find_note import pick

NOTES = [
    ("2A", "/NETPIE/MyApp metrics csv"),
    ("2B", "/NETPIE/MyApp metric csv"),
    ("2C", "/Class/ann"),
    ("2D", "/Class/bob/ann"),
    ("2E", "/Class/carl outputs in Python"),
    ("2F", "/Class/carl csv"),
]


@pytest.mark.parametrize(
    ("name", "note"),
    [
        ("2A", "2A"),
        ("/NETPIE/MyApp metrics csv", "2A"),
        ("NETPIE/MyApp metrics csv", "2A"),
        ("MyApp metrics csv", "2A"),
        ("MyApp metrics", "2A"),
        ("NETPIE/MyApp metrics", "2A"),
        ("MyApp metric", "2B"),
        ("Class/ann", "2C"),
        ("bob/ann", "2D"),
        ("carl csv", "2F"),
        ("MyApp met", None),
        ("metrics", None),
        ("NETPIE", None),
        ("Class/bob", None),
    ],
)
def test_a_note_is_its_id_its_path_its_name_or_the_first_words_of_that(name: str, note: str | None) -> None:
    assert pick(name, ((note_id, path, note_id) for note_id, path in NOTES)) == note


@pytest.mark.parametrize("name", ["ann", "carl", "MyApp"])
def test_what_names_more_than_one_names_none(name: str) -> None:
    with pytest.raises(UsageError, match=f"more than one note is called '{name}': /"):
        pick(name, ((note_id, path, note_id) for note_id, path in NOTES))
