"""No secret stands in what a table shows of a note: titles and paths are people's own."""

import pytest

from .bench import APPSECRET, PATH, CommandBench


@pytest.fixture
def titled(bench: CommandBench) -> CommandBench:
    """A note with the APPSECRET in a paragraph's title, in a folder called after it."""
    bench.apply()
    with bench.zeppelin.client() as client:
        note = bench.note()
        client.add_paragraph(note.id, text="%md\nx", title=f"signs with {APPSECRET}")
        client.rename_note(note.id, f"/{APPSECRET}{PATH}")
    return bench


@pytest.mark.parametrize(
    "words", [["status", "metrics csv"], ["status", "--zeppelin", "URL"], ["list"], ["status", "metrics csv", "--json"]]
)
def test_a_secret_in_a_title_or_a_path_is_not_shown(titled: CommandBench, words: list[str]) -> None:
    titled.run(*(titled.zeppelin.url if word == "URL" else word for word in words))
    assert "metrics csv" in titled.said
    assert "***" in titled.said
    assert APPSECRET not in titled.said
