"""A bundle of one's own, with other events and a parameter of its own, from its folder to its windows and its end."""

import json

from provision.sync.provenance import by_role

from .command import done, provision
from .conftest import Streams
from .streams import Stream, wait_for

AT = "2018-10-29T09:53:36+0700"


def reading(device: str, temperature: float, humidity: float) -> str:
    return json.dumps({"ts": AT, "device": device, "temperature": temperature, "humidity": humidity})


def rows_of(stream: Stream, device: str) -> list[tuple[str, ...]]:
    """What each window so far says of the device."""
    return [row[2:] for window in stream.windows() for row in window.rows if row[1] == device]


def test_the_greenhouse_s_note_is_applied_averages_readings_is_looked_at_and_stopped(streams: Streams) -> None:
    stream = streams.running("greenhouse")
    spark = stream.application()
    stream.publish([reading("bench-1", 20, 50), reading("bench-1", 40, 70), reading("bench-2", 31, 55), "no JSON"])
    wait_for("a window with both devices", lambda: ("30.0", "60.0", "1") in rows_of(stream, "bench-1"))
    assert ("31.0", "55.0", "1") in rows_of(stream, "bench-2")

    assert set(by_role(stream.note)) >= {"dependencies", "window", "query", "outputs", "start", "stop", "latest"}
    assert stream.counts() | {"windows": 0, "late": 0} == {"events": 4, "late": 0, "malformed": 1, "windows": 0}
    look = done("status", stream.note.path, "--json").json
    assert (look["state"], look["page_in_reach"], look["counts"]["malformed"]) == ("streaming", True, 1)
    assert done("logs", stream.note.path, "--json").json["rows"] == f"{stream.out}/avg-*"
    chart = stream.client.execute_paragraph(stream.note_id, stream.paragraph("chart").id).output
    assert "bench-1\t30.0" in chart

    assert streams.apply("greenhouse", stream.out, "--no-run").json["written"] == 0
    stopped = done("stop", stream.note.path)
    assert "restart" not in stopped.err
    assert provision("status", stream.note.path, "--json").json["state"] == "stopped"
    done("run", stream.note.path)
    assert streams.started("greenhouse", stream.out).application() == spark
