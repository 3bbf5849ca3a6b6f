"""Reads a retained message in a Python that has no pyspark_mqtt: the paragraph that brings it along, a broker's port, a
folder. Prints what was read, and where the package is from."""

import sys

from pyspark.sql import SparkSession

paragraph, port, folder = sys.argv[1:]
spark = SparkSession.builder.master("local[2]").config("spark.ui.enabled", "false").getOrCreate()
names = {"spark": spark}
with open(paragraph, encoding="utf-8") as file:
    exec(file.read(), names)
spark.dataSource.register(names["pyspark_mqtt"].MqttDataSource)
options = {
    "mqtt.broker.url": f"tcp://127.0.0.1:{port}",
    "subscribe": "kept",
    "mqtt.qos": "1",
    "journalLocation": f"{folder}/journal",
}
rows = spark.readStream.format("mqtt").options(**options).load().selectExpr("cast(value as string) as text", "topic")
query = rows.writeStream.format("parquet").option("checkpointLocation", f"{folder}/checkpoint").start(f"{folder}/rows")
try:
    query.processAllAvailable()
    print([tuple(row) for row in spark.read.parquet(f"{folder}/rows").collect()], names["pyspark_mqtt"].__file__)
finally:
    query.stop()
