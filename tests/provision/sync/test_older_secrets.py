"""Notes in which older versions had Zeppelin put the secrets: brought up to date without a false conflict."""

from dataclasses import replace
from pathlib import Path

import pytest

from provision.bundles.literals.stored import INJECT
from provision.bundles.render import RenderedNote
from provision.sync.plan import OURS, Verdict, make_plan
from provision.sync.undo import undo_note
from provision.sync.undo_records import Records

from ..bundles.test_stored import USER, older
from ..note_bench import Bench
from ..rendering import rendered

TODAY = rendered("streaming")
OLD = replace(
    TODAY, paragraphs=tuple(replace(p, text=older(p.text) if p.key == "stream" else p.text) for p in TODAY.paragraphs)
)
STREAM = next(index for index, each in enumerate(TODAY.paragraphs) if each.key == "stream")


def stream(bench: Bench) -> str:
    return bench.texts()[STREAM]


def edited(old: str, new: str) -> Bench:
    bench = Bench(OLD)
    assert old in stream(bench)
    bench.edit(STREAM, text=stream(bench).replace(old, new))
    return bench


def wanted(old: str, new: str) -> str:
    return TODAY.paragraphs[STREAM].text.replace(old, new)


def test_a_note_that_nobody_has_edited_becomes_that_of_today() -> None:
    bench = Bench(OLD)
    assert INJECT in stream(bench)
    assert bench.verdicts(TODAY)["stream"] is Verdict.UPDATE
    bench.apply(TODAY)
    assert stream(bench) == wanted("", "")
    assert bench.apply(TODAY).written == 0


@pytest.mark.parametrize(
    ("old", "new"),
    [
        ("qos=0,", "qos=1,  // mine"),
        ("                 clientId=", "                 retryMillis=500,\n                 clientId="),
        ('.user}",\n', '.user}",  // the thing\n'),
        ("NetpieMqtt.signed(", "/* mine */ NetpieMqtt.signed("),
        ("@transient val", "// mine\n@transient val"),
    ],
)
def test_an_edit_beside_a_secret_stays_and_makes_no_conflict(old: str, new: str) -> None:
    bench = edited(old, new)
    assert bench.verdicts(TODAY)["stream"] is Verdict.UPDATE
    bench.apply(TODAY)
    today = wanted(old.replace('.user}",\n', USER[-20:] + ",\n"), new.replace('.user}",', USER[-20:] + ","))
    assert stream(bench) == today
    assert bench.verdicts(TODAY)["stream"] is Verdict.KEEP


def test_zeppelin_goes_on_putting_a_person_s_own_entry_into_the_text() -> None:
    bench = edited("qos=0,", 'qos="{mine.user}".toInt,')
    bench.apply(TODAY)
    assert stream(bench).startswith(f"%spark{INJECT}\n")
    assert USER in stream(bench)
    assert '"{mine.user}"' in stream(bench)


def test_an_older_text_that_a_person_keeps_goes_on_as_it_is() -> None:
    bench = edited("qos=0,", "qos=1,")
    before = stream(bench)
    bench.apply(TODAY, of={"stream": OURS})
    assert stream(bench) == before


def test_a_real_conflict_stays_one() -> None:
    bench = edited("qos=0,", "qos=2,")
    note: RenderedNote = rendered("streaming", qos="1")
    assert [change.key for change in make_plan(bench.note, note).conflicts] == ["stream"]


def test_undo_brings_the_older_text_back(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PROVISION_HOME", str(tmp_path))
    bench = edited("qos=0,", "qos=1,")
    before = bench.seen()
    bench.records = Records(bench.server.url)
    bench.apply(TODAY)
    record = bench.records.find(TODAY.path)
    assert record is not None
    undo_note(bench.client, record, bench.records)
    assert bench.seen() == before
