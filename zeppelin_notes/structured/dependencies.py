import logging

from py4j.protocol import Py4JNetworkError
from pyspark.sql import SparkSession

logging.getLogger("SQLQueryContextLogger").setLevel(logging.CRITICAL)  # what it prints of a mistake is told in words
logging.getLogger("py4j.java_gateway").setLevel(logging.CRITICAL)  # that Java is gone: Zeppelin would have it shown by Java, for ever
builder = SparkSession.builder.appName("Zeppelin")
for name in ("spark.ui.retainedJobs", "spark.ui.retainedStages", "spark.sql.ui.retainedExecutions"):
    builder.config(name, "200")  # what Spark's page shows; with 1,000, which is usual, the heap grows for half an hour
try:
    spark = builder.getOrCreate()
except (Py4JNetworkError, ConnectionError) as problem:
    raise RuntimeError("Spark has ended: restart the interpreter of this paragraph, or `provision run` the note") from problem
if tuple(map(int, spark.version.split(".")[:2])) < (3, 3):
    raise RuntimeError(f"Spark {spark.version} is too old for this note: apply it with --bundle streaming")
for name, value in (("spark.sql.shuffle.partitions", spark.sparkContext.defaultParallelism),
                    ("spark.sql.sources.parallelPartitionDiscovery.threshold", 10_000),  # a window's folders are listed at once
                    ("spark.sql.legacy.timeParserPolicy", "CORRECTED")):
    spark.conf.set(name, str(value))
