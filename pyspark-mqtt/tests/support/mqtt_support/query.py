"""A query from MQTT to files, as a person writes it: `python query.py URL QOS TOPIC FOLDER`, until it is killed."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Any

from pyspark.sql import SparkSession

from mqtt_support.sparks import SETTINGS


def session(folder: Path) -> SparkSession:
    builder: Any = SparkSession.builder.master("local[2]").appName("mqtt")
    for name, value in {**SETTINGS, "spark.local.dir": str(folder / "local")}.items():
        builder = builder.config(name, value)
    made: SparkSession = builder.getOrCreate()
    made.sparkContext.setLogLevel("ERROR")
    return made


def frame(spark: SparkSession, options: dict[str, str]) -> Any:
    """The source's frame: `format("mqtt")` where there is that, else the function."""
    import pyspark

    import pyspark_mqtt

    if int(pyspark.__version__.split(".")[0]) >= 4:
        spark.dataSource.register(pyspark_mqtt.MqttDataSource)
        return spark.readStream.format("mqtt").options(**options).load()
    return pyspark_mqtt.mqtt_stream(spark, options).frame


def main(url: str, qos: str, topic: str, folder: Path) -> None:
    options = {"mqtt.broker.url": url, "mqtt.qos": qos, "subscribe": topic, "journalLocation": str(folder / "journal")}
    rows = frame(session(folder), options)
    writer = rows.selectExpr("CAST(value AS string) AS value").writeStream.format("text")
    query = (
        writer.option("path", str(folder / "out"))
        .option("checkpointLocation", str(folder / "checkpoint"))
        .trigger(processingTime="300 milliseconds")
        .start()
    )
    query.awaitTermination()


if __name__ == "__main__":
    main(sys.argv[1], sys.argv[2], sys.argv[3], Path(sys.argv[4]))
