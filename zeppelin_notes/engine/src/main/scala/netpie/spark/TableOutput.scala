package netpie.spark

import java.time.format.{DateTimeFormatter, DateTimeParseException}
import java.time.{LocalDateTime, ZoneOffset}

/** How rows are written. */
trait TableForm {
  def suffix: String
  /** Whether the files of a day have a folder of their own, "day=2026-11-26". */
  def byDay: Boolean
  /** How many bytes a file has before the next one begins. */
  def full: Int
  /** Whether a file with these bytes has the window's columns. */
  def fits(data: Array[Byte], window: OutputWindow): Boolean
  /** The bytes, empty for a new file, with the window's rows behind them. */
  def joined(data: Array[Byte], window: OutputWindow): Array[Byte]
  /** The ends of windows in a file, in ms since 1970. */
  def ends(data: Array[Byte]): Set[Long]
  /** The bytes without this window's rows; empty where no other's are left. */
  def without(data: Array[Byte], end: Long): Array[Byte]
}

/** The rows of windows in few files, a window's once however often it is written: the newest file grows by being written anew.
  * A file has the windows of an hour at most, of one day in UTC, with the same columns. Files whose windows all ended
  * `keepHours` before the newest one are deleted, and the oldest where all have more than `keepMb` MiB; 0 keeps all. */
final class TableOutput(form: TableForm, files: OutputFiles, keepHours: Double, keepMb: Double) extends Output {
  private val hour = 3600000L
  private val stamp = DateTimeFormatter.ofPattern("uuuuMMdd'T'HHmmss'Z'").withZone(ZoneOffset.UTC)
  private var last = 0L
  private var known = Option.empty[List[String]]

  /** The names of its files; what the newest has is looked up once. */
  private def names: List[String] = known.getOrElse {
    val found = files.names.filter(name => name.endsWith(form.suffix) && first(name) > 0).sortBy(name => (first(name), name))
    for (newest <- found.lastOption) last = (form.ends(files.read(newest)) + 0L).max
    known = Some(found)
    found
  }

  /** Puts the window's rows in place of those it had; none is half there if this ends early. */
  def write(window: OutputWindow): Unit =
    if ((names.isEmpty || window.end > last || !isReplaced(window)) && window.rows.nonEmpty) {
      // by columns too: the newest file may be another query's
      val name = names.reverse.find(first(_) <= window.end).filter(isNear(_, window))
      val data = name.map(files.read).filter(data => data.length < form.full && form.fits(data, window))
      if (data.nonEmpty) files.write(name.get, form.joined(data.get, window)) else begin(window)
      last = math.max(last, window.end)
    }

  /** Whether the window's rows are in a file, which has the new ones now. */
  private def isReplaced(window: OutputWindow): Boolean = {
    var replaced = false
    for (name <- names.reverse if first(name) <= window.end && isNear(name, window)) {
      val data = files.read(name)
      if (form.ends(data)(window.end)) {
        val rest = form.without(data, window.end)
        val fits = rest.isEmpty || form.fits(rest, window)
        val whole = if (window.rows.nonEmpty && fits && !replaced) { replaced = true; form.joined(rest, window) } else rest
        if (whole.nonEmpty) files.write(name, whole)
        else {
          files.remove(name)
          known = Some(names.filter(_ != name))
        }
      }
    }
    replaced
  }

  /** Whether the window may be in that file. */
  private def isNear(name: String, window: OutputWindow): Boolean =
    window.end >= first(name) && window.end - first(name) < hour && day(first(name)) == day(window.end)

  private def begin(window: OutputWindow): Unit = {
    val folder = if (form.byDay) "day=" + day(window.end) + "/" else ""
    val stem = folder + "rows-" + stamp.format(java.time.Instant.ofEpochMilli(window.end))
    val name = Iterator.from(1).map(n => stem + (if (n == 1) "" else "-" + n) + form.suffix).find(!names.contains(_)).get
    files.write(name, form.joined(Array.empty, window))
    known = Some((name :: names).sortBy(each => (first(each), each)))
    sweep()
  }

  /** Deletes what is not to be kept; the newest file stays. */
  private def sweep(): Unit = {
    val newest = first(names.last)
    def removeOldest(): Unit = {
      files.remove(names.head)
      known = Some(names.tail)
    }
    if (keepHours > 0) while (names.size > 1 && first(names(1)) <= newest - (keepHours * hour).toLong) removeOldest()
    if (keepMb > 0) {
      var bytes = names.map(files.size).sum
      while (names.size > 1 && bytes > keepMb * 1024 * 1024) {
        bytes -= files.size(names.head)
        removeOldest()
      }
    }
  }

  private def day(end: Long): String = OutputWindows.iso(end * 1000).take(10)

  /** The end of the first window of a file, in ms since 1970, by the file's name; 0 for a file of somebody else's. */
  private def first(name: String): Long = {
    val text = name.split('/').last
    val at = text.indexOf('-') + 1
    try LocalDateTime.parse(text.slice(at, at + 16), stamp).toInstant(ZoneOffset.UTC).toEpochMilli
    catch { case _: DateTimeParseException => 0 }
  }
}
