import sys
from typing import Any

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from zeppelin_sdk import (
    InterpreterSetting,
    Note,
    NoteInfo,
    Paragraph,
    ParagraphStatus,
    Permissions,
    ResultMessage,
    ServerVersion,
    Table,
    ZeppelinClient,
)
from zeppelin_sdk.testing import VERSIONS, FakeZeppelin

JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=5),
    lambda inner: st.lists(inner, max_size=2) | st.dictionaries(st.text(max_size=5), inner, max_size=2),
    max_leaves=4,
)
PARAGRAPH_KEYS = ["id", "title", "text", "status", "config", "settings", "results", "progress", "user"]


def test_the_version_is_the_servers(client: ZeppelinClient, fake: FakeZeppelin) -> None:
    assert str(client.get_version()) == VERSIONS[fake.generation]


@pytest.mark.parametrize(
    ("text", "version"),
    [
        ("0.10.1", (0, 10, 1)),
        ("0.9", (0, 9, 0)),
        ("0.13.0-SNAPSHOT", (0, 13, 0)),
        ("0.9.0-preview1", (0, 9, 0)),
    ],
)
def test_a_version_is_read(text: str, version: tuple[int, int, int]) -> None:
    assert ServerVersion.parse(text) == version


@pytest.mark.parametrize("text", ["", "unknown", "v1", "1"])
def test_what_is_no_version_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match="is not a version"):
        ServerVersion.parse(text)


@given(st.tuples(*[st.integers(0, 10**6)] * 3), st.tuples(*[st.integers(0, 10**6)] * 3))
def test_versions_compare_as_their_numbers_do(one: tuple[int, int, int], other: tuple[int, int, int]) -> None:
    a, b = (ServerVersion.parse(".".join(map(str, numbers))) for numbers in (one, other))
    assert (a < b, a == b) == (one < other, one == other)


def test_a_version_compares_with_a_tuple() -> None:
    assert (0, 9) <= ServerVersion.parse("0.10.1") < (0, 11)


@pytest.mark.parametrize("status", ParagraphStatus)
def test_a_status_is_active_or_completed_and_never_both(status: ParagraphStatus) -> None:
    assert not (status.is_active and status.is_completed)
    assert status.is_active == (status in {"PENDING", "RUNNING"})
    assert status.is_completed == (status in {"FINISHED", "ERROR", "ABORT"})


def test_a_status_of_a_later_server_is_unknown() -> None:
    assert Paragraph.from_json({"id": "p", "status": "PAUSED"}).status is ParagraphStatus.UNKNOWN


def test_a_paragraph_is_read_whole() -> None:
    paragraph = Paragraph.from_json(
        {
            "id": "p",
            "title": "T",
            "text": "%md x",
            "user": "ann",
            "status": "FINISHED",
            "progress": 100.0,
            "config": {"enabled": True},
            "settings": {"params": {"a": 1}},
            "results": {
                "code": "SUCCESS",
                "msg": [{"type": "HTML", "data": "<p>"}, {"type": "TEXT", "data": "y\n"}],
            },
            "jobName": "paragraph_1",
            "errorMessage": "none",
            "dateCreated": "c",
            "dateStarted": "s",
            "dateFinished": "f",
            "dateUpdated": "u",
        }
    )
    assert paragraph == Paragraph(
        id="p",
        title="T",
        text="%md x",
        user="ann",
        status=ParagraphStatus.FINISHED,
        progress=100,
        config={"enabled": True},
        settings={"params": {"a": 1}},
        results=(ResultMessage("HTML", "<p>"), ResultMessage("TEXT", "y\n")),
        result_code="SUCCESS",
        job_name="paragraph_1",
        error_message="none",
        date_created="c",
        date_started="s",
        date_finished="f",
        date_updated="u",
    )
    assert paragraph.output == "<p>\ny\n"


@given(st.dictionaries(st.sampled_from(PARAGRAPH_KEYS), JSON))
@example({"progress": float("inf")})
def test_no_json_breaks_the_reading_of_a_paragraph(data: dict[str, Any]) -> None:
    paragraph = Paragraph.from_json(data)
    assert isinstance(paragraph.status, ParagraphStatus)
    assert isinstance(paragraph.output, str)


@given(st.dictionaries(st.sampled_from(["id", "path", "name", "paragraphs", "config", "info"]), JSON))
def test_no_json_breaks_the_reading_of_a_note(data: dict[str, Any]) -> None:
    note = Note.from_json(data)
    assert note.path.startswith("/")
    assert note.path.endswith(note.name)


