"""Runs in the embedded stack's Python, for `bench.given_batches`: `given_batches_spark.py SETTINGS`, a JSON file.

The note's own paragraphs take batches as Spark's foreachBatch gives them; which outputs they have changes from one
batch to the next, so that both sides share warm-up and drift. Prints the seconds of each batch and of its deliveries.
"""

import json
import sys
import time
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

START = datetime(2018, 10, 29, 2, 53, 30, tzinfo=UTC)
PARAGRAPHS = ("dependencies", "results", "events", "reader", "aggregates", "slices", "columns")


def main(settings: dict[str, Any]) -> None:
    sys.path[:0] = settings["packages"]
    names: dict[str, Any] = {"__name__": "__main__"}
    for key in PARAGRAPHS:
        exec(compile(settings["paragraphs"][key], key, "exec"), names)
    sides = {name: made(names, outputs, settings) for name, outputs in settings["sides"].items()}
    windows = names["Windows"](settings["window"], settings["slide"], "arrival", 0, f"{settings['folder']}/state")
    names["windows"] = windows
    windows.use(settings["query"])
    found: dict[str, list[tuple[float, float]]] = {name: [] for name in sides}
    for number in range(settings["batches"] * len(sides)):
        name = [*sides][number % len(sides)]
        names["outputs"] = sides[name]
        sides[name].to("table", windows.results.table)
        frame = batch(names["spark"], number, settings)
        began = time.monotonic()
        windows(frame, number)
        ended = time.monotonic()
        sides[name].drain(120)
        found[name].append((ended - began, time.monotonic() - ended))
        frame.unpersist()
        print(f"batch {number} {name}: {ended - began:.2f} s", file=sys.stderr, flush=True)
    failed = [told.line() for side in sides.values() for told in side.told() if told.reason]
    print(json.dumps({"seconds": found, "failed": failed, "problem": windows.results.reason}))


def made(names: dict[str, Any], outputs: dict[str, Any], settings: dict[str, Any]) -> Any:
    """The outputs of one side."""
    from zeppelin_notes.outputs import Outputs
    from zeppelin_notes.outputs.alert import Alert
    from zeppelin_notes.outputs.csv import Csv
    from zeppelin_notes.outputs.influxdb import Influxdb
    from zeppelin_notes.outputs.mqtt import Mqtt
    from zeppelin_notes.outputs.parquet import Parquet
    from zeppelin_notes.outputs.postgresql import Postgresql
    from zeppelin_notes.outputs.prometheus import Prometheus
    from zeppelin_notes.outputs.webhook import Webhook

    folder = f"{settings['folder']}/{'-'.join(outputs)}"
    found = Outputs(f"{folder}/waiting", context=names["spark"].sparkContext)
    makers: dict[str, Any] = {
        "csv": lambda _: Csv(f"{folder}/csv"),
        "parquet": lambda _: Parquet(f"{folder}/parquet"),
        "webhook": Webhook,
        "influxdb": lambda url: Influxdb(url, "averages", tags=["id"]),
        "prometheus": lambda _: Prometheus(labels=["id"]),
        "mqtt": lambda url: Mqtt(url, "back", rate=100_000),
        "postgresql": lambda login: Postgresql(login[0], "windows", ["id"], login[1], login[2]),
        "alert": lambda text: Alert(text, found, f"{folder}/waiting/alert.json", ["id"]),
    }
    for name, given in outputs.items():
        found.to(name, makers[name](given))
    return found


def batch(spark: Any, number: int, settings: dict[str, Any]) -> Any:
    """A slide's events, each a message as the source has it, and the row that every batch has; in memory already."""
    slide, events = settings["slide"], settings["rate"] * settings["slide"]
    began = int(START.timestamp()) + number * slide
    at = f"timestamp_micros(cast({began} * 1000000L + id * {slide * 1_000_000 // events} as bigint))"
    time_of = f"date_format({at}, \"yyyy-MM-dd'T'HH:mm:ssZ\")"
    text = (
        f'concat(\'{{"ts": "\', {time_of}, \'", "id": "\', device, '
        '\'", "loadavg": 0.5, "cpu": \', cpu, \', "mem": \', mem, \'}\')'
    )
    triggered = f"timestamp_seconds({began + slide})"
    device = f"concat('device ', id % {settings['keys']}) as device"
    numbers = spark.range(events).selectExpr("id", device, "rand() * 100 as cpu", "rand() * 100 as mem")
    json = f"named_struct('ts', date_trunc('second', {at}), 'id', device, 'loadavg', 0.5d, 'cpu', cpu, 'mem', mem)"
    rows = numbers.selectExpr(
        f"cast({text} as binary) as value", "'t' as topic", f"{at} as timestamp", f"{triggered} as triggered",
        f"{json} as json",
    )  # fmt: skip
    tick = spark.range(1).selectExpr(
        "cast(null as binary) as value", "cast(null as string) as topic", "cast(null as timestamp) as timestamp",
        f"{triggered} as triggered",
    )  # fmt: skip
    frame = tick.unionByName(rows, allowMissingColumns=True).persist()
    frame.count()
    return frame


if __name__ == "__main__":
    main(json.loads(Path(sys.argv[1]).read_text(encoding="utf-8")))
