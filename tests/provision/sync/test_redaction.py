"""A secret is found, and blotted out, in every literal in which it may stand in a paragraph or a file."""

import csv
import html
import io
import json
from urllib.parse import quote, quote_plus

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from provision.bundles.literals import FILTERS, Dependencies, Secret
from provision.bundles.note_toml import new_table
from provision.sync.redaction import blotted, holds_secret

scala, markdown, spark_conf = (FILTERS[name].literal for name in ("scala", "markdown", "spark_conf"))

ODD = "k{\"é}\\$1'%:= x"
SQL = ODD.replace("'", "''")


def as_csv(text: str) -> str:
    written = io.StringIO()
    csv.writer(written, quoting=csv.QUOTE_ALL).writerow([text])
    return written.getvalue()


@pytest.mark.parametrize(
    "text",
    [
        ODD,
        repr(ODD),
        f"select * from login where secret = '{SQL}'",
        quote(ODD, safe=""),
        quote_plus(ODD).lower(),
        "".join(f"\\u{ord(character):04x}" for character in ODD),
        "".join(f"\\uu{ord(character):04X}" for character in ODD),
        "".join(f"\\{character}" if character in ":=#! \\" else character for character in ODD),
        "".join(f"\\{ord(character):03o}" for character in ODD),
        "".join(f"\\{ord(character):o}" for character in ODD),
        "".join(f"\\u{{{ord(character):x}}}" for character in ODD),
        html.escape(ODD),
        "".join(f"&#x{ord(character):x};" for character in ODD),
        as_csv(ODD),
        f"print({scala(Secret('x', 'user', ODD, inline=True))})",
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


def test_only_what_a_language_doubles_is_taken_for_doubled() -> None:
    assert holds_secret(as_csv("'';%%\""), ["'';%%\""])


def test_a_space_is_found_as_a_plus() -> None:
    assert holds_secret("?key=two+words", ["two words"])
    assert blotted("?key=two+words", ["two words"]) == "?key=***"


def test_an_empty_secret_stands_nowhere() -> None:
    assert not holds_secret("text", ["", "other"])
    assert blotted("text", [""]) == "text"


def test_a_secret_within_another_leaves_nothing_of_that() -> None:
    assert blotted("key-and-token", ["key", "key-and-token"]) == "***"


@given(st.text(min_size=1), st.text(), st.text())
def test_any_secret_is_found_where_it_stands(secret: str, before: str, after: str) -> None:
    assert holds_secret(before + secret + after, [secret])
    assert holds_secret(before + scala(secret) + after, [secret])


@settings(deadline=None)
@given(st.text(alphabet="ab\\\"'$%&;:=# \n\té😀", min_size=1, max_size=12), st.data())
def test_any_secret_is_found_and_blotted_out_however_it_is_escaped(secret: str, data: st.DataObject) -> None:
    ways = [json.dumps, repr, quote, quote_plus, html.escape, as_csv, lambda text: json.dumps(text, ensure_ascii=False)]
    text = f"val x = ({data.draw(st.sampled_from(ways))(secret)})"
    assert holds_secret(text, [secret])
    assert not holds_secret(blotted(text, [secret]), [secret]) or secret in "***"


def test_a_text_of_many_lines_keeps_what_is_no_secret() -> None:
    text = "// \\u0041 100% && 'it''s'\nval key = \"k{\\\"é}\\\\$1'%:= x\"\nval other = 1\n"
    assert blotted(text, [ODD]) == "// \\u0041 100% && 'it''s'\nval key = \"***\"\nval other = 1\n"
