"""Runs in a Python with Pathway, for `bench.pathway`: `pathway_side.py SETTINGS`, a JSON file.

The same windows and averages: MQTT in, sliding windows by the events' time, CSV out. Prints what each slide cost, as
`listener.scala` does: its end (epoch ms), its events, how long after its end its averages were there (ms), and 0. Ends
with its standard input.
"""

import datetime
import json
import os
import sys
import threading
import time
from collections import defaultdict
from pathlib import Path
from typing import Any

import pathway as pw

COMMIT_MS = 500
"""How often what has come is computed; the default is 1,500."""

FORM = "%Y-%m-%dT%H:%M:%S%z"


class Event(pw.Schema):  # type: ignore[misc]
    ts: str
    device: str
    loadavg: float
    cpu: float
    mem: float


def main(settings: dict[str, Any]) -> None:
    threading.Thread(target=end_with_input, daemon=True).start()
    slide, window = (datetime.timedelta(seconds=settings[name]) for name in ("slide", "window"))
    events = pw.io.mqtt.read(
        f"{settings['broker'].replace('tcp:', 'mqtt:')}?client_id=bench-pathway",
        settings["topic"],
        qos=0,
        schema=Event,
        format="json",
        json_field_paths={"device": "/id"},  # no column may be called id
        autocommit_duration_ms=COMMIT_MS,
        name="events",
    )
    timed = events.with_columns(at=events.ts.dt.strptime(FORM))
    windows = timed.windowby(
        timed.at,
        window=pw.temporal.sliding(hop=slide, duration=window),
        behavior=pw.temporal.exactly_once_behavior(),
        instance=timed.device,
    ).reduce(
        end=pw.this._pw_window_end,
        device=pw.this._pw_instance,
        ts=pw.reducers.max(pw.this.ts),
        loadavg=pw.reducers.avg(pw.this.loadavg),
        cpu=pw.reducers.avg(pw.this.cpu),
        mem=pw.reducers.avg(pw.this.mem),
        events=pw.reducers.count(),
    )
    pw.io.csv.write(windows, f"{settings['out']}/windows.csv")
    ended = Ended(settings["window"] // settings["slide"])
    pw.io.subscribe(windows, on_change=ended.row, on_time_end=ended.told)
    persistence = None
    if settings["persistence"]:
        backend = pw.persistence.Backend.filesystem(f"{settings['out']}/state")
        persistence = pw.persistence.Config(backend, snapshot_interval_ms=COMMIT_MS)
    say("receiver 0")
    pw.run(monitoring_level=pw.MonitoringLevel.NONE, persistence_config=persistence)
    say("failure it has ended")


class Ended:
    """Counts the rows of each window, and tells of it once."""

    def __init__(self, slides: int) -> None:
        self._slides = slides
        self._events: dict[float, int] = defaultdict(int)

    def row(self, key: object, row: dict[str, Any], time: int, is_addition: bool) -> None:
        self._events[row["end"].timestamp()] += row["events"] if is_addition else -row["events"]

    def told(self, _: int) -> None:
        for end in sorted(self._events):
            late = time.time() - end
            say(f"batch {end * 1000:.0f} {self._events.pop(end) // self._slides} {max(late, 0) * 1000:.0f} 0")


def end_with_input() -> None:
    sys.stdin.read()
    os._exit(0)


def say(line: str) -> None:
    print(f"\nBENCH {line}", flush=True)


if __name__ == "__main__":
    main(json.loads(Path(sys.argv[1]).read_text(encoding="utf-8")))
