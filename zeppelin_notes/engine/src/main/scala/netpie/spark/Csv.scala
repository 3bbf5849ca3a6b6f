package netpie.spark

import java.nio.charset.StandardCharsets.UTF_8
import java.time.Instant

/** One table in CSV with a header, times in ISO 8601. Null is an empty cell, an empty text is one in quotation marks. */
final class CsvForm extends TableForm {
  def suffix = ".csv"
  def byDay = false
  def full: Int = 4 * 1024 * 1024

  def fits(data: Array[Byte], window: OutputWindow): Boolean = data.startsWith(header(window).getBytes(UTF_8))

  def joined(data: Array[Byte], window: OutputWindow): Array[Byte] = {
    val lines = window.rows.map(row => line(window.ended +: row.zip(window.kinds).map { case (cell, kind) => text(cell, kind) }))
    (if (data.isEmpty) header(window).getBytes(UTF_8) else data) ++ lines.mkString.getBytes(UTF_8)
  }

  def ends(data: Array[Byte]): Set[Long] = records(data).drop(1).map(end).toSet[String].map(Instant.parse(_).toEpochMilli)

  def without(data: Array[Byte], ended: Long): Array[Byte] = {
    val head :: rows = records(data)
    val rest = rows.filter(end(_) != OutputWindows.iso(ended * 1000))
    if (rest.isEmpty) Array.empty else (head :: rest).mkString.getBytes(UTF_8)
  }

  private def header(window: OutputWindow): String = line(OutputWindows.End +: window.columns)

  private def line(cells: Seq[String]): String = cells.map(quoted).mkString("", ",", "\n")

  private def quoted(cell: String): String =
    if (cell == null) ""
    else if (cell.isEmpty || cell.exists(",\"\r\n".contains(_)) || cell.head.isWhitespace || cell.last.isWhitespace)
      "\"" + cell.replace("\"", "\"\"") + "\""
    else cell

  private def text(cell: Any, kind: String): String = (cell, kind) match {
    case (null, _) => null
    case (time: Long, "timestamp") => OutputWindows.iso(time)
    case (other, _) => other.toString
  }

  /** The window's end in a record, which is its first cell. */
  private def end(record: String): String = record.takeWhile(each => each != ',' && each != '\n')

  /** The lines, each with its end; a line end within quotation marks ends none. */
  private def records(data: Array[Byte]): List[String] = {
    val text = new String(data, UTF_8)
    val found = List.newBuilder[String]
    var (from, within) = (0, false)
    for (at <- text.indices) text(at) match {
      case '"' => within = !within
      case '\n' if !within =>
        found += text.substring(from, at + 1)
        from = at + 1
      case _ =>
    }
    found.result()
  }
}

object Csv {
  /** CSV files in `folder`, a path of this machine's or a URL; of `keep…` see TableOutput. */
  def apply(folder: String, keepHours: Double = 0, keepMb: Double = 0): Output = new TableOutput(
    new CsvForm, OutputFiles.in(folder, SparkInternals.noteSession.sparkContext.hadoopConfiguration), keepHours, keepMb)
}
