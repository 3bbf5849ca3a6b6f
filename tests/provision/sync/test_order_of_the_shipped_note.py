"""The order that the shipped note has now comes to notes that have an older one, and not over a person's own."""

from dataclasses import replace

import pytest

from provision.bundles.render import RenderedNote
from provision.sync.provenance import provenance

from ..note_bench import Bench
from ..rendering import rendered

NOW = rendered("streaming")
OLD_ORDER = (
    "introduction", "dependencies", "stop", "connector", "results", "columns", "slices", "context", "stream", "window",
    "query", "outputs", "start", "latest", "chart",
)  # fmt: skip


def before() -> RenderedNote:
    """The note in its older order, which had no paragraph of its own to end the stream before."""
    there = {paragraph.key: paragraph for paragraph in NOW.paragraphs}
    return replace(NOW, paragraphs=tuple(there[key] for key in OLD_ORDER))


def keys(bench: Bench) -> list[str]:
    return [provenance(paragraph).key or paragraph.text for paragraph in bench.note.paragraphs]


WANTED = [paragraph.key for paragraph in NOW.paragraphs]


def test_an_older_note_takes_the_new_order_with_the_person_s_paragraphs_where_they_stood() -> None:
    bench = Bench(before())
    bench.server.insert(bench.id, OLD_ORDER.index("query") + 1, "%md mine")
    bench.edit(OLD_ORDER.index("query"), text='%spark\nval query = "select 1"')
    bench.apply(NOW)
    behind = WANTED.index("query") + 1
    assert keys(bench) == [*WANTED[:behind], "%md mine", *WANTED[behind:]]
    assert bench.note.paragraphs[behind - 1].text == '%spark\nval query = "select 1"'
    assert bench.apply(NOW).written == 0


@pytest.mark.parametrize(("moved", "to"), [("stop", 14), ("chart", 1), ("latest", 0)])
def test_an_order_of_a_person_s_own_stays_and_what_ends_the_old_stream_still_comes_first(moved: str, to: int) -> None:
    bench = Bench(before())
    bench.move(OLD_ORDER.index(moved), to)
    own = keys(bench)
    bench.apply(NOW)
    assert [key for key in keys(bench) if key != "before"] == own
    assert keys(bench).index("before") == keys(bench).index("dependencies") + 1
