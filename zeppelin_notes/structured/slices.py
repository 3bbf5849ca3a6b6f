import hashlib
import os

from py4j.protocol import Py4JJavaError


class Windows:
    """The windows of a stream. Each batch is written as rows that know their slice, and kept until no window needs it; a window is
    the slices that end in it. Times are in ms since 1970.

    by: "arrival", a window ends by the clock; "event", when events of `lateness` seconds later have come.
    batch: seconds between Spark's batches; 0: a slide.
    keep: what is not processed outlives the interpreter, in `state`, where a run of the note goes on.
    """

    def __init__(self, window, slide, by="arrival", lateness=0, state="", keep=False, topics=False, batch=0):
        if "windows" in globals() and getattr(windows.running, "isActive", False):
            windows.results.check_note()
        self.window, self.slide, self.by, self.keep = window * 1000, slide * 1000, by, keep
        self.lateness = lateness * 1000 if by == "event" else 0
        self.batch = (batch or slide) * 1000
        self.results = Results(spark.sparkContext, self.batch)
        self.reader = Reader(Columns, self.window, self.slide, by, topics)
        form = json.dumps([str(self.reader.schema), self.slide, by, Columns.time])
        self.state, self._slices = state, f"{state}/slices-{hashlib.sha256(form.encode()).hexdigest()[:8]}"
        self.query, self.running, self._messages, self._alone = "", None, None, Alone(state)
        self._parts = self._parts_before = None
        self._anew()
        self._table([])

    # --- what the note's paragraphs call ---

    def use(self, query):
        """The next window uses this query; tells how. Raises ValueError for one that can't be used, and the old one stays."""
        self.results.check_note()
        try:
            spark.sql(query).printSchema()
        except Exception as problem:
            raise ValueError(f"the query can't be used: {in_a_line(problem)}") from None
        few = self.window < Parts.LEAST * self.slide
        self.query, self._parts = query, None if few else Parts.of(query, self)
        why = f"it has fewer than {Parts.LEAST} slices" if few else "the query has more than averages, sums, counts, minima and maxima"
        print("Each window: " + ("aggregates of its slices, put together" if self._parts else f"all its rows are queried, as {why}"))

    def start(self, messages):
        """Start the stream, and wait until its first batch is done. Raises RuntimeError with what ended it before."""
        self.results.check_note()
        if not self.keep:
            self.delete(self.state)
        self.delete(f"{self.state}/parts")
        self._anew()
        if self._parts:
            self._parts = Parts.of(self.query, self)
        self._messages = messages
        for attempt in range(3):
            self.results.ended = ""
            if self._begins(messages):
                return
            if "failed to connect back" not in self.results.ended:  # a busy machine: Spark gives a Python 10 s to start
                break
        raise RuntimeError(self.results.ended or "the stream has ended")

    def _anew(self):
        """Nothing is known of batches before."""
        self._done, self._clock, self._kept, self._known = None, None, {}, False
        self._ended = 0.0

    def _begins(self, messages):
        """Whether the stream's first batch is done, or takes long, or else has ended."""
        before = self.results.batches
        if self.keep:
            self._alone.take()
        journal = f"{self.state}/journal" if self.keep or messages.needs_journal else ""
        events = messages.frame(journal, self.reader.in_bulk, self._goes_on_with_clock_first())
        stream = events.writeStream.queryName("netpie").foreachBatch(self).trigger(processingTime=f"{self.batch} milliseconds")
        self.running = stream.option("checkpointLocation", f"{self.state}/checkpoint").start()
        self.results.figure("since", time.time() * 1000)
        self.results.figure("active", 1)
        watch = threading.Thread(target=self._watch, args=(self.running,), daemon=True)
        watch.start()
        patience = time.monotonic() + 60
        while self.running.isActive and self.results.batches == before and time.monotonic() < patience:
            time.sleep(0.1)
        if self.running.isActive:
            return True
        watch.join(10)
        return False

    def _goes_on_with_clock_first(self):
        """Whether it goes on where an earlier version of this note has stopped, which had its two sources in the other order:
        Spark's checkpoint knows them by their places."""
        files, checkpoint = self._place(f"{self.state}/checkpoint")
        _, mark = self._place(f"{self.state}/clock-last")
        if not files.exists(checkpoint):
            files.create(mark).close()
        return not files.exists(mark)

    def stop(self):
        """`end` for a note's own paragraph of that name: notes that share a Python don't stop each other by it."""
        self.results.check_note()
        return self.end()

    def end(self):
        """End the stream once what has come is processed; whether there was one."""
        running, asked = self.running, time.time()
        if running is None or not self._lives():
            return False
        patience = time.monotonic() + min(2 * self.slide / 1000 + 15, 120)
        while running.isActive and self._has_yet_to_process(asked) and time.monotonic() < patience:
            time.sleep(0.1)
        running.stop()
        self._over()
        return True

    def _has_yet_to_process(self, asked):
        return (self._done or 0) < asked * 1000 if self.by == "arrival" else self._ended < asked

    # --- what Spark calls ---

    def __call__(self, batch, number):
        """Spark's foreachBatch. A window that fails is told, and the next one is computed all the same; a batch that ends with the
        stream is not done, and Spark gives it again."""
        began, problem = time.time(), None
        if not self._known:
            self._recover(number)
        self._forget()
        if self._done is None and self.by == "arrival":
            self._done = self._end(int(batch.where("topic is null").select("triggered").first()[0].timestamp() * 1000))
        try:
            self._take(batch, number)
        except Exception as error:
            if self.keep or not self._lives():
                raise
            problem = error
        for end in self._due():
            try:
                self._compute(end)
            except Exception as error:
                if not self._lives():
                    raise
                problem = error
            self._done = end
        self._done = self._reached()
        self.results.batch_ended(time.time() - began, self._done or int(began * 1000), problem)
        self._ended = began

    def _lives(self):
        """Whether the stream goes on: else what failed has failed by its end."""
        try:
            return (self.running is None or self.running.isActive) and not spark.sparkContext._jsc.sc().isStopped()
        except Exception:
            return False

    def _take(self, batch, number):
        """Write the batch's rows. A batch that Spark gives again writes the same ones once more."""
        found = self.reader.write(batch, self._done, self._folder(number))
        first, last, clock = found.pop("first"), found.pop("last"), found.pop("clock")
        if self._parts:
            self._parts.changed(number)
        self.results.count(found)
        self._keep(number, first, last, clock)

    def _keep(self, number, first, last, clock):
        self._kept[number] = (first, last)
        if clock is not None:
            self._clock = max(clock, self._clock or clock)

    def _end(self, millis):
        return millis // self.slide * self.slide

    def _reached(self):
        """Up to when windows can be done: what comes from now on is in later ones, or late."""
        if self._clock is None:
            return self._done
        reached = self._end(self._clock - self.lateness)
        return reached if self._done is None else max(reached, self._done)

    def _due(self):
        """The ends of the windows that can be done now; without those of a long pause, in which nothing came."""
        reached = self._reached()
        if reached is None:
            return []
        steps = self.window // self.slide
        if self.by == "arrival" and reached - self._done <= self.window:
            return list(range(self._done + self.slide, reached + 1, self.slide))
        ends = {its + step * self.slide for its in self._slices_with_rows() for step in range(steps)}
        return sorted(end for end in ends if (self._done is None or end > self._done) and end <= reached)

    def _slices_with_rows(self):
        spans = [(first, last) for first, last in self._kept.values() if first is not None]
        if all(first == last for first, last in spans):
            return {first for first, _ in spans}
        rows = self.read(self._kept).where("_slice is not null").select("_slice").distinct().collect()
        return {row[0] for row in rows}

    def _compute(self, end):
        first = end - self.window + self.slide
        self._table([number for number, (low, high) in self._kept.items() if low is not None and low <= end and high >= first], first, end)
        rows = self._rows(first, end).persist()
        try:
            outputs(rows, end)
            self.results.count({"windows": 1})
        finally:
            rows.unpersist()

    def _rows(self, first, end):
        parts, before = self._parts, self._parts_before
        if before is not parts:
            self._parts_before = parts
            if before:
                before.close()
        return parts.rows(self._kept, first, end) if parts else spark.sql(self.query)

    def _table(self, numbers, first=0, end=0):
        """Make the table measure the rows of these batches that are in these slices."""
        if numbers:
            # more than ten, of which Spark makes a set: that is no part of its code, which would be compiled anew for each window
            slices = [*range(first, end + 1, self.slide), *range(end + 1, end + 12)]
            rows = self.read(numbers).where(f"_slice in ({str(slices)[1:-1]})").drop("_slice", "_clock")
        else:
            rows = spark.createDataFrame([], self.reader.columns)
        rows.createOrReplaceTempView("measure")

    def read(self, numbers):
        return spark.read.schema(self.reader.schema).parquet(*(self._folder(number) for number in sorted(numbers)))

    # --- what is kept ---

    def _folder(self, number):
        return f"{self._slices}/batch-{number}"

    def _forget(self):
        """Delete the batches that no window needs: now that the batch after them begins, none of them is given again. The newest
        stays, to tell up to when windows are done."""
        if self._done is not None:
            first, newest = self._done + 2 * self.slide - self.window, max(self._kept, default=None)
            for number in [n for n, (_, last) in self._kept.items() if n != newest and (last is None or last < first)]:
                del self._kept[number]
                self.delete(self._folder(number))

    def _recover(self, number):
        """Take up what batches before this one have left, as they left it."""
        files, folder = self._place(self._slices)
        listed = [status.getPath() for status in files.listStatus(folder)] if files.exists(folder) else []
        for path in listed:
            before = int(path.getName().partition("-")[2] or number)
            if before < number:
                rows = self.read([before]).agg(F.min("_slice"), F.max("_slice"), F.max("_clock")).first()
                self._keep(before, *rows)
            else:
                files.delete(path, True)
        self._done, self._known = self._reached(), True

    def _place(self, path):
        place = spark._jvm.org.apache.hadoop.fs.Path(path)
        return place.getFileSystem(spark.sparkContext._jsc.hadoopConfiguration()), place

    def delete(self, path):
        files, place = self._place(path)
        files.delete(place, True)

    def _watch(self, running):
        """Tell what the source counts, and how the stream ends."""
        while running.isActive:
            self.results.messages(self._messages.counted(running.lastProgress))
            time.sleep(1)
        problem = running.exception()
        if problem is not None:
            self.results.ended = in_a_line(problem)
        if running is self.running:
            self._over()

    def _over(self):
        self.results.figure("active", 0)
        self._messages.stop()
        self._alone.leave()


