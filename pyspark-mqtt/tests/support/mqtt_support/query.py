"""A query from MQTT to files: `python query.py URL QOS TOPIC FOLDER`, until it is killed.

When a part of it is killed it starts again, as a person would have it do.
"""

from __future__ import annotations

import sys
import tempfile
import time
from pathlib import Path
from typing import Any

from pyspark.sql import SparkSession
from pyspark.sql.utils import StreamingQueryException

import pyspark_mqtt
from mqtt_support import sparks
from mqtt_support.delivering import TOPIC, delivering
from mqtt_support.written import written

TRIED_AGAIN = "local[2, 4]"
"""A task that loses its worker is tried again, as on a cluster."""


def session(folder: Path, **more: str) -> SparkSession:
    builder: Any = SparkSession.builder.master("local[2]").appName("mqtt")
    for name, value in {**sparks.SETTINGS, **more, "spark.local.dir": str(folder / "local")}.items():
        builder = builder.config(name, value)
    made: SparkSession = builder.getOrCreate()
    made.sparkContext.setLogLevel("ERROR")
    if sparks.IS_FOUR:
        made.dataSource.register(pyspark_mqtt.MqttDataSource)
    return made


def frame(spark: SparkSession, options: dict[str, str]) -> Any:
    """The source's frame: `format("mqtt")` where there is that, else the function."""
    if sparks.IS_FOUR:
        return spark.readStream.format("mqtt").options(**options).load()
    return pyspark_mqtt.mqtt_stream(spark, options).frame


def main(url: str, qos: str, topic: str, folder: Path) -> None:
    options = {"mqtt.broker.url": url, "mqtt.qos": qos, "subscribe": topic, "journalLocation": str(folder / "journal")}
    quick = sparks.class_archive(sparks.VERSION)
    rows = frame(session(folder, **quick, **{"spark.master": TRIED_AGAIN}), options)
    while True:
        query = numbers(rows, folder).trigger(processingTime="300 milliseconds").start()
        try:
            query.awaitTermination()
        except StreamingQueryException as error:
            print(error, flush=True)


def archive(options: str) -> None:
    """Run a short query in a Java with these options; return when this Java has ended."""
    with tempfile.TemporaryDirectory() as name, delivering(100, 2) as (_, port):
        folder = Path(name)
        spark = session(folder, **{**sparks.QUICK, "spark.driver.extraJavaOptions": options})
        given = {"mqtt.broker.url": f"tcp://127.0.0.1:{port}", "subscribe": TOPIC, "mqtt.qos": "2"}
        rows = frame(spark, {**given, "journalLocation": str(folder / "journal")})
        query = numbers(rows, folder).start()
        while query.isActive and sum(written(folder / "out").values()) < 100:
            time.sleep(0.2)
        query.stop()
        java = spark.sparkContext._gateway.proc
        spark.stop()
        java.stdin.close()
        java.wait()


def numbers(rows: Any, folder: Path) -> Any:
    """A writer of the payloads into text files; one whose row has the duplicate flag is followed by a word."""
    line = "CAST(value AS string) || IF(duplicate, ' again', '') AS value"
    writer = rows.selectExpr(line).writeStream.format("text")
    return writer.option("path", str(folder / "out")).option("checkpointLocation", str(folder / "checkpoint"))


if __name__ == "__main__":
    if sys.argv[1] == "--archive":
        archive(sys.argv[2])
        sys.exit()
    main(sys.argv[1], sys.argv[2], sys.argv[3], Path(sys.argv[4]))
