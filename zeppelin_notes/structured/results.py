import collections
import json
import re
import threading
import time
from datetime import datetime, timezone


class Results:
    """What the stream has done: the latest windows with their rows, and counts, which Spark's page has too."""

    KEPT_WINDOWS, KEPT_ROWS = 60, 1000
    # SparkPage of provision reads these
    FIGURES = ("active", "batch_ms", "batches", "events", "processing_ms", "failed", "newest_failed", "first_batch", "newest_batch", "since")
    MESSAGES = ("received", "stored", "acknowledged", "redelivered", "repeated", "reconnects")

    def __init__(self, context, batch):
        self.counts = dict.fromkeys(("events", "late", "malformed", "windows"), 0)
        self.batches, self.failed, self.failing, self.since, self.reason = 0, 0, 0, 0, ""
        self.windows = collections.deque(maxlen=self.KEPT_WINDOWS)
        self.ended, self._fields = "", []
        self._context, self._note = context, this_note()
        self._gauges = self._registered(context)
        for name in self._gauges:
            self.figure(name, 0)
        self.figure("batch_ms", batch)

    @classmethod
    def _registered(cls, context):
        """A number of Spark's metrics for each figure; a Spark takes them once."""
        if not hasattr(context, "_netpie_figures"):
            scala, jvm = context._jsc.sc(), context._jvm
            names = {name: f"netpie.1.query.{name}" for name in cls.FIGURES}
            names.update((name, f"netpie.1.mqtt.{name}") for name in cls.MESSAGES)
            figures = {name: scala.longAccumulator(full) for name, full in names.items()}
            sources = jvm.java.util.HashMap()
            for name, figure in figures.items():
                sources.put(names[name], figure)
            as_scala = jvm.org.apache.spark.api.python.PythonUtils.toScalaMap(sources)
            # Scala's object: its class has a method of that name too, which hides the object's
            source = getattr(jvm.org.apache.spark.metrics.source, "LongAccumulatorSource$")
            getattr(source, "MODULE$").register(scala, as_scala)
            context._netpie_figures = figures
        return context._netpie_figures

    def figure(self, name, value):
        gauge = self._gauges[name]
        gauge.reset()
        gauge.add(int(value))

    def messages(self, counted):
        """What the source has counted; all that it receives and has not had before is in its journal."""
        counted = dict(counted, stored=counted.get("received", 0) - counted.get("repeated", 0))
        for name in self.MESSAGES:
            self.figure(name, counted.get(name, 0))

    def count(self, more):
        for name, number in more.items():
            self.counts[name] += number or 0

    def batch_ended(self, seconds, end, problem):
        """A batch that brought the stream to `end` (ms since 1970) is done, but for this `problem`."""
        self.batches += 1
        if problem:
            self.failed += 1
            self.failing += 1
            self.since = self.since if self.failing > 1 else end
            self.reason = in_a_line(problem)
            self._tell_spark(self.reason)
        else:
            self.failing = 0
            self.figure("newest_batch", end)
        if self.batches == 1:
            self.figure("first_batch", end)
        for name, value in (("batches", self.batches), ("events", self.counts["events"]), ("failed", self.failed),
                            ("newest_failed", self.failing > 0), ("processing_ms", seconds * 1000)):
            self.figure(name, value)

    def _tell_spark(self, reason):
        """Spark's page has no place for words but in the description of a job."""
        self._context.setJobDescription(f"the newest batch failed: {reason}")
        try:
            self._context.parallelize([0], 1).count()
        finally:
            self._context.setJobDescription(None)

    def table(self, rows, end):
        """Keep the first rows of the window that ends then (ms since 1970)."""
        found = rows.limit(self.KEPT_ROWS).collect()
        self.windows.append((end, rows.columns, [tuple(row) for row in found]))
        self._fields = rows.schema.fields
{{ when python = spark.pyspark }}        self._as_table()  # which %spark.sql reads

    def check_note(self):
        """Raise RuntimeError in another note's paragraph: notes that share a Python share its names."""
        if this_note() not in ("", self._note) and self._note:
            raise RuntimeError(
                "another note's stream runs in this Python, which notes share: run this note to end that one, "
                "or give each note an interpreter of its own (`isolated` per note, in Zeppelin's page of interpreters)"
            )

    def show(self, count):
        self.check_note()
        if self.failing:
            which = "the newest batch, until" if self.failing == 1 else f"{self.failing} batches in a row, since"
            print(f"THE STREAM FAILS: {which} {instant(self.since)}. Windows are missing, or not whole. The reason:\n  {self.reason}\n")
        elif self.failed:
            print(f"The stream is well again. Batches that failed before: {self.failed}:\n  {self.reason}\n")
        for end, columns, rows in list(self.windows)[-count:]:
            print(f"window until {instant(end)}\n{as_text(columns, rows)}")
        print("counts: " + " ".join(f"{name}={number}" for name, number in self.counts.items()))
        if self.ended:
            print(f"the stream has ended: {self.ended}")

    def averages(self):
        """Make the table averages, and return it: the rows of the windows with the newest one's columns, each with its window's end."""
        self.check_note()
        return self._as_table()

    def _as_table(self):
        from pyspark.sql.types import StructField, StructType, TimestampType

        schema = StructType([StructField("window_end", TimestampType()), *self._fields])
        rows = [(datetime.fromtimestamp(end / 1000), *row) for end, row in self._alike(schema.names[1:])]
        table = spark.createDataFrame(rows, schema, verifySchema=False).coalesce(1)
        table.createOrReplaceTempView("averages")
        return table

    def chart(self, query=""):
        """The table averages, or what a query makes of it, as Zeppelin's table."""
        self.check_note()
        if query:
            self.averages()
            found = spark.sql(query)
            columns, rows = found.columns, found.collect()
        else:
            its = self.windows[-1][1] if self.windows else []
            columns, rows = ["window_end", *its], [(instant(end), *row) for end, row in self._alike(its)]
        print("%table " + "\t".join(map(cell, columns)))
        for row in rows:
            print("\t".join(map(cell, row)))

    def _alike(self, columns):
        """The rows of the windows with these columns, each with its window's end."""
        return [(end, row) for end, its, rows in list(self.windows) if its == columns for row in rows]


