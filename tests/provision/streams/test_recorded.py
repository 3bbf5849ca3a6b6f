"""What a note's stream does: recorded by the apply, and read from the text only where a person has edited it."""

import re
from dataclasses import replace

import pytest

from provision.bundles.bundle import bundle_names
from provision.streams.recorded import full_rows, slide_of
from provision.sync.provenance import MARK
from zeppelin_sdk import Note, Paragraph

from ..note_bench import Bench
from ..rendering import rendered


def applied(bundle: str, **given: str) -> Note:
    return Bench(rendered(bundle, **given)).note


def edited(note: Note, role: str, text: str) -> Note:
    """The note with another text in the paragraph that has that role."""

    def other(paragraph: Paragraph) -> Paragraph:
        has_role = paragraph.config.get(MARK, {}).get("role") == role
        return replace(paragraph, text=f"%spark\n{text}") if has_role else paragraph

    return replace(note, paragraphs=tuple(map(other, note.paragraphs)))


def without_marks(note: Note) -> Note:
    return replace(note, paragraphs=tuple(Paragraph(p.id, text=p.text) for p in note.paragraphs))


def older(note: Note) -> Note:
    """The note as a version applied it that recorded no place of rows and marked no role."""

    def without(paragraph: Paragraph) -> Paragraph:
        config = {
            name: {key: each for key, each in value.items() if key not in ("version", "role", "rows", "values")}
            if isinstance(value, dict)
            else value
            for name, value in paragraph.config.items()
        }
        return replace(paragraph, config=config)

    return replace(note, paragraphs=tuple(map(without, note.paragraphs)))


BUNDLES = pytest.mark.parametrize("bundle", ["classic", "streaming"])
ALL = pytest.mark.parametrize("bundle", bundle_names())


@ALL
def test_the_slide_is_the_one_that_was_applied(bundle: str) -> None:
    assert slide_of(applied(bundle, slide="30")).seconds == 30
    assert slide_of(older(applied(bundle, slide="30"))).seconds == 30


@ALL
def test_what_is_recorded_stands_whatever_the_bundle_s_language_is(bundle: str) -> None:
    note = applied(bundle, variant="csv", slide="30", out="/data")
    for role in ("window", "outputs"):
        note = edited(note, role, "stream.in_python()")
        paragraph = next(p for p in note.paragraphs if p.config[MARK]["role"] == role)
        assert slide_of(note).seconds == 30
        assert full_rows(note).place == "/data/avg-*"
        assert repr(paragraph.title) in (slide_of(note).remark if role == "window" else full_rows(note).remark)


@ALL
def test_an_edited_slide_is_read_from_the_text(bundle: str) -> None:
    note = applied(bundle, slide="30")
    texts = [p.text for p in note.paragraphs if p.config[MARK]["role"] == "window"]
    slide = slide_of(edited(note, "window", texts[0].replace("30", "20")))
    assert (slide.seconds, slide.remark) == (20, "")


def test_a_note_that_records_nothing_has_the_document_s_slide() -> None:
    note = Note("n", "/n", (Paragraph("p", text="stream.in_python()"),))
    assert (slide_of(note).seconds, slide_of(note).remark) == (10, "")


@BUNDLES
@pytest.mark.parametrize("as_seen", [lambda note: note, older, without_marks])
def test_the_full_rows_are_where_the_note_s_own_text_writes_them(bundle: str, as_seen) -> None:
    assert full_rows(as_seen(applied(bundle, out='/data/a"{b}'))).place == '/data/a"{b}/avg-*'
    assert full_rows(as_seen(applied(bundle, variant="print"))).place == ""


@ALL
def test_an_edited_folder_is_read_from_the_text(bundle: str) -> None:
    rows = full_rows(edited(applied(bundle), "outputs", 'rdd.write.csv("/mine/avg-" + t)'))
    assert (rows.place, rows.remark) == ("/mine/avg-*", "")


@pytest.mark.parametrize("as_seen", [lambda note: note, older, without_marks])
def test_the_full_rows_of_a_note_in_python_are_where_its_own_text_writes_them(as_seen) -> None:
    assert full_rows(as_seen(applied("structured", variant="csv", out='/data/a"{b}'))).place == '/data/a"{b}/avg-*'
    assert re.fullmatch(
        r'/data/a"\{b}/windows-\w{8}/csv', full_rows(as_seen(applied("structured", out='/data/a"{b}'))).place
    )
    assert full_rows(as_seen(applied("structured", variant="average"))).place == ""


def test_an_edited_folder_of_a_table_is_read_from_the_text() -> None:
    rows = full_rows(edited(applied("structured"), "outputs", 'outputs.to("csv", Csv("/mine"))'))
    assert (rows.place, rows.remark) == ("/mine", "")
    rows = full_rows(edited(applied("structured"), "outputs", "outputs.to('csv', mine)"))
    assert rows.place.startswith("/tmp/windows-")
    assert "does not say where" in rows.remark


def test_files_with_a_header_are_told_as_others_are() -> None:
    note = applied("streaming", csv_header="yes", out="/data")
    for seen in (note, older(note), without_marks(note)):
        assert full_rows(seen).place == "/data/avg-*"


def test_files_of_a_paragraph_that_a_person_added_are_told() -> None:
    note = applied("streaming", variant="print")
    own = Paragraph("own", text='df.write.csv("/mine/avg-" + t)')
    assert full_rows(replace(note, paragraphs=(*note.paragraphs, own))).place == "/mine/avg-*"
