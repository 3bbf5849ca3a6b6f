"""A query from MQTT to files: `python query.py URL QOS TOPIC FOLDER`, until it is killed.

When a part of it is killed it starts again, as a person would have it do.
"""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Any

from pyspark.sql import SparkSession
from pyspark.sql.utils import StreamingQueryException

import pyspark_mqtt
from mqtt_support import sparks


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
    rows = frame(session(folder, **sparks.QUICK), options)
    while True:
        query = numbers(rows, folder).trigger(processingTime="300 milliseconds").start()
        try:
            query.awaitTermination()
        except StreamingQueryException as error:
            print(error, flush=True)


def numbers(rows: Any, folder: Path) -> Any:
    """A writer of the payloads into text files."""
    writer = rows.selectExpr("CAST(value AS string) AS value").writeStream.format("text")
    return writer.option("path", str(folder / "out")).option("checkpointLocation", str(folder / "checkpoint"))


if __name__ == "__main__":
    main(sys.argv[1], sys.argv[2], sys.argv[3], Path(sys.argv[4]))
