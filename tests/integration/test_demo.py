"""`provision demo`: each variant of each bundle, on the real thing."""

import csv
import json
from pathlib import Path
from typing import Any

import pytest

from provision.bundles.bundle import DEFAULT_BUNDLE
from provision.sync.provenance import origin
from zeppelin_sdk import ParagraphStatus

from .command import done, provision
from .conftest import Embedded
from .streams import parameters


def demos(*variants: str) -> pytest.MarkDecorator:
    """The demo of these variants of each bundle. Each of `classic` needs a Spark of its own."""
    shown = [pytest.param(("streaming", name)) for name in variants]
    shown += [pytest.param(("classic", name), marks=() if name == "csv" else pytest.mark.long) for name in variants]
    return pytest.mark.parametrize("answer", shown, indirect=True, ids=lambda each: "-".join(each))


@pytest.fixture(scope="module")
def answer(embedded: Embedded, request: pytest.FixtureRequest) -> dict[str, Any]:
    """What the demo of a variant of a bundle answered."""
    bundle, variant = request.param
    return done("demo", "--json", "--no-keep", *parameters(bundle), "--bundle", bundle, "--variant", variant).json


@demos("csv")
def test_csv_windows_are_read_back_from_files(answer: dict[str, Any]) -> None:
    assert len(answer["windows"]) == 2
    for window in answer["windows"]:
        written = [row for file in window["files"] for row in csv.reader(Path(file).read_text().splitlines())]
        assert written == window["rows"]
        assert [len(row) for row in written] == [5]
    assert answer["events"]["counted"] == answer["events"]["published"] > 0


@demos("average")
def test_average_windows_are_tables(answer: dict[str, Any]) -> None:
    assert [len(window["rows"][0]) for window in answer["windows"]] == [5, 5]
    assert answer["windows"][0]["files"] == []


@demos("print")
def test_print_windows_are_events(answer: dict[str, Any]) -> None:
    assert len(answer["windows"]) == 2
    for window in answer["windows"]:
        assert set(json.loads(window["rows"][0][0])) == {"ts", "id", "loadavg", "cpu", "mem"}


def test_a_demo_for_which_nothing_is_named_is_of_the_default_bundle_and_its_outputs(embedded: Embedded) -> None:
    outcome = done("demo", "--no-keep", *parameters(DEFAULT_BUNDLE))
    note = embedded.client.get_note(outcome.out.partition("/notebook/")[2].split()[0])
    assert origin(note).bundle == DEFAULT_BUNDLE
    rows = Path(next(line for line in outcome.out.splitlines() if line.startswith("rows ")).split()[1])
    assert outcome.err.count("window until ") == 2
    assert {len(row) for file in rows.glob("*.csv") for row in csv.reader(file.read_text().splitlines())} == {6}
    assert provision("status", note.path, "--json").json["state"] == "stopped"


@demos("csv", "average", "print")
def test_the_demo_leaves_no_stream_behind(embedded: Embedded, answer: dict[str, Any]) -> None:
    note = embedded.client.get_note(answer["note"].rsplit("/", 1)[1])
    assert not any(paragraph.status is ParagraphStatus.RUNNING for paragraph in note.paragraphs)
    assert provision("status", note.path, "--json").json["state"] == "stopped"
