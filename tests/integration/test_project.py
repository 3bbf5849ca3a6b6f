"""A new project for events of one's own: applied as it is written, averaged, drawn; no Scala is touched."""

import json
from pathlib import Path

import pytest

from provision.embedded.application import application_file
from provision.sync.find_note import find_note
from provision.sync.provenance import by_key

from .command import done, provision
from .conftest import Embedded
from .streams import wait_for
from .tables import table

NOTE = "house/DEMO metrics outputs in Python"

EVENTS = [
    {"device": "bench-1", "temperature": 20.0, "humidity": 50},
    {"device": "bench-1", "temperature": 40.5, "humidity": 70},
    {"device": "bench-2", "temperature": 31.25, "humidity": 55},
]


@pytest.mark.usefixtures("quiet_spark")
def test_a_new_project_s_note_averages_and_draws_events_of_its_schema(
    embedded: Embedded, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder = tmp_path / "house"
    done("init", folder, "--schema", "device string, temperature double, humidity double")
    monkeypatch.chdir(folder)
    text = (folder / "provision.toml").read_text(encoding="utf-8")
    test = {"slide": 2, "window": 600, "out": str(tmp_path / "out")}
    short = "\n".join(f"{name} = {json.dumps(value)}" for name, value in test.items())
    (folder / "provision.toml").write_text(f"{text}\n[targets.test.param]\n{short}\n", encoding="utf-8")
    done("validate")

    assert provision("plan", "--target", "test", "--exit-code").status == 6
    done("apply", "--target", "test")
    assert provision("plan", "--target", "test", "--exit-code").status == 0
    (folder / "events.jsonl").write_text("\n".join(map(json.dumps, EVENTS)), encoding="utf-8")
    account = ("--credentials-file", application_file(), "--auth", embedded.stack.netpie.auth)
    done("publish", *account, "--file", "events.jsonl", "--topic", "metrics")

    wanted = {("bench-1", "30.25", "60.0"), ("bench-2", "31.25", "55.0")}
    out = tmp_path / "out"
    wait_for("both devices' averages", lambda: wanted in [set(window.rows) for window in table(out)])
    note = find_note(embedded.client, NOTE)
    chart = by_key(note)["chart"]

    def drawn() -> str:  # the table has a window's rows just after its files are there
        return embedded.client.execute_paragraph(note.id, chart.id).output

    wait_for("the devices' rows in the chart", lambda: "\tbench-1\t30.25\t60.0" in drawn())
    assert drawn().splitlines()[0].split("\t") == ["window_end", "device", "avg(temperature)", "avg(humidity)"]
    graph = chart.config["results"]["0"]["graph"]
    assert [each["name"] for each in (*graph["groups"], *graph["values"])] == ["device", "avg(temperature)"]
    done("stop", NOTE)
    done("remove", "--yes", NOTE)
