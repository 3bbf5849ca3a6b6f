// Gives messages to a note's slices and the events in them to the document's code, and compares the rows of every window.
object Compare {
  import org.apache.spark.rdd.RDD
  import org.apache.spark.sql.{DataFrame, Row}
  import org.apache.spark.sql.execution.LogicalRDD
  import org.apache.spark.streaming.{Seconds, StreamingContext, Time}

  /** The document's code, up to the query. */
  private def document(rdd: RDD[String], query: String): DataFrame = {
    measured(rdd).createOrReplaceTempView("measure")
    spark.sql(query)
  }

  private def measured(rdd: RDD[String]): DataFrame =
    spark.read.schema("ts Timestamp, id String, loadavg double, cpu double, mem double").option("timestampFormat", "yyyy-MM-dd'T'HH:mm:ssZ").json(rdd)

  /** How many of the events are none by the rules of the paragraph Columns. */
  private def malformed(events: RDD[String]): Long = events.count - measured(events).where(Columns.isEvent).count

  /** What the slices have counted. */
  private def counted(name: String): Long = {
    val shown = new java.io.ByteArrayOutputStream
    Console.withOut(shown) { Results.show(0) }
    (name + "=(\\d+)").r.findFirstMatchIn(shown.toString("UTF-8")).get.group(1).toLong
  }

  /** Rows in an order that the query does not give: by all that is no double, then by these. */
  private def sorted(rows: Array[Row]): Seq[Seq[Any]] = rows.map(_.toSeq).toSeq.sortBy { row =>
    val (doubles, others) = row.partition(_.isInstanceOf[Double])
    (others.mkString("|"), doubles.map(value => "%12.6e".format(value)).mkString("|"))
  }

  private def near(one: Any, other: Any): Boolean = (one, other) match {
    case (a: Double, b: Double) => a.equals(b) || math.abs(a - b) <= 1e-9 * math.max(math.abs(a), math.abs(b))
    case _ => one == other
  }

  private def same(one: Seq[Seq[Any]], other: Seq[Seq[Any]]): Boolean = one.size == other.size &&
    one.zip(other).forall { case (a, b) => a.size == b.size && a.zip(b).forall { case (x, y) => near(x, y) } }

  private def text(packed: String): String = new String(java.util.Base64.getDecoder.decode(packed), "UTF-16BE")

  /** Slices that nothing comes into by itself. */
  private def slicesOf(context: StreamingContext, window: Int, slide: Int, topics: Boolean = false): Slices = {
    val (queue, pairs) = (new scala.collection.mutable.Queue[RDD[String]](), new scala.collection.mutable.Queue[RDD[(String, String)]]())
    if (topics) Slices.of(context.queueStream(pairs), Columns, Seconds(window), Seconds(slide))
    else Slices.of(context.queueStream(queue), Columns, Seconds(window), Seconds(slide))
  }

  private def active: StreamingContext = StreamingContext.getActive.getOrElse(new StreamingContext(sc, Seconds(1)))

  private def anew(window: Int, slide: Int, topics: Boolean = false): (StreamingContext, Slices) = {
    StreamingContext.getActive.foreach(_.stop(false, false))
    val context = new StreamingContext(sc, Seconds(1))
    (context, slicesOf(context, window, slide, topics))
  }

  /** `run` with what a file holds, encoded: a line of queries, then for each batch a line of messages and one of events. */
  def file(name: String, window: Int, slide: Int, topics: Boolean): Unit = {
    val lines = new String(java.nio.file.Files.readAllBytes(java.nio.file.Paths.get(name)), "US-ASCII").split("\n", -1)
    val texts = lines.toSeq.map(_.split(" ").toSeq.filter(_.nonEmpty).map(word => text(word.drop(1))))
    try run(texts.tail.grouped(2).map(pair => (pair(0), pair(1))).toSeq, window, slide, topics, texts.head)
    catch { case problem: Throwable => Bench.say("compared " + String.valueOf(problem).split("\n")(0)) }
  }

