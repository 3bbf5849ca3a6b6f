// How events become the table "measure", and what the stream has done: counts, and the latest windows as text and as the
// table "averages". All of it lives in the driver.
import org.apache.spark.rdd.RDD
import org.apache.spark.sql.{DataFrame, Row}
import org.apache.spark.sql.types.{StructField, StructType, TimestampType}
import org.apache.spark.streaming.Time

object Measures {
  private val columns = "ts Timestamp, id String, loadavg double, cpu double, mem double"

  /** Events as a table; a line that is no event is a row of nulls, as in the document's code. */
  def read(lines: RDD[String]): DataFrame = {
    val few = lines.coalesce(sc.defaultParallelism)
    spark.read.schema(columns).option("timestampFormat", "yyyy-MM-dd'T'HH:mm:ssZ").json(few)
  }

  /** Every line is an event; one that gives no row with a time and an id is malformed. */
  def count(lines: RDD[String]): Unit = {
    val events = lines.count
    val good = read(lines).filter("ts is not null and id is not null").count
    Results.count("events", events)
    Results.count("malformed", math.max(0, events - good))
  }
}

object Results {
  private val keptWindows = 60
  private val keptRows = 1000
  private var windows = Vector.empty[(Long, String)]
  private var rows = Vector.empty[(Long, Seq[(String, String)], Seq[Row])]
  private var counts = Map("events" -> 0L, "malformed" -> 0L, "windows" -> 0L)

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
    val columns = StructType(StructField("window_end", TimestampType) +: frame.schema.fields)
    frame.sparkSession.createDataFrame(all, columns).createOrReplaceTempView("averages")
  }

  def show(howMany: Int): Unit = synchronized {
    for ((end, text) <- windows.takeRight(howMany)) println("window until " + java.time.Instant.ofEpochMilli(end) + "\n" + text)
    println(counts.toSeq.sorted.map { case (name, n) => name + "=" + n }.mkString("counts: ", " ", ""))
  }
}

// From Spark 3.0 on a date that is none, such as February 30, fails the whole window unless it is told to be null.
spark.conf.set("spark.sql.legacy.timeParserPolicy", "CORRECTED")
spark.conf.set("spark.sql.shuffle.partitions", sc.defaultParallelism)
Measures.read(sc.emptyRDD[String]).createOrReplaceTempView("measure")
