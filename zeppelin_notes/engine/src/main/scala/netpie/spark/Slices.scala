package netpie.spark

import scala.language.reflectiveCalls
import scala.reflect.{classTag, ClassTag}
import org.apache.spark.rdd.RDD
import org.apache.spark.sql.DataFrame
import org.apache.spark.sql.catalyst.InternalRow
import org.apache.spark.sql.functions._
import org.apache.spark.storage.StorageLevel
import org.apache.spark.streaming.{Duration, Time}
import org.apache.spark.streaming.dstream.DStream

/** The windows of a stream; each batch is a slice. `Slices.of` makes one. */
final class Slices(stream: DStream[Any], columns: EventColumns, topics: Boolean, window: Duration, slide: Duration) {
  private val sc = stream.context.sparkContext
  private val spark = SparkInternals.noteSession
  // Without a second copy, an executor that dies takes rows with it.
  private val storage = if (sc.isLocal) StorageLevel.MEMORY_AND_DISK else StorageLevel.MEMORY_AND_DISK_2

  private final class Slice(val index: Long, val tables: Seq[DataFrame], val events: Long) {
    val rows: RDD[InternalRow] = sc.union(tables.map(SparkInternals.rows))
  }

  private val batch = stream.slideDuration.milliseconds
  private val reader = new EventReader(columns, topics, storage)
  private var slices = Vector.empty[Slice]
  // How many parts of one level make one of the next.
  private val fan = 8
  // By (level, index): each made of fan^level slices from that index on.
  private var parts = Map.empty[(Int, Long), RDD[InternalRow]]
  private var partsOf: Parts = null
  @volatile private var planned: (String, Either[String, Parts]) = ("", Left(""))
  private var zero = -1L

  // From Spark 3.0 on an impossible date, such as February 30, fails the whole window unless it may be null.
  spark.conf.set("spark.sql.legacy.timeParserPolicy", "CORRECTED")
  spark.conf.set("spark.sql.shuffle.partitions", sc.defaultParallelism.toString)
  table(Nil).createOrReplaceTempView("measure")
  Results.about("slices")(kept)

  /** Gives `use` the rows of the query for every window, and the time when the window ended. */
  def foreachWindow(use: (DataFrame, Time) => Unit): Unit = stream.foreachRDD { (rdd, time) =>
    SparkInternals.pastTheShell {
      if (zero < 0) zero = time.milliseconds - batch
      add(rdd, time)
      if ((time.milliseconds - zero) % slide.milliseconds == 0) {
        val result = rows(time, spark.conf.get("netpie.query")).cache
        try use(result, time) finally result.unpersist()
      }
    }
  }

  /** How a query is computed. */
  def explain(query: String): String = "Each window: " + (plan(query) match {
    case Right(_) => "aggregates of its slices, put together"
    case Left(why) => "all its rows are queried, as " + why
  })

  /** Takes the elements of the batch that ended at `time`. */
  def add(rdd: RDD[Any], time: Time): Unit = {
    val index = time.milliseconds / batch
    val first = index - (window.milliseconds + slide.milliseconds) / batch
    val (over, still) = slices.partition(_.index <= first)
    over.foreach(_.tables.foreach(_.unpersist()))
    slices = still
    forget(part => part._2 <= first)
    val (tables, counts) = reader.read(rdd, time.milliseconds - window.milliseconds)
    slices :+= new Slice(index, tables, counts("events"))
    for ((name, number) <- counts) Results.count(name, number)
  }

  /** The rows of `query` over the window that ends at `time`. */
  def rows(time: Time, query: String): DataFrame = {
    val last = time.milliseconds / batch
    val first = last - window.milliseconds / batch + 1
    table(slices.filter(_.index >= first)).createOrReplaceTempView("measure")
    plan(query) match {
      case Right(made) =>
        if (made ne partsOf) forget(_ => true)
        partsOf = made
        made.rows(made.merged(partsTable(made, cover(first, last).map { case (level, index) => part(made, level, index) })))
      case Left(_) => spark.sql(query)
    }
  }

  /** Drops all that is cached. */
  def close(): Unit = {
    slices.foreach(_.tables.foreach(_.unpersist()))
    slices = Vector.empty
    forget(_ => true)
  }

  private def plan(query: String): Either[String, Parts] = synchronized {
    if (planned._1 != query) {
      val made = if (window.milliseconds == batch) Left("a window is one slice") else
        try Parts.of(spark.sql(query), spark.table("measure"))
        catch { case problem: ReflectiveOperationException => Left("this Spark is another one inside (" + problem + ")") }
      planned = (query, made)
    }
    planned._2
  }

  /** The fewest parts, as (level, index), that make the slices from `first` to `last`. */
  private def cover(first: Long, last: Long): List[(Int, Long)] =
    if (first > last) Nil
    else {
      val level = Iterator.from(0).takeWhile(l => first % size(l) == 0 && first + size(l) - 1 <= last).toList.last
      (level, first) :: cover(first + size(level), last)
    }

  private def size(level: Int): Long = math.pow(fan, level).toLong

  /** A part: the one that is kept, else made of the parts one level below where some of these are kept, else of the rows.
    * So a slide reads the rows of its own slices, and those of many only when the query is new. */
  private def part(made: Parts, level: Int, index: Long): RDD[InternalRow] = parts.getOrElse((level, index), {
    val smaller = if (level == 0) Nil else (0 until fan).map(i => (level - 1, index + i * size(level - 1)))
    val frame =
      if (smaller.exists(parts.contains)) made.merged(partsTable(made, smaller.map { case (l, i) => part(made, l, i) }))
      else made.of(table(slices.filter(slice => slice.index >= index && slice.index < index + size(level))))
    // A checkpoint, else Spark makes a stage for all that a part was ever made of, at each use.
    val kept = SparkInternals.rows(frame).map(new CopyOfRow).persist(storage).localCheckpoint()
    parts += (level, index) -> kept
    kept
  })

  private def partsTable(made: Parts, some: Seq[RDD[InternalRow]]): DataFrame =
    SparkInternals.frame(few(some), made.schema)

  private def table(some: Seq[Slice]): DataFrame = SparkInternals.frame(few(some.map(_.rows)), reader.schema)

  private def few(some: Seq[RDD[InternalRow]]): RDD[InternalRow] =
    if (some.isEmpty) sc.emptyRDD else sc.union(some).coalesce(sc.defaultParallelism)

  private def forget(which: ((Int, Long)) => Boolean): Unit = {
    val (gone, still) = parts.partition { case (key, _) => which(key) }
    gone.values.foreach(_.unpersist(false))
    parts = still
  }

  private def kept: String = {
    val stored = sc.getRDDStorageInfo
    def mib(bytes: Long) = "%.1f MiB".format(bytes / 1048576.0)
    slices.size + " slices of " + batch / 1000 + " s with " + slices.map(_.events).sum + " events; Spark keeps " +
      mib(stored.map(_.memSize).sum) + " in memory and " + mib(stored.map(_.diskSize).sum) + " on disk"
  }
}

object Slices {
  /** The windows of a stream of lines, or of topics and lines. `columns` is the note's own object: see `EventColumns`. */
  def of[T: ClassTag](
      stream: DStream[T],
      columns: { def fields: String; def timeFormat: String; def isEvent: String; def time: String },
      window: Duration,
      slide: Duration): Slices = {
    val copied = new EventColumns(columns.fields, columns.timeFormat, columns.isEvent, columns.time)
    new Slices(stream.asInstanceOf[DStream[Any]], copied, classTag[T].runtimeClass == classOf[(_, _)], window, slide)
  }
}
