package netpie.spark

import java.util.regex.Pattern
import org.apache.spark.sql.catalyst.InternalRow
import org.apache.spark.sql.catalyst.expressions.GenericInternalRow
import org.apache.spark.unsafe.types.UTF8String
import org.apache.spark.util.LongAccumulator

/** Parses events of the usual form, a flat object of plain strings and numbers, some ten times as fast as Spark's JSON
  * reader and to the same rows. An event of any other form is counted in `others` and left to Spark's reader. An element of
  * the stream is a message, or a topic and a message; `events` takes one with several events apart. The topic becomes the
  * last column.
  *
  * `kinds` has a letter for each of the columns `names`: t(ime), s(tring), d(ouble). */
final class PlainEvents(
    names: Array[String],
    kinds: Array[Char],
    events: Any => Iterator[Any],
    others: LongAccumulator) extends (Iterator[Any] => Iterator[InternalRow]) with Serializable {
  private val tens = Array(1e0, 1e1, 1e2, 1e3, 1e4, 1e5, 1e6, 1e7, 1e8, 1e9, 1e10, 1e11, 1e12, 1e13, 1e14, 1e15)
  private val timeForm =
    Pattern.compile("(19|20)\\d\\d-\\d\\d-\\d\\dT([01]\\d|2[0-3]):[0-5]\\d:[0-5]\\d[+-](0\\d|1[0-3])[0-5]\\d")
  @transient private var line: String = null
  @transient private var at = 0
  @transient private var lastTime: String = null
  @transient private var lastMicros = 0L

  override def apply(elements: Iterator[Any]): Iterator[InternalRow] = {
    var odd = 0L
    val rows = elements.flatMap { element =>
      val row = rowOf(element)
      if (row != null) Iterator.single(row)
      else events(element).map(rowOf).filter { each =>
        if (each == null) odd += 1
        each != null
      }
    }
    new Iterator[InternalRow] {
      override def hasNext: Boolean = {
        val more = rows.hasNext
        if (!more && odd > 0) { others.add(odd); odd = 0 }
        more
      }
      override def next(): InternalRow = rows.next()
    }
  }

  /** The events in an element that `apply` gives no row for. */
  def othersIn(element: Any): Iterator[Any] =
    if (rowOf(element) != null) Iterator.empty else events(element).filter(rowOf(_) == null)

  private def rowOf(element: Any): InternalRow = element match {
    case (topic: String, text: String) =>
      val values = new Array[Any](names.length + 1)
      values(names.length) = UTF8String.fromString(topic)
      if (read(text, values)) new GenericInternalRow(values) else null
    case text: String =>
      val values = new Array[Any](names.length)
      if (read(text, values)) new GenericInternalRow(values) else null
    case _ => null
  }

  private def read(text: String, values: Array[Any]): Boolean = {
    line = text
    at = 0
    var seen = 0L
    if (!take('{')) return false
    if (!take('}')) {
      var more = true
      while (more) {
        skipBlanks()
        val key = string()
        if (key == null || !take(':')) return false
        skipBlanks()
        var column = names.length - 1
        while (column >= 0 && names(column) != key) column -= 1
        if (column < 0) { if (!skipValue()) return false }
        else {
          if ((seen & (1L << column)) != 0 || !readValue(values, column)) return false
          seen |= 1L << column
        }
        more = take(',')
      }
      if (!take('}')) return false
    }
    skipBlanks()
    at == line.length
  }

  private def readValue(values: Array[Any], column: Int): Boolean =
    if (word("null")) true
    else kinds(column) match {
      case 's' =>
        val text = string()
        if (text != null) values(column) = UTF8String.fromString(text)
        text != null
      case 't' =>
        val text = string()
        val good = text != null && (text == lastTime || isTime(text))
        if (good) values(column) = lastMicros
        good
      case 'd' => number(values, column)
      case _ => false
    }

  private def skipValue(): Boolean =
    if (at < line.length && line.charAt(at) == '"') string() != null
    else word("true") || word("false") || word("null") || number(null, 0)

  private def skipBlanks(): Unit = while (at < line.length && " \t\r\n".indexOf(line.charAt(at)) >= 0) at += 1

  private def take(wanted: Char): Boolean = {
    skipBlanks()
    val there = at < line.length && line.charAt(at) == wanted
    if (there) at += 1
    there
  }

  private def word(wanted: String): Boolean = {
    val there = line.startsWith(wanted, at)
    if (there) at += wanted.length
    there
  }

  /** A string without escapes; null where there is none. */
  private def string(): String = {
    if (at >= line.length || line.charAt(at) != '"') return null
    val begin = at + 1
    var end = begin
    while (end < line.length) {
      val c = line.charAt(end)
      if (c == '"') {
        at = end + 1
        return line.substring(begin, end)
      }
      if (c == '\\' || c < ' ') return null
      end += 1
    }
    null
  }

  /** A number without an exponent. What has at most 15 digits is exact as a whole number and as a power of ten, so one
    * division rounds it as it should be. */
  private def number(values: Array[Any], column: Int): Boolean = {
    val begin = at
    val negative = at < line.length && line.charAt(at) == '-'
    if (negative) at += 1
    val first = at
    var whole = digits(0L)
    val count = at - first
    if (count == 0 || count > 1 && line.charAt(first) == '0') return false
    var decimals = 0
    if (at < line.length && line.charAt(at) == '.') {
      at += 1
      val point = at
      whole = digits(whole)
      decimals = at - point
      if (decimals == 0) return false
    }
    if (at < line.length && "eE".indexOf(line.charAt(at)) >= 0 || at - begin > 30 || negative && whole == 0) return false
    if (values != null) {
      val exact = count + decimals <= 15
      val positive = if (exact) whole / tens(decimals) else 0.0
      values(column) =
        if (!exact) java.lang.Double.parseDouble(line.substring(begin, at)) else if (negative) -positive else positive
    }
    true
  }

  private def digits(before: Long): Long = {
    var number = before
    while (at < line.length && line.charAt(at) >= '0' && line.charAt(at) <= '9') {
      number = number * 10 + (line.charAt(at) - '0')
      at += 1
    }
    number
  }

  /** Whether a text is a time of the form 2018-10-29T09:53:36+0700; then it is the last time, in microseconds. */
  private def isTime(text: String): Boolean = {
    if (text.length != 24 || !timeForm.matcher(text).matches) return false
    def two(from: Int): Int = text.substring(from, from + 2).toInt
    val (year, month, day) = (text.substring(0, 4).toInt, two(5), two(8))
    if (month < 1 || month > 12 || day < 1 || day > java.time.YearMonth.of(year, month).lengthOfMonth) return false
    val offset = (if (text.charAt(19) == '-') -60L else 60L) * (two(20) * 60 + two(22))
    val seconds = java.time.LocalDate.of(year, month, day).toEpochDay * 86400 + two(11) * 3600 + two(14) * 60 + two(17) - offset
    lastTime = text
    lastMicros = seconds * 1000000
    true
  }
}
