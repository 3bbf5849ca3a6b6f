// Which rows are events, and when they happened, is SQL over the fields; a reading from before its window is late.
object Columns {
  val fields = "ts Timestamp, device String, temperature double, humidity double"
  val timeFormat = "yyyy-MM-dd'T'HH:mm:ssZ"
  val isEvent = "ts is not null and device is not null"
  val time = "ts"
}
