// The fields of an event, which are the columns of the table "measure": edit them for events of another form, and Query with
// them. For events with temp and humid and no time: fields "temp double, humid double", isEvent "temp is not null", time "".
object Columns {
  val fields = {{ event_fields | scala }}
  // How a field of the type Timestamp is written. Times in ISO 8601 and numbers of seconds since 1970 are understood too.
  val timeFormat = "yyyy-MM-dd'T'HH:mm:ssZ"
  // Which rows are events, in SQL; all others are counted as malformed.
  val isEvent = {{ event_condition | scala }}
  // When an event happened, in SQL: "ts", "data.at", "to_timestamp(concat(day, ' ', clock))"; what is from before its window is
  // counted as late. It gives a time, a text in ISO 8601, or a number of seconds or milliseconds since 1970. "" where events
  // have no time: then none is late.
  val time = {{ event_at | scala }}
}
