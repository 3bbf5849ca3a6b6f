"""`provision demo`: each variant of each bundle, on the real thing."""

import csv
import json
from pathlib import Path
from typing import Any

import pytest

from zeppelin_sdk import ParagraphStatus

from .command import done, provision
from .conftest import Embedded
from .streams import parameters


@pytest.fixture(scope="module", params=["streaming", "classic"])
def shown(embedded: Embedded, request: pytest.FixtureRequest) -> dict[str, Any]:
    """What the demo of each variant of a bundle answered; one bundle after the other, as each wants another Spark."""
    short = parameters(request.param)
    return {
        variant: done("demo", "--json", *short, "--bundle", request.param, "--variant", variant).json
        for variant in ("csv", "average", "print")
    }


def test_csv_windows_are_read_back_from_files(shown: dict[str, Any]) -> None:
    answer = shown["csv"]

    assert len(answer["windows"]) == 2
    for window in answer["windows"]:
        written = [row for file in window["files"] for row in csv.reader(Path(file).read_text().splitlines())]
        assert written == window["rows"]
        assert [len(row) for row in written] == [5]
    assert answer["events"]["counted"] == answer["events"]["published"] > 0


def test_average_windows_are_tables(shown: dict[str, Any]) -> None:
    answer = shown["average"]

    assert [len(window["rows"][0]) for window in answer["windows"]] == [5, 5]
    assert answer["windows"][0]["files"] == []


def test_print_windows_are_events(shown: dict[str, Any]) -> None:
    assert len(shown["print"]["windows"]) == 2
    for window in shown["print"]["windows"]:
        assert set(json.loads(window["rows"][0][0])) == {"ts", "id", "loadavg", "cpu", "mem"}


def test_the_demo_leaves_no_stream_behind(embedded: Embedded, shown: dict[str, Any]) -> None:
    for answer in shown.values():
        note = embedded.client.get_note(answer["note"].rsplit("/", 1)[1])
        assert not any(paragraph.status is ParagraphStatus.RUNNING for paragraph in note.paragraphs)
        assert provision("status", note.path, "--json").json["state"] == "stopped"
