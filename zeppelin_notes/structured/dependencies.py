import logging

from py4j.protocol import Py4JNetworkError
from pyspark.sql import SparkSession

logging.getLogger("SQLQueryContextLogger").setLevel(logging.CRITICAL)  # what it prints of a mistake is told in words
logging.getLogger("py4j.java_gateway").setLevel(logging.CRITICAL)  # that Java is gone: Zeppelin would have it shown by Java, for ever
SETTINGS = dict(each.split("=", 1) for each in {{ spark_settings | python }})
{{ when python = ask, python }}SETTINGS["netpie.settings"] = ",".join(SETTINGS)  # a name that has gone is another setting too
builder = SparkSession.builder.appName("Zeppelin")
for name in ("spark.ui.retainedJobs", "spark.ui.retainedStages", "spark.sql.ui.retainedExecutions"):
    builder.config(name, "200")  # what Spark's page shows; with 1,000, which is usual, the heap grows for half an hour
{{ when python = ask, python }}for name, value in SETTINGS.items():
{{ when python = ask, python }}    builder.config(name, value)
try:
    spark = builder.getOrCreate()
except (Py4JNetworkError, ConnectionError) as problem:
    raise RuntimeError("Spark has ended: restart the interpreter of this paragraph, or `provision run` the note") from problem
{{ when python = ask, python }}other = [name for name, value in SETTINGS.items() if spark.sparkContext.getConf().get(name, "") != value]
{{ when python = ask, python }}if other:
{{ when python = ask, python }}    raise RuntimeError(f"Spark runs with other settings ({', '.join(other)}): restart the interpreter of this paragraph, or `provision run` the note")
if tuple(map(int, spark.version.split(".")[:2])) < (3, 3):
    raise RuntimeError(f"Spark {spark.version} is too old for this note: apply it with --bundle streaming")
cores = spark.sparkContext.defaultParallelism
for name, value in (("spark.sql.shuffle.partitions", cores),
                    ("spark.sql.adaptive.enabled", str(cores > 8).lower()),  # a job for each stage: few cores gain nothing by it
                    ("spark.sql.sources.parallelPartitionDiscovery.threshold", 10_000),  # a window's folders are listed at once
                    ("spark.sql.legacy.timeParserPolicy", "CORRECTED")):
    if name not in SETTINGS:
        spark.conf.set(name, str(value))
