"""As much of Spark as exactly once takes: a log of offsets, a sink that writes a file a batch, a log of commits.

`python little_spark.py PORT QOS TOPIC FOLDER` runs batches until it is killed, in the order in which Spark does things.
"""

from __future__ import annotations

import json
import os
import sys
import time
from pathlib import Path

from pyspark_mqtt import _stream
from pyspark_mqtt._options import read_source
from pyspark_mqtt._stream import Offset, Stream, rows_of


def write(path: Path, text: str) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.with_suffix(".new").write_text(text)
    os.replace(path.with_suffix(".new"), path)


def newest(folder: Path) -> int:
    return max((int(path.name) for path in folder.glob("[0-9]*") if path.suffix == ""), default=-1)


def offset(folder: Path, batch: int) -> Offset:
    found: Offset = json.loads((folder / "offsets" / str(batch)).read_text())
    return found


def run_batch(stream: Stream, folder: Path, batch: int) -> None:
    start, end = offset(folder, batch - 1), offset(folder, batch)
    values = [
        value.decode()
        for part in stream.parts(start, end)
        for rows in rows_of(part)
        for value in rows.column(0).to_pylist()
    ]
    write(folder / "out" / str(batch), "".join(f"{value}\n" for value in values))
    write(folder / "commits" / str(batch), "")


def main(port: str, qos: str, topic: str, folder: Path) -> None:
    _stream.LONGEST_WAIT = 0.1  # to be killed in the middle of work, not of a wait
    given = {"mqtt.broker.url": f"tcp://127.0.0.1:{port}", "mqtt.qos": qos, "subscribe": topic}
    stream = Stream(
        read_source({**given, "journalLocation": str(folder / "journal"), "maxJournalBytes": "1m"}, streaming=True)
    )
    planned, done = newest(folder / "offsets"), newest(folder / "commits")
    if planned < 0:
        write(folder / "offsets" / "0", json.dumps(stream.initial()))
        planned, done = 0, 0
    else:
        stream.parts(offset(folder, planned), offset(folder, planned))
    if planned > 0 and planned != done:
        run_batch(stream, folder, planned)
    while True:
        end = stream.latest()
        if end == offset(folder, planned):
            time.sleep(0.01)
            continue
        write(folder / "offsets" / str(planned + 1), json.dumps(end))
        stream.commit(offset(folder, planned))
        planned += 1
        run_batch(stream, folder, planned)


if __name__ == "__main__":
    main(sys.argv[1], sys.argv[2], sys.argv[3], Path(sys.argv[4]))
