package netpie.spark

import java.time.LocalDate
import org.apache.parquet.example.data.Group
import org.apache.parquet.example.data.simple.SimpleGroup
import org.apache.parquet.io.api.Binary
import org.apache.parquet.schema.{MessageType, OriginalType, PrimitiveType, Types}
import org.apache.parquet.schema.PrimitiveType.PrimitiveTypeName._

/** One table in Parquet, a folder a day. */
final class ParquetForm extends TableForm {
  def suffix = ".parquet"
  def byDay = true
  def full: Int = 1024 * 1024

  def fits(data: Array[Byte], window: OutputWindow): Boolean = new ParquetBytes(data).schema == schema(window)

  def joined(data: Array[Byte], window: OutputWindow): Array[Byte] = {
    val columns = schema(window)
    val before = if (data.isEmpty) Nil else new ParquetBytes(data).groups
    ParquetBytes.of(before ++ window.rows.map(row => group(columns, window, row)), columns)
  }

  def ends(data: Array[Byte]): Set[Long] = new ParquetBytes(data).groups.map(end).toSet

  def without(data: Array[Byte], ended: Long): Array[Byte] = {
    val file = new ParquetBytes(data)
    val rest = file.groups.filter(end(_) != ended)
    if (rest.isEmpty) Array.empty else ParquetBytes.of(rest, file.schema)
  }

  private def end(group: Group): Long = group.getLong(0, 0) / 1000

  private def schema(window: OutputWindow): MessageType = {
    val fields = (OutputWindows.End -> "timestamp") +: window.columns.zip(window.kinds)
    new MessageType("spark_schema", fields.map { case (name, kind) => field(name, kind) }: _*)
  }

  private def field(name: String, kind: String): PrimitiveType = kind match {
    case "timestamp" => Types.optional(INT64).as(OriginalType.TIMESTAMP_MICROS).named(name)
    case "date" => Types.optional(INT32).as(OriginalType.DATE).named(name)
    case "boolean" => Types.optional(BOOLEAN).named(name)
    case "tinyint" => Types.optional(INT32).as(OriginalType.INT_8).named(name)
    case "smallint" => Types.optional(INT32).as(OriginalType.INT_16).named(name)
    case "int" => Types.optional(INT32).named(name)
    case "bigint" => Types.optional(INT64).named(name)
    case "float" => Types.optional(FLOAT).named(name)
    case "double" => Types.optional(DOUBLE).named(name)
    case decimal if decimal.startsWith("decimal(") =>
      val Array(precision, scale) = decimal.stripPrefix("decimal(").stripSuffix(")").split(",").map(_.trim.toInt)
      Types.optional(BINARY).as(OriginalType.DECIMAL).precision(precision).scale(scale).named(name)
    case _ => Types.optional(BINARY).as(OriginalType.UTF8).named(name)
  }

  private def group(columns: MessageType, window: OutputWindow, row: Seq[Any]): Group = {
    val made = new SimpleGroup(columns)
    made.add(0, window.end * 1000)
    for (((cell, kind), at) <- row.zip(window.kinds).zipWithIndex if cell != null) add(made, at + 1, cell, kind)
    made
  }

  private def add(group: Group, at: Int, cell: Any, kind: String): Unit = (cell, kind) match {
    case (day: String, "date") => group.add(at, LocalDate.parse(day).toEpochDay.toInt)
    case (number: String, decimal) if decimal.startsWith("decimal(") =>
      val scale = decimal.stripSuffix(")").split(",").last.trim.toInt
      group.add(at, Binary.fromConstantByteArray(new java.math.BigDecimal(number).setScale(scale).unscaledValue.toByteArray))
    case (text: String, _) => group.add(at, text)
    case (yes: Boolean, _) => group.add(at, yes)
    case (number: Long, _) => group.add(at, number)
    case (number: Float, _) => group.add(at, number)
    case (number: Double, _) => group.add(at, number)
    case (number: Number, _) => group.add(at, number.intValue)
    case (other, _) => group.add(at, other.toString)
  }
}

object Parquet {
  /** Parquet files in `folder`, a path of this machine's or a URL; of `keep…` see TableOutput. */
  def apply(folder: String, keepHours: Double = 0, keepMb: Double = 0): Output = new TableOutput(
    new ParquetForm, OutputFiles.in(folder, SparkInternals.noteSession.sparkContext.hadoopConfiguration), keepHours, keepMb)
}
