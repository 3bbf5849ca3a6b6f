"""A secret is found, and blotted out, in every literal in which it may stand in a paragraph or a file."""

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from provision.bundles.literals import FILTERS, Dependencies, Secret
from provision.bundles.note_toml import new_table
from provision.sync.redaction import blotted, holds_secret

scala, markdown, spark_conf = (FILTERS[name].literal for name in ("scala", "markdown", "spark_conf"))

ODD = 'k{"é}\\$1'


@pytest.mark.parametrize(
    "text",
    [
        ODD,
        f"print({scala(Secret('x.user', ODD, inline=True))})",
        markdown(ODD),
        spark_conf(Dependencies(properties=(f"spark.hadoop.key={ODD}",))),
        json.dumps({"key": ODD}),
        new_table({"key": "own", "title": ODD}),
    ],
)
def test_a_secret_is_found_in_every_literal(text: str) -> None:
    assert holds_secret(text, ["other", ODD])
    assert not holds_secret(blotted(text, ["other", ODD]), [ODD])
    assert "***" in blotted(text, [ODD])


def test_an_empty_secret_stands_nowhere() -> None:
    assert not holds_secret("text", ["", "other"])
    assert blotted("text", [""]) == "text"


def test_a_secret_within_another_leaves_nothing_of_that() -> None:
    assert blotted("key-and-token", ["key", "key-and-token"]) == "***"


@given(st.text(min_size=1), st.text(), st.text())
def test_any_secret_is_found_where_it_stands(secret: str, before: str, after: str) -> None:
    assert holds_secret(before + secret + after, [secret])
    assert holds_secret(before + scala(secret) + after, [secret])
