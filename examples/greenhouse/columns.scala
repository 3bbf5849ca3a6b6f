// A line that gives no row with these is malformed; a reading whose time is from before its window is late.
object Columns {
  val fields = "ts Timestamp, device String, temperature double, humidity double"
  val timeFormat = "yyyy-MM-dd'T'HH:mm:ssZ"
  val isEvent = "ts is not null and device is not null"
  val time = "ts"
}
