"""A session and a stream with what a note's has, for Java to see which classes of Spark they take.

Run by `spark_classes` with a note's Python: `typical_stream.py FOLDER`, which it may fill. It needs no network.
"""

import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pyarrow as pa
from pyspark import SparkContext
from pyspark.sql import DataFrame, Observation, SparkSession
from pyspark.sql import functions as F
from pyspark.sql.datasource import DataSource, DataSourceStreamReader, InputPartition

BATCHES, PATIENCE = 2, 120
EVENT = b'{"ts":"2026-01-01T00:00:00+0700","id":"id01","value":1.5}'
COLUMNS = "ts timestamp, id string, value double"


class Messages(DataSource):  # type: ignore[misc]
    """A source in Python, as MQTT's is."""

    @classmethod
    def name(cls) -> str:
        return "messages"

    def schema(self) -> str:
        return "value binary, topic string, timestamp timestamp"

    def streamReader(self, schema: Any) -> DataSourceStreamReader:
        return Reader()


class Reader(DataSourceStreamReader):  # type: ignore[misc]
    """Five messages a batch, by Arrow."""

    def initialOffset(self) -> dict[str, float]:
        return {"offset": 0}

    def latestOffset(self) -> dict[str, float]:
        return {"offset": time.time()}

    def partitions(self, start: dict[str, float], end: dict[str, float]) -> list[InputPartition]:
        return [InputPartition(end["offset"])]

    def read(self, partition: InputPartition) -> Iterator[pa.RecordBatch]:
        arrived = pa.array([int(partition.value * 1e6)] * 5, pa.timestamp("us", tz="UTC"))
        columns = [pa.array([EVENT] * 5, pa.binary()), pa.array(["@msg/id01"] * 5), arrived]
        yield pa.RecordBatch.from_arrays(columns, names=["value", "topic", "timestamp"])


def messages(spark: SparkSession) -> DataFrame:
    """The messages, and a row that tells when the batch is triggered, as a note's source has them."""
    spark.dataSource.register(Messages)
    ticks = spark.readStream.format("rate-micro-batch").option("rowsPerBatch", 1).option("numPartitions", 1).load()
    empty = [f"cast(null as {kind}) as {name}" for kind, name in
             (("binary", "value"), ("string", "topic"), ("timestamp", "timestamp"))]  # fmt: skip
    tick = ticks.selectExpr(*empty, "current_timestamp() as triggered")
    texts = spark.readStream.format("messages").load().selectExpr("*", "cast(null as timestamp) as triggered")
    return texts.unionByName(tick, allowMissingColumns=True)


def process(batch: DataFrame, folder: Path) -> None:
    """Write a batch's rows, query them, and write what the query gives."""
    spark = batch.sparkSession
    batch.where("topic is null").select("triggered").first()
    schema = spark.createDataFrame([], COLUMNS).schema
    texts = batch.select("topic", "timestamp", F.expr("cast(value as string) as text"))
    events = texts.withColumn("event", F.from_json("text", schema)).select("*", "event.*").drop("event")
    rows = events.selectExpr("*", "cast(floor(unix_millis(timestamp) / 1000) as bigint) as slice")
    seen = Observation()
    figures = [F.expr("count(if(value is null, 1, null)) as malformed"), F.expr("max(slice) as last")]
    its_rows = rows.observe(seen, *figures).where("topic is not null").select("ts", "id", "value", "slice")
    its_rows.write.mode("overwrite").parquet(f"{folder}/rows")
    last = seen.get["last"]
    spark.read.schema(its_rows.schema).parquet(f"{folder}/rows").where(
        f"slice in ({last}, {last - 1})"
    ).createOrReplaceTempView("measure")
    query = "select max(ts) as ts, id, avg(value), count(*) from measure group by id order by id"
    window = spark.sql(query).persist()
    window.coalesce(1).write.mode("overwrite").option("header", "true").csv(f"{folder}/csv")
    window.coalesce(1).write.mode("append").parquet(f"{folder}/parquet")
    window.limit(10).collect()
    window.unpersist()


def main(folder: Path) -> int:
    spark = SparkSession.builder.appName("Zeppelin").getOrCreate()
    processed: list[int] = []

    def each(batch: DataFrame, number: int) -> None:
        process(batch, folder)
        processed.append(number)

    stream = messages(spark).writeStream.foreachBatch(each).trigger(processingTime="100 milliseconds")
    query = stream.option("checkpointLocation", f"{folder}/checkpoint").start()
    patience = time.monotonic() + PATIENCE
    while query.isActive and len(processed) < BATCHES and time.monotonic() < patience:
        time.sleep(0.05)
    query.stop()
    spark.stop()
    gateway = SparkContext._gateway
    java = gateway.proc
    gateway.shutdown()
    java.stdin.close()  # it ends by that
    return java.wait(PATIENCE) or len(processed) < BATCHES


if __name__ == "__main__":
    sys.exit(main(Path(sys.argv[1])))
