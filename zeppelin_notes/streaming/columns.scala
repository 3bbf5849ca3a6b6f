// The fields of an event, which are the columns of the table "measure": edit them for events of another form.
object Columns {
  val fields = "ts Timestamp, id String, loadavg double, cpu double, mem double"
  val timeFormat = "yyyy-MM-dd'T'HH:mm:ssZ"
  // A line that gives no row with these is malformed; an event whose time is from before its window is late.
  val isEvent = "ts is not null and id is not null"
  val time = "ts"
}