class Alone:
    """Keeps a folder of the driver's disk for one Spark: one whose Python or server was killed may go on for a while."""

    PATIENCE = 60

    def __init__(self, folder):
        self._path, self._file = f"{folder}/lock", None

    def take(self):
        """Wait until the folder is this Spark's. Raises RuntimeError with the Spark that has it."""
        self.leave()
        os.makedirs(os.path.dirname(self._path), exist_ok=True)
        file, patience = spark._jvm.java.io.RandomAccessFile(self._path, "rw"), time.monotonic() + self.PATIENCE
        while not self._locks(file):
            if time.monotonic() > patience:
                raise RuntimeError(f"the Spark {file.readLine()} has a stream with {self._path}: stop that one, or end it")
            time.sleep(0.2)
        file.setLength(0)
        file.writeBytes(f"{spark.sparkContext.applicationId} {spark.sparkContext.uiWebUrl or ''}")
        self._file = file

    @staticmethod
    def _locks(file):
        try:
            return file.getChannel().tryLock() is not None
        except Py4JJavaError:  # another note of this Spark has it
            return False

    def leave(self):
        file, self._file = self._file, None
        if file is not None:
            file.close()


def counted_by_source(progress):
    for source in (progress or {"sources": []})["sources"]:
        found = dict(re.findall(r"""["'](\w+)["']: (\d+)""", str(source["endOffset"])))  # JSON, or a dict as text
        if "received" in found:
            return {name: int(number) for name, number in found.items()}
    return {}
