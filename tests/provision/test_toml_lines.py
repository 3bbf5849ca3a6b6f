"""Where the entries of a TOML file stand."""

import tomllib

import pytest

from provision.toml_lines import TomlLines

TEXT = '''\
# a comment
bundle = "x"

param = { topic = "a", window = 300 }

"quoted key" = 1
text = """
bundle = "no"
[no]
"""
list = [
  "a",
]
a.b.c = 1

[targets.dev]
zeppelin = "h"
[targets . "p q"]
param.window = 1

[[paragraphs]]
key = "one"

[[paragraphs]]
key = "two"
[paragraphs.config.results."0".graph]
mode = "x"
[[paragraphs]]
key = "three"
'''


@pytest.mark.parametrize(
    ("path", "line"),
    [
        (("bundle",), 2),
        (("param",), 4),
        (("param", "window"), 4),
        (("quoted key",), 6),
        (("text",), 7),
        (("list",), 11),
        (("a", "b", "c"), 14),
        (("a", "b"), 14),
        (("targets",), 16),
        (("targets", "dev", "zeppelin"), 17),
        (("targets", "p q"), 18),
        (("targets", "p q", "param", "window"), 19),
        (("paragraphs", 0), 21),
        (("paragraphs", 1, "key"), 25),
        (("paragraphs", 1, "config", "results", "0", "graph", "mode"), 27),
        (("paragraphs", 2, "key"), 29),
        (("paragraphs", 2, "title"), 28),
        (("nowhere",), 0),
        ((), 0),
    ],
)
@pytest.mark.parametrize("end", ["\n", "\r\n"])
def test_an_entry_has_the_line_that_it_begins_on(path: tuple[str | int, ...], line: int, end: str) -> None:
    text = TEXT.replace("\n", end)
    tomllib.loads(text)

    assert TomlLines(text).of(*path) == line
