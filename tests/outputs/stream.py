"""The outputs of a stream, to be killed: `python stream.py FOLDER COUNT [URL…]` gives them windows as a note does.

They are files, the database of postgresql://… and the InfluxDB of influx+http://…; or, in place of these, the web
server of http://… and the broker of tcp://… It goes on where an earlier process was, ends after COUNT more, and prints
a line when it begins. The batch that was under way is given again, as by Spark.
"""

import os
import sys
import time
from pathlib import Path

from tests.outputs.windows import window
from zeppelin_notes.outputs import Outputs

TOPIC = "averages"


def main(folder: Path, count: int, *urls: str) -> None:
    os.fsync = lambda _: None  # type: ignore[assignment] # what is killed is the process, not the machine
    outputs = Outputs(str(folder / "waiting"), keep=True)
    for url in urls:
        if url.startswith(("http:", "tcp:")):
            _add_sender(outputs, url)
    if not any(url.startswith(("http:", "tcp:")) for url in urls):
        _add_tables(outputs, folder, *urls)
    committed, unfinished = folder / "committed", folder / "committed.new"
    first = int(committed.read_text()) + 1 if committed.exists() else 0
    print("begun", flush=True)
    for number in range(first, first + count):
        outputs.put(window(number, keys=50))
        time.sleep(0.003)
        unfinished.write_text(str(number))
        unfinished.replace(committed)
    outputs.drain(120)
    print(*(each.line() for each in outputs.told()), sep="\n")
    outputs.close()


def _add_sender(outputs: Outputs, url: str) -> None:
    from zeppelin_notes.outputs.mqtt import Mqtt
    from zeppelin_notes.outputs.webhook import Webhook

    if url.startswith("http:"):
        outputs.to("webhook", Webhook(url, source="the note"))
    else:
        outputs.to("mqtt", Mqtt(url, TOPIC, rate=100_000))


def _add_tables(outputs: Outputs, folder: Path, *databases: str) -> None:
    from bench.postgres import PASSWORD, USER
    from zeppelin_notes.outputs.csv import Csv
    from zeppelin_notes.outputs.influxdb import Influxdb
    from zeppelin_notes.outputs.parquet import Parquet
    from zeppelin_notes.outputs.postgresql import Postgresql

    outputs.to("csv", Csv(str(folder / "csv")))
    outputs.to("parquet", Parquet(str(folder / "parquet")))
    for url in databases:
        if url.startswith("influx+"):
            outputs.to(
                "influxdb", Influxdb(url.removeprefix("influx+"), "averages", "", "windows", ["id"], USER, PASSWORD)
            )
        else:
            outputs.to("postgresql", Postgresql(url, "windows", ["id"], USER, PASSWORD))


if __name__ == "__main__":
    main(Path(sys.argv[1]), int(sys.argv[2]), *sys.argv[3:])
