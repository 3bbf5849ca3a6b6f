"""What is noted in a note and in undo records: read in each version, upgraded by an apply, refused when newer."""

import json
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from provision.bundles.render import RenderedNote
from provision.errors import ProvisionError
from provision.home import state_dir
from provision.sync.provenance import (
    MARK,
    ORIGIN,
    VERSION,
    Mark,
    Origin,
    by_role,
    mark_for,
    origin,
    origin_for,
    provenance,
)
from provision.sync.remove import remove_note
from provision.sync.undo import undo_note
from provision.sync.undo_records import Records, SparkRecord
from zeppelin_sdk import Note, Paragraph

from ..note_bench import Bench, render, with_config

NOTE = with_config(render(dependencies="%spark.conf x", output="%spark y", own="z"), "own", {"editorHide": True})
SPARK_SETTING = {"setting_id": "spark", "before": "shared", "after": "isolated", "run": "r", "at": 1.0}


def with_roles(note: RenderedNote, **roles: str) -> RenderedNote:
    return replace(note, paragraphs=tuple(replace(p, role=roles.get(p.key, "")) for p in note.paragraphs))


def as_gson_gives_it(value: Any) -> Any:
    """The server reads each number as a double."""
    if isinstance(value, Mapping):
        return {name: as_gson_gives_it(each) for name, each in value.items()}
    return float(value) if isinstance(value, int) and not isinstance(value, bool) else value


def test_a_mark_is_the_same_after_a_way_through_the_server():
    mark = mark_for(with_roles(NOTE, output="outputs"), with_roles(NOTE, output="outputs").paragraphs[1])
    mark = replace(mark, adopted=True, merging=("a", "b"))
    assert Mark.from_config(as_gson_gives_it(json.loads(json.dumps(mark.to_config())))) == mark


def test_an_origin_is_the_same_after_a_way_through_the_server():
    noted = replace(origin_for(NOTE), values={"topic": "t"}, site={"scala": "2.12"}, moving=("p1",), sequence=3)
    assert Origin.from_config(as_gson_gives_it(json.loads(json.dumps(noted.to_config())))) == noted


def test_a_secret_text_is_not_in_its_mark():
    secret = replace(NOTE.paragraphs[0], secret=True)
    assert "base" not in mark_for(NOTE, secret).to_config()


@pytest.mark.parametrize("value", [None, "a word", {}, {"key": 1}, {"sha256": "no key"}])
def test_what_is_no_mark_makes_a_paragraph_a_person_s_own(value: Any):
    assert provenance(Paragraph("p", config={MARK: value})) == Mark()


def test_an_older_mark_is_read_as_it_is():
    bench = Bench(NOTE)
    new = provenance(bench.note.paragraphs[0])
    bench.age()
    assert provenance(bench.note.paragraphs[0]) == replace(new, version=0, role="dependencies")


def test_an_apply_upgrades_older_marks_once_and_touches_nothing_that_is_seen():
    bench = Bench(NOTE)
    bench.age()
    bench.edit(2, text="mine")
    before = bench.seen()
    assert bench.apply(NOTE).written == 0
    assert set(bench.server.writes) == {"config"}
    assert [p.config[MARK]["version"] for p in bench.note.paragraphs] == [VERSION] * 3
    assert bench.note.paragraphs[0].config[ORIGIN]["version"] == VERSION
    assert bench.seen() == before
    bench.apply(NOTE)
    assert bench.server.writes == []


def test_an_upgrade_leaves_the_apply_before_it_to_be_undone(records: Records):
    bench = Bench(NOTE, records)
    before = bench.seen()
    bench.apply(render(dependencies="%spark.conf x", output="%spark new"))
    bench.age()
    with_role = with_roles(render(dependencies="%spark.conf x", output="%spark new"), output="outputs")
    bench.apply(replace(with_role, rows="/tmp/avg-*"))
    assert provenance(bench.note.paragraphs[0]).version == VERSION
    record = records.find(NOTE.path)
    assert record is not None
    undo_note(bench.client, record, records)
    assert bench.seen() == before


def test_an_upgrade_with_a_change_is_an_apply_to_undo(records: Records):
    bench = Bench(NOTE, records)
    bench.age()
    before = bench.seen()
    bench.apply(render(dependencies="%spark.conf x", output="%spark new", own="z"))
    record = records.find(NOTE.path)
    assert record is not None
    undo_note(bench.client, record, records)
    assert bench.seen() == before