def this_note():
    """The id of the note whose paragraph runs; empty where Zeppelin's `z` is not there, or is another's name by now."""
    context = getattr(globals().get("z"), "getInterpreterContext", None)
    return context().getNoteId() if context else ""


def instant(millis):
    return f"{datetime.fromtimestamp(millis // 1000, timezone.utc):%Y-%m-%dT%H:%M:%SZ}"


def cell(value):
    return re.sub(r"[\t\n\r]", " ", "null" if value is None else str(value))


def in_a_line(problem):
    """What went wrong, without Spark's and Java's frames."""
    text = problem if isinstance(problem, str) else str(problem).strip() or type(problem).__name__
    text = text.split("\nDuring handling of the above exception, another")[0]  # Python's: that one is of no use
    causes = re.findall(r"^(?:Caused by: )?(?:[\w$]+\.)*[\w$]*(?:Exception|Error): (.+)$", text, re.MULTILINE)
    line = causes[-1] if causes else next(iter(filter(str.strip, text.splitlines())), text)
    return re.sub(r"^\[[A-Z0-9_.]+\] ", "", line.strip()).split(" SQLSTATE:")[0]


def as_text(columns, rows):
    """A table as Spark's show prints it."""
    cells = [list(columns), *[["NULL" if value is None else str(value) for value in row] for row in rows]]
    widths = [max(len(row[at]) for row in cells) for at in range(len(columns))]
    line = "+" + "+".join("-" * width for width in widths) + "+"
    drawn = ["|" + "|".join(value.rjust(width) for value, width in zip(row, widths)) + "|" for row in cells]
    return "\n".join([line, drawn[0], line, *drawn[1:], line])