  /** Runs `batches` of a second each, messages and the events in them, `queries` one after the other; says "same" and how many
    * windows had rows, or what differs. */
  def run(batches: Seq[(Seq[String], Seq[String])], window: Int, slide: Int, topics: Boolean, queries: Seq[String]): Unit = {
    val (context, slices) = anew(window, slide, topics)
    Results.clear()
    val begin = 1540000000
    var kept = Vector.empty[RDD[String]]
    var answer = ""
    var full = 0
    for (((messages, events), i) <- batches.zipWithIndex if answer.isEmpty) {
      val (rdd, reference) = (sc.parallelize(messages, 1 + i % 3), sc.parallelize(events, 1 + i % 3))
      kept = (kept :+ reference).takeRight(window)
      val time = new Time(1000L * (begin + i))
      val before = Seq("events", "malformed").map(counted)
      slices.add((if (topics) sc.parallelize(messages.map("/app/x" -> _), 1 + i % 3) else rdd).asInstanceOf[RDD[Any]], time)
      val counts = Seq("events", "malformed").map(counted).zip(before).map { case (now, last) => now - last }
      if (counts != Seq(reference.count, malformed(reference)))
        answer = "counts " + counts + " for " + Seq(reference.count, malformed(reference)) + ": " + messages
      if ((i + 1) % slide == 0) {
        val query = queries(i / slide % queries.size)
        slices.explain(query) // as a person's run of the query's paragraph does
        val ours = slices.rows(time, query).drop("topic")
        val (columns, rows) = (ours.schema.map(field => field.name -> field.dataType), sorted(ours.collect))
        val other = document(sc.union(kept).coalesce(2), query) // or each of its partitions is a task
        val wanted = sorted(other.collect)
        if (columns != other.schema.map(field => field.name -> field.dataType)) answer = query + ": columns " + ours.schema + " for " + other.schema
        else if (!same(rows, wanted)) answer = query + ": " + rows + " for " + wanted
        if (rows.nonEmpty) full += 1
      }
    }
    slices.close()
    context.stop(false, false)
    Bench.say("compared " + (if (answer.isEmpty) "same " + full else answer.replace("\n", " ")))
  }

  /** Says how many of the tables `measure` of so many windows, of two slices each, are in memory after the last. */
  def held(windows: Int): Unit = {
    val slices = slicesOf(active, 2, 1)
    val tables = for (i <- 0 until windows) yield {
      val time = new Time(1000L * (1540000000 + i))
      slices.add(sc.parallelize(Seq("{}", "no event"), 2).asInstanceOf[RDD[Any]], time)
      slices.rows(time, "select count(*) from measure").collect
      new java.lang.ref.WeakReference(SparkInternals.analyzed(spark.table("measure")).collectLeaves.head.asInstanceOf[LogicalRDD].rdd)
    }
    System.gc()
    Bench.say("held " + tables.count(_.get != null))
    slices.close()
  }

  /** Says how much of what is kept, in tens of rows, is read at most in one of the slides of `events` each, a batch a slide,
    * that come after the window is full. */
  def read(window: Int, slides: Int, events: Int): Unit = {
    import org.apache.spark.scheduler._
    import java.util.concurrent.ConcurrentHashMap
    val (context, slices) = anew(window, 1)
    val (slideOf, read) = (new ConcurrentHashMap[Int, Int](), new ConcurrentHashMap[Int, Long]())
    @volatile var jobs = 0
    val listener = new SparkListener {
      override def onJobStart(start: SparkListenerJobStart): Unit = {
        jobs += 1
        val slide = start.properties.getProperty("slide")
        if (slide != null) start.stageIds.foreach(stage => slideOf.put(stage, slide.toInt))
      }
      override def onTaskEnd(end: SparkListenerTaskEnd): Unit = if (slideOf.containsKey(end.stageId))
        read.merge(slideOf.get(end.stageId), end.taskMetrics.inputMetrics.recordsRead, (a: Long, b: Long) => a + b)
      override def onJobEnd(end: SparkListenerJobEnd): Unit = jobs -= 1
    }
    sc.addSparkListener(listener)
    spark.conf.set("spark.sql.inMemoryColumnarStorage.batchSize", 10)
    for (i <- 0 until window + slides) {
      val time = new Time(1000L * (1540000000 + i))
      slices.add(sc.parallelize(Seq.fill(events)("{\"cpu\": 1}"), 1).asInstanceOf[RDD[Any]], time)
      sc.setLocalProperty("slide", i.toString)
      try slices.rows(time, "select avg(cpu) from measure").collect finally sc.setLocalProperty("slide", null)
    }
    val deadline = System.currentTimeMillis + 30000
    while ((jobs > 0 || !read.containsKey(window + slides - 1)) && System.currentTimeMillis < deadline) Thread.sleep(50)
    sc.removeSparkListener(listener)
    spark.conf.unset("spark.sql.inMemoryColumnarStorage.batchSize")
    slices.close()
    context.stop(false, false)
    Bench.say("read " + (window until window + slides).map(read.get(_)).max)
  }

  def explained(query: String): String = {
    slicesOf(active, 9, 3).explain(text(query.drop(1)))
  }
}
