"""The README's examples, run against the fake."""

import re
from pathlib import Path
from typing import Any

import pytest

from zeppelin_sdk import Paragraph, ResultMessage, ZeppelinClient
from zeppelin_sdk.testing import FakeZeppelin

README = (Path(__file__).parent.parent / "README.md").read_text()
REPORT, FOLLOW, TEST = re.findall(r"```python\n(.*?)```", README, re.DOTALL)


def test_the_report_returns_the_table(client: ZeppelinClient, monkeypatch: pytest.MonkeyPatch) -> None:
    names: dict[str, Any] = {"__name__": "report"}
    exec(compile(REPORT, "README", "exec"), names)
    note = client.import_note({"name": "n", "paragraphs": [{"id": "p1", "text": "%sql select 1"}]}, "/sales")
    table = ResultMessage("TABLE", "region\tsum\nnorth, south\t1\n")
    monkeypatch.setattr(client, "execute_paragraph", lambda *_, **__: Paragraph("p1", title="T", results=(table,)))
    assert names["report"](client, "/sales", "T") == [("region", "sum"), ("north, south", "1")]
    assert [r.message for r in client.list_revisions(note)] == ["nightly"]


def test_the_test_passes() -> None:
    names: dict[str, Any] = {}
    exec(compile(TEST, "README", "exec"), names)
    names["test_a_report_survives_a_lost_connection"]()


@pytest.mark.parametrize("fake", ["0.10", "0.11", "0.12"], indirect=True)
def test_a_note_is_edited_and_followed(fake: FakeZeppelin) -> None:
    example = re.sub(r"ZeppelinClient\(.*?\) as", f"ZeppelinClient({fake.url!r}) as", FOLLOW)
    exec(compile(example.replace("timeout=10", "timeout=0.05"), "README", "exec"), {})
    (note,) = fake.notes.values()
    assert [(p["text"], p["config"], p["status"]) for p in note["paragraphs"]] == [
        ("%sql select 2", {"editorHide": True}, "PENDING"),
        (None, {}, "READY"),  # as below every last paragraph that was run
    ]
