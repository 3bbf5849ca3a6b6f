package netpie.spark

import java.time.{Instant, ZoneOffset}
import java.time.format.DateTimeFormatter
import com.fasterxml.jackson.core.JsonParser
import com.fasterxml.jackson.databind.{JsonNode, ObjectMapper}
import org.apache.spark.sql.{DataFrame, Row}
import org.apache.spark.sql.functions.expr

/** The rows of the window that ends at `end` (ms since 1970), in order. `kinds` are Spark's names of the columns' types. A
  * timestamp is in µs since 1970, a date and a decimal are texts, bytes are base64, and what is nested is JSON. */
final class OutputWindow(val end: Long, val columns: Seq[String], val kinds: Seq[String], val rows: Seq[Seq[Any]]) {
  /** Its end in ISO 8601, UTC. */
  def ended: String = OutputWindows.iso(end * 1000)
}

/** Windows of data frames, and of JSON. */
object OutputWindows {
  /** What outputs call the column that has the window's end. */
  val End = "window_end"
  private val second = DateTimeFormatter.ofPattern("uuuu-MM-dd'T'HH:mm:ss").withZone(ZoneOffset.UTC)
  private val nested = Set("struct", "array", "map")
  private val asItIs = Set("timestamp", "boolean", "tinyint", "smallint", "int", "bigint", "float", "double", "string")
  private val asText = Set("date", "timestamp_ntz", "decimal", "void", "interval", "variant")
  private val json = new ObjectMapper
  json.configure(JsonParser.Feature.ALLOW_NON_NUMERIC_NUMBERS, true) // as Python writes them

  def of(frame: DataFrame, end: Long): OutputWindow = {
    val kinds = frame.schema.fields.toList.map(_.dataType.simpleString)
    val places = kinds.indices.toList.map("c" + _)
    val plain = frame.toDF(places: _*).select(places.zip(kinds).map { case (place, kind) => expr(sql(place, kind)) }: _*)
    val rows = plain.collect.toList.map(row => row.toSeq.toList.map(value))
    val written = kinds.map(kind => if (asItIs(first(kind)) || asText(first(kind))) kind else "string")
    new OutputWindow(end, unique(End +: frame.columns.toList).tail, written, rows)
  }

  def toJson(window: OutputWindow): Array[Byte] = {
    val made = json.createObjectNode.put("end", window.end)
    val (columns, kinds, rows) = (made.putArray("columns"), made.putArray("kinds"), made.putArray("rows"))
    window.columns.foreach(columns.add(_: String))
    window.kinds.foreach(kinds.add(_: String))
    for (row <- window.rows) {
      val cells = rows.addArray
      row.foreach(cells.addPOJO)
    }
    json.writeValueAsBytes(made)
  }

  /** Throws IllegalArgumentException for what `toJson` has not made. */
  def fromJson(bytes: Array[Byte]): OutputWindow = {
    val made = try json.readTree(bytes) catch { case _: java.io.IOException => null }
    if (made == null || Seq("end", "columns", "kinds", "rows").exists(!made.has(_)))
      throw new IllegalArgumentException("no window")
    def list(node: JsonNode): List[JsonNode] = List.tabulate(node.size)(node.get(_))
    val kinds = list(made.get("kinds")).map(_.asText)
    val rows = list(made.get("rows")).map(row => list(row).zip(kinds).map { case (cell, kind) => fromCell(cell, kind) })
    new OutputWindow(made.get("end").asLong, list(made.get("columns")).map(_.asText), kinds, rows)
  }

  /** The time, in µs since 1970, in ISO 8601, UTC. */
  def iso(micros: Long): String = {
    val rest = Math.floorMod(micros, 1000000L)
    second.format(Instant.ofEpochSecond(Math.floorDiv(micros, 1000000L))) + (if (rest == 0) "" else ".%06d".format(rest)) + "Z"
  }

  /** The names, with a number behind one that has been before. */
  def unique(names: List[String]): List[String] = names.foldLeft(List.empty[String]) { (found, name) =>
    val candidates = name :: List.range(2, names.size + 2).map(number => name + "_" + number)
    candidates.find(!found.contains(_)).toList ::: found
  }.reverse

  private def first(kind: String): String = kind.split("[(< ]").head

  private def sql(place: String, kind: String): String = first(kind) match {
    case "binary" => "base64(" + place + ")"
    case known if nested(known) => "to_json(" + place + ")"
    case known if asItIs(known) => place
    case _ => "cast(" + place + " as string)"
  }

  private def value(cell: Any): Any = cell match {
    case time: java.sql.Timestamp => Math.floorDiv(time.getTime, 1000L) * 1000000 + time.getNanos / 1000
    case time: Instant => time.getEpochSecond * 1000000 + time.getNano / 1000
    case other => other
  }

  private def fromCell(cell: JsonNode, kind: String): Any =
    if (cell.isNull) null
    else kind match {
      case "boolean" => cell.asBoolean
      case "tinyint" | "smallint" | "int" => cell.asInt
      case "bigint" | "timestamp" => cell.asLong
      case "float" => cell.asText.toFloat // NaN is a text there
      case "double" => cell.asText.toDouble
      case _ => cell.asText
    }
}
