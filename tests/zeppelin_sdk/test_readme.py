"""The README's examples, run against the fake."""

import re
from pathlib import Path
from typing import Any

import pytest

import zeppelin_sdk
from zeppelin_sdk import Paragraph, ResultMessage, ZeppelinClient

from .fake_zeppelin import FakeZeppelin

README = (Path(zeppelin_sdk.__file__).parent / "README.md").read_text()
REPORT, FOLLOW = re.findall(r"```python\n(.*?)```", README, re.DOTALL)


def test_the_nightly_report_saves_the_table(
    client: ZeppelinClient, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    names: dict[str, Any] = {"__name__": "report"}
    exec(compile(REPORT, "README", "exec"), names)
    note = client.import_note({"name": "n", "paragraphs": [{"id": "p1", "text": "%sql select 1"}]}, "/sales")
    table = ResultMessage("TABLE", "region\tsum\nnorth, south\t1\n")
    monkeypatch.setattr(client, "execute_paragraph", lambda *_, **__: Paragraph("p1", title="T", results=(table,)))
    names["save_table"](client, "/sales", "T", str(tmp_path / "sales.csv"))
    assert (tmp_path / "sales.csv").read_text() == 'region,sum\n"north, south",1\n'
    assert [r.message for r in client.list_revisions(note)] == ["nightly"]


@pytest.mark.parametrize("fake", ["0.10", "0.11", "0.12"], indirect=True)
def test_a_note_is_edited_and_followed(fake: FakeZeppelin) -> None:
    example = re.sub(r"ZeppelinClient\(.*?\) as", f"ZeppelinClient({fake.url!r}) as", FOLLOW)
    exec(compile(example.replace("timeout=10", "timeout=0.05"), "README", "exec"), {})
    (note,) = fake.notes.values()
    assert [(p["text"], p["config"], p["status"]) for p in note["paragraphs"]] == [
        ("%sql select 2", {"editorHide": True}, "PENDING")
    ]
