package netpie.spark

import java.sql.Timestamp
import java.time.format.DateTimeFormatter
import scala.util.control.NonFatal
import org.apache.spark.rdd.RDD
import org.apache.spark.sql.{Column, DataFrame, Encoders, Row, SparkSession}
import org.apache.spark.sql.functions._
import org.apache.spark.sql.types.{DateType, DoubleType, NumericType, StringType, StructType, TimestampType}
import org.apache.spark.storage.StorageLevel

/** Reads the events of one batch into tables with the columns `schema`, cached at `storage`, and counts them. Making one
  * raises an IllegalArgumentException that names the first of `columns` that can't be used. */
final class EventReader(columns: EventColumns, topics: Boolean, storage: StorageLevel) {
  // A cached table holds its session, or a copy of it (CacheManager), and with it all that the session's views are made of.
  // In the note's session that is, through `measure`, every slice that ever was.
  private val note = SparkInternals.noteSession
  private val own = note.newSession

  private val fields = checked("fields", columns.fields)(StructType.fromDDL(columns.fields))
  private val kinds = fields.map(_.dataType match {
    case TimestampType if columns.timeFormat == "yyyy-MM-dd'T'HH:mm:ssZ" => 't'
    case StringType => 's'
    case DoubleType => 'd'
    case _ => ' '
  }).toArray
  // Spark 3.3 and later read no other form than the format's, unless told to do as before.
  private val options = Map("enableDateTimeParsingFallback" -> "true") ++
    Seq("timestampFormat" -> columns.timeFormat).filter(_._2.nonEmpty)

  val schema: StructType = if (topics) fields.add("topic", StringType) else fields

  checked("timeFormat", columns.timeFormat)(DateTimeFormatter.ofPattern(columns.timeFormat))
  private val timeIsNumber = alone {
    val none = own.createDataFrame(new java.util.ArrayList[Row], schema)
    checked("isEvent", columns.isEvent)(none.agg(number(expr(columns.isEvent))))
    checked("time", columns.time) {
      val isNumber = columns.time.trim.nonEmpty && (none.select(expr(columns.time)).schema.head.dataType match {
        case _: NumericType => true
        case StringType | DateType => false
        case other if other.typeName.startsWith("timestamp") => false
        case other => throw new IllegalArgumentException("it gives a " + other.typeName + ", which is no time")
      })
      none.agg(number(isLate(isNumber, 0)))
      isNumber
    }
  }

  /** The cached tables, and counts. An event without a row of its own (see `EventsOf`) is malformed; one that can't be read
    * becomes a row of nulls, as in the document's code. An event is late if its time is before `since` (epoch ms). */
  def read(elements: RDD[Any], since: Long): (Seq[DataFrame], Map[String, Long]) = alone {
    val few = elements.coalesce(elements.sparkContext.defaultParallelism)
    val others = elements.sparkContext.longAccumulator
    val plain = new PlainEvents(fields.fieldNames, kinds, new EventsOf, others)
    val first = SparkInternals.frame(few.mapPartitions(plain), schema, own).persist(storage)
    val counted = counts(first, since)
    if (others.value == 0) (Seq(first), counted)
    else {
      val left = few.mapPartitions(new OtherEvents(plain))
      val second = parsed(left).persist(storage)
      val (more, all) = (counts(second, since), left.count)
      val missing = Map("events" -> (all - more("events")), "malformed" -> (all - more("events")), "late" -> 0L)
      (Seq(first, second), counted.map { case (name, n) => name -> (n + more(name) + missing(name)) })
    }
  }

  private def counts(table: DataFrame, since: Long): Map[String, Long] = {
    val row = table.agg(count(lit(1)), number(expr(columns.isEvent)), number(isLate(timeIsNumber, since))).head
    Map("events" -> row.getLong(0), "malformed" -> (row.getLong(0) - row.getLong(1)), "late" -> row.getLong(2))
  }

  private def number(condition: Column): Column = count(when(condition, 1))

  // 100,000,000,000 seconds are the year 5138, as many milliseconds are in 1973.
  private def isLate(isNumber: Boolean, since: Long): Column =
    if (columns.time.trim.isEmpty) lit(false)
    else if (isNumber) {
      val time = expr(columns.time).cast("double")
      when(abs(time) < 1e11, time * 1000).otherwise(time) < since.toDouble
    } else expr(columns.time).cast("timestamp") < lit(new Timestamp(since))

  private def parsed(events: RDD[(String, String)]): DataFrame = {
    val pairs = own.createDataset(events)(Encoders.tuple(Encoders.STRING, Encoders.STRING)).where(col("_2") =!= "")
    val read = pairs.select(from_json(col("_2"), fields, options).as("event"), col("_1").as("topic"))
    // Behind rows of its own, as Spark would put the reading of an event once into each of its columns.
    val rows = SparkInternals.frame(SparkInternals.rows(read), read.schema, own)
    rows.select((if (topics) Seq("event.*", "topic") else Seq("event.*")).map(col): _*)
  }

  /** Runs `act` in the session of the tables, with the note's settings, where what can't be computed of an event is null. */
  private def alone[T](act: => T): T = {
    val before = SparkSession.getActiveSession
    for ((name, value) <- note.conf.getAll if own.conf.isModifiable(name)) own.conf.set(name, value)
    own.conf.set("spark.sql.ansi.enabled", "false")
    SparkSession.setActiveSession(own)
    try act finally before.fold(SparkSession.clearActiveSession())(session => SparkSession.setActiveSession(session))
  }

  private def checked[T](name: String, value: String)(use: => T): T =
    try use catch {
      case NonFatal(problem) =>
        val why = String.valueOf(problem.getMessage).split("\n").map(_.trim).find(_.nonEmpty).getOrElse(problem.toString)
        throw new IllegalArgumentException("Columns." + name + " = \"" + value + "\" can't be used: " + why)
    }
}