@pytest.mark.parametrize("line", [{"id": "1", "path": "/a/b"}, {"id": "1", "name": "a/b"}, {"id": "1", "name": "/a/b"}])
def test_a_line_of_the_list_is_read_in_both_generations(line: dict[str, str]) -> None:
    assert NoteInfo.from_json(line) == NoteInfo("1", "/a/b")


PLAIN = {"id": "i", "name": "i", "properties": {"a": "1", "b": "2"}}
TYPED = {
    "id": "i",
    "name": "i",
    "properties": {
        "a": {"name": "a", "value": "1", "type": "number"},
        "b": {"name": "b", "value": "2", "type": "string"},
    },
}


@pytest.mark.parametrize("raw", [PLAIN, TYPED], ids=["plain", "typed"])
def test_properties_read_the_same_in_either_shape_and_keep_it(raw: dict[str, Any]) -> None:
    setting = InterpreterSetting.from_json(raw)
    changed = setting.with_properties({"a": "9", "b": None, "c": "3"})
    assert setting.properties == {"a": "1", "b": "2"}
    assert changed.properties == {"a": "9", "c": "3"}
    shapes = {type(entry) for entry in changed.raw["properties"].values()}
    assert shapes == {type(entry) for entry in raw["properties"].values()}


def test_a_changed_property_keeps_its_type() -> None:
    changed = InterpreterSetting.from_json(TYPED).with_properties({"a": "9"})
    assert changed.raw["properties"]["a"] == {"name": "a", "value": "9", "type": "number"}


def test_a_setting_without_properties_gets_the_shape_of_todays_servers() -> None:
    changed = InterpreterSetting.from_json({"id": "i"}).with_properties({"a": "1"})
    assert changed.raw["properties"] == {"a": {"name": "a", "type": "string", "value": "1"}}


@given(st.dictionaries(st.text(min_size=1), st.text()), st.dictionaries(st.text(min_size=1), st.text()))
def test_properties_set_are_the_properties_read(old: dict[str, str], new: dict[str, str]) -> None:
    setting = InterpreterSetting.from_json({"properties": old}).with_properties(new)
    assert setting.properties == {**old, **new}


def test_permissions_are_sent_as_four_lists() -> None:
    assert Permissions(owners=frozenset({"b", "a"})).to_json() == {
        "owners": ["a", "b"],
        "readers": [],
        "runners": [],
        "writers": [],
    }


def test_a_table_has_columns_and_rows() -> None:
    table = ResultMessage("TABLE", "city\tpeople\nRome\t\nOslo\t7\n").table()
    assert table == Table(("city", "people"), (("Rome", ""), ("Oslo", "7")))


@pytest.mark.parametrize(
    ("data", "table"),
    [
        ("", Table((), ())),
        ("a\tb", Table(("a", "b"), ())),
        ("a\n1\n\n<b>a comment</b>\nmore", Table(("a",), (("1",),))),
        ("a\n\n1\n<!--TABLE_COMMENT-->\nmore", Table(("a",), (("1",),))),
        ("a\tb\n1\n", Table(("a", "b"), (("1", ""),))),
        ("a\n1\t2\n", Table(("a", ""), (("1", "2"),))),
    ],
    ids=["empty", "no rows", "comment", "marked comment", "short row", "long row"],
)
def test_a_table_is_read_as_the_page_reads_it(data: str, table: Table) -> None:
    assert ResultMessage("TABLE", data).table() == table


def test_a_result_of_another_type_has_no_rows() -> None:
    with pytest.raises(ValueError, match="type TEXT has no rows"):
        ResultMessage("TEXT", "a\tb\n").table()


def test_a_table_becomes_a_frame_of_text() -> None:
    frame = Table(("id", "n"), (("007", "1"), ("008", ""))).to_pandas()
    assert frame.columns.tolist() == ["id", "n"]
    assert frame.to_numpy().tolist() == [["007", "1"], ["008", ""]]
    assert Table(("a", "b"), ()).to_pandas().shape == (0, 2)


def test_without_pandas_a_frame_says_what_to_install(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "pandas", None)
    with pytest.raises(ImportError, match=r"install zeppelin-sdk\[pandas\]"):
        Table(("a",), ()).to_pandas()
