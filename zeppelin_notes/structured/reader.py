from pyspark.sql import functions as F
from pyspark.sql.types import NumericType, StructType


class Reader:
    """Makes rows of the table measure out of messages. Beside the columns each has `_slice`, when the slice ends that it is in, and
    `_clock`, up to when it shows that the stream has come, both in ms since 1970."""

    ISO_TIME = "yyyy-MM-dd'T'HH:mm:ssZ"
    TAKEN = {"_" + name for name in "topic arrived triggered text odd json event time is_event slice clock late".split()}

    def __init__(self, columns, window, slide, by, topics):
        self.window, self.slide, self.by = window, slide, by
        self._own = spark.newSession()
        without_errors(self._own)
        self._fields = self._checked("fields", columns.fields, lambda text: self._own.createDataFrame([], text).schema)
        taken = self.TAKEN.intersection(name.lower() for name in self._fields.names)
        if taken:
            raise ValueError(f"Columns.fields has the column {min(taken)}, a name of the note's own: give it another one")
        self._options = {"enableDateTimeParsingFallback": "true"}
        self._time_format = columns.time_format
        if columns.time_format:
            self._options["timestampFormat"] = columns.time_format
        self._is_event = columns.is_event
        self._csv, self._header = columns.payload.startswith("csv"), columns.payload == "csv_header"
        self._made = list(columns.made)
        self._read = self._checked("read", columns.read, lambda text: self._own.createDataFrame([], text).schema) if self._made else self._fields
        self._check_made()
        self.columns = StructType(self._fields.fields + ([*StructType().add("topic", "string")] if topics else []))
        empty = self._own.createDataFrame([], self.columns)
        self._checked("is_event", columns.is_event, lambda text: empty.where(text).schema)
        self._time = self._checked("time", columns.time, lambda text: in_millis(empty, text))
        if by == "event" and not columns.time.strip():
            raise ValueError('Columns.time is "": windows by event time need the time of an event')
        # made once, as each takes a while
        self._texts = [F.expr(text) for text in ("topic as _topic", "timestamp as _arrived", "triggered as _triggered", "cast(value as string) as _text")]
        self._event = F.from_json("_text", self._read, self._options)
        self._plain = F.coalesce((F.length("_text") < PLAIN_LENGTH) & F.col("_text").rlike(PLAIN) & F.lit(not self._csv), F.lit(False))

    def _check_made(self):
        if not self._made:
            return
        if len(self._made) != len(self._fields):
            raise ValueError(f"Columns.made has {len(self._made)} columns, and Columns.fields {len(self._fields)}")
        known = StructType().add("_event", self._read).add("_text", "string").add("_topic", "string").add("_arrived", "timestamp")
        empty = self._own.createDataFrame([], known)
        for text in self._made:
            self._checked("made", text, lambda text: empty.selectExpr(text))

    @staticmethod
    def _checked(name, text, use):
        try:
            return use(text)
        except Exception as problem:
            raise ValueError(f'Columns.{name} = "{text}" can\'t be used: {in_a_line(problem)}') from None

    @property
    def schema(self):
        return StructType(self.columns.fields + [*StructType().add("_slice", "long").add("_clock", "long")])

    @property
    def in_bulk(self):
        """The fields that the source reads of JSON as Spark would, with their types; empty where they are others, or Spark's alone."""
        types = {"string", "boolean", "int", "bigint", "double", "timestamp"}
        names = {field.name.lower() for field in self._read}
        if self._csv or self._time_format not in ("", self.ISO_TIME) or len(names) < len(self._read):
            return ""
        if any(field.dataType.simpleString() not in types for field in self._read):
            return ""
        return ", ".join(f"{quoted(field.name)} {field.dataType.simpleString()}" for field in self._read)

    def write(self, batch, done, folder):
        """Write the rows of a batch, of which some window is not done yet; returns their counts, the first and last slice and the clock.

        `done`: up to when windows are done, None before the first."""
        without_errors(batch.sparkSession)
        in_bulk = "json" in batch.columns
        batch = batch.coalesce(spark.sparkContext.defaultParallelism)  # the row that tells the time needs no task of its own
        texts = batch.select(*self._texts, *([F.expr("json as _json")] if in_bulk else []))
        plain = F.col("_json").isNotNull() | self._plain if in_bulk else self._plain
        texts = texts.withColumn("_odd", F.col("_topic").isNotNull() & ~plain)
        found = self._write(texts, "not _odd", done, folder, "overwrite")
        if found.pop("odd"):
            header = self._header
            apart = (lambda text: lines_in(text, header)) if self._csv else events_in
            several = F.explode(F.udf(apart, "array<string>")("_text")).alias("_text")
            odd = texts.where("_odd").select("_topic", "_arrived", "_triggered", several, "_odd")
            more = self._write(odd, "_text != ''", done, folder, "append")
            found = {name: together(name, found[name], more[name]) for name in found}
        return found

    def _write(self, texts, kept, done, folder, mode):
        from pyspark.sql import Observation

        real = f"{kept if mode == 'overwrite' else 'true'} and _topic is not null"
        number = lambda condition: f"count(if({condition}, 1, null))"
        figures = {
            "odd": number("_odd"), "events": number(real), "malformed": number(f"{real} and not _is_event"),
            "late": number(f"{real} and _is_event and _late"), "first": f"min(if({kept}, _slice, null))",
            "last": f"max(if({kept}, _slice, null))", "clock": f"max(if({kept}, _clock, null))",
        }
        seen = Observation()
        observed = self._rows(texts, done).observe(seen, *(F.expr(text).alias(name) for name, text in figures.items()))
        wanted = observed.where(f"{kept} and (_topic is null or _slice is not null)")
        wanted.select(*map(quoted, self.schema.names)).write.mode(mode).parquet(folder)
        return dict(seen.get)

    def _rows(self, texts, done):
        parsed = texts.withColumn("_event", F.coalesce("_json", self._event) if "_json" in texts.columns else self._event)
        if self._made:
            columns = [F.expr(text).cast(field.dataType).alias(field.name) for text, field in zip(self._made, self._fields)]
        else:
            columns = ["_event.*"]
        if self.columns.names[len(self._fields.names):]:
            columns.append(F.col("_topic").alias("topic"))
        rows = parsed.select("*", *columns).drop("_event", "_json")
        time = self._time or "cast(null as bigint)"
        is_event = f"coalesce({self._is_event}\n, false)" + (f" and {time} is not null" if self.by == "event" else "")
        rows = rows.selectExpr("*", f"{time} as _time", f"{is_event} as _is_event")
        its_end = lambda millis: f"cast(floor({millis} / {self.slide}) as bigint) * {self.slide} + {self.slide}"
        if self.by == "event":
            # never later than the clock: a wrong time would make all others late
            clock = "if(_time is not null, least(_time, unix_millis(_arrived)), null)"
            its_slice, late = its_end("_time"), f"_slice <= {by_reference(done if done is not None else -(1 << 62))}"
        else:
            clock = "if(_topic is null, unix_millis(_triggered), null)"
            first = by_reference(done + self.slide if done is not None else 0)
            its_slice = f"if(_topic is not null, greatest({its_end('unix_millis(_arrived)')}, {first}), null)"
            late = f"_time < _slice - {self.window}"
        rows = rows.selectExpr("*", f"{its_slice} as _slice", f"{clock} as _clock")
        return rows.selectExpr("*", f"coalesce({late}, false) as _late")


