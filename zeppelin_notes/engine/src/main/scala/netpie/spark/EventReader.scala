package netpie.spark

import java.sql.Timestamp
import org.apache.spark.rdd.RDD
import org.apache.spark.sql.{Column, DataFrame, Encoders}
import org.apache.spark.sql.functions._
import org.apache.spark.sql.types.{DoubleType, StringType, StructType, TimestampType}
import org.apache.spark.storage.StorageLevel

/** Reads the events of one batch into tables with the columns `schema`, cached at `storage`, and counts them. */
final class EventReader(columns: EventColumns, topics: Boolean, storage: StorageLevel) {
  private val fields = StructType.fromDDL(columns.fields)
  private val kinds = fields.map(_.dataType match {
    case TimestampType if columns.timeFormat == "yyyy-MM-dd'T'HH:mm:ssZ" => 't'
    case StringType => 's'
    case DoubleType => 'd'
    case _ => ' '
  }).toArray

  // A cached table holds its session, or a copy of it (CacheManager), and with it all that the session's views are made of.
  // In the note's session that is, through `measure`, every slice that ever was.
  private val note = SparkInternals.noteSession
  private val own = note.newSession

  val schema: StructType = if (topics) fields.add("topic", StringType) else fields

  /** The cached tables, and counts. A line that is not an event becomes a row of nulls, as in the document's code. An event
    * is late if its time is before `since` (epoch ms). */
  def read(elements: RDD[Any], since: Long): (Seq[DataFrame], Map[String, Long]) = {
    for ((name, value) <- note.conf.getAll if own.conf.isModifiable(name)) own.conf.set(name, value)
    val few = elements.coalesce(elements.sparkContext.defaultParallelism)
    val others = elements.sparkContext.longAccumulator
    val plain = new PlainEvents(fields.fieldNames, kinds, others)
    val first = SparkInternals.frame(few.mapPartitions(plain), schema, own).persist(storage)
    val counted = counts(first, since)
    if (others.value == 0) (Seq(first), counted)
    else {
      val left = few.mapPartitions(new OtherEvents(plain))
      val second = (if (topics) withTopics(left) else withoutTopics(left)).persist(storage)
      val (more, lines) = (counts(second, since), counted("events") + left.count)
      (Seq(first, second), Map("events" -> lines, "late" -> (counted("late") + more("late")),
        "malformed" -> math.max(0, lines - counted("events") + counted("malformed") - more("events") + more("malformed"))))
    }
  }

  private def counts(table: DataFrame, since: Long): Map[String, Long] = {
    def where(condition: Column) = count(when(condition, 1))
    val late = col(columns.time) < lit(new Timestamp(since))
    val row = table.agg(count(lit(1)), where(expr(columns.isEvent)), where(late)).head
    Map("events" -> row.getLong(0), "malformed" -> (row.getLong(0) - row.getLong(1)), "late" -> row.getLong(2))
  }

  private def withoutTopics(lines: RDD[Any]): DataFrame = {
    val texts = own.createDataset(lines.map(new TextOf))(Encoders.STRING)
    own.read.schema(fields).option("timestampFormat", columns.timeFormat).json(texts)
  }

  private def withTopics(lines: RDD[Any]): DataFrame = {
    val pairs = own.createDataset(lines.map(new TopicAndTextOf))(Encoders.tuple(Encoders.STRING, Encoders.STRING))
    val read = from_json(col("_2"), fields, Map("timestampFormat" -> columns.timeFormat))
    pairs.select(read.as("event"), col("_1").as("topic")).select("event.*", "topic")
  }
}
