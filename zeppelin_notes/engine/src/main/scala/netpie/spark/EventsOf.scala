package netpie.spark

import scala.collection.mutable.ArrayBuffer

/** The events in an element of the stream, which is a message's text, or its topic and its text; each event comes in the same
  * form. A message may hold JSON documents one after the other, on lines or not; of an array, however deep, each element is
  * an event. Each is a text of its own, so that a broken one costs no other. What is no JSON is an event too, up to the end
  * of its line, and so is, as an empty text, what is missing: in an empty message or array, between two commas, at the end of
  * an array that was cut off. So whoever counts events, and which of them are none, misses nothing. */
final class EventsOf extends (Any => Iterator[Any]) with Serializable {
  @transient private var text: String = null
  @transient private var at = 0
  // Whether something broken was found: from then on no document goes past a line that begins with a bracket.
  @transient private var broken = false

  override def apply(element: Any): Iterator[Any] = element match {
    case (topic: String, message: String) => of(message).map(event => (topic, event))
    case message: String => of(message)
  }

  private def of(message: String): Iterator[String] = {
    text = message
    at = 0
    broken = false
    val found = new ArrayBuffer[String](1)
    var arrays = 0
    var last = ' ' // of a bracket, a comma, and e for an event
    while (at < text.length) {
      val c = text.charAt(at)
      if (isBlank(c) || c == ',' && arrays == 0) at += 1
      else if (c == '[' || c == ',' || c == ']' && arrays > 0) {
        if (c == ',' && last != 'e' || c == ']' && last == ',') found += ""
        arrays += (if (c == '[') 1 else if (c == ']') -1 else 0)
        last = if (c == ']') 'e' else c
        at += 1
      } else {
        val begin = at
        at = if (c == '{') endOfObject else endOfScrap(arrays > 0)
        found += text.substring(begin, at)
        last = 'e'
      }
    }
    if (found.isEmpty || arrays > 0 && !broken) found += ""
    found.iterator
  }

  /** Where the object that begins here ends. One that doesn't end, or has a line break within a string, ends before the next
    * line that begins with a bracket, if there is one. */
  private def endOfObject: Int = {
    val open = new java.lang.StringBuilder
    val limit = if (broken) nextDocument(text.length) else text.length
    var here = at
    while (here < limit) {
      text.charAt(here) match {
        case '"' =>
          val end = endOfString(here, limit)
          if (end < 0) return cutOff(-end)
          here = end - 1
        case c @ ('{' | '[') => open.append(c)
        case '}' => open.setLength(math.max(0, open.lastIndexOf("{")))
        case ']' =>
          if (open.lastIndexOf("[") < 0) return cutOff(here) // it is the end of the array around
          open.setLength(open.lastIndexOf("["))
        case _ =>
      }
      here += 1
      if (open.length == 0) return here
    }
    cutOff(limit)
  }

  private def cutOff(limit: Int): Int = {
    broken = true
    nextDocument(limit)
  }

  /** The next line before `limit` that begins with a bracket, or `limit`. */
  private def nextDocument(limit: Int): Int = {
    var line = text.indexOf('\n', at)
    while (line >= 0 && line + 1 < limit && text.charAt(line + 1) != '{' && text.charAt(line + 1) != '[')
      line = text.indexOf('\n', line + 1)
    if (line >= 0 && line + 1 < limit) line + 1 else limit
  }

  /** Where the string ends that begins at `from`; as a negative number where it breaks off. */
  private def endOfString(from: Int, limit: Int): Int = {
    var here = from + 1
    while (here < limit) {
      text.charAt(here) match {
        case '"' => return here + 1
        case '\\' => here += 1
        case '\n' => return -here
        case _ =>
      }
      here += 1
    }
    -limit
  }

  /** Where what is no document ends: at the end of its line, and as an element of an array before what follows it. */
  private def endOfScrap(inArray: Boolean): Int = {
    var here = at
    while (here < text.length) {
      val c = text.charAt(here)
      if (c == '\n' || inArray && (c == ',' || c == ']' || c == '{')) return here
      here = if (inArray && c == '"') math.abs(endOfString(here, text.length)) else here + 1
    }
    if (inArray) broken = true
    here
  }

  private def isBlank(c: Char): Boolean = c == ' ' || c == '\t' || c == '\r' || c == '\n' || c == '\u001e'
}