def quoted(name):
    return "`" + name.replace("`", "``") + "`"


def by_reference(number):
    """The SQL for a number that is another one in each batch. A plain one would be part of the code that Spark makes, which it and then
    Java would compile anew for each batch. A list is no part of it; its index is a column's, as Spark puts in what a constant one gives."""
    return f"array({number}, {number})[if(_topic is null, 1, 0)]"


def without_errors(session):
    """What can't be computed of an event is null."""
    session.conf.set("spark.sql.ansi.enabled", "false")
    session.conf.set("spark.sql.legacy.timeParserPolicy", "CORRECTED")


def in_millis(frame, text):
    """The SQL for a time as ms since 1970: it is a time, a text in ISO 8601, or a number of seconds or ms."""
    if not text.strip():
        return ""
    kind = frame.selectExpr(f"({text}) as it").schema["it"].dataType
    if isinstance(kind, NumericType):  # 100,000,000,000 seconds are the year 5138, as many milliseconds are in 1973
        number = f"cast(({text}) as double)"
        return f"cast(case when abs({number}) < 1e11 then {number} * 1000 else {number} end as bigint)"
    if kind.typeName() in ("string", "date") or kind.typeName().startswith("timestamp"):
        return f"unix_millis(cast(({text}) as timestamp))"
    raise ValueError(f"it gives a {kind.simpleString()}, which is no time")


def together(name, one, other):
    if one is None or other is None:
        return other if one is None else one
    return {"first": min, "last": max, "clock": max}.get(name, lambda a, b: a + b)(one, other)