def test_an_upgrade_upgrades_the_mark_of_what_the_bundle_has_left_too():
    bench = Bench(NOTE)
    bench.edit(2, text="mine")
    bench.apply(render(dependencies="%spark.conf x", output="%spark y"))
    bench.age()
    bench.apply(render(dependencies="%spark.conf x", output="%spark y"))
    assert provenance(bench.note.paragraphs[2]).version == VERSION


@pytest.mark.parametrize("what", [MARK, ORIGIN])
def test_a_newer_format_is_refused_and_nothing_is_written(what: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setenv("PROVISION_HOME", str(tmp_path))
    records = Records("http://zeppelin.example:8080")
    bench = Bench(NOTE, records)
    record = records.find(NOTE.path)
    assert record is not None
    bench.set(0, **{what: {**bench.note.paragraphs[0].config[what], "version": VERSION + 1}})
    before = bench.note
    for attempt in (
        lambda: bench.apply(NOTE),
        lambda: undo_note(bench.client, record, records),
        lambda: remove_note(bench.client, bench.note, records),
    ):
        bench.server.writes.clear()
        with pytest.raises(
            ProvisionError, match="written by a newer provision, in format 2; this one reads up to 1"
        ) as told:
            attempt()
        assert "Title of dependencies" in told.value.message
        assert told.value.next_step == "upgrade provision on this machine"
        assert bench.server.writes == []
        assert bench.note == before
    assert records.find(NOTE.path) == replace(record, undoing=True)


def test_paragraphs_are_found_by_their_role():
    note = Bench(with_roles(NOTE, dependencies="dependencies", own="start")).note
    assert {role: p.text for role, p in by_role(note).items()} == {"dependencies": "%spark.conf x", "start": "z"}


def test_paragraphs_of_older_notes_have_the_role_of_their_key():
    bench = Bench(NOTE)
    bench.age()
    assert {role: p.text for role, p in by_role(bench.note).items()} == {
        "dependencies": "%spark.conf x",
        "outputs": "%spark y",
    }


def test_the_latest_origin_counts():
    marks = [{MARK: {"key": key}, ORIGIN: {"bundle": key, "turn": turn}} for key, turn in (("a", 1.0), ("b", 2.0))]
    note = Note("n", "/n", tuple(Paragraph(str(index), config=config) for index, config in enumerate(marks)))
    assert origin(note).bundle == "b"


@pytest.fixture
def records(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Records:
    monkeypatch.setenv("PROVISION_HOME", str(tmp_path))
    return Records("http://zeppelin.example:8080")


def record_file(records: Records) -> Path:
    Bench(NOTE, records)
    return next((state_dir() / "records").glob("*/*.json"))


def test_a_record_of_an_older_version_is_read(records: Records):
    file = record_file(records)
    data = json.loads(file.read_text())
    assert data.pop("version") == VERSION
    file.write_text(json.dumps(data))
    record = records.find(NOTE.path)
    assert record is not None
    assert record.version == 0
    assert [saved.key for saved in record.after] == ["dependencies", "output", "own"]


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("{", "can't read this undo record"),
        ("[]", "can't read this undo record"),
        ('{"path": "x"}', "can't read this undo record"),
        (f'{{"version": {VERSION + 1}}}', "written by a newer provision, in format 2"),
    ],
)
def test_a_record_that_can_t_be_read_is_told_with_its_file_and_stays(records: Records, text: str, told: str):
    bench = Bench(NOTE, records)
    file = next((state_dir() / "records").glob("*/*.json"))
    file.write_text(text)
    for attempt in (lambda: records.find(NOTE.path), records.all, lambda: bench.apply(render(a="new"))):
        with pytest.raises(ProvisionError, match=told) as error:
            attempt()
        assert str(file) in error.value.message
        assert error.value.next_step
    assert file.read_text() == text


def test_each_setting_has_a_record_of_its_own(records: Records) -> None:
    spark, python = (SparkRecord(**{**SPARK_SETTING, "setting_id": name}) for name in ("spark", "a/python"))
    for record in (spark, python, replace(spark, before="scoped")):
        records.save_spark(record)
    assert sorted(records.sparks(), key=lambda each: each.setting_id) == [python, replace(spark, before="scoped")]
    records.forget_spark("a/python")
    assert records.sparks() == [replace(spark, before="scoped")]


def test_a_record_of_spark_s_setting_that_can_t_be_read_is_told_with_its_file(records: Records):
    records.save_spark(SparkRecord(**SPARK_SETTING))
    assert records.sparks() == [SparkRecord(**SPARK_SETTING)]
    file = next((state_dir() / "records").rglob("spark.json"))
    file.write_text("{")
    with pytest.raises(ProvisionError, match=r"spark\.json"):
        records.sparks()
