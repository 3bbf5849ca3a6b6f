package netpie.spark

import org.apache.spark.rdd.RDD
import org.apache.spark.sql.{DataFrame, Row, SparkSession}
import org.apache.spark.sql.types.{StructField, StructType, TimestampType}
import org.apache.spark.streaming.{StreamingContext, Time}
import org.apache.spark.streaming.scheduler.{StreamingListener, StreamingListenerBatchCompleted}

/** What the stream has done: counts, which batches failed and why, and the latest windows as text and as the table
  * "averages". It lives in the driver. */
object Results {
  private val keptWindows = 60
  private val keptRows = 1000
  private val tableCharacters = 50000 // Zeppelin cuts an output off at 102,400 bytes
  private var windows = Vector.empty[(Long, String)]
  private var rows = Vector.empty[(Long, Seq[(String, String)], Seq[Row])]
  private val windowEnd = StructField("window_end", TimestampType)
  private val none = Map("events" -> 0L, "late" -> 0L, "malformed" -> 0L, "windows" -> 0L)
  private var counts = none
  private var more = Map.empty[String, () => String]
  private var failed = new FailedBatches

  /** Forgets the stream before. */
  def clear(): Unit = synchronized {
    windows = Vector.empty
    rows = Vector.empty
    counts = none
    more = Map.empty
    failed = new FailedBatches
    System.clearProperty("netpie.mqtt.failure")
    // Chart reads the table in any case.
    for (spark <- SparkSession.getDefaultSession)
      spark.createDataFrame(new java.util.ArrayList[Row], StructType(Seq(windowEnd))).createOrReplaceTempView("averages")
  }

  /** Forgets the stream before, and tells of this one's batches that fail. */
  def of(ssc: StreamingContext): Unit = {
    clear()
    val own = failed
    ssc.addStreamingListener(new StreamingListener {
      override def onBatchCompleted(event: StreamingListenerBatchCompleted): Unit = {
        val outputs = event.batchInfo.outputOperationInfos.toSeq.sortBy(_._1).map(_._2)
        own.ended(event.batchInfo.batchTime, outputs.flatMap(_.failureReason).headOption)
      }
    })
  }

  /** Shows what `line` says of a thing along with the counts. */
  def about(thing: String)(line: => String): Unit = synchronized { more += thing -> (() => line) }

  /** How many events there are in the messages of `rdd`. */
  def events(rdd: RDD[_]): Long = rdd.asInstanceOf[RDD[Any]].flatMap(new EventsOf).count

  def count(name: String, more: Long): Unit = synchronized { counts = counts.updated(name, counts(name) + more) }

  /** Keeps what `show` prints as the window that ends at `time`. */
  def text(time: Time)(show: => Unit): Unit = {
    val printed = new java.io.ByteArrayOutputStream
    Console.withOut(printed)(show)
    synchronized { windows = (windows :+ (time.milliseconds -> printed.toString("UTF-8"))).takeRight(keptWindows) }
    count("windows", 1)
  }

  /** Keeps a window's first rows for the table "averages", each with the time when its window ended. The table has those
    * windows that have this one's columns: the query may have been another one before. */
  def table(time: Time, frame: DataFrame): Unit = {
    val (types, first) = (frame.dtypes.toSeq, frame.take(keptRows).toSeq)
    val kept = synchronized { rows = (rows :+ ((time.milliseconds, types, first))).takeRight(keptWindows); rows }
    val all = new java.util.ArrayList[Row]()
    for ((end, `types`, some) <- kept; row <- some) all.add(Row.fromSeq(new java.sql.Timestamp(end) +: row.toSeq))
    val columns = StructType(windowEnd +: frame.schema.fields)
    frame.sparkSession.createDataFrame(all, columns).createOrReplaceTempView("averages")
  }

  private def cell(value: Any): String = String.valueOf(value).replaceAll("[\\t\\r\\n]+", " ")

  /** The rows of the latest windows that have the newest one's columns, as many windows as fit, as Zeppelin's tables are. */
  private def asTable: String = rows.lastOption.fold("") { case (_, types, _) =>
    val windows = for ((end, `types`, some) <- rows.reverse) yield
      some.map(row => (java.time.Instant.ofEpochMilli(end) +: row.toSeq).map(cell).mkString("\t"))
    def fit(lines: Seq[Seq[String]]) = lines.zip(lines.scanLeft(0)(_ + _.map(_.length + 1).sum).tail)
      .takeWhile { case (_, size) => size <= tableCharacters }.map(_._1)
    val whole = fit(windows)
    val fitting = if (whole.nonEmpty) whole.reverse.flatten else fit(windows.head.map(Seq(_))).flatten
    (("window_end" +: types.map(_._1)).map(cell).mkString("\t") +: fitting).mkString("\n%table ", "\n", "")
  }

  def show(howMany: Int): Unit = synchronized {
    if (failed.text.nonEmpty) println(failed.text + "\n")
    for ((end, text) <- windows.takeRight(howMany)) println("window until " + java.time.Instant.ofEpochMilli(end) + "\n" + text)
    println(counts.toSeq.sorted.map { case (name, n) => name + "=" + n }.mkString("counts: ", " ", ""))
    for ((_, line) <- more.toSeq.sortBy(_._1); text = line() if text.nonEmpty) println(text)
    Option(System.getProperty("netpie.mqtt.failure")).foreach(message => println("the stream has ended: " + message))
    println(asTable)
  }
}
