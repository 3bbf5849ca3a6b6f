"""`provision demo`: each variant of each bundle, on the real thing."""

import csv
import json
from pathlib import Path

import pytest

from provision.cli import run
from zeppelin_sdk import ParagraphStatus

from .conftest import Embedded

QUICK = ["--param", "batch=2", "--param", "slide=2", "--param", "window=6"]


def demo(capsys: pytest.CaptureFixture[str], *arguments: str) -> dict:
    status = run(["demo", "--json", *QUICK, *arguments])
    output = capsys.readouterr()
    assert status == 0, output.err
    return json.loads(output.out)


@pytest.mark.parametrize("bundle", ["streaming", "classic"])
def test_csv_windows_are_read_back_from_files(embedded: Embedded, capsys, bundle: str) -> None:
    answer = demo(capsys, "--bundle", bundle, "--variant", "csv")

    assert len(answer["windows"]) == 2
    for window in answer["windows"]:
        written = [row for file in window["files"] for row in csv.reader(Path(file).read_text().splitlines())]
        assert written == window["rows"]
        assert [len(row) for row in written] == [5]
    assert answer["events"]["counted"] == answer["events"]["published"] > 0


@pytest.mark.parametrize("bundle", ["streaming", "classic"])
def test_average_windows_are_tables(embedded: Embedded, capsys, bundle: str) -> None:
    answer = demo(capsys, "--bundle", bundle, "--variant", "average")

    assert [len(window["rows"][0]) for window in answer["windows"]] == [5, 5]
    assert answer["windows"][0]["files"] == []


@pytest.mark.parametrize("bundle", ["streaming", "classic"])
def test_print_windows_are_events(embedded: Embedded, capsys, bundle: str) -> None:
    answer = demo(capsys, "--bundle", bundle, "--variant", "print")

    for window in answer["windows"]:
        assert set(json.loads(window["rows"][0][0])) == {"ts", "id", "loadavg", "cpu", "mem"}


def test_the_demo_leaves_no_stream_behind(embedded: Embedded, capsys) -> None:
    answer = demo(capsys, "--windows", "1")

    note = embedded.client.get_note(answer["note"].rsplit("/", 1)[1])
    assert not any(paragraph.status is ParagraphStatus.RUNNING for paragraph in note.paragraphs)
    assert run(["status", note.path, "--json"]) == 0
    assert json.loads(capsys.readouterr().out)["state"] == "stopped"
